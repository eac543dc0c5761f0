"""Languages in an order in which neighbours have alike vectors.

    distance[s, t] = 1 - cos(v_s, v_t)       average linkage, leaves turned so that neighbours are closest

An order for the eye, nothing more: the tree behind it is not tested. Optimal leaf ordering: Bar-Joseph et al. 2001.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform


def clustered(cosines: Float64[np.ndarray, "language language"], names: Sequence[str]) -> tuple[str, ...]:
    """`names` in clustered order.

    Args:
        cosines: between the vectors of two languages; NaN where there is none.
        names: one per row.

    Returns:
        All names; those with a cosine missing come last, in their order.
    """
    measured = [at for at in range(len(names)) if np.isfinite(cosines[at]).sum() > len(names) / 2]
    measured = [at for at in measured if np.isfinite(cosines[np.ix_([at], measured)]).all()]
    rest = [at for at in range(len(names)) if at not in measured]
    if len(measured) > 2:
        block = cosines[np.ix_(measured, measured)]
        distances = np.clip(1 - (block + block.T) / 2, 0, None)
        np.fill_diagonal(distances, 0)
        flat = squareform(distances, checks=False)
        tree = optimal_leaf_ordering(linkage(flat, "average"), flat)
        measured = [measured[at] for at in leaves_list(tree)]
    return tuple(names[at] for at in (*measured, *rest))
