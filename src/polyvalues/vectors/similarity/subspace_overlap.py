"""Do two languages' pair differences span the same few directions?

    U_l = the first k right singular vectors of D_l,   D_l = the pair differences, not centred
    overlap[s, t] = sqrt(|U_s^T U_t|_F^2 / k),   the root mean square cosine of the k principal angles

1: the same subspace; two random ones have about sqrt(k / hidden). `arccos(overlap)` is the angle between the subspaces.
The singular vectors come from the Gram matrix `D D^T` when there are fewer pairs than dimensions.
"""

import numpy as np
from jaxtyping import Float64


def top_directions(differences: Float64[np.ndarray, "pair hidden"], k: int) -> Float64[np.ndarray, "k hidden"]:
    """Orthonormal rows spanning the leading subspace; NaN where the differences have less than `k` dimensions."""
    pairs, hidden = differences.shape
    out = np.full((k, hidden), np.nan)
    if min(pairs, hidden) < k or not np.isfinite(differences).all():
        return out
    dual = pairs < hidden
    gram = differences @ differences.T if dual else differences.T @ differences
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    if values[-1] <= values[0] * 1e-12 or values[0] <= 0.0:
        return out
    directions = (vectors.T @ differences) / np.sqrt(values)[:, None] if dual else vectors.T
    return np.ascontiguousarray(directions)


def overlaps(
    first: Float64[np.ndarray, "source k hidden"], second: Float64[np.ndarray, "target k hidden"]
) -> Float64[np.ndarray, "source target"]:
    """Overlap of every subspace of the first with every subspace of the second."""
    (sources, k, hidden), targets = first.shape, len(second)
    squares = (first.reshape(sources * k, hidden) @ second.reshape(targets * k, hidden).T) ** 2
    return np.sqrt(np.clip(squares.reshape(sources, k, targets, k).sum(axis=(1, 3)) / k, 0.0, 1.0))
