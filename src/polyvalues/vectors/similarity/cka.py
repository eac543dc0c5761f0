"""Do two languages arrange the same items alike? Linear CKA of pair differences, without its small-sample bias.

    K = D_s D_s^T, L = D_t D_t^T with zero diagonals, over the same n items in the same order
    H(K, L) = [tr(K L) + (1^T K 1)(1^T L 1) / ((n - 1)(n - 2)) - 2 / (n - 2) 1^T K L 1] / (n (n - 3))
    CKA = H(K, L) / sqrt(H(K, K) H(L, L))

0 on average for unrelated items (it can come out below), 1 for the same arrangement up to rotation and scale. The mean
difference, which is the concept vector, plays no part: it looks at how items differ from one another.
Source: Song et al. 2012, "Feature selection via dependence maximization", JMLR 13 (H); Kornblith et al. 2019,
"Similarity of neural network representations revisited", arXiv 1905.00414 (CKA).
"""

import numpy as np
from jaxtyping import Float64

LEAST_ITEMS = 4


def gram(differences: Float64[np.ndarray, "item hidden"]) -> Float64[np.ndarray, "item item"]:
    """`D D^T` with a zero diagonal."""
    out = differences @ differences.T
    np.fill_diagonal(out, 0.0)
    return out


def cka_table(grams: Float64[np.ndarray, "source item item"]) -> Float64[np.ndarray, "source source"]:
    """CKA of every two languages; NaN with fewer than four items, or where one's differences are all alike."""
    sources, n, _ = grams.shape
    if n < LEAST_ITEMS:
        return np.full((sources, sources), np.nan)
    flat = grams.reshape(sources, n * n)
    rows = grams.sum(axis=2)
    total = rows.sum(axis=1)
    products = flat @ flat.T + np.outer(total, total) / ((n - 1) * (n - 2)) - 2.0 / (n - 2) * rows @ rows.T
    own = np.diag(products).copy()
    own[~(own > 0.0)] = np.nan
    return np.clip(products / np.sqrt(np.outer(own, own)), -1.0, 1.0)
