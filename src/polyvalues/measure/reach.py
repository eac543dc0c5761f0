"""What a test could have shown: its smallest possible p, and its power at the effect seen.

    sign flip      2^(1 - n) with n groups that are not 0
    permutation    p of the strongest association that the values at hand allow, under the same orders
    power          Phi(z - c) + Phi(-z - c),  z the two-sided normal quantile of p, c that of the level; 0 where the
                   smallest possible p is above the level

A test whose smallest possible p lies above the level cannot be significant whatever the data: "no sign" would be said
of something that could not be seen. The power at the effect seen is a function of p and says no more than it; it tells
how often a repetition would be significant if the truth were what was seen.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Float64
from scipy import stats

from polyvalues.measure.signflip import UNIT

LEVEL: Final = 0.05


def sign_flip_smallest(sums: Float[np.ndarray, " group *cell"], unit: float = UNIT) -> Float64[np.ndarray, "*cell"]:
    """Smallest p that flipping these groups can give; NaN where every group is NaN.

    Args:
        sums: per group and cell, in multiples of `unit`, as for `signflip.sign_flip_p`.
        unit: see there.
    """
    known = ~np.isnan(sums)
    count = np.sum(known & (np.abs(np.where(known, sums, 0.0)) > unit / 2), axis=0)
    smallest = np.minimum(1.0, 2.0 ** (1.0 - count))
    return np.asarray(np.where(known.any(axis=0), smallest, np.nan), dtype=np.float64)


def power_seen(
    p: Float[np.ndarray, "*cell"], smallest: Float[np.ndarray, "*cell"], level: float = LEVEL
) -> Float64[np.ndarray, "*cell"]:
    """Power of a two-sided test at the effect seen, from its p; NaN where p is."""
    z, cut = stats.norm.isf(np.asarray(p, dtype=np.float64) / 2), stats.norm.isf(level / 2)
    power = stats.norm.sf(cut - z) + stats.norm.sf(cut + z)
    return np.asarray(np.where(np.isnan(p), np.nan, np.where(smallest > level, 0.0, power)), dtype=np.float64)
