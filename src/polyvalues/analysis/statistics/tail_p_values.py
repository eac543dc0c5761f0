"""Two-sided p-values of outlying values, from a tail estimated where there is data, on plain arrays.

z[i, t] are standardised values of items i in columns t (languages). Nothing is assumed of their law but that its tail
is no heavier, beyond what the data show, than that of a Student t with the same two upper quantiles, and that columns
have tails of one shape. For levels a > b, q(a) and q(b) the upper quantiles of |z| over the cells that are kept:

    r = log q(b) / q(a)                                the steeper the tail, the smaller
    se(r)                                              of groups, below
    nu:     log T(b, nu) / T(a, nu) = r + 1.4 se       T(a, nu) the two-sided quantile of Student's t; infinity at most
    s  =    q(a) / T(a, nu)
    p(z)    2 P(t_nu > |z| / s)

p is the largest over the levels in `LEVELS` that leave at least 6 values beyond q(b) (the first pair of levels: 3),
over all columns together, and over those that leave 12 beyond q(b) in the cell's own column, there with 0.7 se.
So a law whose tail grows heavier further out than a t (a lognormal) is caught by the outer levels. Since r is
estimated, and the p of an extreme value is very steep in it, its upper confidence limit is taken (one-sided, 92 %):
without it 12 to 20 % of columns without any outlier had one under t3, t4 and t6.

    se^2 = sum over groups of (sum of e over the group's cells)^2 / n^2      n cells kept
    e    = ([|z| > q(b)] - b) / (k b) - ([|z| > q(a)] - a) / (k a),   k = log(a / b) / r

is the delta method for two quantiles, the tail index between them being k; values of one item in several columns, and
items of one group, depend on each other, so groups are what is summed. `outliers` takes no part in the tail: cells that
are significant (q <= 0.05 by the first levels, without the 1.4 se) are left out and the tail estimated again, twice;
otherwise a few true outliers would pass for a heavy tail.

There is no smallest p: the tail is extrapolated. What can be seen at all is said by `needed`, the |z| from which a
single outlier is significant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy import stats

from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg

LEVELS: Final = ((0.3, 0.05), (0.15, 0.025), (0.1, 0.02), (0.05, 0.01))
"""Pairs (a, b) of two-sided levels."""

LIMIT: Final = 1.4
"""Standard errors added to r: its one-sided upper confidence limit of 92 %. Half as many in a column of its own."""

LEAST: Final = 60
"""Values in all columns together from which there are p-values."""

_BEYOND: Final = (3, 6, 12)
"""Least values beyond q(b): the first levels, the others, a column of its own."""

_ROUNDS: Final = 2
_LEVEL: Final = 0.05


@dataclass(frozen=True)
class Tail:
    """A Student t with `nu` degrees of freedom, times `scale`."""

    nu: float
    scale: float

    def p(self, z: Float64[np.ndarray, "*cell"]) -> Float64[np.ndarray, "*cell"]:
        """Two-sided p."""
        return np.asarray(2 * stats.t.sf(np.abs(z) / self.scale, self.nu))

    def needed(self, p: float) -> float:
        """The |z| that has this p."""
        return float(self.scale * stats.t.isf(p / 2, self.nu))


@dataclass(frozen=True, eq=False)
class Outlying:
    """What is outlying in several statistics of the same items and columns.

    Attributes:
        p, q: float64 `[statistic, item, column]`, NaN where there is no value or no tail; q over the statistics and
            items of a column (Benjamini-Hochberg).
        needed: float64 `[statistic, column]`, the |z| from which an outlier that is alone has q <= level.
    """

    p: Float64[np.ndarray, "statistic item column"]
    q: Float64[np.ndarray, "statistic item column"]
    needed: Float64[np.ndarray, "statistic column"]


def outlying(
    z: Float64[np.ndarray, "statistic item column"], group: Int64[np.ndarray, " item"], level: float
) -> Outlying:
    """Find outlying values.

    Args:
        z: standardised per statistic and column; NaN where there is none.
        group: of each item, from 0.
        level: of the q-values, for `needed`.
    """
    kept = ~np.isnan(z)
    for _ in range(_ROUNDS):
        first = np.stack([_p(z[at], _pooled(z[at], kept[at], group, 0.0)[:1]) for at in range(len(z))])
        found = np.nan_to_num(_adjusted(first), nan=1.0) > _LEVEL
        kept = ~np.isnan(z) & found
    p, needed = np.full(z.shape, np.nan), np.full((len(z), z.shape[2]), np.nan)
    tests = np.sum(~np.isnan(z), axis=(0, 1))
    for at, values in enumerate(z):
        pooled = _pooled(values, kept[at], group, LIMIT)
        for column in np.flatnonzero(~np.isnan(values).all(axis=0)) if pooled else ():
            mine = [*pooled, *_own(values[:, column], kept[at, :, column], group)]
            p[at, :, column] = _p(values[:, column], mine)
            needed[at, column] = max(tail.needed(level / int(tests[column])) for tail in mine)
    return Outlying(p, _adjusted(p), needed)


def tail_of(
    values: Float64[np.ndarray, " value"], group: Int64[np.ndarray, " value"], levels: tuple[float, float], limit: float
) -> Tail | None:
    """The tail of magnitudes by two levels; None where they have no spread.

    Args:
        values: magnitudes, not negative.
        group: of each, from 0.
        levels: a and b.
        limit: standard errors added to r.
    """
    a, b = levels
    inner, outer = (float(value) for value in np.quantile(values, [1 - a, 1 - b]))
    if not 0 < inner < outer:
        return None
    ratio = float(np.log(outer / inner))
    index = np.log(a / b) / ratio
    size = np.bincount(group)
    beyond = [np.bincount(group[values > cut], minlength=len(size)) for cut in (inner, outer)]
    influence = (beyond[1] - b * size) / (index * b) - (beyond[0] - a * size) / (index * a)
    error = float(np.sqrt(np.sum(influence**2))) / len(values)
    inverse, ratios = _ratios(levels)
    heaviness = float(np.interp(ratio + limit * error, ratios, inverse))
    nu = 1 / heaviness if heaviness > 0 else np.inf
    return Tail(nu, inner / float(stats.t.isf(a / 2, nu)))


def _pooled(
    z: Float64[np.ndarray, "item column"],
    kept: Bool[np.ndarray, "item column"],
    group: Int64[np.ndarray, " item"],
    limit: float,
) -> list[Tail]:
    values, of = np.abs(z[kept]), np.broadcast_to(group[:, None], z.shape)[kept]
    if len(values) < LEAST:
        return []
    least = [_BEYOND[0], *[_BEYOND[1]] * (len(LEVELS) - 1)]
    return _tails(values, of, least, limit)


def _own(
    z: Float64[np.ndarray, " item"], kept: Bool[np.ndarray, " item"], group: Int64[np.ndarray, " item"]
) -> list[Tail]:
    return _tails(np.abs(z[kept]), group[kept], [_BEYOND[2]] * len(LEVELS), LIMIT / 2)


def _tails(
    values: Float64[np.ndarray, " value"], group: Int64[np.ndarray, " value"], least: Sequence[int], limit: float
) -> list[Tail]:
    found = [
        tail_of(values, group, levels, limit)
        for levels, count in zip(LEVELS, least, strict=True)
        if len(values) * levels[1] >= count
    ]
    return [tail for tail in found if tail is not None]


def _p(z: Float64[np.ndarray, "*cell"], tails: Sequence[Tail]) -> Float64[np.ndarray, "*cell"]:
    """The largest p of several tails; NaN without any."""
    return np.max([tail.p(z) for tail in tails], axis=0) if tails else np.full(z.shape, np.nan)


def _adjusted(p: Float64[np.ndarray, "statistic item column"]) -> Float64[np.ndarray, "statistic item column"]:
    return np.stack([benjamini_hochberg(p[:, :, column]) for column in range(p.shape[2])], axis=2)


@cache
def _ratios(levels: tuple[float, float]) -> tuple[Float64[np.ndarray, " grid"], Float64[np.ndarray, " grid"]]:
    """1 / nu from 0 to 2, and log T(b, nu) / T(a, nu), which grows with it."""
    inverse = np.linspace(0.0, 2.0, 401)
    with np.errstate(divide="ignore"):
        nu = 1 / inverse
    a, b = levels
    return inverse, np.log(stats.t.isf(b / 2, nu) / stats.t.isf(a / 2, nu))
