"""Headline numbers with both items and languages as samples: what other items in other languages would give.

The numbers are those of `polyvalues.analysis.overview`; its intervals keep the languages that were read, these do not
(`polyvalues.analysis.statistics.two_factor_bootstrap`). A language is left out as a source and as a target, of all
concepts at once. Concepts are not a sample: a mean over concepts is a mean over these.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64

from polyvalues.analysis.consistency import (
    Pick,
    cosines,
    disattenuated,
    folds_of,
    languages_of,
    layers_of,
    reliabilities,
    take_layer,
)
from polyvalues.analysis.scoring.pair_outcomes import ConceptOutcomes, Labels, joint_keys, resample_picked
from polyvalues.analysis.statistics.bootstrap import GroupCount
from polyvalues.analysis.statistics.jackknife import corrected_variance
from polyvalues.analysis.statistics.two_factor_bootstrap import (
    Over,
    Series,
    Stratum,
    both_interval,
    resampled_interval,
    without_each,
)
from polyvalues.artifacts import Replicates
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import ALL_CONCEPTS, CONCEPT, QUANTITY

ACCURACIES: Final = {"within": (0.0, 1.0), "cross": (0.0, 1.0), "transfer": (-1.0, 1.0)}
"""Quantities of accuracies, with their limits."""
COSINES: Final = {"cosine": True, "disattenuated": False, "reliability": True}
"""Quantities of cosines, and whether on Fisher's scale."""


@dataclass(frozen=True, eq=False)
class _Concept:
    """The series of one concept, and how many groups or folds are behind it."""

    series: Mapping[str, Series]
    behind: float


@dataclass(frozen=True, eq=False)
class Cosines:
    """Refitted cosines of every concept.

    Attributes:
        replicates: one per concept.
        pick: which layer of them is meant.
        plain: as in `consistency.cosines`.
    """

    replicates: Sequence[Replicates]
    pick: Pick
    plain: bool = False


def with_languages(
    found: xr.Dataset,
    labels: Labels,
    outcomes: Callable[[], Iterable[ConceptOutcomes]],
    cosines: Cosines,
    spec: StatisticsSpec,
) -> xr.Dataset:
    """Add intervals over items and languages to the headline numbers.

    Args:
        found: as `overview.tabulate`.
        labels: of the scores.
        outcomes: gives the concepts anew at each call.
        cosines: what the means of cosines are taken over.
        spec: confidence, draws, seed.

    Returns:
        `found` with `both` `[concept, quantity, interval]`; NaN with fewer than 3 languages, and for controls.
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
    for name, limits in ACCURACIES.items():
        for concept, part in alone.items():
            at = {CONCEPT: concept, QUANTITY: name}
            items = found["value"].loc[at].values
            both.loc[at] = resampled_interval(part.series[name], part.behind, items, spec.confidence, limits)
        known = [part for part in joint.values() if not np.isnan(part.series[name][0, 0])]
        if known:
            mean = np.mean(np.stack([part.series[name] for part in known]), axis=0)
            at = {CONCEPT: ALL_CONCEPTS, QUANTITY: name}
            least = min(part.behind for part in known)
            items = found["value"].loc[at].values
            both.loc[at] = resampled_interval(mean, least, items, spec.confidence, limits)
    _fill_cosines(both, found["value"], (cosines, keys, languages), spec.confidence)
    return found.assign(both=both)


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
    counts = [concept.counts(target).astype(np.float64) for target in concept.targets]
    return _Concept(series, float(GroupCount.of(np.stack(counts, axis=1)).least().effective))


def _fill_cosines(
    both: xr.DataArray,
    items: xr.DataArray,
    what: tuple[Cosines, Mapping[str, str], Sequence[str]],
    confidence: float,
) -> None:
    """In place: means of cosines and reliabilities, by concept and over concepts."""
    given, keys, languages = what
    parts = {str(part.data.attrs["concept"]): part for part in given.replicates}
    parts = {name: part for name, part in parts.items() if name in keys}
    folds = {name: folds_of(part) for name, part in parts.items()}
    cells = {name: _cosine_series(part, given, languages) for name, part in parts.items()}
    for name, fisher in COSINES.items():
        known = {concept: part[name] for concept, part in cells.items() if not np.isnan(part[name]).any()}
        over = Over(confidence, fisher=fisher, limits=(-1.0, 1.0) if fisher else (-np.inf, np.inf))
        strata: dict[tuple[str, int], list[Series]] = {}
        for concept, series in known.items():
            at = {CONCEPT: concept, QUANTITY: name}
            both.loc[at] = both_interval([_folded(series, folds[concept])], items.loc[at].values, over)
            strata.setdefault((keys[concept], folds[concept]), []).append(series / len(known))
        summed = [_folded(np.sum(strata[key], axis=0), key[1]) for key in sorted(strata)]
        at = {CONCEPT: ALL_CONCEPTS, QUANTITY: name}
        both.loc[at] = both_interval(summed, items.loc[at].values, over)


def _cosine_series(part: Replicates, given: Cosines, languages: Sequence[str]) -> dict[str, Series]:
    concept, layers, names = str(part.data.attrs["concept"]), layers_of(part), languages_of(part)
    away = ~np.eye(len(names), dtype=bool)
    cosine, reliability = cosines(part, plain=given.plain), reliabilities(part)
    at = given.pick(concept, layers, cosine[..., 0])
    pairs = [(names[source], names[target]) for source, target in np.argwhere(away)]
    own = [(name, name) for name in names]
    cells = {
        "cosine": (take_layer(cosine, at)[away], pairs),
        "disattenuated": (take_layer(disattenuated(part), at)[away], pairs),
        "reliability": (take_layer(reliability, given.pick(concept, layers, reliability[..., 0])), own),
    }
    return {name: _whole_cells(values, ends, languages) for name, (values, ends) in cells.items()}


def _whole_cells(
    values: Float64[np.ndarray, "cell replicate"], ends: Sequence[tuple[str, str]], languages: Sequence[str]
) -> Series:
    """Mean over the cells that are known in every replicate, without each language."""
    known: Bool[np.ndarray, " cell"] = np.array(~np.isnan(values).any(axis=1))
    kept = [end for end, there in zip(ends, known, strict=True) if there]
    return (
        without_each(values[known], kept, languages) if kept else np.full((len(languages) + 1, values.shape[1]), np.nan)
    )


def _folded(series: Series, folds: int) -> Stratum:
    return Stratum(series, lambda values: corrected_variance(values, folds), float(folds - 1))
