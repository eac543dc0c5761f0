"""Correlation of two matrices over pairs of languages, tested by permuting languages (Mantel 1967), on plain arrays.

    r    = correlation of x_st and y_st over unordered pairs s < t      (Pearson, or Spearman on ranks)
    p    = (1 + #{|r*| >= |r|}) / (1 + n),  r* with the languages of x in a random order; exact with `EXACT` or fewer
    r_z  = (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2)(1 - r_yz^2))          partial correlation given a third matrix z,
                                                                        x permuted against y and z (Smouse et al. 1986)

Pairs of languages are not independent data, each language is in n - 1 of them, so the p-value that goes with a
correlation coefficient over n (n - 1) / 2 points is invalid here; permuting whole languages keeps that dependence.
Pairs with a missing value in any matrix are left out, after permuting too. Spearman ranks the pairs that are known,
once, before permuting. With several `masks` the statistic is the mean of the correlations over the pairs in each.
"""

from collections.abc import Sequence
from itertools import permutations as orders
from typing import Final, Literal

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from scipy import stats

Method = Literal["pearson", "spearman"]
METHODS: Final[tuple[Method, ...]] = ("pearson", "spearman")

EXACT: Final = 7
"""With so many languages or fewer all orders are looked at."""

LEAST: Final = 4
"""Fewest pairs of languages a correlation is taken over."""


def correlation(x: Float[np.ndarray, "*cell pair"], y: Float[np.ndarray, "*cell pair"]) -> Float64[np.ndarray, "*cell"]:
    """Pearson correlation over the last axis, pairs that are NaN in either left out; NaN if too few or constant."""
    known = ~(np.isnan(x) | np.isnan(y))
    count = known.sum(axis=-1)
    few = count < LEAST
    safe = np.maximum(count, 1)[..., None]
    a, b = (np.where(known, values, 0.0) for values in (x, y))
    a, b = (np.where(known, values - values.sum(axis=-1, keepdims=True) / safe, 0.0) for values in (a, b))
    square_a, square_b = (a**2).sum(axis=-1), (b**2).sum(axis=-1)
    scale = np.sqrt(square_a * square_b)
    # a spread that is rounding error is none
    flat = (square_a <= 1e-24 * safe[..., 0]) | (square_b <= 1e-24 * safe[..., 0])
    out = np.divide((a * b).sum(axis=-1), scale, out=np.full(np.shape(scale), np.nan), where=~(few | flat))
    return np.asarray(np.clip(out, -1.0, 1.0))


def ranks(values: Float[np.ndarray, " pair"]) -> Float64[np.ndarray, " pair"]:
    """Mean ranks of the values that are known; NaN stays NaN."""
    return np.asarray(stats.rankdata(values, nan_policy="omit"), dtype=np.float64)


def upper(matrix: Float[np.ndarray, "*cell language language"]) -> Float64[np.ndarray, "*cell pair"]:
    """The unordered pairs s < t of a symmetric matrix."""
    rows, columns = np.triu_indices(matrix.shape[-1], 1)
    return matrix[..., rows, columns].astype(np.float64)


def partial(
    xy: Float[np.ndarray, "*cell"], xz: Float[np.ndarray, "*cell"], yz: Float[np.ndarray, "*cell"]
) -> Float64[np.ndarray, "*cell"]:
    """Correlation of x and y given z, from the three plain ones; NaN where z explains one of them wholly."""
    rest = np.asarray((1 - xz**2) * (1 - yz**2))
    return np.asarray(np.divide(xy - xz * yz, np.sqrt(rest), out=np.full(np.shape(xy), np.nan), where=rest > 1e-12))


