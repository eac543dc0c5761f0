"""The two statistics of divergence for one cell, from the formulas."""

import statistics

import numpy as np


def robust_sd(values: list[float]) -> float:
    """1.4826 times the median absolute deviation."""
    middle = statistics.median(values)
    return 1.4826 * statistics.median([abs(value - middle) for value in values])


def standard(values: list[float]) -> list[float]:
    """Centred and scaled robustly."""
    middle, scale = statistics.median(values), robust_sd(values)
    return [(value - middle) / scale for value in values]


def disagreement(foreign: list[float], own: list[float]) -> list[float]:
    """Scores of one target under the source's and under its own vector."""
    a, b = robust_sd(foreign), robust_sd(own)
    return standard([x / a - y / b for x, y in zip(foreign, own, strict=True)])


def departure(foreign: dict[str, list[float]], target: str) -> list[float]:
    """Scores of all targets under the source's vector, items in one order."""
    scaled = {name: np.array(values) / robust_sd(values) for name, values in foreign.items()}
    others = np.median([values for name, values in scaled.items() if name != target], axis=0)
    return standard((scaled[target] - others).tolist())
