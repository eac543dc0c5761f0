"""The reading vector of least-squares concept erasure (LEACE).

For a binary concept `z`, LEACE erases with `r(x) = x - W^+ P W (x - mean(x))`, where `W = Sigma_xx^(-1/2)` whitens and
`P` projects on the span of `W Sigma_xz`. With one concept that span is one line, and written out

    r(x) = x - delta (w . (x - mean(x))) / (w . delta),    w = Sigma_xx^-1 delta

So LEACE has two vectors. What it *subtracts* is a multiple of `delta`, the mean difference
(`polyvalues.vectors.estimators.mean_difference`). What it *reads* to know how much to subtract is `w`, and `w` is
what this
module returns: `w . x` is the one linear score that LEACE makes constant, and in the whitened space it is the
projection on the erased direction, `w . x = (W delta) . (W x)`. `Sigma_xx` is the covariance of all texts of both
sides about their common mean, shrunk after Ledoit and Wolf (`polyvalues.vectors.estimators.shrinkage`), since there
are often
fewer texts than dimensions. Sign and length by `polyvalues.vectors.estimators.orientation`. Position and site: those
of the hidden states given.

It equals shrinkage LDA when both are shrunk by the same ratio of ridge to covariance, in particular without any
shrinkage: `Sigma_xx = Sigma_w + delta delta^T / 4`, and by Sherman-Morrison the added rank one changes the length of
the solution, not its direction. In practice the two differ by how much they shrink. It equals the mean difference in
direction when `Sigma_xx` is a multiple of the identity.

Source: Belrose et al. 2023, "LEACE: Perfect linear concept erasure in closed form" (arXiv 2306.03819), section 4.
"""

import numpy as np
from jaxtyping import Float, Float64

from polyvalues.vectors.estimators.mean_difference import mean_difference
from polyvalues.vectors.estimators.orientation import oriented
from polyvalues.vectors.estimators.shrinkage import shrunk_solve


def leace(
    positive: Float[np.ndarray, "positive hidden"], negative: Float[np.ndarray, "negative hidden"]
) -> Float64[np.ndarray, " hidden"]:
    """The vector LEACE reads, with Ledoit-Wolf shrinkage, pointing to the positive side.

    Raises:
        DegenerateVector: equal means, or a covariance that cannot be inverted.
    """
    difference = mean_difference(positive, negative)
    texts = np.concatenate([np.asarray(positive, dtype=np.float64), np.asarray(negative, dtype=np.float64)])
    centred = texts - texts.mean(axis=0)
    return oriented(shrunk_solve(centred, difference, "leace"), difference, "leace")
