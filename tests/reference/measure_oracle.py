"""Slow literal versions of the statistics, from the formulas, with plain loops and fractions.

They share nothing with the package but the group multiplicities, which are an input here.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import xarray as xr
from scipy import stats


def correct(positive: float, negative: float, *, ties: float = 0.5) -> Fraction:
    if float(positive) > float(negative):
        return Fraction(1)
    return Fraction(ties) if float(positive) == float(negative) else Fraction(0)


def tested_rows(data: xr.Dataset) -> list[int]:
    return [row for row, split in enumerate(data["split"].values) if split in ("test", "cross")]


def accuracy(data: xr.Dataset, source: str, layer: int, weight: dict[str, int], *, ties: float = 0.5) -> Fraction:
    """Mean over tested pairs, each as often as its group was drawn."""
    total, count = Fraction(0), 0
    values = data["projection"].sel(source=source, layer=layer).values
    for row in tested_rows(data):
        times = weight[str(data["group"].values[row])]
        total += times * correct(values[row, 0], values[row, 1], ties=ties)
        count += times
    return total / count


def control_accuracy(data: xr.Dataset, control: str, layer: int, weight: dict[str, int]) -> Fraction:
    values = data["control"].sel(control_kind=control, layer=layer).values
    draws = []
    for draw in range(values.shape[1]):
        total, count = Fraction(0), 0
        for row in tested_rows(data):
            times = weight[str(data["group"].values[row])]
            total += times * correct(values[row, draw], 0)
            count += times
        draws.append(total / count)
    return sum(draws, Fraction(0)) / len(draws)


def transfer(data: xr.Dataset, source: str, layer: int, weight: dict[str, int]) -> Fraction:
    there, own = (accuracy(data, name, layer, weight) for name in (source, data.attrs["target"]))
    return there - own


def auroc(data: xr.Dataset, source: str, layer: int, weight: dict[str, int]) -> Fraction:
    values = data["projection"].sel(source=source, layer=layer).values
    wins, total = Fraction(0), 0
    for i in tested_rows(data):
        for j in tested_rows(data):
            times = weight[str(data["group"].values[i])] * weight[str(data["group"].values[j])]
            wins += times * correct(values[i, 0], values[j, 1])
            total += times
    return wins / total


def weightings(groups: list[str], weights: np.ndarray) -> list[dict[str, int]]:
    return [dict(zip(groups, map(int, row), strict=True)) for row in weights]


def effective_groups(*data: xr.Dataset) -> float:
    """Number of groups of equal size that are worth as much, in the language with the fewest."""
    worth = []
    for part in data:
        sizes: dict[str, int] = {}
        for row in tested_rows(part):
            name = str(part["group"].values[row])
            sizes[name] = sizes.get(name, 0) + 1
        worth.append(Fraction(sum(sizes.values()) ** 2, sum(size**2 for size in sizes.values())))
    return float(min(worth))


def interval(
    values: Sequence[Fraction], confidence: float, groups: float, limits: tuple[int, int] = (0, 1)
) -> tuple[float, float, float]:
    """Estimate (first value) and bounds x with |x - estimate| = t sd(x), by bisection; the rest must have spread.

    sd(x) is that of the resamples, larger by the root of G / (G - 1), and changes with x as that of a share does.
    """
    estimate, draws = float(values[0]), [float(value) for value in values[1:]]
    low, high = limits
    mean = sum(draws) / len(draws)
    variance = sum((draw - mean) ** 2 for draw in draws) / (len(draws) - 1) * groups / (groups - 1)
    assert variance > 0
    assert low < estimate < high
    t = float(stats.t.ppf((1 + confidence) / 2, groups - 1))

    def outside(x: float) -> bool:
        grown = (x - low) * (high - x) / ((estimate - low) * (high - estimate))
        return (x - estimate) ** 2 > t**2 * variance * grown

    ends = []
    for limit in limits:
        inner, outer = estimate, float(limit)
        for _ in range(200):
            middle = (inner + outer) / 2
            inner, outer = (inner, middle) if outside(middle) else (middle, outer)
        ends.append(inner)
    return estimate, ends[0], ends[1]


def jackknife_variance(values: Sequence[float], folds: int) -> tuple[float, float]:
    """Jackknife variance, and the part of it by which it is too large for a product of sums (Efron and Stein 1981)."""
    theta, one = values[0], list(values[1 : folds + 1])
    mean = sum(one) / folds
    variance = (folds - 1) / folds * sum((value - mean) ** 2 for value in one)
    two = list(values[folds + 1 :])
    if not two:
        return variance, 0.0
    curved = [
        folds * theta - (folds - 1) * (one[first] + one[second]) + (folds - 2) * two.pop(0)
        for first in range(folds)
        for second in range(first + 1, folds)
    ]
    centre = sum(curved) / len(curved)
    return variance, sum((value - centre) ** 2 for value in curved) / (folds * (folds - 1))


def used_variance(variance: float, excess: float) -> float:
    return min(variance - excess / 2 if variance >= 2 * excess else (variance + excess) / 2, variance)


def jackknife(
    replicates: Sequence[float], confidence: float, *, fisher: bool, folds: int | None = None
) -> tuple[float, float, float]:
    transform, back = (math.atanh, math.tanh) if fisher else (float, float)
    folds = len(replicates) - 1 if folds is None else folds
    theta = [transform(value) for value in replicates]
    se = math.sqrt(used_variance(*jackknife_variance(theta, folds)))
    reach = float(stats.t.ppf((1 + confidence) / 2, folds - 1)) * se
    return replicates[0], back(theta[0] - reach), back(theta[0] + reach)


def fieller(
    above: Sequence[float], below: Sequence[float], folds: int, confidence: float
) -> tuple[float, float, float]:
    """Ends of the values c with |above - c below| <= t se, by bisection; share of the variance as at the ratio."""
    ratio, t = above[0] / below[0], float(stats.t.ppf((1 + confidence) / 2, folds - 1))

    def variance(c: float) -> tuple[float, float]:
        return jackknife_variance([x - c * y for x, y in zip(above, below, strict=True)], folds)

    at = variance(min(max(ratio, -1.0), 1.0))
    share = min(max(used_variance(*at) / at[0], 0.5), 1.0)

    def outside(c: float) -> bool:
        return abs(above[0] - c * below[0]) > t * math.sqrt(share * variance(c)[0])

    ends = []
    for step in (-1.0, 1.0):
        inner, outer = ratio, ratio + step
        while not outside(outer):
            outer = ratio + 2 * (outer - ratio)
            if abs(outer) > 1e6:
                return ratio, min(-1.0, ratio), max(1.0, ratio)
        for _ in range(200):
            middle = (inner + outer) / 2
            inner, outer = (inner, middle) if outside(middle) else (middle, outer)
        ends.append(outer)
    return ratio, ends[0], ends[1]


def own_mean(scores: dict[str, xr.Dataset], layer: int, split: str, *, skip_fold: int | None = None) -> float:
    """Mean over languages of the accuracy of their own vectors on the pairs of one split (cross: without a fold)."""
    means = []
    for target, data in scores.items():
        values = []
        for row in range(data.sizes["pair"]):
            if data["split"].values[row] != split:
                continue
            if skip_fold is None:
                sides = data["projection"].sel(source=target, layer=layer).values[row]
                values.append(correct(sides[0], sides[1]))
            elif int(data["fold"].values[row]) != skip_fold:
                values.append(Fraction(float(data["selection"].sel(layer=layer).values[row, skip_fold])))
        if values:
            means.append(sum(values, Fraction(0)) / len(values))
    return float(sum(means, Fraction(0)) / len(means))
