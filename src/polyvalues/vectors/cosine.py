"""Cosines, NaN where a vector has no direction.

cos(a, b) = (a . b) / (|a| |b|),  clipped to [-1, 1]; NaN if either is zero or not finite
"""

import numpy as np
from jaxtyping import Float, Float64


def unit(vectors: Float[np.ndarray, "*batch hidden"]) -> Float64[np.ndarray, "*batch hidden"]:
    """Vectors of length 1 in float64; NaN where the length is zero or not finite."""
    wide = np.asarray(vectors, dtype=np.float64)
    length = np.linalg.norm(wide, axis=-1, keepdims=True)
    length[~np.isfinite(length) | (length == 0.0)] = np.nan
    return wide / length


def cosine_table(
    sources: Float[np.ndarray, "*batch source hidden"], targets: Float[np.ndarray, "*batch target hidden"]
) -> Float64[np.ndarray, "*batch source target"]:
    """Cosine of every source with every target."""
    return np.clip(unit(sources) @ np.swapaxes(unit(targets), -1, -2), -1.0, 1.0)


def row_cosines(
    left: Float[np.ndarray, "*batch hidden"], right: Float[np.ndarray, "*batch hidden"]
) -> Float64[np.ndarray, "*batch"]:
    """Cosine of each vector of `left` with its counterpart in `right`."""
    return np.clip(np.einsum("...h,...h->...", unit(left), unit(right)), -1.0, 1.0)
