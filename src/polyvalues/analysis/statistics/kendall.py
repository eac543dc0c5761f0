"""Agreement of two orders, on plain arrays.

    tau-b = (C - D) / sqrt((n0 - n1)(n0 - n2))      Kendall 1945

over pairs of entries: C agree in order, D disagree, n0 all pairs, n1 and n2 tied in the first and in the second. 1: the
same order, -1: reversed. NaN where one of them is all ties, or fewer than two entries are known in both.
"""

import numpy as np
from jaxtyping import Float, Float64


def kendall_tau(
    first: Float[np.ndarray, " entry *cell"], second: Float[np.ndarray, " entry *cell"]
) -> Float64[np.ndarray, "*cell"]:
    """Kendall's tau-b along the first axis of every cell; entries that are NaN in either are left out."""
    known = ~(np.isnan(first) | np.isnan(second))
    rows, columns = np.triu_indices(first.shape[0], 1)
    both = (known[rows] & known[columns]).astype(np.float64)
    a, b = (np.where(known, values, 0.0) for values in (first, second))
    up = np.sign(a[rows] - a[columns]) * both
    across = np.sign(b[rows] - b[columns]) * both
    above = (up * across).sum(axis=0)
    below = np.sqrt((up**2).sum(axis=0) * (across**2).sum(axis=0))
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
