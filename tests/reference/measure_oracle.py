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


def percentile(values: list[Fraction], confidence: float) -> tuple[float, float, float]:
    """Estimate (first value) and the percentile interval of the rest, which must have spread."""
    draws = sorted(float(value) for value in values[1:])
    assert draws[0] != draws[-1]
    tail = (1 - confidence) / 2
    return float(values[0]), float(np.quantile(draws, tail)), float(np.quantile(draws, 1 - tail))


def jackknife(replicates: Sequence[float], confidence: float, *, fisher: bool) -> tuple[float, float, float]:
    transform, back = (math.atanh, math.tanh) if fisher else (float, float)
    folds = len(replicates) - 1
    theta = [transform(value) for value in replicates[1:]]
    mean = sum(theta) / folds
    se = math.sqrt((folds - 1) / folds * sum((value - mean) ** 2 for value in theta))
    reach = float(stats.t.ppf((1 + confidence) / 2, folds - 1)) * se
    centre = transform(replicates[0])
    return replicates[0], back(centre - reach), back(centre + reach)


def stepped_up(half: float) -> float:
    return 2 * half / (1 + half)


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
