"""Signs of directions, which the paper's published code gives to vectors before it takes their cosines.

    sign[s, l]   -1 where fewer of the fitted pairs have their positive side ahead along the vector than behind, else +1
    cosine       of sign_s v_s and sign_t v_t

Recognition there does not use the signs (a list is compared with -1, which is never true), so vectors, accuracies and
transfer stay as they were fitted. In every replicate the sign is that of the vector of its folds, by the pairs of its
folds.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64, Int8

from polyvalues.artifacts import Activations, ConceptVectors, Moments, Replicates
from polyvalues.config import VectorSpec
from polyvalues.dimensions import LAYER, SOURCE, TARGET
from polyvalues.vectors.fit import fit_language_subsets
from polyvalues.vectors.fitting_data import fitting_pairs, layout
from polyvalues.vectors.leave_fold_out import replicates
from polyvalues.vectors.similarity.cross_validated_products import leave_out


def signed_replicates(
    inputs: Mapping[str, Moments | Activations], vectors: ConceptVectors, spec: VectorSpec
) -> Replicates:
    """As `replicates`, of mean differences that are multiplied by their signs.

    Returns:
        Every quantity of two languages times both signs; `sign` int8 `[source, layer]` is that of the whole vectors.

    Raises:
        VectorError: as `replicates`, or sums where activations are needed.
    """
    shape = layout(inputs)
    subsets = leave_out(shape.folds)
    signs = np.array(
        [[direction_signs(part, subsets, layer) for layer in range(len(shape.layers))] for part in inputs.values()]
    )  # source layer replicate
    data = replicates(inputs, vectors, spec).data
    both = xr.DataArray((signs[:, None] * signs[None]).astype(np.float64), dims=(SOURCE, TARGET, LAYER, "replicate"))
    turned = {str(name): part * both for name, part in data.data_vars.items() if part.dims == both.dims}
    return Replicates(data.assign(turned).assign(sign=((SOURCE, LAYER), signs[..., 0])))


def direction_signs(
    fitting: Moments | Activations, subsets: Bool[np.ndarray, "subset fold"], layer: int
) -> Int8[np.ndarray, " subset"]:
    """Sign of one language's mean difference on the pairs of some folds, by those pairs.

    Args:
        fitting: activations of the fitted pairs.
        subsets: folds of each fit.
        layer: position in the layer axis.
    """
    pairs = fitting_pairs(fitting, layer, "paper")
    fitted = fit_language_subsets(fitting, "mean-difference", subsets, layer)
    ahead = np.sign(np.nan_to_num((pairs.positive - pairs.negative) @ fitted.T))
    more: Float64[np.ndarray, " subset"] = (ahead * subsets.T[pairs.fold]).sum(axis=0)
    return np.where(more < 0, -1, 1).astype(np.int8)
