"""Mean difference: where the positive side lies, seen from the negative side.

    v = mean_p h_positive(p) - mean_p h_negative(p)

Sign: to the positive side. Length: as it comes, in the units of the hidden states. Position and site: those of the
hidden states given; the estimator knows nothing of them. Arithmetic: float64 throughout.

It equals the mean of the pair differences; it is the direction of shrinkage LDA when the within-side covariance is a
multiple of the identity, and it is the direction LEACE removes (its other half, the one LEACE reads, is in
`polyvalues.vectors.estimators.leace`). With independent noise of standard deviation `noise` per coordinate of a pair
difference, true difference of length `strength` and `n` pairs, its cosine with the truth is about
`1 / sqrt(1 + hidden noise^2 / (n strength^2))`.

Sources: Xu et al. 2024 (arXiv 2402.18120); Marks and Tegmark 2023 (arXiv 2310.06824), "mass mean";
Rimsky et al. 2023 (arXiv 2312.06681), "contrastive activation addition".
"""

import numpy as np
from jaxtyping import Float, Float64

from polyvalues.errors import DegenerateVector
from polyvalues.vectors.estimators.orientation import vanishes


def mean_difference(
    positive: Float[np.ndarray, "positive hidden"], negative: Float[np.ndarray, "negative hidden"]
) -> Float64[np.ndarray, " hidden"]:
    """Mean of the positive sides minus mean of the negative sides, summed in float64.

    Raises:
        DegenerateVector: the means are equal up to rounding, or not finite.
    """
    positive_mean = np.asarray(positive, dtype=np.float64).mean(axis=0)
    negative_mean = np.asarray(negative, dtype=np.float64).mean(axis=0)
    difference = positive_mean - negative_mean
    if vanishes(difference, positive_mean, negative_mean):
        raise DegenerateVector("mean-difference: the two sides have the same mean, or it is not finite")
    return difference
