"""Is one language, or one model, recognised better than another? One paired difference, never two intervals.

    languages   D[t, u]   = A[t, t] - A[u, u]            own vectors, over the groups both languages have
    models      D[s, t]   = A_1[s, t] - A_2[s, t]        over the pairs both studies have

Means over languages of the difference of two models, `within` (own vectors) and `cross` (s != t), have two intervals:
over items, with these languages; and over items and languages, both as samples
(`polyvalues.analysis.statistics.two_factor_bootstrap`).

The same groups are drawn for both sides of a difference (`polyvalues.analysis.statistics.bootstrap`), so what they
share does not widen the interval. p is the exact sign-flip test on the groups' differences
(`polyvalues.analysis.statistics.sign_flip_test`): if the two
sides are alike, each group's difference is as likely positive as negative. Of cross-fitted own vectors p is widened
(`signflip.widen`). q adjusts all cells of one table together
(Benjamini-Hochberg). Each side is at its own chosen layer. Positive: the first one is recognised better.

Two intervals that overlap say nothing about the difference: with paired data it can be certain all the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64

from polyvalues.analysis.scoring.pair_outcomes import ConceptOutcomes, Outcomes, labels_of, strict_outcomes
from polyvalues.analysis.statistics.attainable_p import power_seen, sign_flip_smallest
from polyvalues.analysis.statistics.bootstrap import (
    GroupCount,
    bootstrap_interval,
    group_sums,
    group_weights,
    resampled_ratio,
    widened,
)
from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg, sign_flip_p, widen
from polyvalues.analysis.statistics.two_factor_bootstrap import Series, resampled_interval, without_each
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.artifacts.related_items import common_groups
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONCEPT, INTERVAL, QUANTITY, SOURCE, TARGET
from polyvalues.errors import MeasureError

OTHER = "other"
"""Dimension of the language that is subtracted."""

MEAN_CONCEPT = "mean_concept"
"""Concepts of the means over languages of two models' difference; `all` last."""
MEANS = ("within", "cross")
"""Means over languages of the difference of two models."""

_TEST = "exact sign flip of the groups' paired differences, two-sided"


@dataclass(frozen=True, eq=False)
class _Sums:
    """Right pairs per group, and pairs per group, of any number of cells."""

    right: Float64[np.ndarray, "group cell"]
    pairs: Float64[np.ndarray, " group"]


@dataclass(frozen=True, eq=False)
class _Difference:
    """One difference per cell."""

    interval: Float64[np.ndarray, "cell interval"]
    p: Float64[np.ndarray, " cell"]
    smallest: Float64[np.ndarray, " cell"]
    groups: int


def languages_difference(scores: Sequence[Scores], choices: Sequence[LayerChoice], spec: StatisticsSpec) -> xr.Dataset:
    """Compare the recognition of every two languages, each by its own vector.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.
        spec: confidence, draws, seed.

    Returns:
        `difference` `[concept, target, other, interval]`, accuracy of `target` less that of `other`; `p`, `q`,
        `p_smallest`, `power` `[concept, target, other]` (`analysis.statistics.attainable_p`); `n_groups` int32
        likewise, groups both have.
        0 with p = 1 on the diagonal. NaN where one of the two was not measured or they share no group.

    Raises:
        MeasureError: no scores, a concept without a choice, or a chosen layer that was not read.
    """
    labels = labels_of(scores)
    shape = (len(labels.concepts), len(labels.targets), len(labels.targets))
    values, p, n = np.full((*shape, 3), np.nan), np.full(shape, np.nan), np.zeros(shape, np.int32)
    smallest = p.copy()
    for concept in strict_outcomes(scores, {choice.concept: choice for choice in choices}):
        row = labels.concepts.index(concept.concept)
        weights = concept.weights(spec.draws, spec.seed)
        own = {
            target.target: _own_sums(concept, target) for target in concept.targets if target.target in target.sources
        }
        for first, here in own.items():
            for second, there in own.items():
                at = row, labels.targets.index(first), labels.targets.index(second)
                found = _difference(here, there, weights, spec.confidence, np.array([concept.crossed]))
                values[at], p[at], n[at] = found.interval[0], found.p[0], found.groups
                smallest[at] = found.smallest[0]
                if first == second and found.groups:
                    values[at] = 0.0
    off = ~np.eye(shape[1], dtype=bool)
    q = np.where(off[None], p, np.nan)
    q = np.where(np.triu(off)[None], q, np.nan)  # a difference and its negative are one test
    adjusted = benjamini_hochberg(q)
    adjusted = np.where(np.isnan(adjusted), np.swapaxes(adjusted, 1, 2), adjusted)
    dims = (CONCEPT, TARGET, OTHER)
    return xr.Dataset(
        {
            "difference": ((*dims, INTERVAL), values),
            "p": (dims, p),
            "q": (dims, adjusted),
            "p_smallest": (dims, smallest),
            "power": (dims, power_seen(p, smallest)),
            "n_groups": (dims, n),
        },
        coords={
            CONCEPT: list(labels.concepts),
            TARGET: list(labels.targets),
            OTHER: list(labels.targets),
            INTERVAL: list(BOUNDS),
        },
        attrs=_attrs(int(np.count_nonzero(~np.isnan(q))), spec),
    )


