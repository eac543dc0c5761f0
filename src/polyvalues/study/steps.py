"""Steps of the method on objects in memory: fit vectors, measure recognition, transfer and consistency."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.consistency import block
from polyvalues.analysis.scoring.projection import project, unit_vectors
from polyvalues.analysis.statistics.bootstrap import (
    GroupCount,
    bootstrap_interval,
    group_sums,
    group_weights,
    resampled_ratio,
)
from polyvalues.analysis.statistics.formulas import correctness
from polyvalues.artifacts import Activations, Moments, PairSet, TextTable
from polyvalues.config import CheckSpec, ReadingSpec, SplitSpec, StatisticsSpec, VectorSpec, build
from polyvalues.data.phrases import neutral
from polyvalues.data.splits import split_pairs
from polyvalues.data.text_table import text_table
from polyvalues.data.validation import check_pairs
from polyvalues.dimensions import BOUNDS, CONCEPT, HIDDEN, INTERVAL, LAYER, SOURCE, TARGET, Position
from polyvalues.errors import MeasureError, PairsError, SpecError
from polyvalues.models.extraction import record
from polyvalues.models.language_model import LanguageModel
from polyvalues.models.residual_norms import residual_lengths
from polyvalues.steering.steering_vectors import SteeringVectors
from polyvalues.study.vectors_to_steer import labelled_vectors
from polyvalues.study.work_units import Unit, read_unit
from polyvalues.vectors.fit import fit_vectors as fit_concept
from polyvalues.vectors.leave_fold_out import replicates

Inputs = Mapping[str, Moments | Activations]


def fit_vectors(
    model: LanguageModel,
    pairs: PairSet,
    *,
    estimator: str = "mean-difference",
    layers: Sequence[int] | None = None,
    position: Position = "last",
) -> SteeringVectors:
    """Fit a vector of every concept, in every language and at every layer, from hidden states of pairs.

    Args:
        model: the model whose hidden states are read.
        pairs: all of them are fitted on; where they have been split (`split_pairs`), those of the splits `fit` and
            `cross`. Pairs that cannot be used (a blank side, two equal sides) are left out with a warning in the log.
        estimator: `"mean-difference"`, `"pca"`, `"lda"`, `"logistic"` or `"leace"`.
        layers: 0-based decoder blocks; None: all of them.
        position: where a text is read, `"last"` or `"mean"`.

    Returns:
        The vectors, float32 `[concept, source, layer, hidden]`, which point to the side that upholds the value, with
        the mean length of hidden states at each layer, the unit of steering strengths.

    Raises:
        PairsError: no pair can be used.
        VectorError: too few pairs for the estimator, or a vector without length.
        SpecError: an unknown estimator, or a block that the model does not have.
        ReadingError: a text cannot be read.

    Example:
        >>> import polyvalues as pv
        >>> model = pv.LanguageModel.load("babel")
        >>> row = {"concept": "honesty", "language": "en", "item": "1"}
        >>> pairs = pv.PairSet.from_dicts([row | {"positive": "She told the truth.", "negative": "She lied."}])
        >>> pv.fit_vectors(model, pairs, layers=[3, 5]).layers
        (3, 5)

    References:
        Xu et al. (2024), section 3.1; mean difference: Marks and Tegmark (2023).
    """
    spec, reading = _settings(estimator, layers, position, control_draws=2)  # there are no baselines here
    fitted = _placed(pairs, {"fit", "cross"}, "fit")
    vectors = {
        concept: fit_concept(_read(model, fitted, concept, spec, reading, folds=1), spec) for concept in fitted.concepts
    }
    texts = [text for own in neutral(fitted.languages).values() for text in own]
    norm = xr.DataArray(residual_lengths(model, texts).norm, dims=LAYER, coords={LAYER: list(range(model.n_layers))})
    how = {"position": position, "estimator": estimator}
    return labelled_vectors(vectors, norm, model.description, how)


def recognition(
    model: LanguageModel, vectors: SteeringVectors, pairs: PairSet, *, confidence: float = 0.95, seed: int = 0
) -> xr.DataArray:
    """Share of unseen pairs that a language's own vector tells apart, at every layer.

    Args:
        model: the model the vectors were fitted on.
        vectors: from `fit_vectors` or a study.
        pairs: pairs that the vectors were not fitted on; where they have been split, those of the split `test`.
        confidence: coverage of the intervals.
        seed: of the bootstrap over groups.

    Returns:
        float64 `[concept, target, layer, interval]` in 0..1 (0.5: chance), `interval` being `estimate`, `lower` and
        `upper`. NaN where the pairs lack a concept in a language or there is no vector. Every layer is given, none is
        chosen: the best of them is too good by the luck of the choice.

    Raises:
        MeasureError: vectors and pairs share no concept and language.
        SteeringError: the vectors are of another model.

    Example:
        >>> import polyvalues as pv
        >>> model = pv.LanguageModel.load("babel")
        >>> row = {"concept": "honesty", "language": "en"}
        >>> one = row | {"item": "1", "positive": "She told the truth.", "negative": "She lied."}
        >>> two = row | {"item": "2", "positive": "He said what was true.", "negative": "He told a lie."}
        >>> vectors = pv.fit_vectors(model, pv.PairSet.from_dicts([one]))
        >>> pv.recognition(model, vectors, pv.PairSet.from_dicts([two])).dims
        ('concept', 'target', 'layer', 'interval')

    References:
        Xu et al. (2024), section 3.2.
    """
    own = _accuracies(model, vectors, pairs, (confidence, seed), relative=False)
    parts = [own.sel({SOURCE: tag, TARGET: tag}).drop_vars([SOURCE, TARGET]) for tag in own[TARGET].values]
    names = xr.DataArray(own[TARGET].values, dims=TARGET, name=TARGET)
    found = xr.concat(parts, names).transpose(CONCEPT, TARGET, LAYER, INTERVAL)
    return found.rename("recognition").assign_attrs(own.attrs)


def transfer(
    model: LanguageModel, vectors: SteeringVectors, pairs: PairSet, *, confidence: float = 0.95, seed: int = 0
) -> xr.DataArray:
    """What a vector from one language is worth in another: its accuracy less that of the language's own vector.

    Args:
        model: as in `recognition`.
        vectors: as in `recognition`.
        pairs: as in `recognition`.
        confidence: as in `recognition`.
        seed: as in `recognition`.

    Returns:
        float64 `[concept, source, target, layer, interval]` in -1..1; positive: the foreign vector does better. Both
        accuracies are of the same pairs, and differences are taken pair by pair. The diagonal is 0 by definition.

    Raises:
        MeasureError: as in `recognition`.
        SteeringError: as in `recognition`.

    Example:
        >>> import polyvalues as pv
        >>> model = pv.LanguageModel.load("babel")
        >>> row = {"concept": "honesty", "language": "en", "item": "1"}
        >>> pairs = pv.PairSet.from_dicts([row | {"positive": "She told the truth.", "negative": "She lied."}])
        >>> found = pv.transfer(model, pv.fit_vectors(model, pairs), pairs)
        >>> float(found.sel(source="en", target="en", layer=3, interval="estimate").item())
        0.0

    References:
        Xu et al. (2024), section 3.4.
    """
    found = _accuracies(model, vectors, pairs, (confidence, seed), relative=True)
    same = found[SOURCE] == found[TARGET]
    return found.where(~same | found.isnull(), 0.0).rename("transfer")


def consistency(
    model: LanguageModel,
    pairs: PairSet,
    *,
    estimator: str = "mean-difference",
    layers: Sequence[int] | None = None,
    position: Position = "last",
    confidence: float = 0.95,
) -> xr.Dataset:
    """Cosines between the vectors of two languages, without the noise that translations of an item share.

    Args:
        model: the model whose hidden states are read.
        pairs: translations of one pair share `item`; at least as many groups as folds (10), in every language.
        estimator: as in `fit_vectors`.
        layers: as in `fit_vectors`.
        position: as in `fit_vectors`.
        confidence: coverage of the intervals.

    Returns:
        float64 `cosine` and `disattenuated` `[concept, source, target, layer, interval]` in -1..1 (`disattenuated`:
        what it would be without noise; may pass 1), `reliability` `[concept, source, layer, interval]`. NaN where a
        vector is too noisy. Intervals are jackknifed over folds.

    Raises:
        PairsError: fewer groups than folds, or no pair can be used.
        VectorError: as in `fit_vectors`.

    Example:
        >>> import polyvalues as pv
        >>> model = pv.LanguageModel.load("babel")
        >>> texts = {"en": ("{} is kind.", "{} is cruel."), "fi": ("{} on kiltti.", "{} on julma.")}
        >>> pairs = pv.PairSet.from_dicts(
        ...     {"concept": "care", "language": tag, "item": str(i), "positive": a.format(i), "negative": b.format(i)}
        ...     for tag, (a, b) in texts.items() for i in range(20)
        ... )
        >>> sorted(pv.consistency(model, pairs, layers=[5]).data_vars)
        ['cosine', 'disattenuated', 'reliability']

    References:
        Xu et al. (2024), section 3.3; the estimate without shared noise: docs/statistics.md.
    """
    spec, reading = _settings(estimator, layers, position)
    split = SplitSpec(mode="cross")
    checked = _checked(pairs)
    placed = split_pairs(checked, split)
    parts = []
    for concept in placed.concepts:
        inputs = _read(model, placed, concept, spec, reading, folds=split.folds)
        found = block(replicates(inputs, fit_concept(inputs, spec), spec), StatisticsSpec(confidence=confidence))
        dims, tags = (SOURCE, TARGET, LAYER, INTERVAL), list(inputs)
        data = {"cosine": (dims, found.cosine), "disattenuated": (dims, found.disattenuated)}
        blocks = list(reading.layers or range(model.n_layers))
        coords = {SOURCE: tags, TARGET: tags, LAYER: blocks, INTERVAL: list(BOUNDS)}
        parts.append(xr.Dataset({**data, "reliability": ((SOURCE, LAYER, INTERVAL), found.reliability)}, coords))
    names = xr.DataArray(list(placed.concepts), dims=CONCEPT, name=CONCEPT)
    return xr.concat(parts, names, join="outer").assign_attrs(confidence=confidence, estimator=estimator)


# --- what is read ----------------------------------------------------------------------------------------------------


def _settings(
    estimator: str, layers: Sequence[int] | None, position: str, **more: Any
) -> tuple[VectorSpec, ReadingSpec]:
    given: dict[str, Any] = {"position": position}
    if layers is not None:
        given["layers"] = sorted(set(layers))
    return build(VectorSpec, {"estimator": estimator, **more}), build(ReadingSpec, given)


def _checked(pairs: PairSet) -> PairSet:
    if "split" in pairs.table.column_names:
        raise PairsError("these pairs have been split already; give pairs without the columns 'split' and 'fold'")
    return check_pairs(pairs, CheckSpec(align=False))


def _placed(pairs: PairSet, splits: set[str], split: str) -> PairSet:
    """Pairs of some splits, all in one fold; pairs that have not been split are taken whole.

    Raises:
        PairsError: there are none.
    """
    table = pairs.table
    if "split" in table.column_names:
        chosen = [name in splits for name in table["split"].to_pylist()]
        table = table.filter(pa.array(chosen)).drop_columns(["split", "fold"])
        if not table.num_rows:
            raise PairsError(f"no pair in the splits {', '.join(sorted(splits))}")
    checked = _checked(PairSet(table, pairs.drops, pairs.notes))
    rows = checked.table.num_rows
    placed = checked.table.append_column("split", pa.array([split] * rows)).append_column(
        "fold", pa.array(np.zeros(rows, np.int32))
    )
    return PairSet(placed, checked.drops, checked.notes)


def _read(
    model: LanguageModel, pairs: PairSet, concept: str, spec: VectorSpec, reading: ReadingSpec, *, folds: int
) -> Inputs:
    """What the vectors of a concept are fitted from, by language."""
    kind = "moments" if spec.estimator == "mean-difference" else "activations"
    blocks = reading.layers or tuple(range(model.n_layers))
    if blocks[-1] >= model.n_layers:
        raise SpecError(f"layer {blocks[-1]} is not in the model, whose blocks are 0 to {model.n_layers - 1}")
    return {
        table.language: _unit(
            model, Unit(kind, table, reading, "strict", blocks, folds, spec.baseline_draws, spec.seed)
        )
        for table in _tables(pairs, concept, ("fit", "cross"))
    }


def _unit(model: LanguageModel, unit: Unit) -> Moments | Activations:
    made = read_unit(model, unit, lambda _: None)
    assert isinstance(made, Moments | Activations)
    return made


def _tables(pairs: PairSet, concept: str, splits: Sequence[str]) -> Iterator[TextTable]:
    for language, count in pairs.counts()[concept].items():
        if count:
            yield text_table(pairs, concept, language, splits)


# --- what is measured ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Scored:
    """Correctness of the pairs of one concept and language, under the vectors of every language."""

    correct: Float64[np.ndarray, "pair source layer"]
    group: np.ndarray


def _accuracies(
    model: LanguageModel, vectors: SteeringVectors, pairs: PairSet, how: tuple[float, int], *, relative: bool
) -> xr.DataArray:
    """Accuracy of every vector in every language; `relative`: less that of the language's own vector."""
    vectors.check(model)
    tested = _placed(pairs, {"test"}, "test")
    concepts = [name for name in vectors.concepts if name in tested.concepts]
    targets = [tag for tag in tested.languages if tag in vectors.sources]
    if not concepts or not targets:
        raise MeasureError(
            f"the vectors are of {', '.join(vectors.concepts)} in {', '.join(vectors.sources)}, the pairs of "
            f"{', '.join(tested.concepts)} in {', '.join(tested.languages)}: no concept and language is in both"
        )
    sources = list(vectors.sources)
    values = np.full((len(concepts), len(sources), len(targets), len(vectors.layers), 3), np.nan)
    for row, concept in enumerate(concepts):
        own = tested.counts()[concept]
        groups: dict[str, int] = {}
        scored = {
            tag: _scored(model, vectors, text_table(tested, concept, tag, ("test",)), groups)
            for tag in targets
            if own.get(tag)
        }
        weights = group_weights(concept, len(groups), StatisticsSpec().draws, how[1])
        for tag, part in scored.items():
            correct = part.correct - part.correct[:, [sources.index(tag)]] if relative else part.correct
            cell = _interval(correct, part.group, weights, (how[0], relative))
            values[row, :, targets.index(tag)] = cell
    return xr.DataArray(
        values,
        dims=(CONCEPT, SOURCE, TARGET, LAYER, INTERVAL),
        coords={
            CONCEPT: concepts, SOURCE: sources, TARGET: targets, LAYER: list(vectors.layers), INTERVAL: list(BOUNDS)
        },
        attrs={"confidence": how[0], "seed": how[1]},
    )  # fmt: skip


