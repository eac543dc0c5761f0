"""Sign and length every estimator gives its result.

    v = (u . delta) u,    u = w / |w|,    delta = mean(positive) - mean(negative)

`w` is the direction an estimator found, with any sign and length. So `v . delta = |v|^2 >= 0`: `v` points to the
positive side, and its length is the mean distance between the two sides along it, in the units of the hidden
states. The mean difference itself is left unchanged by this rule, scaling the data by `a` scales `v` by `a`, and
swapping the sides of all pairs negates `v` whenever it keeps the line through `w`.

Cosines and accuracies do not depend on the length; it is kept because it says how far apart the sides are.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64

from polyvalues.errors import DegenerateVector

ROUNDING = 1e-12
"""A difference of means smaller than this, relative to the means, is rounding: hidden states carry 24 bits (6e-8)."""


def vanishes(
    difference: Float64[np.ndarray, "*batch hidden"],
    positive_mean: Float64[np.ndarray, "*batch hidden"],
    negative_mean: Float64[np.ndarray, "*batch hidden"],
) -> Bool[np.ndarray, "*batch"]:
    """Whether a difference of means is zero up to float64 rounding, or not finite.

    Sums of the same numbers in another order differ by a few units in the last place; such a difference has a
    direction, but it means nothing.
    """
    length = np.linalg.norm(difference, axis=-1)
    scale = np.linalg.norm(positive_mean, axis=-1) + np.linalg.norm(negative_mean, axis=-1)
    return np.asarray(~np.isfinite(length) | (length <= ROUNDING * scale))


def oriented(
    direction: Float[np.ndarray, " hidden"], difference: Float[np.ndarray, " hidden"], estimator: str
) -> Float64[np.ndarray, " hidden"]:
    """`direction` with the sign and length of the module's formula.

    Args:
        direction: what the estimator found; its sign and length do not matter.
        difference: mean of the positive minus mean of the negative sides.
        estimator: named in the message.

    Raises:
        DegenerateVector: `direction` is zero or not finite, or is orthogonal to `difference`, so that it has no sign.
    """
    length = float(np.linalg.norm(direction))
    if not np.isfinite(length) or length == 0.0:
        raise DegenerateVector(f"{estimator}: the direction has length {length}; do the two sides differ at all?")
    unit = np.asarray(direction, dtype=np.float64) / length
    gap = float(unit @ difference)
    if not np.isfinite(gap) or gap == 0.0:
        raise DegenerateVector(f"{estimator}: the sides lie {gap} apart along the direction, so it has no sign")
    return gap * unit