def models_difference(
    first: tuple[Sequence[Scores], Sequence[LayerChoice]],
    second: tuple[Sequence[Scores], Sequence[LayerChoice]],
    spec: StatisticsSpec,
) -> xr.Dataset:
    """Compare two models on the pairs that both studies tested.

    Args:
        first: scores and layer choices of one study.
        second: scores and layer choices of the other.
        spec: confidence, draws, seed.

    Returns:
        `difference` `[concept, source, target, interval]`, accuracy of the first less that of the second; `p`, `q`,
        `p_smallest`, `power` `[concept, source, target]`; `n_groups` int32 `[concept, target]`; `mean` and `both`
        `[mean_concept, quantity, interval]`, its means over languages with the interval over items, and over items and
        languages (NaN with fewer than 3 languages); `mean_concept` ends in `all`. Only concepts,
        sources and targets that both have; NaN where they share no group.

    Raises:
        MeasureError: the studies have no concept, source or target in common, or one of them lacks scores or choices.
    """
    kept = [labels_of(scores) for scores, _ in (first, second)]
    concepts, sources, targets = (
        _shared(getattr(kept[0], name), getattr(kept[1], name), name) for name in ("concepts", "sources", "targets")
    )
    shape = (len(concepts), len(sources), len(targets))
    values, p = np.full((*shape, 3), np.nan), np.full(shape, np.nan)
    smallest, n = p.copy(), np.zeros((shape[0], shape[2]), np.int32)
    studies = [
        {part.concept: part for part in strict_outcomes(scores, {choice.concept: choice for choice in choices})}
        for scores, choices in zip(_regrouped(first[0], second[0]), (first[1], second[1]), strict=True)
    ]
    pairs = [_Pair(concept, studies[0][concept], studies[1][concept], sources, targets) for concept in concepts]
    for row, pair in enumerate(pairs):
        weights = group_weights(pair.concept, len(pair.groups), spec.draws, spec.seed)
        for column, (here, there, own) in enumerate(pair.cells()):
            found = _difference(here, there, weights, spec.confidence, own)
            values[row, :, column], p[row, :, column], n[row, column] = found.interval, found.p, found.groups
            smallest[row, :, column] = found.smallest
    means, both = _means(pairs, spec)
    dims = (CONCEPT, SOURCE, TARGET)
    return xr.Dataset(
        {
            "difference": ((*dims, INTERVAL), values),
            **_tests(p, smallest),
            "n_groups": ((CONCEPT, TARGET), n),
            "mean": ((MEAN_CONCEPT, QUANTITY, INTERVAL), means),
            "both": ((MEAN_CONCEPT, QUANTITY, INTERVAL), both),
        },
        coords={
            CONCEPT: list(concepts),
            SOURCE: list(sources),
            TARGET: list(targets),
            MEAN_CONCEPT: [*concepts, ALL_CONCEPTS],
            QUANTITY: list(MEANS),
            INTERVAL: list(BOUNDS),
        },
        attrs=_attrs(int(np.count_nonzero(~np.isnan(p))), spec),
    )


