"""How many scores are no larger than the rounding error of the reading: their signs are accidents of the arithmetic.

    bound[l] = sqrt(2) rounding[l] norm[l]      both sides of a pair, all of the error along the vector
    share    = share of a cell's pairs with |score| <= bound

An accuracy can change by at most `share` when the same texts are read in other batches.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from polyvalues.artifacts import Scores
from polyvalues.axes import CONCEPT, LAYER, SIDE, SOURCE, TARGET, Concept


def indistinct(scores: Sequence[Scores], layers: Mapping[Concept, int], lengths: xr.Dataset) -> xr.Dataset:
    """Share of pairs whose score cannot be told from a tie.

    Args:
        scores: one per concept and target.
        layers: chosen, by concept.
        lengths: `norm` and `rounding` `[layer]`.

    Returns:
        `share` float64 `[concept, source, target]`, NaN where there is no score; `bound` float64 `[concept]`.
    """
    concepts = list(layers)
    sources = (str(tag) for unit in scores for tag in unit.data[SOURCE].values)
    tags = list(dict.fromkeys([*(str(unit.data.attrs["target"]) for unit in scores), *sources]))
    share = np.full((len(concepts), len(tags), len(tags)), np.nan)
    bound = np.zeros(len(concepts))
    for row, (concept, layer) in enumerate(layers.items()):
        at = lengths.sel({LAYER: layer})
        bound[row] = np.sqrt(2) * float(at["rounding"]) * float(at["norm"])
        for unit in scores:
            if str(unit.data.attrs["concept"]) != concept:
                continue
            target = tags.index(str(unit.data.attrs["target"]))
            sides = unit.data["projection"].sel({LAYER: layer}).transpose("pair", SIDE, SOURCE).values
            small = np.abs(sides[:, 0].astype(np.float64) - sides[:, 1]) <= bound[row]
            for place, source in enumerate(map(str, unit.data[SOURCE].values)):
                share[row, tags.index(source), target] = small[:, place].mean()
    return xr.Dataset(
        {"share": ((CONCEPT, SOURCE, TARGET), share), "bound": (CONCEPT, bound)},
        coords={CONCEPT: concepts, SOURCE: tags, TARGET: tags},
    )