def mantel(
    x: Float[np.ndarray, "language language"],
    y: Float[np.ndarray, "language language"],
    z: Float[np.ndarray, "language language"] | None = None,
    *,
    masks: Sequence[Bool[np.ndarray, " pair"]] = (),
    method: Method = "pearson",
    permutations: int = 9999,
    rng: np.random.Generator,
) -> tuple[float, float, int]:
    """Correlation, two-sided p and number of pairs.

    Args:
        x: symmetric matrix whose languages are permuted; NaN where missing.
        y: symmetric matrix.
        z: what is held fixed, for the partial correlation.
        masks: sets of pairs to take the mean of the correlation over; none: all pairs together.
        method: pearson or spearman.
        permutations: orders drawn with more than `EXACT` languages.
        rng: draws them.

    Returns:
        (r, p, pairs); r and p NaN with fewer than `LEAST` pairs or a constant matrix.
    """
    fixed, moving, pairs = prepare(x, y, z, method)
    seen = float(statistic(upper(moving), fixed, masks))
    if np.isnan(seen):
        return float("nan"), float("nan"), pairs
    order = _orders(len(x), permutations, rng)
    extreme = 0
    for start in range(0, len(order), 2048):
        part = order[start : start + 2048]
        drawn = statistic(upper(moving[part[:, :, None], part[:, None, :]]), fixed, masks)
        extreme += int(np.sum(np.abs(np.nan_to_num(drawn)) >= abs(seen) - 1e-12))
    p = extreme / len(order) if len(x) <= EXACT else (1 + extreme) / (1 + len(order))
    return seen, float(p), pairs


def smallest_p(x: Float[np.ndarray, "language language"], permutations: int, rng: np.random.Generator) -> float:
    """Smallest p that `mantel` can give when it permutes x.

    An order that leaves x as it is gives the correlation seen, whatever that is; genetic distances, which have few
    values, have many such orders.

    Args:
        x: as for `mantel`, NaN where a pair is not known.
        permutations: as for `mantel`.
        rng: in the state that `mantel` gets it in, for the same orders.
    """
    rows, columns = np.triu_indices(len(x), 1)
    filled = np.nan_to_num(x, nan=-1.0)
    order = _orders(len(x), permutations, rng)
    same = int(np.sum(np.all(filled[order[:, rows], order[:, columns]] == filled[rows, columns], axis=1)))
    return same / len(order) if len(x) <= EXACT else (1 + same) / (1 + len(order))


def prepare(
    x: Float[np.ndarray, "language language"],
    y: Float[np.ndarray, "language language"],
    z: Float[np.ndarray, "language language"] | None,
    method: Method,
) -> tuple[list[Float64[np.ndarray, " pair"]], Float64[np.ndarray, "language language"], int]:
    """What stays (y, and z if given, as pairs), what is permuted (x as a matrix), and the number of pairs known in all.

    Values that are not known in all matrices are NaN; with `spearman` the rest are ranks.
    """
    matrices = [x, y] if z is None else [x, y, z]
    known: Bool[np.ndarray, " pair"] = ~np.any([np.isnan(upper(matrix)) for matrix in matrices], axis=0)
    values = [_prepared(matrix, known, method) for matrix in matrices]
    return [upper(matrix) for matrix in values[1:]], values[0], int(known.sum())


def statistic(
    x: Float64[np.ndarray, "*cell pair"],
    fixed: Sequence[Float64[np.ndarray, " pair"]],
    masks: Sequence[Bool[np.ndarray, " pair"]] = (),
) -> Float64[np.ndarray, "*cell"]:
    """Correlation, or partial correlation with two fixed vectors; its mean over the masks if there are any."""
    if masks:
        return np.asarray(np.mean([statistic(np.where(mask, x, np.nan), fixed) for mask in masks], axis=0))
    rest = [np.broadcast_to(values, x.shape) for values in fixed]
    if len(rest) == 1:
        return correlation(x, rest[0])
    # all three over the same pairs: where x is missing after permuting, the others are left out too
    known = ~np.isnan(x)
    y, z = (np.where(known, values, np.nan) for values in rest)
    return partial(correlation(x, y), correlation(x, z), correlation(y, z))


def _prepared(
    matrix: Float[np.ndarray, "language language"], known: Bool[np.ndarray, " pair"], method: Method
) -> Float64[np.ndarray, "language language"]:
    """The values, or ranks, of the pairs known in all matrices; NaN elsewhere."""
    values = np.where(known, upper(matrix), np.nan)
    values = ranks(values) if method == "spearman" and known.any() else values
    out = np.full(matrix.shape, np.nan)
    rows, columns = np.triu_indices(len(matrix), 1)
    out[rows, columns] = out[columns, rows] = values
    return out


def _orders(count: int, permutations: int, rng: np.random.Generator) -> Int64[np.ndarray, "order language"]:
    if count <= EXACT:
        return np.array(list(orders(range(count))), dtype=np.int64)
    return np.argsort(rng.random((permutations, count)), axis=1)
