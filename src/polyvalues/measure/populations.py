"""Headline numbers with both items and languages as samples: what other items in other languages would give.

The numbers are those of `polyvalues.measure.overview`; its intervals keep the languages that were read, these do not
(`polyvalues.measure.two_factor`). A language is left out as a source and as a target, of all concepts at once. Concepts
are not a sample: a mean over concepts is a mean over these.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.artifacts import Replicates
from polyvalues.axes import ALL_CONCEPTS, CONCEPT, QUANTITY
from polyvalues.measure.consistency import Pick
from polyvalues.measure.outcomes import ConceptOutcomes, Labels, joint_keys, resample_picked
from polyvalues.measure.two_factor import Over, Series, bootstrap_spread, both_interval
from polyvalues.specs import StatisticsSpec

ACCURACIES: Final = {"within": (0.0, 1.0), "cross": (0.0, 1.0), "transfer": (-1.0, 1.0)}
"""Quantities of accuracies, with their limits."""
COSINES: Final = {"cosine": True, "disattenuated": False, "reliability": True}
"""Quantities of cosines, and whether on Fisher's scale."""

Ends = Sequence[tuple[str, str]]
"""Source and target of each cell."""


@dataclass(frozen=True, eq=False)
class _Concept:
    """The series of one concept, and how many groups or folds are behind it."""

    series: Mapping[str, Series]
    behind: float


def with_languages(
    found: xr.Dataset,
    labels: Labels,
    outcomes: Callable[[], Iterable[ConceptOutcomes]],
    replicates: tuple[Sequence[Replicates], Pick],
    spec: StatisticsSpec,
) -> xr.Dataset:
    """Add intervals over items and languages to the headline numbers.

    Args:
        found: as `overview.tabulate`.
        labels: of the scores.
        outcomes: gives the concepts anew at each call.
        replicates: one per concept, and which layer of them is meant.
        spec: confidence, draws, seed.

    Returns:
        `found` with `both` `[concept, quantity, interval]`; NaN with fewer than 3 languages (for means over pairs of
        languages 4) and for controls.
    """
    languages = tuple(sorted({*labels.sources, *labels.targets}))
    both = xr.full_like(found["value"], np.nan)
    keys = joint_keys(outcomes())
    alone, joint = {}, {}
    for concept in outcomes():
        name = concept.concept
        weights = concept.weights(spec.draws, spec.seed)
        alone[name] = _accuracies(concept, labels, languages, weights)
        shared = keys[name] != name
        drawn = concept.weights(spec.draws, spec.seed, key=keys[name]) if shared else weights
        joint[name] = _accuracies(concept, labels, languages, drawn) if shared else alone[name]
    for name in ACCURACIES:
        for concept, part in alone.items():
            at = {CONCEPT: concept, QUANTITY: name}
            both.loc[at] = _accuracy([part.series[name]], part.behind, found["value"].loc[at].values, name, spec)
        known = [part for part in joint.values() if not np.isnan(part.series[name][0, 0])]
        if known:
            mean = np.mean(np.stack([part.series[name] for part in known]), axis=0)
            at = {CONCEPT: ALL_CONCEPTS, QUANTITY: name}
            least = min(part.behind for part in known)
            both.loc[at] = _accuracy([mean], least, found["value"].loc[at].values, name, spec)
    _cosines(both, found["value"], replicates, languages, keys)
    return found.assign(both=both)


def without_each(values: Float64[np.ndarray, "cell replicate"], ends: Ends, languages: Sequence[str]) -> Series:
    """Mean over the cells that were measured, without each language (row 0: with all), in every replicate.

    The cells are summed in the order of their labels, so that the order of languages changes nothing.
    """
    order = sorted(range(len(ends)), key=lambda at: ends[at])
    values = values[order]
    measured = ~np.isnan(values[:, 0])
    kept = np.array([[True] * len(order), *([tag not in ends[at] for at in order] for tag in languages)], dtype=bool)
    weights = (kept & measured).astype(np.float64)
    there = ~np.isnan(values)
    count = weights @ there.astype(np.float64)
    total = weights @ np.where(there, values, 0.0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _accuracies(concept: ConceptOutcomes, labels: Labels, languages: Sequence[str], weights: np.ndarray) -> _Concept:
    accuracy = resample_picked(concept, labels, weights).accuracy
    transfer = resample_picked(concept, labels, weights, relative=True).accuracy
    own = np.array([[source == target for target in labels.targets] for source in labels.sources])
    series = {}
    for name, (values, cells) in {
        "within": (accuracy, own),
        "cross": (accuracy, ~own),
        "transfer": (transfer, ~own),
    }.items():
        ends = [(labels.sources[source], labels.targets[target]) for source, target in np.argwhere(cells)]
        series[name] = without_each(values[cells], ends, languages)
    return _Concept(series, _effective_groups(concept))


def _effective_groups(concept: ConceptOutcomes) -> float:
    """Number of groups of equal size that would be worth as much, in the language with the fewest."""
    counts = [concept.counts(target).astype(np.float64) for target in concept.targets]
    return min((float(row.sum() ** 2 / (row**2).sum()) for row in counts if row.any()), default=0.0)


def _accuracy(
    strata: Sequence[Series], groups: float, items: Float64[np.ndarray, " interval"], name: str, spec: StatisticsSpec
) -> Float64[np.ndarray, " interval"]:
    if groups <= 1 or any(np.isnan(part[:, 0]).any() for part in strata):
        return np.full(3, np.nan)
    grown = groups / (groups - 1)  # a bootstrap variance is too small by this
    over = Over(lambda values: grown * bootstrap_spread(values), spec.confidence, limits=ACCURACIES[name])
    return both_interval(strata, groups - 1, items, over)
