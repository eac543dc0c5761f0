"""Headline numbers of a study, per concept and over all concepts, at the chosen layers.

    within          mean over languages of A[t, t]
    cross           mean over s != t of A[s, t]
    random          mean over draws and languages of the accuracy of a random direction
    (`analysis.hypothesis_tests.baseline_check`) permuted        likewise of a label-permuted direction
    transfer        mean over s != t of T[s -> t] = A[s, t] - A[t, t]
    cosine          mean over s != t of the cosine
    disattenuated   mean over s != t of the disattenuated cosine, where it is known
    reliability     mean over languages of the reliability

Languages are drawn jointly: the mean is taken in every resample (or replicate), then the interval. `all` is the mean
over the concepts that have the quantity. Concepts are independent data, drawn independently, except those with
exactly the same groups, which are drawn together (weights of the alphabetically first of them; folds likewise).
Cosine and reliability use Fisher's scale. A cell without spread counts the fewest groups of any language in it. With
a single language `cross`, `transfer`, `cosine` and `disattenuated` are NaN.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.consistency import (
    Pick,
    chosen_pick,
    cosines,
    disattenuated,
    folds_of,
    languages_of,
    layers_of,
    reliabilities,
    take_layer,
)
from polyvalues.analysis.hypothesis_tests.baseline_check import (
    Centre,
    Drawn,
    centre,
    drawn_accuracy,
    mean_of,
    mean_over_strata,
    unmeasured,
    verdict,
)
from polyvalues.analysis.scoring.pair_outcomes import (
    ConceptOutcomes,
    Labels,
    joint_keys,
    labels_of,
    resample_picked,
    strict_outcomes,
)
from polyvalues.analysis.statistics.bootstrap import GroupCount, bootstrap_interval
from polyvalues.analysis.statistics.formulas import ordered_mean
from polyvalues.analysis.statistics.jackknife import Scale, stratified_interval
from polyvalues.artifacts import LayerChoice, Replicates, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONCEPT, CONTROL, CONTROLS, INTERVAL, QUANTITY

COSINES: Final[dict[str, Scale]] = {"cosine": "fisher", "disattenuated": "plain", "reliability": "fisher"}
QUANTITIES: Final = ("within", "cross", *CONTROLS, "transfer", *COSINES)
"""Labels of the dimension `quantity`, in order."""
ACCURACIES: Final = {name: QUANTITIES.index(name) for name in ("within", "cross", "transfer")}
"""Those that are bootstrapped, and their places."""

_LIMITS: Final = {"transfer": (-1.0, 1.0)}


@dataclass(frozen=True, eq=False)
class _Headline:
    """One concept: every bootstrapped quantity in every resample, and the groups behind it."""

    concept: str
    values: Float64[np.ndarray, "quantity resample"]
    joint: Float64[np.ndarray, "quantity resample"]
    groups: tuple[str, ...]
    least: GroupCount


def overview(
    scores: Sequence[Scores], replicates: Sequence[Replicates], choices: Sequence[LayerChoice], spec: StatisticsSpec
) -> xr.Dataset:
    """Headline numbers, strict protocol.

    Args:
        scores: one per concept and target.
        replicates: one per concept.
        choices: one per concept.
        spec: confidence, draws, seed.

    Returns:
        As `Findings.overview`; `quantity` as `QUANTITIES`.

    Raises:
        MeasureError: no scores, or a concept without a choice or its chosen layer.
    """
    by_concept = {choice.concept: choice for choice in choices}

    def outcomes() -> Iterator[ConceptOutcomes]:
        return strict_outcomes(scores, by_concept)

    data = tabulate(labels_of(scores), outcomes, replicates, chosen_pick(choices), spec)
    return data.assign_attrs(protocol="strict")


def tabulate(
    labels: Labels,
    outcomes: Callable[[], Iterable[ConceptOutcomes]],
    replicates: Sequence[Replicates],
    pick: Pick,
    spec: StatisticsSpec,
    *,
    plain: bool = False,
) -> xr.Dataset:
    """Everything in `Findings.overview`; `outcomes` gives the concepts again at each call, `plain` as in `cosines`."""
    headlines = _headlines(labels, outcomes, spec)
    base = _baselines(outcomes, spec)
    names = (*labels.concepts, ALL_CONCEPTS)
    values = np.full((len(names), len(QUANTITIES), 3), np.nan)
    for row, headline in enumerate(headlines):
        values[row, list(ACCURACIES.values())] = _bootstrap(headline.values, headline.least, spec.confidence)
    mean = ordered_mean(np.stack([headline.joint for headline in headlines]))
    least = GroupCount.stack([headline.least for headline in headlines]).least()
    values[-1, list(ACCURACIES.values())] = _bootstrap(mean, least, spec.confidence)
    for column, kind in enumerate(CONTROLS):
        values[:, QUANTITIES.index(kind)] = [part.interval[column] for part in base]
    keys = {headline.concept: _key(headline, headlines) for headline in headlines}
    parts = {str(part.data.attrs["concept"]): part for part in replicates}
    folds = {name: folds_of(part) for name, part in parts.items()}
    for column, (quantity, scale) in enumerate(COSINES.items(), start=len(QUANTITIES) - len(COSINES)):
        series = {
            name: _cosines(part, pick, plain)[quantity] for name, part in parts.items() if name in labels.concepts
        }
        known = {name: part for name, part in series.items() if not np.isnan(part).any()}
        for name, part in known.items():
            values[labels.concepts.index(name), column] = stratified_interval(
                [(part, folds[name])], spec.confidence, scale
            )
        if known:
            values[-1, column] = stratified_interval(_strata(known, keys, folds), spec.confidence, scale)
    return xr.Dataset(
        {
            "value": ((CONCEPT, QUANTITY, INTERVAL), values),
            "baseline_p": ((CONCEPT, CONTROL), np.stack([part.p for part in base])),
            "baseline": ((CONCEPT,), np.array([verdict(part) for part in base])),
        },
        coords={
            CONCEPT: list(names),
            QUANTITY: list(QUANTITIES),
            CONTROL: list(CONTROLS),
            INTERVAL: list(BOUNDS),
        },
        attrs={"confidence": spec.confidence, "layer_numbering": labels.numbering},
    )


def _headlines(
    labels: Labels, outcomes: Callable[[], Iterable[ConceptOutcomes]], spec: StatisticsSpec
) -> list[_Headline]:
    """Each concept's quantities under its own weights, and under those it shares with concepts of the same groups."""
    keys = joint_keys(outcomes())
    headlines = []
    for concept in outcomes():
        values, least = _accuracies(concept, labels, concept.weights(spec.draws, spec.seed))
        joint, key = values, keys[concept.concept]
        if key != concept.concept:
            joint, _ = _accuracies(concept, labels, concept.weights(spec.draws, spec.seed, key=key))
        headlines.append(_Headline(concept.concept, values, joint, concept.groups, least))
    return headlines


