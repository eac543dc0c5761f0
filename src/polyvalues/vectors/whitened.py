"""Cosine in the metric of the hidden states: directions in which texts vary anyway count less.

    c[s, t] = v_s^T Sigma^-1 v_t / sqrt(v_s^T Sigma^-1 v_s  v_t^T Sigma^-1 v_t)

Sigma is the Ledoit-Wolf covariance of the centred rows. NaN where a vector is zero or not finite.
"""

import numpy as np
from jaxtyping import Float64

from polyvalues.vectors.shrinkage import shrunk_solve


def whitened_cosines(
    vectors: Float64[np.ndarray, "replicate source hidden"], rows: Float64[np.ndarray, "row hidden"]
) -> Float64[np.ndarray, "replicate source source"]:
    """Whitened cosine of every two vectors of each replicate.

    Args:
        vectors: the vectors.
        rows: centred observations that give the metric, the same in all replicates.

    Raises:
        DegenerateVector: the rows do not vary, or their covariance cannot be inverted.
    """
    flat = vectors.reshape(-1, vectors.shape[-1])
    known = np.isfinite(flat).all(axis=1)
    solved = np.full_like(flat, np.nan)
    solved[known] = shrunk_solve(rows, np.ascontiguousarray(flat[known].T), "whitened cosine").T
    inner = np.einsum("rsh,rth->rst", vectors, solved.reshape(vectors.shape))
    length = np.einsum("rss->rs", inner).copy()
    length[~(length > 0.0)] = np.nan
    scale = np.sqrt(length)
    return np.clip(inner / (scale[:, :, None] * scale[:, None, :]), -1.0, 1.0)
