"""Does transfer run one way? The *unidirectionality* of transfer, as a tested number.

    x[s, t]        = log10(share_s / share_t)                      training shares, so both sides are antisymmetric
    slope          = sum_{s<t} x asymmetry / sum_{s<t} x^2         asymmetry = T[s -> t] - T[t -> s]
    high_minus_low = mean T[s -> t] over share_s > share_t, minus mean T[s -> t] over share_s < share_t
    gain[t]        = T[s -> t] from the language with the largest share (other than t);  gain_mean[t]: over all s != t

Positive slope: better-resourced languages give more to poorer ones than they get back, so much accuracy per factor of
ten in training data. Intervals: bootstrap over groups, the same groups in all languages; they cover the sampling of
items, with these languages and this model. The test is about languages: `p` is the share of permutations of the shares
over languages with a slope at least as far from 0 (all of them with up to 7 languages, else `permutations` draws,
(1 + b) / (1 + n)), and `p_smallest` the p of an asymmetry that follows the shares exactly: with three languages it is
1/3 or 1/6. `all` is the mean over concepts; concepts with the same groups are drawn together.
"""

from collections.abc import Mapping, Sequence
from itertools import permutations as orders
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.scoring.pair_outcomes import (
    ConceptOutcomes,
    Labels,
    joint_keys,
    labels_of,
    resample_picked,
    strict_outcomes,
)
from polyvalues.analysis.statistics.attainable_p import power_seen
from polyvalues.analysis.statistics.bootstrap import GroupCount, bootstrap_interval, stable_hash
from polyvalues.analysis.statistics.formulas import ordered_mean
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONCEPT, INTERVAL, TARGET
from polyvalues.errors import MeasureError

EXACT: Final = 7
"""With so many languages or fewer all permutations are looked at."""

_TESTED: Final = ("p", "p_smallest", "power")

WORDS: Final = ("gains", "loses", "cannot tell")
"""What a target does with a foreign vector: the whole interval above 0, below 0, or neither."""

NUMBERS: Final = {
    "slope": (-2.0, 2.0),
    "high_to_low": (-1.0, 1.0),
    "low_to_high": (-1.0, 1.0),
    "high_minus_low": (-2.0, 2.0),
}


def direction(
    scores: Sequence[Scores],
    choices: Sequence[LayerChoice],
    shares: Mapping[str, float],
    spec: StatisticsSpec,
    *,
    permutations: int = 9999,
) -> xr.Dataset:
    """Measure and test the direction of transfer.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.
        shares: percent of the training data per language; languages without one are left out.
        spec: confidence, draws, seed.
        permutations: draws of the permutation test.

    Returns:
        `slope`, `high_to_low`, `low_to_high`, `high_minus_low` `[concept, interval]` (`concept` ends in `all`), `p`,
        `p_smallest`, `power` `[concept]` of the slope (`analysis.statistics.attainable_p`); `gain`, `gain_mean`
        `[concept, target, interval]` with words `gain_word` and `gain_mean_word`; `donor` `[target]`, where `gain`
        comes from. attrs: left_out, languages without a share.

    Raises:
        MeasureError: no scores, a concept without a choice, or fewer than three languages with a share.
    """
    labels, by_concept = labels_of(scores), {choice.concept: choice for choice in choices}
    known = _known(labels, shares)
    logs = np.log10([shares[name] for name in known])
    keys = joint_keys(strict_outcomes(scores, by_concept))
    names = (*labels.concepts, ALL_CONCEPTS)
    found = {name: np.full((len(names), 3), np.nan) for name in NUMBERS}
    gains = {name: np.full((len(names), len(known), 3), np.nan) for name in ("gain", "gain_mean")}
    p, joint, least = np.full((2, len(names)), np.nan), [], []  # p and the smallest possible one
    for concept in strict_outcomes(scores, by_concept):
        row = labels.concepts.index(concept.concept)
        transfer, groups = _transfer(concept, labels, known, spec, key=None)
        _fill(found, gains, row, transfer, (logs, groups), spec)
        p[:, row] = _test(transfer[..., 0], logs, concept.concept, permutations, spec.seed)
        key = keys[concept.concept]
        joint.append(transfer if key == concept.concept else _transfer(concept, labels, known, spec, key=key)[0])
        least.append(groups)
    mean = ordered_mean(np.stack(joint))
    _fill(found, gains, len(names) - 1, mean, (logs, GroupCount.stack(least).least()), spec)
    p[:, -1] = _test(mean[..., 0], logs, ALL_CONCEPTS, permutations, spec.seed)
    return xr.Dataset(
        {
            **{name: ((CONCEPT, INTERVAL), values) for name, values in found.items()},
            **{name: ((CONCEPT,), values) for name, values in zip(_TESTED, (*p, power_seen(p[0], p[1])), strict=True)},
            **{name: ((CONCEPT, TARGET, INTERVAL), values) for name, values in gains.items()},
            **{f"{name}_word": ((CONCEPT, TARGET), _words(values)) for name, values in gains.items()},
            "donor": ((TARGET,), np.array([known[_donor(logs, at)] for at in range(len(known))])),
        },
        coords={CONCEPT: list(names), TARGET: list(known), INTERVAL: list(BOUNDS)},
        attrs={
            "left_out": ", ".join(name for name in labels.targets if name not in known),
            "test": "permutation of training shares over languages, two-sided",
            "confidence": spec.confidence,
        },
    )


