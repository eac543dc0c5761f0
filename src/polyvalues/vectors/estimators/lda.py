"""Linear discriminant with a shrunk covariance.

    w = Sigma_w^-1 delta,    delta = mean(positive) - mean(negative)

`Sigma_w` is the covariance within the sides, pooled over both (each text minus the mean of its side), shrunk towards a
multiple of the identity after Ledoit and Wolf (`polyvalues.vectors.estimators.shrinkage`). Sign and length by
`polyvalues.vectors.estimators.orientation`: to the positive side, as long as the sides lie apart along it. Position
and site: those of the hidden states given.

It equals the mean difference in direction when `Sigma_w` is a multiple of the identity, or is shrunk all the way to
it; without shrinkage it has the direction of LEACE's reading vector. Among all linear scores it separates single
texts best if both sides are Gaussian with one covariance. Adding one constant to all texts changes nothing.

Sources: Fisher 1936, https://doi.org/10.1111/j.1469-1809.1936.tb02137.x; Friedman 1989, "Regularized discriminant
analysis", https://doi.org/10.1080/01621459.1989.10478752; for hidden states Marks and Tegmark 2023 (arXiv 2310.06824).
"""

import numpy as np
from jaxtyping import Float, Float64

from polyvalues.vectors.estimators.mean_difference import mean_difference
from polyvalues.vectors.estimators.orientation import oriented
from polyvalues.vectors.estimators.shrinkage import shrunk_solve


def lda(
    positive: Float[np.ndarray, "positive hidden"], negative: Float[np.ndarray, "negative hidden"]
) -> Float64[np.ndarray, " hidden"]:
    """Discriminant direction with Ledoit-Wolf shrinkage, pointing to the positive side.

    Raises:
        DegenerateVector: equal means, or fewer than two different texts per side.
    """
    difference = mean_difference(positive, negative)
    sides = (np.asarray(positive, dtype=np.float64), np.asarray(negative, dtype=np.float64))
    within = np.concatenate([side - side.mean(axis=0) for side in sides])
    return oriented(shrunk_solve(within, difference, "lda"), difference, "lda")
