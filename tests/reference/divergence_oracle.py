"""The statistics of divergence and their p-values for one cell, from the formulas."""

import math
import statistics

import numpy as np
from scipy import optimize, stats


def biweight(values: list[float]) -> tuple[float, float]:
    """Tukey's biweight location and scale."""
    middle = statistics.median(values)
    width = 9 * statistics.median([abs(value - middle) for value in values])
    inside = [(value - middle, (value - middle) / width) for value in values if abs(value - middle) < width]
    location = middle + sum(d * (1 - u * u) ** 2 for d, u in inside) / sum((1 - u * u) ** 2 for _, u in inside)
    top = math.sqrt(len(values) * sum(d * d * (1 - u * u) ** 4 for d, u in inside))
    return location, top / abs(sum((1 - u * u) * (1 - 5 * u * u) for _, u in inside))


def standard(values: list[float]) -> list[float]:
    """Centred and scaled robustly."""
    location, scale = biweight(values)
    return [(value - location) / scale for value in values]


def disagreement(foreign: list[float], own: list[float]) -> list[float]:
    """Scores of one target under the source's and under its own vector."""
    a, b = biweight(foreign)[1], biweight(own)[1]
    return standard([x / a - y / b for x, y in zip(foreign, own, strict=True)])


def departure(foreign: dict[str, list[float]], target: str) -> list[float]:
    """Scores of all targets under the source's vector, items in one order."""
    scaled = {name: np.array(values) / biweight(values)[1] for name, values in foreign.items()}
    others = np.median([values for name, values in scaled.items() if name != target], axis=0)
    return standard((scaled[target] - others).tolist())


def tail(values: list[float], group: list[int], a: float, b: float, limit: float) -> tuple[float, float]:
    """Degrees of freedom and scale of a Student t through two quantiles, the ratio raised by standard errors."""
    inner, outer = np.quantile(values, [1 - a, 1 - b])
    ratio = math.log(outer / inner)
    index = math.log(a / b) / ratio
    sums: dict[int, float] = {}
    for value, of in zip(values, group, strict=True):
        far, near = float(value > outer), float(value > inner)
        sums[of] = sums.get(of, 0.0) + (far - b) / (index * b) - (near - a) / (index * a)
    wanted = ratio + limit * math.sqrt(sum(total**2 for total in sums.values())) / len(values)

    def gap(heaviness: float) -> float:
        nu = 1 / heaviness
        return float(np.log(stats.t.isf(b / 2, nu) / stats.t.isf(a / 2, nu))) - wanted

    nu = 1 / float(optimize.root_scalar(gap, bracket=(1e-6, 2.0)).root) if gap(1e-6) < 0 else math.inf
    return nu, float(inner / stats.t.isf(a / 2, nu))
