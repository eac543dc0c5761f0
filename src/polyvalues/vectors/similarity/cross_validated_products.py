"""Inner products of mean differences in which no item is multiplied with itself.

    S_k^s, n_k^s   sum of the pair differences of language s in fold k, and their number
    product[s, t]  = sum_{k != l} S_k^s . S_l^t / sum_{k != l} n_k^s n_l^t          unbiased for mu_s . mu_t
    square[s]      = |sum_k S_k^s|^2 / (sum_k n_k^s)^2                              the vector's own squared length

Translations of one item share its topic, its names and its length, so the errors of two languages' vectors are
correlated, and their plain inner product is `mu_s . mu_t` plus the covariance of those errors divided by the number of
pairs. A term with k != l multiplies the sums of disjoint sets of groups, which are independent; so the expectation of
`product` is `mu_s . mu_t` whatever two languages' versions of one item have in common, and `product[s, s]` is unbiased
for a squared length. This is the cross-validated inner product behind the distances of Walther et al. (2016,
NeuroImage 137:188-200) and Diedrichsen et al. (2021, arXiv 2007.02789).

Replicates: all folds; all but each one; with 4 to `MOST_FOLDS` folds also all but each two, from which the excess of
the jackknife variance is estimated (`polyvalues.analysis.statistics.jackknife`).
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int

from polyvalues.vectors.fitting_data import FoldSums

MOST_FOLDS: Final = 20
"""With more folds the replicates without two of them, which are (K - 1) / 2 times as many, are left out."""


def leave_out(folds: int) -> Bool[np.ndarray, "replicate fold"]:
    """Which folds each replicate keeps: all; all but one; all but two, in lexicographic order.

    Args:
        folds: number of folds K.

    Returns:
        1 + K rows, or 1 + K + K (K - 1) / 2 with 4 to `MOST_FOLDS` folds.
    """
    out = [(), *((fold,) for fold in range(folds))]
    if 4 <= folds <= MOST_FOLDS:
        out += list(combinations(range(folds), 2))
    kept = np.ones((len(out), folds), dtype=bool)
    for row, left_out in enumerate(out):
        kept[row, list(left_out)] = False
    return kept


def difference_sums(
    sums: Sequence[FoldSums],
) -> tuple[Float64[np.ndarray, "source fold hidden"], Int[np.ndarray, "source fold"]]:
    """Sums of pair differences per fold, and numbers of pairs, of several languages."""
    return np.stack([part.positive - part.negative for part in sums]), np.stack([part.count for part in sums])


def products(
    first: Float64[np.ndarray, "source fold hidden"],
    second: Float64[np.ndarray, "target fold hidden"],
    counts: tuple[Int[np.ndarray, "source fold"], Int[np.ndarray, "target fold"]],
    kept: Bool[np.ndarray, "replicate fold"],
) -> Float64[np.ndarray, "source target replicate"]:
    """Inner products across different folds, in every replicate.

    Args:
        first: sums of pair differences per fold, in the units of the hidden states.
        second: likewise, of what the first are multiplied with; fold k holds the same groups in both.
        counts: pairs per fold of both.
        kept: folds of each replicate.

    Returns:
        NaN where no two different folds hold pairs.
    """
    total = _over_folds(_table(first, second), kept, same=False)
    number = _over_folds(
        _table(counts[0][..., None].astype(float), counts[1][..., None].astype(float)), kept, same=False
    )
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def full_products(
    sums: Float64[np.ndarray, "source fold hidden"],
    counts: Int[np.ndarray, "source fold"],
    kept: Bool[np.ndarray, "replicate fold"],
    others: Float64[np.ndarray, "source fold hidden"] | None = None,
) -> Float64[np.ndarray, "source source replicate"]:
    """Inner products of the vectors as they are: the products of a fold with itself are in them.

    Args:
        sums: sums of pair differences per fold.
        counts: pairs per fold.
        kept: folds of each replicate.
        others: what they are multiplied with, the sums in another metric; None: themselves.

    Returns:
        On the diagonal the squared lengths. NaN where a language has no pairs.
    """
    total = _over_folds(_table(sums, sums if others is None else others), kept, same=True)
    number = counts.astype(np.float64) @ kept.T
    scale = number[:, None] * number[None]
    return np.divide(total, scale, out=np.full(total.shape, np.nan), where=scale > 0)


def _table(
    first: Float64[np.ndarray, "source fold hidden"], second: Float64[np.ndarray, "target fold hidden"]
) -> Float64[np.ndarray, "source target fold fold"]:
    (sources, folds, hidden), targets = first.shape, len(second)
    flat = first.reshape(sources * folds, hidden) @ second.reshape(targets * folds, hidden).T
    return np.ascontiguousarray(np.swapaxes(flat.reshape(sources, folds, targets, folds), 1, 2))


def _over_folds(
    table: Float64[np.ndarray, "source target fold fold"], kept: Bool[np.ndarray, "replicate fold"], *, same: bool
) -> Float64[np.ndarray, "source target replicate"]:
    """Sum over the kept folds of both, in every replicate; without k = l unless `same`."""
    if not same:
        own = np.arange(table.shape[-1])
        table = table.copy()
        table[..., own, own] = 0.0
    member = kept.astype(np.float64).T
    return np.einsum("stkr,kr->str", table @ member, member)
