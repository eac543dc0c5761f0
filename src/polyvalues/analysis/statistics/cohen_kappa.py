"""Agreement of two judges beyond chance.

    kappa = (p_o - p_e) / (1 - p_e)          Cohen 1960

p_o: share of answers both judge alike; p_e: the same if they judged independently at their own rates. A score of at
least 1/2 counts as yes. Answers that either cannot tell are left out. Interval: bootstrap over groups.
"""

import numpy as np
from jaxtyping import Float, Float64, Int

from polyvalues.analysis.statistics.bootstrap import GroupCount, bootstrap_interval


def kappa(
    first: Float[np.ndarray, " row"], second: Float[np.ndarray, " row"], weights: Float[np.ndarray, "*resample row"]
) -> Float64[np.ndarray, "*resample"]:
    """Kappa of two judges' scores, under weights of the rows; NaN where both always say the same one thing."""
    known = ~(np.isnan(first) | np.isnan(second))
    a, b = (np.where(known, part >= 0.5, False) for part in (first, second))
    own = weights * known
    total = own.sum(axis=-1)
    total = np.where(total > 0, total, np.nan)
    both, one, other = ((own * part).sum(axis=-1) / total for part in (a == b, a, b))
    chance = one * other + (1 - one) * (1 - other)
    return np.divide(both - chance, 1 - chance, out=np.full(np.shape(chance), np.nan), where=chance < 1)


def kappa_interval(
    first: Float[np.ndarray, " row"],
    second: Float[np.ndarray, " row"],
    group: Int[np.ndarray, " row"],
    weights: Int[np.ndarray, "resample group"],
    confidence: float,
) -> Float64[np.ndarray, " interval"]:
    """Kappa with its interval: estimate, lower, upper."""
    values = kappa(first, second, weights[:, group].astype(np.float64))
    known = ~(np.isnan(first) | np.isnan(second))
    return bootstrap_interval(
        values, GroupCount.of(np.bincount(group[known], minlength=1)), confidence, limits=(-1.0, 1.0)
    )
