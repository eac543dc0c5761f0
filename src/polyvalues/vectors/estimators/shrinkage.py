"""Solve with a Ledoit-Wolf covariance, without ever forming `hidden x hidden` when there are fewer rows.

    S = X^T X / m,    mu = tr(S) / hidden,    Sigma = (1 - a) S + a mu I
    a = min(b, d) / d,    d = |S - mu I|_F^2,    b = (mean_k |x_k|^4 - |S|_F^2) / m

`X` holds `m` rows that are centred already. Everything `a` needs is in the Gram matrix `G = X X^T`: `tr(S) = tr(G)/m`,
`|S|_F = |G|_F / m`, `|x_k|^2 = G_kk`. It is the number `sklearn.covariance.ledoit_wolf_shrinkage(X,
assume_centered=True)` returns (a test holds the two together), at `m^2 hidden` instead of `m hidden^2` operations.
With fewer rows than dimensions the solution comes from the dual (Woodbury) form

    Sigma^-1 y = (y - X^T (G + k I)^-1 X y) / (a mu),    k = m a mu / (1 - a)

Ledoit and Wolf assume independent rows; the two sides of a pair are not quite that, which makes `a` a little too small.

Source: Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices",
https://doi.org/10.1016/S0047-259X(03)00096-4.
"""

import numpy as np
import scipy.linalg
from jaxtyping import Float64

from polyvalues.errors import DegenerateVector

LEAST = 1e-9
"""With fewer rows than dimensions and less shrinkage than this (all rows equally long, as with one pair), the solution
would be rounding divided by rounding."""


def shrunk_solve(
    rows: Float64[np.ndarray, "row hidden"], right: Float64[np.ndarray, " hidden *columns"], estimator: str
) -> Float64[np.ndarray, " hidden *columns"]:
    """`Sigma^-1 right` with the Ledoit-Wolf covariance of the centred `rows`.

    Args:
        rows: centred observations.
        right: the right-hand side, or several as columns.
        estimator: named in the message.

    Raises:
        DegenerateVector: the rows do not vary, are not finite, or their covariance cannot be inverted.
    """
    count, hidden = rows.shape
    dual = count < hidden
    gram = rows @ rows.T if dual else rows.T @ rows
    squares = np.einsum("rh,rh->r", rows, rows)
    if not np.isfinite(squares).all() or not squares.any():
        raise DegenerateVector(f"{estimator}: the hidden states of {count} texts do not vary, or are not finite")
    shrinkage = _shrinkage(gram, squares, hidden)
    ridge = shrinkage * float(np.trace(gram)) / (count * hidden)
    if shrinkage == 1.0:
        return right / ridge
    diagonal = np.einsum("ii->i", gram)
    try:
        if not dual:
            gram *= (1.0 - shrinkage) / count
            diagonal += ridge
            return scipy.linalg.cho_solve(scipy.linalg.cho_factor(gram), right)
        if shrinkage < LEAST:
            raise DegenerateVector(f"{estimator}: no shrinkage, but {count} texts for {hidden} dimensions")
        diagonal += count * ridge / (1.0 - shrinkage)
        weights = scipy.linalg.cho_solve(scipy.linalg.cho_factor(gram), rows @ right)
        return (right - rows.T @ weights) / ridge
    except np.linalg.LinAlgError:
        raise DegenerateVector(f"{estimator}: the covariance of {count} texts cannot be inverted") from None


def _shrinkage(gram: Float64[np.ndarray, "n n"], squares: Float64[np.ndarray, " row"], hidden: int) -> float:
    """Ledoit-Wolf intensity in [0, 1], from either Gram matrix and the squared length of each row."""
    count = len(squares)
    mean_variance = squares.sum() / (count * hidden)
    frobenius = np.einsum("ij,ij->", gram, gram) / count**2
    spread = frobenius - hidden * mean_variance**2
    noise = (np.mean(squares**2) - frobenius) / count
    if noise <= 0.0:
        return 0.0
    return 1.0 if noise >= spread else float(noise / spread)