def _known(labels: Labels, shares: Mapping[str, float]) -> tuple[str, ...]:
    known = tuple(name for name in labels.targets if name in labels.sources and shares.get(name, 0) > 0)
    if len(known) < 3:
        raise MeasureError(
            f"the direction of transfer needs 3 languages with a known training share, not {len(known)} "
            f"({', '.join(known) or 'none'}); name a preset with shares, or leave this analysis out"
        )
    return known


def slope(transfer: Float64[np.ndarray, "source target *cell"], logs: Float64[np.ndarray, " source"]) -> np.ndarray:
    """Slope of the asymmetry on the difference of log shares, through the origin; pairs that are NaN are left out.

    Args:
        transfer: T[s -> t].
        logs: log10 of the shares.
    """
    asymmetry = transfer - np.swapaxes(transfer, 0, 1)
    gap = np.broadcast_to(_expand(logs[:, None] - logs[None], asymmetry.ndim), asymmetry.shape)
    known = ~np.isnan(asymmetry)
    above = np.where(known, gap * np.where(known, asymmetry, 0.0), 0.0).sum(axis=(0, 1))
    below = np.where(known, gap**2, 0.0).sum(axis=(0, 1))
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def _expand(values: np.ndarray, dimensions: int) -> np.ndarray:
    return values.reshape(values.shape + (1,) * (dimensions - 2))


def _test(
    transfer: np.ndarray, logs: np.ndarray, name: str, permutations: int, seed: int
) -> Float64[np.ndarray, " two"]:
    """Two-sided p of the slope under permutations of the shares, and the smallest that there can be."""
    if np.isnan(slope(transfer, logs)):
        return np.full(2, np.nan)
    count = len(logs)
    if count <= EXACT:
        order = np.array(list(orders(range(count))))
    else:
        rng = np.random.default_rng([seed, stable_hash(f"direction {name}")])
        order = np.argsort(rng.random((permutations, count)), axis=1)
    asymmetry = transfer - transfer.T
    known = ~np.isnan(asymmetry)
    exact = logs[:, None] - logs[None]  # what an asymmetry that follows the shares exactly is like
    both = np.stack([np.where(known, values, 0.0) for values in (asymmetry, exact)])
    permuted = np.concatenate([logs[None], logs[order]])  # the shares as they are, then in other orders
    gap = permuted[:, :, None] - permuted[:, None]
    above = np.einsum("nst,kst->kn", gap, both)
    below = np.einsum("nst,st->n", gap**2, known.astype(np.float64))
    slopes = np.divide(above, below, out=np.zeros(above.shape), where=below > 0)
    extreme = np.sum(np.abs(slopes[:, 1:]) >= np.abs(slopes[:, :1]) * (1 - 1e-9), axis=1)
    return extreme / len(order) if count <= EXACT else (1 + extreme) / (1 + len(order))


def _transfer(
    concept: ConceptOutcomes, labels: Labels, known: tuple[str, ...], spec: StatisticsSpec, key: str | None
) -> tuple[Float64[np.ndarray, "known known resample"], GroupCount]:
    """T[s -> t] of the languages with a share, in every resample, and the fewest groups of any of them."""
    found = resample_picked(concept, labels, concept.weights(spec.draws, spec.seed, key=key), relative=True)
    rows = [labels.sources.index(name) for name in known]
    columns = [labels.targets.index(name) for name in known]
    values = found.accuracy[np.ix_(rows, columns)]
    values[np.arange(len(known)), np.arange(len(known))] = np.nan
    return values, found.groups.at(columns).least()


def _fill(
    found: dict[str, np.ndarray],
    gains: dict[str, np.ndarray],
    row: int,
    transfer: np.ndarray,
    base: tuple[np.ndarray, GroupCount],
    spec: StatisticsSpec,
) -> None:
    """Every number of one concept, from transfer in every resample."""
    logs, groups = base
    down = ordered_mean(transfer[logs[:, None] > logs[None]])
    up = ordered_mean(transfer[logs[:, None] < logs[None]])
    series = {"slope": slope(transfer, logs), "high_to_low": down, "low_to_high": up, "high_minus_low": down - up}
    for name, values in series.items():
        found[name][row] = bootstrap_interval(values, groups, spec.confidence, NUMBERS[name])
    count = len(logs)
    donors = np.array([_donor(logs, at) for at in range(count)])
    single = transfer[donors, np.arange(count)]
    mean = np.stack([ordered_mean(np.delete(transfer[:, at], at, axis=0)) for at in range(count)])
    for name, values in (("gain", single), ("gain_mean", mean)):
        gains[name][row] = bootstrap_interval(values, groups, spec.confidence, (-1.0, 1.0))


def _donor(logs: np.ndarray, target: int) -> int:
    """The language with the largest share other than the target (the first of equals)."""
    return int(np.argmax(np.where(np.arange(len(logs)) == target, -np.inf, logs)))


def _words(gains: Float64[np.ndarray, "concept target interval"]) -> np.ndarray:
    lower, upper = gains[..., 1], gains[..., 2]
    return np.where(lower > 0, WORDS[0], np.where(upper < 0, WORDS[1], WORDS[2]))
