"""First principal component of the pair differences, not centred.

    w = argmax over |w| = 1 of  sum_p (d_p . w)^2,    d_p = h_positive(p) - h_negative(p)

that is, the first right singular vector of the matrix of differences. Sign and length by
`polyvalues.vectors.estimators.orientation`: to the positive side, as long as the sides lie apart along it. Position
and site: those of the hidden states given.

Why not centred: subtracting the mean of the `d_p` would remove the mean difference, which is the concept, and leave
what varies about it. Representation engineering takes each pair in random order before centring, and repeng's
`pca_center` takes both sides about the pair's own middle; in both the mean vanishes by symmetry, and both are the
formula above (the first up to the luck of the order). repeng's older `pca_diff` centres, and is another estimator.

It equals the mean difference in direction when all differences are parallel, or when the mean is long against the
spread; it loses the mean when some direction varies more than the sides differ (`|delta|^2` below the largest
eigenvalue of the covariance of the `d_p`).
Swapping the sides of single pairs leaves `w` as it is and changes its sign at most: the label-permuted control of this
estimator is the same line with a sign that means nothing. Its random control is the one to look at.

Computed from the smaller of the two Gram matrices, or by Lanczos iteration (ARPACK), started at the mean difference
and hence deterministic, where both are large.

Sources: Zou et al. 2023 (arXiv 2310.01405), "linear artificial tomography"; repeng,
https://github.com/vgel/repeng, `extract.py`.
"""

import numpy as np
import scipy.linalg
from jaxtyping import Float, Float64
from scipy.sparse.linalg import LinearOperator, eigsh

from polyvalues.vectors.estimators.orientation import oriented

DENSE = 256
"""Up to this many pairs (or dimensions) a dense eigenvalue problem is the faster one."""


def pca(
    positive: Float[np.ndarray, "pair hidden"], negative: Float[np.ndarray, "pair hidden"]
) -> Float64[np.ndarray, " hidden"]:
    """First principal component of the uncentred pair differences, pointing to the positive side.

    Raises:
        DegenerateVector: all differences are zero, or the component is orthogonal to their mean.
    """
    differences = np.asarray(positive, dtype=np.float64) - negative
    mean = differences.mean(axis=0)
    if not np.isfinite(mean).all() or not differences.any():
        return oriented(mean, mean, "pca")
    found = _dense(differences) if min(differences.shape) <= DENSE else _lanczos(differences)
    return oriented(found, mean, "pca")


def _dense(rows: Float64[np.ndarray, "pair hidden"]) -> Float64[np.ndarray, " hidden"]:
    """First right singular vector, up to sign and length, from the smaller Gram matrix."""
    pairs, hidden = rows.shape
    gram = rows @ rows.T if pairs <= hidden else rows.T @ rows
    last = len(gram) - 1
    vector = scipy.linalg.eigh(gram, subset_by_index=(last, last))[1][:, 0]
    return rows.T @ vector if pairs <= hidden else vector


def _lanczos(rows: Float64[np.ndarray, "pair hidden"]) -> Float64[np.ndarray, " hidden"]:
    """The same by products with `rows` alone. `v0` is fixed, so the result is too."""
    hidden = rows.shape[1]
    scatter = LinearOperator((hidden, hidden), matvec=lambda x: rows.T @ (rows @ x), dtype=np.float64)  # pyright: ignore[reportCallIssue]
    # The mean alone can be orthogonal to the component sought; a fixed ramp is not by any symmetry of the data.
    start = rows.mean(axis=0) + np.linspace(1.0, 2.0, hidden) * np.abs(rows).mean() / hidden
    return np.asarray(eigsh(scatter, k=1, which="LA", v0=start)[1][:, 0], dtype=np.float64)
