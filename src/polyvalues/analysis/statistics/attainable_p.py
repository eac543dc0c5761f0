"""What a test could have shown: its smallest possible p, and its power at the effect seen.

    sign flip      2^(1 - n) with n groups
    permutation    p of the strongest association that the values at hand allow, under the same orders
    power          Phi(z - c) + Phi(-z - c),  z the two-sided normal quantile of p, c that of the level; 0 where the
                   smallest possible p is above the level

A test whose smallest possible p lies above the level cannot be significant whatever the data: "no sign" would be said
of something that could not be seen. The power at the effect seen is a function of p and says no more than it; it tells
how often a repetition would be significant if the truth were what was seen.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Float64, Int
from scipy import stats

LEVEL: Final = 0.05


def sign_flip_smallest(groups: Int[np.ndarray, "*cell"]) -> Float64[np.ndarray, "*cell"]:
    """Smallest p that flipping so many groups can give; NaN without any."""
    count = np.asarray(groups, dtype=np.float64)
    return np.asarray(np.where(count > 0, 2.0 ** (1 - np.maximum(count, 1)), np.nan))


def power_seen(
    p: Float[np.ndarray, "*cell"], smallest: Float[np.ndarray, "*cell"], level: float = LEVEL
) -> Float64[np.ndarray, "*cell"]:
    """Power of a two-sided test at the effect seen, from its p; NaN where p is."""
    z, cut = stats.norm.isf(np.asarray(p, dtype=np.float64) / 2), stats.norm.isf(level / 2)
    power = stats.norm.sf(cut - z) + stats.norm.sf(cut + z)
    return np.asarray(np.where(np.isnan(p), np.nan, np.where(smallest > level, 0.0, power)), dtype=np.float64)
