"""Bootstrap intervals over groups, and intervals of means over draws.

Bootstrap. Groups (scenarios, questions) are drawn with replacement, once per concept and for all of its languages, so
that what two languages share is shared in every draw. A resample is a row of multiplicities `[resample, group]`;
**resample 0 is the data itself** (every group once), as replicate 0 of the jackknife is the fit on all folds.

Interval of a quantity x within limits [a, b]: Wilson's (1927) with the effective sample size of the bootstrap. With
the estimate as p = (x - a) / (b - a), V the variance of p over the resamples after 0, and groups of sizes n_g worth
G = (sum n_g)^2 / sum n_g^2 groups of equal size, t the quantile of Student's t with G - 1 degrees of freedom:

    h = t^2 V G / ((G - 1) p (1 - p))
    p_lower, p_upper = (p + h/2 -+ sqrt(h p (1 - p) + h^2/4)) / (1 + h)

V is too small by (G - 1)/G, since deviations are taken from the mean of the same groups. Percentiles of the resamples
have neither of the two corrections, and near a limit they are too short on the side that points away from it. A
quantity without limits has the percentiles, spread about the estimate by t/z sqrt(G/(G - 1)), z the normal quantile.

Cross-fitted. The pairs then depend on each other through the vectors, which drawing groups does not see;
the resamples are spread about the data by `kernels.SHARED`.

No spread. Where every group scores alike the draws all agree, and the percentile interval would claim certainty. All
that is known then is that the share of groups that would score differently is at most u = 1 - (alpha/2)^(1/G)
(Clopper and Pearson 1934, none in G seen). With those groups anywhere within the limits [a, b] of the quantity, the
value `v` lies in [v - u (v - a), v + u (b - v)]: 60 of 60 right gives [0.940, 1]; one group gives [0.025, 1].
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Float64, Int, Int32, Shaped
from scipy import stats

from polyvalues.analysis.statistics.formulas import SHARED

_BLOCK = 1 << 22
"""Most values (cells times resamples) held at once."""
_FEWEST: Final = 0.01
"""Degrees of freedom of a single group; any interval then reaches from limit to limit."""
_ROUNDING: Final = 1e-12
"""Draws that differ by less are alike."""
_LARGEST: Final = 1e12
"""Value of h from which Wilson's interval is as wide as the limits."""


@dataclass(frozen=True, eq=False)
class GroupCount:
    """Number of groups behind each cell.

    Attributes:
        number: groups with pairs.
        effective: number of groups of equal size that are worth as much; at most `number`.
    """

    number: Int[np.ndarray, "*cell"]
    effective: Float64[np.ndarray, "*cell"]

    @classmethod
    def of(cls, counts: Shaped[np.ndarray, " group *cell"]) -> "GroupCount":
        """From the pairs (or their weights) per group; 0 where there are none."""
        sizes = np.asarray(counts, dtype=np.float64)
        squares = (sizes**2).sum(axis=0)
        worth = np.divide(sizes.sum(axis=0) ** 2, squares, out=np.zeros(squares.shape), where=squares > 0)
        return cls(np.asarray((sizes > 0).sum(axis=0)), np.asarray(worth))

    @classmethod
    def stack(cls, parts: Sequence["GroupCount"]) -> "GroupCount":
        """Several counts along a new first axis."""
        return cls(np.stack([part.number for part in parts]), np.stack([part.effective for part in parts]))

    def at(self, where: Any) -> "GroupCount":
        """Counts of some cells, by any index of numpy."""
        return GroupCount(np.asarray(self.number[where]), np.asarray(self.effective[where]))

    def smaller(self, other: "GroupCount") -> "GroupCount":
        """Smaller counts of two, cell by cell."""
        number = np.minimum(self.number, other.number)
        return GroupCount(np.asarray(number), np.asarray(np.minimum(self.effective, other.effective)))

    def least(self) -> "GroupCount":
        """Smallest counts of all cells that have groups; 0 if none has."""
        known = self.number > 0
        if not known.any():
            return GroupCount(np.array(0), np.array(0.0))
        return GroupCount(np.asarray(self.number[known].min()), np.asarray(self.effective[known].min()))


