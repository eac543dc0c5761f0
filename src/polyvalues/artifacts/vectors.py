"""Concept vectors, their refits, and steering vectors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True, eq=False)
class ConceptVectors:
    """Vectors of one concept.

    Attributes:
        data: `vector` float32 `[source, layer, hidden]`, points to the positive side, not normalised;
            `midpoint` float32 `[source, layer, hidden]`, half way between the mean of the positive and the mean
            of the negative sides it was fitted on. attrs: concept, estimator.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class VectorTable:
    """What a model is steered with: all that is needed besides the model itself.

    Attributes:
        data: `vector` float32 `[concept, source, layer, hidden]`, points to the safer side (`data.concepts`: the
            concept's vector, turned round where its negative end is the safer one), not normalised;
            `midpoint` float32 `[concept, source, layer, hidden]`, half way between the means of the two sides;
            `norm` float32 `[layer]`, mean length of the hidden states of neutral text: the unit of strength;
            `flipped` bool `[concept]`, whether the concept's vector was turned round. attrs: fingerprint, model,
            model_type, blocks, hidden, layers (of the model), dtype, template, position, estimator.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class Replicates:
    """Inner products of vectors refitted on parts of the folds: all that consistency and kinship need.

    Replicate 0 has all folds, replicate k all folds but fold k - 1; where there are more, the rest have all folds but
    two, in lexicographic order. Products never multiply an item with itself
    (`polyvalues.vectors.similarity.cross_validated_products`).

    Attributes:
        data: `product` float64 `[source, target, layer, replicate]`, the cross-validated inner product, and `square`
            float64 `[source, layer, replicate]`, the squared length of the vector, in the same unit;
            `plain` float64 `[source, target, layer, replicate]`, the cosine of the vectors as they are;
            `control` float64 `[source, target, layer, control_kind, draw]`, the plain cosine between label-permuted
            directions; paper protocol: `sign` int8 `[source, layer]`, by which vectors were multiplied.
            NaN where a vector is zero or has no pairs, and for random controls. attrs: concept, estimator, folds.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class CrossVectors:
    """Vectors of one concept, each fitted with one fold left out (cross-fitted concepts).

    Attributes:
        data: `vector` and `midpoint` float32 `[source, fold, layer, hidden]`, without `fold`; attrs concept, estimator.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class NestedVectors:
    """Vectors of one concept and language, for choosing the layer of a fold without that fold.

    Attributes:
        data: `vector` float32 `[fold, other_fold, layer, hidden]`, fitted without either fold (on the diagonal: without
            that fold). attrs: concept, language, estimator.
        controls: from a layer's position to control directions `[control_kind, draw, fold, hidden]` without each fold.
    """

    data: xr.Dataset
    controls: Callable[[int], np.ndarray]
