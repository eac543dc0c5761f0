"""Which pairs are tested, at which layer: what every analysis of scores starts from.

Strict: pairs of the split `test` at the concept's chosen layer, ties 1/2. Cross-fitted: all pairs, each at the layer
chosen without its fold. Paper: pairs of the split `test`, ties correct, every cell at the layer where it scores best on
those same pairs (the first of equals), which is biased upwards.

`select` pairs never get here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float32, Float64, Int, Int8, Int32, Int64

from polyvalues.analysis.statistics.bootstrap import GroupCount, group_sums, group_weights, resampled_ratio, widened
from polyvalues.analysis.statistics.formulas import Ties, correctness
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.dimensions import LAYER, SOURCE
from polyvalues.errors import MeasureError


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of a set of scores, in order of first appearance; layers ascending."""

    concepts: tuple[str, ...]
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    layers: tuple[int, ...]
    numbering: str


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The tested pairs of one concept and target.

    Attributes:
        target: language of the pairs.
        sources, layers: labels of the axes below.
        item: of each pair.
        group: row of each pair's group among the concept's groups.
        projection: as in `Scores`, of the tested pairs.
        control: as in `Scores`, of the tested pairs.
        ties: what a tie counts.
        picked: position of the layer used for each pair under each source's vector.
        picked_control: likewise for every draw of the controls.
    """

    target: str
    sources: tuple[str, ...]
    layers: tuple[int, ...]
    item: tuple[str, ...]
    group: Int64[np.ndarray, " pair"]
    projection: Float32[np.ndarray, "pair side layer source"]
    control: Int8[np.ndarray, "pair layer control draw"]
    ties: Ties
    picked: Int64[np.ndarray, "pair source"]
    picked_control: Int64[np.ndarray, "pair control draw"]

    def correct(self) -> Float32[np.ndarray, "pair layer source"]:
        """Which pairs each source's vector tells apart at each layer."""
        return correctness(self.projection[:, 0] - self.projection[:, 1], self.ties)

    def picked_sides(self) -> Float32[np.ndarray, "pair side source"]:
        """Projections at the picked layers."""
        return np.take_along_axis(self.projection, self.picked[:, None, None], axis=2)[:, :, 0]

    def picked_correct(self) -> Float32[np.ndarray, "pair source"]:
        """Which pairs each source's vector tells apart at the picked layers."""
        sides = self.picked_sides()
        return correctness(sides[:, 0] - sides[:, 1], self.ties)

    def control_correct(self) -> Float32[np.ndarray, "pair layer control draw"]:
        """Which pairs each control direction tells apart at each layer."""
        return correctness(self.control.astype(np.float32), self.ties)

    def picked_control_correct(self) -> Float32[np.ndarray, "pair control draw"]:
        """Which pairs each control direction tells apart at the picked layers."""
        signs = np.take_along_axis(self.control, self.picked_control[:, None], axis=1)[:, 0]
        return correctness(signs.astype(np.float32), self.ties)


@dataclass(frozen=True, eq=False)
class ConceptOutcomes:
    """All targets of one concept, and the groups they share.

    Attributes:
        concept: the concept.
        groups: group ids of the tested pairs of all languages, sorted.
        targets: one per language that has scores.
        crossed: whether pairs are scored by vectors fitted without their fold.
    """

    concept: str
    groups: tuple[str, ...]
    targets: tuple[Outcomes, ...]
    crossed: bool = False

    def counts(self, target: Outcomes) -> Int[np.ndarray, " group"]:
        """Pairs per group in one language."""
        return np.bincount(target.group, minlength=len(self.groups))

    def weights(self, draws: int, seed: int, *, key: str | None = None) -> Int32[np.ndarray, "resample group"]:
        """Group multiplicities by resample, the same for every language; `key` replaces the concept's name."""
        return group_weights(self.concept if key is None else key, len(self.groups), draws, seed)