def stable_hash(name: str) -> int:
    """64-bit number that depends on nothing but the text."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def group_weights(key: str, groups: int, draws: int, seed: int) -> Int32[np.ndarray, "resample group"]:
    """How often each group counts in each resample; row 0 is all ones.

    Depends on `key` (the concept's name), the number of groups and the seed only: other concepts and the order or
    number of languages change nothing. More draws leave the first ones as they are.
    """
    rng = np.random.default_rng([seed, stable_hash(key)])
    weights = np.ones((draws + 1, groups), np.int32)
    if groups:
        for row in range(1, draws + 1):
            weights[row] = np.bincount(rng.integers(groups, size=groups), minlength=groups)
    return weights


def group_sums(
    values: Float[np.ndarray, " pair *cell"], group: Int[np.ndarray, " pair"], groups: int
) -> Float[np.ndarray, " group *cell"]:
    """Sums over the pairs of each group; zero for a group without pairs. Keeps the type of `values`."""
    sums = np.zeros((groups, *values.shape[1:]), values.dtype)
    if len(group):
        order = np.argsort(group, kind="stable")
        present, starts = np.unique(group[order], return_index=True)
        sums[present] = np.add.reduceat(values[order], starts, axis=0)
    return sums


def exact_type(bound: float) -> type[np.float32] | type[np.float64]:
    """Narrowest type in which sums of halves up to `bound` are exact, hence independent of their order."""
    return np.float32 if bound < 2**22 else np.float64


def resampled_ratio(
    sums: Float[np.ndarray, "group cell"], counts: Int[np.ndarray, " group"], weights: Int[np.ndarray, "resample group"]
) -> Float64[np.ndarray, "cell resample"]:
    """sum_g w_g sums_g / sum_g w_g counts_g in every resample; NaN where no pair was drawn.

    `sums` are sums of halves, so both are exact and so is the order-independence of the quotient.
    """
    largest = max(float(np.abs(sums).max(initial=0)), float(counts.max(initial=0)))
    kind = exact_type(largest * weights.shape[1])
    above = (sums.T.astype(kind) @ weights.T.astype(kind)).astype(np.float64)
    below = (weights.astype(np.int64) @ counts).astype(np.float64)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def unlike_share(groups: Int[np.ndarray, "*cell"], confidence: float) -> Float64[np.ndarray, "*cell"]:
    """Largest share of groups that may differ from those seen, all `groups` of which were alike."""
    return np.asarray(1 - ((1 - confidence) / 2) ** (1 / np.maximum(groups, 1)))


def widened(
    values: Float64[np.ndarray, "*cell resample"], limits: tuple[float, float] = (0.0, 1.0)
) -> Float64[np.ndarray, "*cell resample"]:
    """Resamples of cross-fitted numbers, spread about the data by `kernels.SHARED`, inside the limits."""
    estimate = values[..., :1]
    return np.clip(estimate + SHARED * (values - estimate), *limits)


def bootstrap_interval(
    values: Float64[np.ndarray, "*cell resample"],
    groups: GroupCount,
    confidence: float,
    limits: tuple[float, float] = (0.0, 1.0),
) -> Float64[np.ndarray, "*cell interval"]:
    """Estimate, lower and upper from resamples (0 is the data itself).

    Args:
        values: the quantity in every resample; NaN where it was not defined there.
        groups: number of groups behind each cell, of any shape that broadcasts to that of the cells.
        confidence: coverage aimed at.
        limits: smallest and largest possible value, both finite or both infinite.
    """
    estimate, draws = np.asarray(values[..., 0]), np.ascontiguousarray(values[..., 1:])
    alike = ~(np.fmax.reduce(draws, axis=-1) - np.fmin.reduce(draws, axis=-1) > _ROUNDING)  # or no draw at all
    degrees = np.maximum(np.broadcast_to(groups.effective, estimate.shape) - 1, _FEWEST)
    reach = stats.t.ppf((1 + confidence) / 2, degrees) * np.sqrt((degrees + 1) / degrees)
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(limits).all():
            lower, upper = _wilson(estimate, np.asarray(reach * _spread(draws)), limits)
        else:
            tail, unit = (1 - confidence) / 2, stats.norm.ppf((1 + confidence) / 2)
            ordered, defined = np.sort(draws, axis=-1), np.asarray((~np.isnan(draws)).sum(axis=-1))  # NaN last
            lower, upper = (
                estimate + reach / unit * (_sorted_quantile(ordered, defined, share) - estimate)
                for share in (tail, 1 - tail)
            )
        share = unlike_share(np.broadcast_to(groups.number, estimate.shape), confidence)
        lower = np.where(alike, estimate - share * (estimate - limits[0]), lower)
        upper = np.where(alike, estimate + share * (limits[1] - estimate), upper)
    return bounded(estimate, lower, upper)


def _wilson(
    estimate: Float64[np.ndarray, "*cell"], reach: Float64[np.ndarray, "*cell"], limits: tuple[float, float]
) -> tuple[Float64[np.ndarray, "*cell"], Float64[np.ndarray, "*cell"]]:
    """Bounds of Wilson's interval within limits; plain ones, cut, for an estimate at a limit or beyond."""
    low, width = limits[0], max(limits[1] - limits[0], _ROUNDING)
    share, reach = (estimate - low) / width, reach / width
    room = share * (1 - share)
    inside = room > 0
    h = np.minimum(np.divide(reach, np.sqrt(np.where(inside, room, 1.0))) ** 2, _LARGEST)
    middle, half = (share + h / 2) / (1 + h), np.sqrt(h * room + h**2 / 4) / (1 + h)
    bounds = (np.where(inside, middle + side * half, np.clip(share + side * reach, 0.0, 1.0)) for side in (-1, 1))
    lower, upper = (np.clip(low + width * bound, *limits) for bound in bounds)
    return np.asarray(lower), np.asarray(upper)


def _spread(draws: Float64[np.ndarray, "*cell draw"]) -> Float64[np.ndarray, "*cell"]:
    """Standard deviation over the draws that are not NaN; 0 for fewer than two.

    A cell's bits do not depend on whether another cell has NaN.
    """
    missing = np.isnan(draws)
    some = bool(missing.any())
    count = np.asarray(draws.shape[-1] - missing.sum(axis=-1))
    mean = (np.where(missing, 0.0, draws) if some else draws).sum(axis=-1) / np.maximum(count, 1)
    apart = draws - mean[..., None]
    if some:
        apart[missing] = 0.0
    squares = np.square(apart, out=apart).sum(axis=-1)
    return np.asarray(np.sqrt(squares / np.maximum(count - 1, 1)))


def _sorted_quantile(
    draws: Float64[np.ndarray, "*cell draw"], defined: Int[np.ndarray, "*cell"], share: float
) -> Float64[np.ndarray, "*cell"]:
    """Linear interpolation between the order statistics of the first `defined` values."""
    position = share * np.maximum(defined - 1, 0)
    low = np.asarray(np.floor(position), dtype=np.int64)
    high = np.asarray(np.minimum(low + 1, np.maximum(defined - 1, 0)))
    below = np.take_along_axis(draws, low[..., None], axis=-1)[..., 0]
    above = np.take_along_axis(draws, high[..., None], axis=-1)[..., 0]
    return np.asarray(below + (position - low) * (above - below))


def bounded(
    estimate: Float[np.ndarray, "*cell"], lower: Float[np.ndarray, "*cell"], upper: Float[np.ndarray, "*cell"]
) -> Float64[np.ndarray, "*cell interval"]:
    """The three along a last axis, the bounds widened to hold the estimate; all NaN where one of them is."""
    result = np.stack([estimate, np.minimum(lower, estimate), np.maximum(upper, estimate)], axis=-1)
    result[np.isnan(result).any(axis=-1)] = np.nan
    return result


def bootstrap_ratio(
    sums: Float[np.ndarray, " group *cell"],
    counts: Int[np.ndarray, " group"],
    weights: Int[np.ndarray, "resample group"],
    confidence: float,
) -> Float64[np.ndarray, "*cell interval"]:
    """Interval of a share (within [0, 1]) from sums and counts per group, block by block of cells."""
    flat = sums.reshape(len(sums), -1)
    result = np.empty((flat.shape[1], 3))
    step = max(1, _BLOCK // len(weights))
    groups = GroupCount.of(counts)
    for start in range(0, flat.shape[1], step):
        block = resampled_ratio(flat[:, start : start + step], counts, weights)
        result[start : start + step] = bootstrap_interval(block, groups, confidence)
    return result.reshape(*sums.shape[1:], 3)


def mean_interval(
    draws: Float64[np.ndarray, "*cell draw"], confidence: float, limits: tuple[float, float]
) -> Float64[np.ndarray, "*cell interval"]:
    """Mean over independent draws with Student's t interval, cut at `limits`; NaN for fewer than two draws."""
    count = draws.shape[-1]
    if count < 2:
        return np.full((*draws.shape[:-1], 3), np.nan)
    mean = np.asarray(draws.mean(axis=-1))
    error = draws.std(axis=-1, ddof=1) / np.sqrt(count)
    reach = stats.t.ppf((1 + confidence) / 2, count - 1) * error
    lower, upper = np.clip(np.stack([mean - reach, mean + reach]), *limits)
    return bounded(mean, np.asarray(lower), np.asarray(upper))
