"""The direction of transfer, cell by cell from the formulas."""

from itertools import combinations, permutations

import numpy as np


def slope(transfer: np.ndarray, logs: list[float]) -> float:
    """Least squares through the origin over unordered pairs."""
    x, y = [], []
    for s, t in combinations(range(len(logs)), 2):
        asymmetry = transfer[s, t] - transfer[t, s]
        if not np.isnan(asymmetry):
            x.append(logs[s] - logs[t])
            y.append(asymmetry)
    return float(np.linalg.lstsq(np.array(x)[:, None], np.array(y), rcond=None)[0][0])


def permutation_p(transfer: np.ndarray, logs: list[float]) -> float:
    """Share of all orders of the shares whose slope is as far from 0."""
    seen = abs(slope(transfer, logs))
    found = [abs(slope(transfer, list(order))) for order in permutations(logs)]
    return float(np.mean([value >= seen - 1e-12 for value in found]))


def high_minus_low(transfer: np.ndarray, logs: list[float]) -> float:
    """Mean from larger to smaller shares less the mean the other way."""
    down, up = [], []
    for s in range(len(logs)):
        for t in range(len(logs)):
            if logs[s] > logs[t]:
                down.append(transfer[s, t])
            if logs[s] < logs[t]:
                up.append(transfer[s, t])
    return float(np.mean(down) - np.mean(up))
