"""Formulas of the statistics, on plain arrays.

    correct         1[d > 0] + 1/2 1[d = 0] of a pair's difference `d` (the paper's rule: 1[d >= 0])
    AUROC           P(x > y) + 1/2 P(x = y) over positive texts `x` and negative texts `y`
    Spearman-Brown  2 m / (1 + m), from the agreement `m` of two halves to that of two wholes
    Fisher          z = arctanh(r)
    jackknife       se^2 = (K - 1) / K sum_k (theta_k - mean theta)^2
    disattenuation  c / sqrt(r_s r_t)  (Spearman 1904)
    cross-fitting   sd of an accuracy = sqrt(1 + 2/pi) that of independent pairs (`SHARED`)

Positive differences mean that the positive side lies further along the vector. Every function is free of state and of
labels, works on float64 unless said otherwise, and raises no floating point warning: undefined is NaN.
"""

from typing import Final, Literal

import numpy as np
from jaxtyping import Float, Float32, Float64

Ties = Literal["half", "correct"]
"""What a pair counts whose two sides score the same: 1/2 (ours) or 1 (the paper's code)."""

MIN_RELIABILITY: Final = 0.05
"""At or below this reliability a vector is noise, and nothing can be said about what the noise hides."""

SHARED: Final = float(np.sqrt(1 + 2 / np.pi))
"""Ratio of standard deviations: cross-fitted pairs, and independent pairs.

Pair i is scored by a sum over the m pairs of the other folds, so the scores of two pairs of different folds have one of
m terms in common: they correlate by 1/m, their signs by 2/(pi m) (Sheppard 1899), and each pair has m such partners.
So the variance of the number right is 1 + 2/pi times that of independent pairs where there is nothing to find, in the
limit of many dimensions; less with a strong effect. Under another language's vector, item i stands in the source's fit
for pair j and j in the fit for pair i, so the factor is 1 + (2/pi) rho^2, rho the correlation of the two languages'
noise in an item: as large where translations share their noise. Since rho is not known, all sources are widened alike.
"""

_Z_CLIP: Final = 1 - 1e-12


def correctness(difference: Float[np.ndarray, "*cell"], ties: Ties = "half") -> Float32[np.ndarray, "*cell"]:
    """Whether each pair is told apart: 1 right, 0 wrong, ties as asked. NaN stays NaN.

    Sums of these are exact in float32 up to 2^23, so means do not depend on the order of summation.
    """
    tie = np.float32(0.5 if ties == "half" else 1.0)
    right = (difference > 0).astype(np.float32)
    right[difference == 0] = tie
    right[np.isnan(difference)] = np.nan
    return right


def weighted_auroc(
    positive: Float[np.ndarray, " positive"],
    negative: Float[np.ndarray, " negative"],
    positive_weight: Float[np.ndarray, "positive resample"],
    negative_weight: Float[np.ndarray, "negative resample"],
) -> Float64[np.ndarray, " resample"]:
    """AUROC of texts that count several times, for many weightings at once; ties count 1/2.

    sum_ij w_i w_j (1[x_i > y_j] + 1/2 1[x_i = y_j]) / (sum_i w_i sum_j w_j), by one sort of the negative texts and
    cumulative sums of their weights. Exact in the weights' type while the double sum is below 2^23 (float32) or
    2^52 (float64) and the weights are whole numbers. NaN where one side has no weight.
    """
    order = np.argsort(negative, kind="stable")
    ranked = negative[order]
    cumulative = np.zeros((len(negative) + 1, negative_weight.shape[1]), negative_weight.dtype)
    for row, text in enumerate(order):  # several times faster than cumsum along the first axis
        np.add(cumulative[row], negative_weight[text], out=cumulative[row + 1])
    below = np.searchsorted(ranked, positive, side="left")
    up_to = np.searchsorted(ranked, positive, side="right")
    wins = np.einsum("pr,pr->r", positive_weight, cumulative[below]).astype(np.float64)
    if np.any(below != up_to):
        wins += np.einsum("pr,pr->r", positive_weight, cumulative[up_to])
        wins /= 2
    total = positive_weight.sum(axis=0, dtype=np.float64) * negative_weight.sum(axis=0, dtype=np.float64)
    return np.divide(wins, total, out=np.full(len(wins), np.nan), where=total > 0)


def auroc(positive: Float[np.ndarray, " positive"], negative: Float[np.ndarray, " negative"]) -> float:
    """Share of (positive, negative) pairs of texts in which the positive one scores higher; ties count 1/2.

    NaN when either is empty.
    """
    ones = (np.ones((len(positive), 1)), np.ones((len(negative), 1)))
    return float(weighted_auroc(positive, negative, *ones)[0])


def cosine(a: Float[np.ndarray, "*cell hidden"], b: Float[np.ndarray, "*cell hidden"]) -> Float64[np.ndarray, "*cell"]:
    """Cosine of the angle between `a` and `b`, within [-1, 1]; NaN where one of them is zero."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    length = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    product = np.sum(a * b, axis=-1)
    quotient = np.divide(product, length, out=np.full(np.shape(product), np.nan), where=length > 0)
    return np.asarray(np.clip(quotient, -1, 1))


def fisher_z(r: Float[np.ndarray, "*cell"]) -> Float64[np.ndarray, "*cell"]:
    """arctanh(r), with `r` clipped to +-(1 - 1e-12) so that perfect agreement stays finite."""
    return np.asarray(np.arctanh(np.clip(r.astype(np.float64), -_Z_CLIP, _Z_CLIP)))


def ordered_mean(values: Float[np.ndarray, " member *cell"]) -> Float64[np.ndarray, "*cell"]:
    """Mean over the first axis, skipping NaN, the same to the last bit whatever the order of the members.

    NaN where no member is left.
    """
    ranked = np.sort(values.astype(np.float64), axis=0)  # NaN last; makes the sum independent of the order
    present = ~np.isnan(ranked)
    count = present.sum(axis=0)
    total = np.where(present, ranked, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