def _interval(
    correct: Float64[np.ndarray, "pair source layer"],
    group: np.ndarray,
    weights: np.ndarray,
    how: tuple[float, bool],
) -> Float64[np.ndarray, "source layer interval"]:
    size = weights.shape[1]
    counts = np.bincount(group, minlength=size)
    sums = group_sums(correct, group, size)
    limits = (-1.0, 1.0) if how[1] else (0.0, 1.0)
    cells = [
        bootstrap_interval(resampled_ratio(sums[:, source], counts, weights), GroupCount.of(counts), how[0], limits)
        for source in range(correct.shape[1])
    ]
    return np.stack(cells)


def _scored(model: LanguageModel, vectors: SteeringVectors, table: TextTable, groups: dict[str, int]) -> _Scored:
    """Every pair under every source's vector at every layer; NaN where a language has no vector of the concept."""
    data = vectors.data.sel({CONCEPT: table.concept}).transpose(SOURCE, LAYER, HIDDEN, ...)
    turned = -1.0 if bool(data["flipped"]) else 1.0
    position: Position = "mean" if vectors.data.attrs.get("position") == "mean" else "last"
    reading = ReadingSpec(layers=tuple(vectors.layers), position=position)
    known = np.asarray(~np.isnan(data["vector"].values).any(axis=(1, 2)))
    units = unit_vectors(turned * data["vector"].values[known].astype(np.float64), lambda at: f"vector {at}")
    raw = np.empty((len(vectors.layers), len(table.texts), int(known.sum())))
    for part in record(model, table.texts, reading):
        for layer, states in enumerate(part.states):
            raw[layer, part.index] = project(states, units[:, layer], f"concept {table.concept!r}, layer {layer}")
    difference = np.full((len(table.index), len(known), len(vectors.layers)), np.nan)
    scores = raw[:, table.index[:, 0]] - raw[:, table.index[:, 1]]
    difference[:, known] = np.moveaxis(scores, 0, 2)
    rows = [groups.setdefault(str(name), len(groups)) for name in table.group]
    return _Scored(correctness(difference).astype(np.float64), np.array(rows))