def _regrouped(first: Sequence[Scores], second: Sequence[Scores]) -> tuple[Sequence[Scores], Sequence[Scores]]:
    """Both studies' scores with groups in common: related items may share a group in one study only."""
    own: list[dict[str, dict[str, str]]] = [{}, {}]
    for found, scores in zip(own, (first, second), strict=True):
        for part in scores:
            items, groups = (part.data[name].values.astype(str).tolist() for name in ("item", "group"))
            places = [f"{part.data.attrs['target']}\0{item}" for item in items]
            found.setdefault(str(part.data.attrs["concept"]), {}).update(zip(places, groups, strict=True))
    common = {name: common_groups(own[0].get(name, {}), own[1].get(name, {})) for name in {**own[0], **own[1]}}

    def renamed(part: Scores) -> Scores:
        names = common[str(part.data.attrs["concept"])]
        group = np.array([names[name] for name in part.data["group"].values.astype(str).tolist()], dtype=str)
        return Scores(part.data.assign_coords(group=("pair", group)))

    return [renamed(part) for part in first], [renamed(part) for part in second]


@dataclass(frozen=True, eq=False)
class _Pair:
    """One concept in two studies, on the axes that both have."""

    concept: str
    first: ConceptOutcomes
    second: ConceptOutcomes
    sources: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of either study."""
        return tuple(sorted({*self.first.groups, *self.second.groups}))

    def cells(self) -> Iterator[tuple[_Sums, _Sums, Bool[np.ndarray, " cell"]]]:
        """By target: sums of both studies, a cell per source, and which cells are widened."""
        groups, sides = self.groups, (self.first, self.second)
        crossed = any(side.crossed for side in sides)
        for name in self.targets:
            here, there = (_common(side, name, groups, self.sources) for side in sides)
            yield here, there, np.full(len(self.sources), crossed)


def _means(pairs: Sequence[_Pair], spec: StatisticsSpec) -> tuple[np.ndarray, np.ndarray]:
    """Means over languages, by concept and over concepts: with the interval over items, and over both."""
    groups = {pair.concept: pair.groups for pair in pairs}
    series: dict[str, list[list[Series]]] = {name: [] for name in MEANS}  # by concept: alone, and drawn jointly
    behind = []
    for pair in pairs:
        joint = min(name for name in groups if groups[name] == groups[pair.concept])
        keys = dict.fromkeys((pair.concept, joint))
        found = [_mean_series(pair, group_weights(key, len(pair.groups), spec.draws, spec.seed)) for key in keys]
        for name in MEANS:
            series[name].append([part[name] for part in found])
        counts = [np.minimum(here.pairs, there.pairs) for here, there, _ in pair.cells()]
        behind.append(GroupCount.of(np.stack(counts, axis=1)).least())
    means, both = (np.full((len(pairs) + 1, len(MEANS), 3), np.nan) for _ in range(2))
    for column, name in enumerate(MEANS):
        known = [at for at, part in enumerate(series[name]) if not np.isnan(part[0][0, 0])]
        rows = [(at, series[name][at][0], behind[at]) for at in known]
        if known:
            joint_mean = np.mean(np.stack([series[name][at][-1] for at in known]), axis=0)
            rows.append((len(pairs), joint_mean, GroupCount.stack([behind[at] for at in known]).least()))
        for at, part, worth in rows:
            items = bootstrap_interval(part[0], worth, spec.confidence, (-1.0, 1.0))
            means[at, column] = items
            both[at, column] = resampled_interval(part, float(worth.effective), items, spec.confidence, (-1.0, 1.0))
    return means, both


def _mean_series(pair: _Pair, weights: np.ndarray) -> dict[str, Series]:
    """Means over own and over foreign cells, without each language and in every resample."""
    languages = tuple(sorted({*pair.sources, *pair.targets}))
    gaps = [_gaps(here, there, weights, own) for here, there, own in pair.cells()]
    cells = np.concatenate(gaps)
    ends = [(source, target) for target in pair.targets for source in pair.sources]
    own = np.array([source == target for source, target in ends])
    return {
        name: without_each(cells[kept], [end for end, there in zip(ends, kept, strict=True) if there], languages)
        for name, kept in (("within", own), ("cross", ~own))
    }


def _gaps(
    here: _Sums, there: _Sums, weights: np.ndarray, crossed: Bool[np.ndarray, " cell"]
) -> Float64[np.ndarray, "cell resample"]:
    """Accuracy of one side less that of the other in every resample, over the groups that both have."""
    both = (here.pairs > 0) & (there.pairs > 0)
    if not both.any():
        return np.full((len(crossed), len(weights)), np.nan)
    drawn = weights[:, both]
    shares = [resampled_ratio(side.right[both], side.pairs[both].astype(np.int64), drawn) for side in (here, there)]
    gaps = shares[0] - shares[1]
    return np.where(crossed[:, None], widened(gaps, (-1.0, 1.0)), gaps)


def _tests(p: np.ndarray, smallest: np.ndarray) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    values = {"p": p, "q": benjamini_hochberg(p), "p_smallest": smallest, "power": power_seen(p, smallest)}
    return {name: ((CONCEPT, SOURCE, TARGET), part) for name, part in values.items()}


def _difference(
    here: _Sums, there: _Sums, weights: np.ndarray, confidence: float, crossed: Bool[np.ndarray, " cell"]
) -> _Difference:
    """Of two sets of sums over the same groups; groups that one of them lacks are left out of both.

    `crossed` marks cells of cross-fitted concepts, whose interval and p are widened.
    """
    both = (here.pairs > 0) & (there.pairs > 0)
    groups = int(both.sum())
    cells = here.right.shape[1]
    if not groups:
        return _Difference(np.full((cells, 3), np.nan), np.full(cells, np.nan), np.full(cells, np.nan), 0)
    behind = GroupCount.of(np.stack([here.pairs[both], there.pairs[both]], axis=1)).least()
    interval = bootstrap_interval(_gaps(here, there, weights, crossed), behind, confidence, (-1.0, 1.0))
    # a group's mean on either side, on a common scale of whole numbers
    scale = np.lcm(here.pairs[both].astype(np.int64), there.pairs[both].astype(np.int64)).astype(np.float64)
    gap = (here.right[both] / here.pairs[both, None] - there.right[both] / there.pairs[both, None]) * scale[:, None]
    reach = sign_flip_smallest(np.full(cells, groups))
    p, least = (np.where(crossed, widen(values), values) for values in (sign_flip_p(gap), reach))
    return _Difference(interval, p, least, groups)


def _own_sums(concept: ConceptOutcomes, target: Outcomes) -> _Sums:
    correct = target.picked_correct()[:, [target.sources.index(target.target)]].astype(np.float64)
    return _Sums(group_sums(correct, target.group, len(concept.groups)), concept.counts(target).astype(np.float64))


def _common(concept: ConceptOutcomes, name: str, groups: tuple[str, ...], sources: tuple[str, ...]) -> _Sums:
    """Sums of one study and target on the axes both studies share; NaN columns where it has no vector of a source."""
    target = next((target for target in concept.targets if target.target == name), None)
    if target is None:
        return _Sums(np.zeros((len(groups), len(sources))), np.zeros(len(groups)))
    where = np.searchsorted(np.array(groups), np.array(concept.groups))
    correct = target.picked_correct().astype(np.float64)
    columns = [
        correct[:, target.sources.index(name)] if name in target.sources else np.full(len(correct), np.nan)
        for name in sources
    ]
    sums = group_sums(np.stack(columns, axis=1), where[target.group], len(groups))
    return _Sums(sums, np.bincount(where[target.group], minlength=len(groups)).astype(np.float64))


def _shared(first: tuple[str, ...], second: tuple[str, ...], what: str) -> tuple[str, ...]:
    common = tuple(name for name in first if name in second)
    if not common:
        raise MeasureError(
            f"the two studies have no {what} in common ({', '.join(first)} and {', '.join(second)}); "
            "compare studies of the same pairs"
        )
    return common


def _attrs(cells: int, spec: StatisticsSpec) -> dict[str, str | float]:
    return {
        "test": _TEST,
        "correction": f"Benjamini-Hochberg over {cells} cells",
        "confidence": spec.confidence,
    }