def _baselines(outcomes: Callable[[], Iterable[ConceptOutcomes]], spec: StatisticsSpec) -> list[Centre]:
    """Centres of both baselines per concept, then over all concepts."""
    keys = joint_keys(outcomes())
    strata: dict[str, list[Drawn]] = {}
    found = []
    for concept in outcomes():
        groups = len(concept.groups)
        parts = [
            drawn_accuracy(target.picked_control_correct(), target.group, groups)
            for target in concept.targets
            if len(target.group)
        ]
        if parts:
            mean = mean_of(parts)
            strata.setdefault(keys[concept.concept], []).append(mean)
            found.append(centre(mean, spec.confidence))
        else:
            found.append(unmeasured(len(CONTROLS)))
    if not strata:
        return [*found, unmeasured(len(CONTROLS))]
    ordered = [strata[name] for name in sorted(strata)]  # so that the order of concepts changes no bit
    return [*found, centre(mean_over_strata(ordered), spec.confidence)]


def _key(headline: _Headline, headlines: Sequence[_Headline]) -> str:
    return min(other.concept for other in headlines if other.groups == headline.groups)


def _accuracies(
    concept: ConceptOutcomes, labels: Labels, weights: np.ndarray
) -> tuple[Float64[np.ndarray, "quantity resample"], GroupCount]:
    found = resample_picked(concept, labels, weights)
    transfer = resample_picked(concept, labels, weights, relative=True).accuracy
    own = np.array([[source == target for target in labels.targets] for source in labels.sources])
    rows = (
        _mean(found.accuracy[own]),
        _mean(found.accuracy[~own]),
        _mean(transfer[~own]),
    )
    return np.stack(rows), found.groups.least()


def _mean(values: Float64[np.ndarray, "cell resample"]) -> Float64[np.ndarray, " resample"]:
    """Mean over the cells that were measured, in every resample over those that were drawn."""
    measured = values[~np.isnan(values[:, 0])]
    return ordered_mean(measured) if len(measured) else np.full(values.shape[1], np.nan)


def _bootstrap(
    values: Float64[np.ndarray, "quantity resample"], groups: GroupCount, confidence: float
) -> Float64[np.ndarray, "quantity interval"]:
    return np.stack(
        [
            bootstrap_interval(row, groups, confidence, _LIMITS.get(name, (0.0, 1.0)))
            for name, row in zip(ACCURACIES, values, strict=True)
        ]
    )


def _cosines(part: Replicates, pick: Pick, plain: bool) -> dict[str, Float64[np.ndarray, " replicate"]]:
    """The three means in every replicate, at the picked layers; NaN where there is nothing to average."""
    concept, layers = str(part.data.attrs["concept"]), layers_of(part)
    away = ~np.eye(len(languages_of(part)), dtype=bool)
    cosine, reliability = cosines(part, plain=plain), reliabilities(part)
    at = pick(concept, layers, cosine[..., 0])
    series = {
        "cosine": take_layer(cosine, at)[away],
        "disattenuated": take_layer(disattenuated(part), at)[away],
        "reliability": take_layer(reliability, pick(concept, layers, reliability[..., 0])),
    }
    return {
        name: ordered_mean(values[~np.isnan(values).any(axis=1)]) if values.size else np.full(cosine.shape[-1], np.nan)
        for name, values in series.items()
    }


def _strata(
    known: dict[str, np.ndarray], keys: dict[str, str], folds: dict[str, int]
) -> list[tuple[Float64[np.ndarray, " replicate"], int]]:
    """Summands of the mean over concepts: one per set of concepts with the same groups, folds left out jointly."""
    strata: dict[tuple[str, int, int], list[np.ndarray]] = {}
    for name, part in known.items():
        strata.setdefault((keys[name], folds[name], len(part)), []).append(part)
    return [
        (np.sum(np.sort(parts, axis=0), axis=0) / len(known), count) for (_, count, _), parts in sorted(strata.items())
    ]
