"""Mantel tests written out pair by pair and order by order."""

from itertools import combinations, permutations

import numpy as np
from scipy import stats


def pairs(matrix: np.ndarray, order: list[int], known: list[tuple[int, int]]) -> list[float]:
    """Entries of a matrix whose languages stand in another order, at the places `known`."""
    return [float(matrix[order[s], order[t]]) for s, t in known]


def correlate(x: list[float], y: list[float], z: list[float] | None) -> float:
    """Pearson, or partial Pearson by residuals."""
    keep = [i for i in range(len(x)) if not np.isnan(x[i])]
    a, b = np.array(x)[keep], np.array(y)[keep]
    if z is not None:
        design = np.stack([np.ones(len(keep)), np.array(z)[keep]], axis=1)
        a, b = (v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (a, b))
    return float(np.corrcoef(a, b)[0, 1])


def mantel(x: np.ndarray, y: np.ndarray, z: np.ndarray | None, method: str) -> tuple[float, float]:
    """Correlation and exact p; no missing values, or missing in whole languages of x only through NaN pairs."""
    count = len(x)
    every = list(combinations(range(count), 2))
    known = [(s, t) for s, t in every if not any(np.isnan(m[s, t]) for m in (x, y, *([] if z is None else [z])))]
    matrices = []
    for matrix in (x, y, *([] if z is None else [z])):
        values = pairs(matrix, list(range(count)), known)
        if method == "spearman":
            values = stats.rankdata(values).tolist()
        full = np.full((count, count), np.nan)
        for (s, t), value in zip(known, values, strict=True):
            full[s, t] = full[t, s] = value
        matrices.append(full)
    fixed = [pairs(matrix, list(range(count)), known) for matrix in matrices[1:]]
    third = fixed[1] if z is not None else None
    seen = correlate(pairs(matrices[0], list(range(count)), known), fixed[0], third)
    drawn = [correlate(pairs(matrices[0], list(order), known), fixed[0], third) for order in permutations(range(count))]
    return seen, float(np.mean([abs(value) >= abs(seen) - 1e-12 for value in drawn]))
