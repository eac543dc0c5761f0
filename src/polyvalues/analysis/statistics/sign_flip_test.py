"""Exact sign-flip tests over groups, and the control of many of them, on plain arrays.

    S = sum_g u_g,   S* = sum_g e_g u_g with fair coins e_g = +-1,   p = P(|S*| >= |S|)

`u_g` is a group's sum of quantities that are as likely positive as negative when nothing is there, in whole numbers of
`unit` (1/2 for right pairs less one half, and for their differences). All pairs of a group flip together. The law of S*
is exact, from its characteristic function prod_g cos(u_g t) at 2 sum |u_g| + 1 points (error below 1e-12), not from
draws; the smallest p is 2^(1 - n) with n groups that are not 0. Groups that are 0 say nothing; with no others p is 1.

    widen   p of z / SHARED, z the normal quantile of a p-value of cross-fitted pairs (`analysis.statistics.formulas`)

    Benjamini-Hochberg   q_(i) = min_{j >= i} p_(j) m / j   (Benjamini and Hochberg 1995)
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Float64
from scipy import stats

from polyvalues.analysis.statistics.formulas import SHARED

UNIT: Final = 0.5
"""What group sums of pairs are whole multiples of: a pair is right (1), tied (1/2) or wrong (0)."""

_BLOCK: Final = 1 << 21


def widen(p: Float[np.ndarray, "*cell"]) -> Float64[np.ndarray, "*cell"]:
    """Two-sided p of a z-value divided by `SHARED`; 1 stays 1 and NaN stays NaN."""
    return np.asarray(2 * stats.norm.sf(stats.norm.isf(p.astype(np.float64) / 2) / SHARED))


def sign_flip_p(sums: Float[np.ndarray, " group *cell"], unit: float = UNIT) -> Float64[np.ndarray, "*cell"]:
    """Two-sided exact p-value of each cell.

    Args:
        sums: per group and cell, in multiples of `unit`; NaN in a group counts as a group without pairs.
        unit: see above.

    Returns:
        p in (0, 1]; NaN where every group is NaN (nothing was measured).
    """
    cells = sums.shape[1:]
    flat = sums.reshape(len(sums), -1).astype(np.float64)
    known = ~np.isnan(flat)
    steps = np.rint(np.where(known, flat, 0.0) / unit).astype(np.int64)
    p = np.full(flat.shape[1], np.nan)
    for size in np.unique(np.abs(steps).sum(axis=0)):
        columns = np.flatnonzero((np.abs(steps).sum(axis=0) == size) & known.any(axis=0))
        width = max(1, _BLOCK // (2 * int(size) + 1))
        for start in range(0, len(columns), width):
            part = columns[start : start + width]
            p[part] = _tails(steps[:, part], int(size))
    return p.reshape(cells)


def _tails(steps: np.ndarray, size: int) -> Float64[np.ndarray, " cell"]:
    """P(|S*| >= |S|) of columns whose magnitudes add up to `size`."""
    points = 2 * size + 1
    angle = 2 * np.pi * np.arange(points) / points
    magnitude = np.abs(steps)
    law = np.ones((points, steps.shape[1]))
    for value in np.unique(magnitude[magnitude > 0]):
        law *= np.cos(value * angle)[:, None] ** (magnitude == value).sum(axis=0)
    mass = np.fft.fft(law, axis=0).real / points  # index k holds P(S* = k), negative k from the end
    distance = np.minimum(np.arange(points), points - np.arange(points))
    reach = np.abs(steps.sum(axis=0))
    tail = np.where(distance[:, None] >= reach, mass, 0.0).sum(axis=0)
    least = 2.0 ** (1 - np.count_nonzero(steps, axis=0))
    return np.clip(tail, np.minimum(least, 1.0), 1.0)


def benjamini_hochberg(p: Float[np.ndarray, "*cell"]) -> Float64[np.ndarray, "*cell"]:
    """q-values over all cells that were tested; NaN stays NaN and does not count."""
    q = np.full(p.shape, np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        q[tested] = stats.false_discovery_control(p[tested].astype(np.float64), method="bh")
    return q
