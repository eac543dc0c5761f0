"""Logistic regression on the pair differences.

    w = argmin  |w|^2 / 2 + C sum over p and both orders of  log(1 + exp(-w . d_p / s)),    C = 1

with `d_p = h_positive(p) - h_negative(p)`. Each pair is shown in both orders (`d_p` labelled positive, `-d_p` labelled
negative), so there is no intercept to fit and swapping the sides of all pairs negates `w`. `s` is the root mean square
length of the `d_p`, which makes the strength of the penalty independent of the unit of the hidden states. Sign and
length by `polyvalues.vectors.estimators.orientation`: to the positive side (always its own sign: the loss falls from
0 towards `w`,
so `w . mean(d_p) > 0`), as long as the sides lie apart along it. Position and site: those of the hidden states given.

It is the Bradley-Terry model of "which of the two upholds the value". It equals the mean difference in direction in
the limit of a strong penalty, and for a single pair. Adding one constant to all texts changes nothing.

The solution lies in the span of the differences; with fewer pairs than dimensions the problem is solved there, in an
orthonormal basis, which changes neither loss nor penalty. Deterministic: scikit-learn's L-BFGS from zero.

Sources: Bradley and Terry 1952, https://doi.org/10.2307/2334029; on hidden states Burns et al. 2022 (arXiv
2212.03827), the supervised baseline for contrast pairs.
"""

import warnings

import numpy as np
from jaxtyping import Float, Float64
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from polyvalues.errors import VectorError
from polyvalues.vectors.estimators.orientation import oriented

TOLERANCE = 1e-8
ITERATIONS = 10_000


def logistic(
    positive: Float[np.ndarray, "pair hidden"], negative: Float[np.ndarray, "pair hidden"]
) -> Float64[np.ndarray, " hidden"]:
    """Weights of a logistic regression on symmetrised pair differences, pointing to the positive side.

    Raises:
        DegenerateVector: all differences are zero, or not finite.
        VectorError: the optimiser does not converge.
    """
    differences = np.asarray(positive, dtype=np.float64) - negative
    mean = differences.mean(axis=0)
    pairs, hidden = differences.shape
    size = float(np.linalg.norm(differences)) / np.sqrt(pairs)
    if not np.isfinite(size) or size == 0.0:
        return oriented(mean, mean, "logistic")
    scaled = differences / size
    if pairs >= hidden:
        return oriented(_weights(scaled), mean, "logistic")
    basis, triangle = np.linalg.qr(scaled.T)
    return oriented(basis @ _weights(triangle.T), mean, "logistic")


def _weights(differences: Float64[np.ndarray, "pair feature"]) -> Float64[np.ndarray, " feature"]:
    """Weights on the differences as they are, each shown in both orders."""
    both = np.concatenate([differences, -differences])
    labels = np.repeat([1, 0], len(differences))
    model = LogisticRegression(C=1.0, fit_intercept=False, tol=TOLERANCE, max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(both, labels)
        except ConvergenceWarning as warning:
            raise VectorError(f"logistic: no convergence after {ITERATIONS} iterations ({warning})") from None
    return np.asarray(model.coef_[0], dtype=np.float64)
