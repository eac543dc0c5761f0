"""Location and scale that a few outlying values hardly move, on plain arrays; NaN is a missing value.

Tukey's biweight, per column: m median, d median |x - m|, u = (x - m) / (9 d), values with |u| >= 1 left out

    location   m + sum (x - m) (1 - u^2)^2 / sum (1 - u^2)^2
    scale      sqrt(n sum (x - m)^2 (1 - u^2)^4) / |sum (1 - u^2) (1 - 5 u^2)|          n known values

About twice as efficient a scale as the median absolute deviation where values are normal (Mosteller and Tukey 1977,
Lax 1985), and as insensitive to single values far out.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

LEAST_VALUES: Final = 8
"""Known values below which a column has no scale."""

_REACH: Final = 9.0


def biweight(
    values: Float64[np.ndarray, "row column"],
) -> tuple[Float64[np.ndarray, " column"], Float64[np.ndarray, " column"]]:
    """Location and scale of each column; NaN with fewer than 8 known values or without spread."""
    location, scale = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    for column in range(values.shape[1]):
        known = values[~np.isnan(values[:, column]), column]
        if len(known) < LEAST_VALUES:
            continue
        middle = np.median(known)
        deviation = known - middle
        width = _REACH * np.median(np.abs(deviation))
        if width <= 0:
            continue
        inside = np.abs(deviation) < width
        deviation = deviation[inside]
        rest = 1 - (deviation / width) ** 2
        location[column] = middle + np.sum(deviation * rest**2) / np.sum(rest**2)
        square = len(known) * np.sum(deviation**2 * rest**4)
        scale[column] = np.sqrt(square) / np.abs(np.sum(rest * (5 * rest - 4)))
    return location, scale
