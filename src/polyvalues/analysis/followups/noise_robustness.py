"""What noise in the target's texts does to recognition, and at which dose a conclusion changes.

    A[d, s, t]   accuracy on the texts of `t` damaged by dose d, under the vector of `s` fitted on sound texts
    drop[d]      = A[d] - A[0]                        the same groups drawn at both doses
    tau[d]       = Kendall's tau-b between the target languages ordered by A[0, t, t] and by A[d, t, t]
    order_dose   the least dose with tau < ORDER: the order of languages is no longer that of the sound texts
    sign_dose    the least dose at which a conclusion has another sign than at dose 0, one of the two being certain
                 (its interval leaves out 0)

Damage comes from `polyvalues.data.perturbations`; only the targets are damaged, so this is what a bad translation of
the test
texts does. Conclusions: `above_chance` (mean A[t, t] - 1/2 over languages), `transfer` (mean A[s, t] - A[t, t] over s
!= t) and, where training shares are known, `high_minus_low` (as `analysis.hypothesis_tests.transfer_direction`).
Intervals: bootstrap over groups,
the same groups in every language and at every dose, so that at dose 0 tau is 1 and drop 0 in every resample.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.scoring.pair_outcomes import Labels, labels_of, resample_picked, strict_outcomes
from polyvalues.analysis.statistics.bootstrap import GroupCount, bootstrap_interval
from polyvalues.analysis.statistics.formulas import ordered_mean
from polyvalues.analysis.statistics.kendall import kendall_tau
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.errors import MeasureError

KIND: Final = "damage"
DOSE: Final = "dose"
CONCLUSION: Final = "conclusion"

ORDER: Final = 0.8
"""tau below this counts as another order of languages."""

_LIMITS: Final = {"above_chance": (-0.5, 0.5), "transfer": (-1.0, 1.0), "high_minus_low": (-2.0, 2.0)}
CONCLUSIONS: Final = tuple(_LIMITS)

Doses = Mapping[float, Sequence[Scores]]
"""Scores by dose; dose 0 are the sound texts."""


def noise(
    scores: Mapping[str, Doses],
    choices: Sequence[LayerChoice],
    spec: StatisticsSpec,
    *,
    shares: Mapping[str, float] | None = None,
) -> xr.Dataset:
    """Measure the effect of damage.

    Args:
        scores: by kind of damage, then by dose (0 among them); the same concepts, languages and pairs everywhere.
        choices: one per concept, made on sound texts.
        spec: confidence, draws, seed.
        shares: percent of the training data per language, where known.

    Returns:
        `accuracy`, `drop` `[damage, dose, concept, source, target, interval]`; `tau` `[damage, dose, concept,
        interval]`; `value` `[damage, dose, concept, conclusion, interval]`; `order_dose` `[damage, concept]` and
        `sign_dose` `[damage, concept, conclusion]`, NaN if no dose looked at does it.

    Raises:
        MeasureError: no scores, no dose 0, or doses or languages that differ between kinds.
    """
    kinds, doses, labels = _checked(scores)
    by_concept = {choice.concept: choice for choice in choices}
    head = (len(kinds), len(doses), len(labels.concepts))
    accuracy, drop = (np.full((*head, len(labels.sources), len(labels.targets), 3), np.nan) for _ in range(2))
    tau, value = np.full((*head, 3), np.nan), np.full((*head, len(CONCLUSIONS), 3), np.nan)
    for row, kind in enumerate(kinds):
        found = [_resampled(scores[kind][dose], labels, by_concept, spec) for dose in doses]
        for column, concept in np.ndindex(head[1:]):
            (here, groups), (sound, _) = found[column][concept], found[0][concept]
            at, least = (row, column, concept), groups.least()
            accuracy[at] = bootstrap_interval(here, groups, spec.confidence)
            drop[at] = bootstrap_interval(here - sound, groups, spec.confidence, (-1.0, 1.0))
            tau[at] = _interval(kendall_tau(_own(sound, labels), _own(here, labels)), least, spec, (-1.0, 1.0))
            for number, values in enumerate(_conclusions(here, labels, shares or {})):
                value[(*at, number)] = _interval(values, least, spec, _LIMITS[CONCLUSIONS[number]])
    base = (KIND, DOSE, CONCEPT)
    return xr.Dataset(
        {
            "accuracy": ((*base, SOURCE, TARGET, INTERVAL), accuracy),
            "drop": ((*base, SOURCE, TARGET, INTERVAL), drop),
            "tau": ((*base, INTERVAL), tau),
            "value": ((*base, CONCLUSION, INTERVAL), value),
            "order_dose": ((KIND, CONCEPT), _first(np.array(doses), tau[..., 0] < ORDER)),
            "sign_dose": ((KIND, CONCEPT, CONCLUSION), _first(np.array(doses), _turned(value))),
        },
        coords={
            KIND: list(kinds),
            DOSE: list(doses),
            CONCEPT: list(labels.concepts),
            SOURCE: list(labels.sources),
            TARGET: list(labels.targets),
            CONCLUSION: list(CONCLUSIONS),
            INTERVAL: list(BOUNDS),
        },
        attrs={"confidence": spec.confidence, "order": ORDER},
    )


def noise_rows(found: xr.Dataset) -> list[tuple[str, float, float, float, float]]:
    """Kind, dose, and means over concepts: own-language recognition, its change from dose 0, and tau."""
    own = (
        found["value"].sel({CONCLUSION: "above_chance", INTERVAL: "estimate"}).transpose(KIND, DOSE, CONCEPT).values
        + 0.5
    )
    tau = found["tau"].sel({INTERVAL: "estimate"}).transpose(KIND, DOSE, CONCEPT).values
    means = ordered_mean(np.moveaxis(own, 2, 0)), ordered_mean(np.moveaxis(tau, 2, 0))
    return [
        (str(kind), float(dose), float(means[0][k, d]), float(means[0][k, d] - means[0][k, 0]), float(means[1][k, d]))
        for k, kind in enumerate(found[KIND].values)
        for d, dose in enumerate(found[DOSE].values)
    ]


def noise_notes(found: xr.Dataset) -> list[str]:
    """One sentence per kind of damage and concept: from which dose on the order, or a sign, is another one."""
    notes = []
    most = float(found[DOSE].max())
    for kind in found[KIND].values:
        for concept in found[CONCEPT].values:
            cell = found.sel({KIND: kind, CONCEPT: concept})
            order = float(cell["order_dose"])
            said = f"from dose {order:g} on" if np.isfinite(order) else f"at no dose up to {most:g}"
            turned = [
                f"{name} from dose {float(dose):g} on"
                for name, dose in zip(CONCLUSIONS, cell["sign_dose"].values, strict=True)
                if np.isfinite(dose)
            ]
            notes.append(
                f"{concept}, {kind}: the order of languages changes {said} (tau below {found.attrs['order']:g}); "
                + ("signs change: " + ", ".join(turned) if turned else "no conclusion changes its sign")
            )
    return notes


def _checked(scores: Mapping[str, Doses]) -> tuple[tuple[str, ...], tuple[float, ...], Labels]:
    if not scores:
        raise MeasureError("no damage to measure")
    kinds = tuple(scores)
    doses = tuple(sorted(scores[kinds[0]]))
    labels = labels_of(scores[kinds[0]][doses[0]])
    if doses[0] != 0:
        raise MeasureError(f"damage {kinds[0]!r}: dose 0, the sound texts, is missing (there are {doses})")
    for kind in kinds:
        if tuple(sorted(scores[kind])) != doses:
            raise MeasureError(f"damage {kind!r} has doses {tuple(sorted(scores[kind]))}, not {doses}")
        for dose, parts in scores[kind].items():
            own = labels_of(parts)
            if (own.concepts, own.sources, own.targets) != (labels.concepts, labels.sources, labels.targets):
                raise MeasureError(f"damage {kind!r}, dose {dose:g}: other concepts or languages than the sound texts")
    return kinds, doses, labels


def _resampled(
    parts: Sequence[Scores], labels: Labels, choices: Mapping[str, LayerChoice], spec: StatisticsSpec
) -> list[tuple[Float64[np.ndarray, "source target resample"], GroupCount]]:
    """Accuracies in every resample and groups per target, by concept."""
    found = []
    for concept in strict_outcomes(parts, choices):
        picked = resample_picked(concept, labels, concept.weights(spec.draws, spec.seed))
        found.append((picked.accuracy, picked.groups))
    return found


def _own(values: Float64[np.ndarray, "source target resample"], labels: Labels) -> Float64[np.ndarray, "own resample"]:
    return np.stack(
        [values[labels.sources.index(name), at] for at, name in enumerate(labels.targets) if name in labels.sources]
    )


def _conclusions(
    values: Float64[np.ndarray, "source target resample"], labels: Labels, shares: Mapping[str, float]
) -> list[Float64[np.ndarray, " resample"]]:
    """The numbers whose sign is a conclusion, in every resample; NaN where there is nothing to say."""
    own = np.array([[source == target for target in labels.targets] for source in labels.sources])
    nothing = np.full(values.shape[2], np.nan)
    diagonal = np.full(values.shape[1:], np.nan)
    for at, name in enumerate(labels.targets):
        if name in labels.sources:
            diagonal[at] = values[labels.sources.index(name), at]
    transfer = values - diagonal[None]
    source, target = (
        np.array([shares.get(name, np.nan) for name in axis]) for axis in (labels.sources, labels.targets)
    )
    down, up = source[:, None] > target[None], source[:, None] < target[None]
    return [
        ordered_mean(diagonal) - 0.5,
        ordered_mean(transfer[~own]) if (~own).any() else nothing,
        ordered_mean(transfer[down]) - ordered_mean(transfer[up]) if down.any() and up.any() else nothing,
    ]


def _interval(
    values: Float64[np.ndarray, " resample"], groups: GroupCount, spec: StatisticsSpec, limits: tuple[float, float]
) -> Float64[np.ndarray, " interval"]:
    return bootstrap_interval(values, groups, spec.confidence, limits)


def _turned(value: Float64[np.ndarray, "kind dose *rest"]) -> np.ndarray:
    """Where a sign is another one than at dose 0, and one of the two is certain."""
    estimate, certain = value[..., 0], (value[..., 1] > 0) | (value[..., 2] < 0)
    return (np.sign(estimate) * np.sign(estimate[:, :1]) < 0) & (certain | certain[:, :1])


def _first(doses: np.ndarray, happened: np.ndarray) -> np.ndarray:
    """The least dose at which something has happened, along the second axis; NaN if it never does."""
    return np.where(happened.any(axis=1), doses[happened.argmax(axis=1)], np.nan)
