"""Kendall's tau with a permutation test, exact for few values, on plain arrays."""

from itertools import permutations as orders
from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy import stats

from polyvalues.analysis.statistics.bootstrap import stable_hash

EXACT: Final = 7

_DRAWS: Final = 9999


def rank_test(
    first: Float64[np.ndarray, " unit"], second: Float64[np.ndarray, " unit"], key: str, seed: int
) -> tuple[float, float, int]:
    """Spearman's rho, its permutation p and the number of units; NaN with fewer than 3 units or without spread."""
    known = ~(np.isnan(first) | np.isnan(second))
    x, y = first[known], second[known]
    count = len(x)
    if count < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan"), float("nan"), count
    ranks = [values - values.mean() for values in (stats.rankdata(x), stats.rankdata(y))]
    size = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    seen = float(ranks[0] @ ranks[1]) / size
    if count <= EXACT:
        order = np.array(list(orders(range(count))))
    else:
        rng = np.random.default_rng([seed, stable_hash(f"multilinguality {key}")])
        order = np.argsort(rng.random((_DRAWS, count)), axis=1)
    drawn = ranks[0] @ ranks[1][order].T / size
    extreme = int((np.abs(drawn) >= abs(seen) - 1e-9).sum())
    return seen, extreme / len(order) if count <= EXACT else (1 + extreme) / (1 + len(order)), count


def rank_smallest(
    first: Float64[np.ndarray, " unit"], second: Float64[np.ndarray, " unit"], key: str, seed: int
) -> float:
    """Smallest p that `rank_test` can give with these ranks, ties and all: that of the same order on both sides."""
    known = ~(np.isnan(first) | np.isnan(second))
    return rank_test(np.sort(first[known]), np.sort(second[known]), key, seed)[1]