def labels_of(scores: Sequence[Scores]) -> Labels:
    """Labels of a set of scores.

    Raises:
        MeasureError: there are none, or they number their layers differently.
    """
    if not scores:
        raise MeasureError("no scores to measure anything on")
    data = [item.data for item in scores]
    numbering = sorted({str(item.attrs["layer_numbering"]) for item in data})
    if len(numbering) > 1:
        raise MeasureError(f"scores with different layer numberings: {', '.join(numbering)}")
    concepts = dict.fromkeys(str(item.attrs["concept"]) for item in data)
    sources = dict.fromkeys(str(name) for item in data for name in item[SOURCE].values)
    targets = dict.fromkeys(str(item.attrs["target"]) for item in data)
    layers = sorted({int(layer) for item in data for layer in item[LAYER].values})
    return Labels(tuple(concepts), tuple(sources), tuple(targets), tuple(layers), numbering[0])


def strict_outcomes(scores: Sequence[Scores], choices: Mapping[str, LayerChoice]) -> Iterator[ConceptOutcomes]:
    """The tested pairs of each concept at its chosen layer, one concept at a time.

    Raises:
        MeasureError: a concept without a choice, or a chosen layer that was not read.
    """
    for concept, parts in _by_concept(scores).items():
        if concept not in choices:
            raise MeasureError(f"concept {concept!r}: no layer was chosen for it")
        yield _concept_outcomes(concept, parts, choices[concept])


def paper_outcomes(scores: Sequence[Scores]) -> Iterator[ConceptOutcomes]:
    """The tested pairs of each concept, every cell at its own best layer, one concept at a time."""
    for concept, parts in _by_concept(scores).items():
        yield _concept_outcomes(concept, parts, None)


def left_out(concept: ConceptOutcomes, out: Callable[[str, str], bool]) -> ConceptOutcomes:
    """A concept without some of its pairs, given by target and item; its groups stay, so that draws stay the same."""
    targets = []
    for target in concept.targets:
        keep = np.array([not out(target.target, item) for item in target.item], dtype=bool)
        targets.append(
            replace(
                target,
                item=tuple(item for item, kept in zip(target.item, keep, strict=True) if kept),
                group=target.group[keep],
                projection=target.projection[keep],
                control=target.control[keep],
                picked=target.picked[keep],
                picked_control=target.picked_control[keep],
            )
        )
    return replace(concept, targets=tuple(targets))


def picked_differences(scores: Scores, choice: LayerChoice) -> xr.Dataset:
    """Score of each tested pair under each source's vector, at the layer used for it.

    Returns:
        `difference` float32 `[pair, source]`, with the coordinates `item` and `group` on `pair`.

    Raises:
        MeasureError: the chosen layer was not read.
    """
    data = scores.data.isel(pair=np.flatnonzero(_tested(scores.data)))
    layers = tuple(int(layer) for layer in data[LAYER].values)
    rows = _chosen_rows(data, layers, data["fold"].values, choice)
    sides = np.take_along_axis(data["projection"].values, rows[:, None, None, None], axis=2)[:, :, 0]
    return xr.Dataset(
        {"difference": (("pair", SOURCE), sides[:, 0] - sides[:, 1])},
        coords={
            SOURCE: [str(name) for name in data[SOURCE].values],
            "item": ("pair", data["item"].values.astype(str)),
            "group": ("pair", data["group"].values.astype(str)),
        },
    )


def joint_keys(concepts: Iterable[ConceptOutcomes]) -> Mapping[str, str]:
    """For a mean over concepts: those with exactly the same groups are drawn together, under the first one's name."""
    groups = {concept.concept: concept.groups for concept in concepts}
    return {name: min(other for other in groups if groups[other] == groups[name]) for name in groups}


def _by_concept(scores: Sequence[Scores]) -> dict[str, list[xr.Dataset]]:
    parts: dict[str, list[xr.Dataset]] = {}
    for item in scores:
        present = parts.setdefault(str(item.data.attrs["concept"]), [])
        if any(other.attrs["target"] == item.data.attrs["target"] for other in present):
            raise MeasureError(
                f"concept {item.data.attrs['concept']!r}, target {item.data.attrs['target']!r}: scored twice"
            )
        present.append(item.data)
    return parts


def _tested(data: xr.Dataset) -> Bool[np.ndarray, " pair"]:
    split = data["split"].values.astype(str)
    return (split == "test") | (split == "cross")


