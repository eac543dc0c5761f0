"""Scores of pairs and the layers chosen."""

from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True, eq=False)
class Scores:
    """Projections of the unseen pairs of one concept and target language.

    Attributes:
        data: `projection` float32 `[pair, side, layer, source]`, `(h - midpoint) . v / |v|` of each side under each
            source's vector (in a cross-fitted concept: the vector fitted without the pair's fold);
            `control` int8 `[pair, layer, control_kind, draw]`, sign of `(h_pos - h_neg) . v` under its controls;
            `selection` float32 `[pair, fold, layer]`, cross-fitted concepts only: 1, 1/2 or 0 as the pair is
            right, tied or wrong under its own language's vector fitted without the pair's fold and without
            `fold`; NaN where `fold` is the pair's own.
            Coordinates on `pair`: `item`, `group`, `split` (select, test or cross), `fold`.
            attrs: concept, target, protocol, layer_numbering.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class LayerChoice:
    """The layer used for one concept, in every cell.

    Attributes:
        concept: the concept.
        layer: coordinate of the chosen layer (cross-fitted: chosen with all pairs, for everything that is not
            tested on them, such as cosines).
        fold_layer: int32 `[fold]`, the layer for the pairs of each fold, chosen without them; all equal to `layer`
            unless cross-fitted; empty when the concept has no folds.
        accuracy: float64 `[layer]`, what the choice was made by: mean within-language accuracy over languages.
        layers: int32 `[layer]`, coordinates of `accuracy`.
    """

    concept: str
    layer: int
    fold_layer: np.ndarray
    accuracy: np.ndarray
    layers: np.ndarray