def _concept_outcomes(concept: str, parts: Sequence[xr.Dataset], choice: LayerChoice | None) -> ConceptOutcomes:
    names = [data["group"].values.astype(str)[_tested(data)] for data in parts]
    groups = np.unique(np.concatenate(names))
    targets = tuple(
        _outcomes(data, np.searchsorted(groups, group).astype(np.int64), choice)
        for data, group in zip(parts, names, strict=True)
    )
    return ConceptOutcomes(concept, tuple(map(str, groups)), targets, any("selection" in data for data in parts))


def _outcomes(data: xr.Dataset, group: Int64[np.ndarray, " pair"], choice: LayerChoice | None) -> Outcomes:
    tested = _tested(data)
    ties: Ties = "correct" if choice is None else "half"
    projection = np.ascontiguousarray(data["projection"].values[tested], dtype=np.float32)
    control = np.ascontiguousarray(data["control"].values[tested], dtype=np.int8)
    layers = tuple(int(layer) for layer in data[LAYER].values)
    if choice is None:
        picked = _best(correctness(projection[:, 0] - projection[:, 1], ties))
        picked_control = _best(correctness(control.astype(np.float32), ties))
    else:
        rows = _chosen_rows(data, layers, data["fold"].values[tested], choice)
        picked = np.repeat(rows[:, None], projection.shape[-1], axis=1)
        picked_control = np.broadcast_to(rows[:, None, None], (len(rows), *control.shape[2:]))
    return Outcomes(
        str(data.attrs["target"]),
        tuple(str(name) for name in data[SOURCE].values),
        layers,
        tuple(map(str, data["item"].values[tested])),
        group,
        projection,
        control,
        ties,
        picked,
        picked_control,
    )


def _best(correct: Float32[np.ndarray, " pair layer *cell"]) -> Int64[np.ndarray, " pair *cell"]:
    """The first layer with the most right pairs, for every cell, repeated for every pair."""
    best = correct.sum(axis=0, dtype=np.float64).argmax(axis=0)
    return np.repeat(best[None], len(correct), axis=0)


def _chosen_rows(
    data: xr.Dataset, layers: tuple[int, ...], fold: Int[np.ndarray, " pair"], choice: LayerChoice
) -> Int64[np.ndarray, " pair"]:
    """Position of the chosen layer for each pair."""
    cross = "selection" in data
    wanted = choice.fold_layer[fold] if cross else np.full(len(fold), choice.layer)
    missing = sorted(set(map(int, wanted)) - set(layers))
    if missing:
        raise MeasureError(
            f"concept {choice.concept!r}, target {data.attrs['target']!r}: the chosen layer {missing[0]} was not read "
            f"(layers {layers[0]}..{layers[-1]})"
        )
    positions = {layer: position for position, layer in enumerate(layers)}
    return np.array([positions[int(layer)] for layer in wanted], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Resamples:
    """Accuracies of one concept at the picked layers, in every resample (0 is the data itself).

    Attributes:
        accuracy: NaN where a language was not measured or not drawn.
        groups: groups behind each target.
    """

    accuracy: Float64[np.ndarray, "source target resample"]
    groups: GroupCount


def resample_picked(
    concept: ConceptOutcomes, labels: Labels, weights: Int32[np.ndarray, "resample group"], *, relative: bool = False
) -> Resamples:
    """Accuracies at the picked layers in every resample, on the axes of `labels`.

    Args:
        concept: what to resample.
        labels: axes of the result.
        weights: group multiplicities.
        relative: subtract, pair by pair, what the target's own vector gets right (transfer).
    """
    sources, targets = len(labels.sources), len(labels.targets)
    accuracy = np.full((sources, targets, len(weights)), np.nan)
    groups = np.zeros((targets, len(concept.groups)), np.int64)
    for target in concept.targets:
        column, counts = labels.targets.index(target.target), concept.counts(target)
        rows = [labels.sources.index(name) for name in target.sources]
        correct = target.picked_correct()
        if relative and target.target in target.sources:
            correct = correct - correct[:, [target.sources.index(target.target)]]
        elif relative:
            correct = np.full_like(correct, np.nan)
        sums = group_sums(correct, target.group, len(counts))
        drawn = resampled_ratio(sums, counts, weights)
        accuracy[rows, column] = widened(drawn, (-1.0 if relative else 0.0, 1.0)) if concept.crossed else drawn
        groups[column] = counts
    return Resamples(accuracy, GroupCount.of(groups.T))
