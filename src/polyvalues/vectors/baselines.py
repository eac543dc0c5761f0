"""Directions of the baselines, made from what the vectors were fitted from.

    random      the same in every language and for every fold (`vectors.baseline_directions`)
    permuted    the estimator on the pairs whose sides were swapped by coins: all of them, or without each fold

They are made when they are needed and not stored: random ones follow from the seed, label-permuted ones from the sums
(`Moments.permuted`) or from the kept states.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Float64

from polyvalues.artifacts import Activations, Moments
from polyvalues.config import VectorSpec
from polyvalues.errors import VectorError
from polyvalues.vectors.baseline_directions import coin_signs, random_directions
from polyvalues.vectors.cosine import cosine_table
from polyvalues.vectors.fit import as_stored, permuted_subsets
from polyvalues.vectors.fitting_data import Fitting, fold_count, layer_coordinates, layout, where

_PERMUTED = "label-permuted control"


def baselines(
    fitting: Moments | Activations, spec: VectorSpec, *, paper: bool = False
) -> Float32[np.ndarray, "control draw layer hidden"]:
    """Make the baseline directions of one language, random ones first, as in `axes.CONTROLS`.

    Args:
        fitting: what the language's vector was fitted from.
        spec: estimator, draws, seed.
        paper: fit as the paper protocol does, on the pairs whose split is `fit`.

    Raises:
        DegenerateVector: a direction is zero or not finite; the message names concept, language and layer.
        VectorError: other draws were summed than are asked for.
    """
    layers = layer_coordinates(fitting)
    permuted = np.stack([_permuted(fitting, spec, layer, paper=paper) for layer in range(len(layers))], axis=1)
    shape = (spec.baseline_draws, permuted.shape[-1])
    return np.stack([random_directions(layers, shape, spec.seed).astype(np.float32), permuted])


def fold_baselines(
    activations: Activations, spec: VectorSpec, folds: int, layer: int
) -> Float32[np.ndarray, "control draw fold hidden"]:
    """Make the baseline directions of one language and layer without each fold.

    Args:
        activations: states and pairs.
        spec: estimator, draws, seed.
        folds: number of folds.
        layer: position in the layer axis.

    Raises:
        DegenerateVector, VectorError: as `baselines`.
    """
    permuted = permuted_subsets(activations, spec, ~np.eye(folds, dtype=bool), layer)
    shape = (spec.baseline_draws, permuted.shape[-1])
    random = random_directions(layer_coordinates(activations), shape, spec.seed)[:, layer].astype(np.float32)
    own = as_stored(permuted, f"{where(activations, layer)}, {_PERMUTED} by fold")
    return np.stack([np.broadcast_to(random[:, None], own.shape), own])


def baseline_cosines(
    inputs: Mapping[str, Moments | Activations], spec: VectorSpec
) -> Float64[np.ndarray, "source target layer control draw"]:
    """Take cosines between the label-permuted directions of every two languages; NaN for random ones.

    Args:
        inputs: by language.
        spec: estimator, draws, seed.

    Raises:
        DegenerateVector, VectorError: as `baselines`.
    """
    shape = layout(inputs)
    count = len(shape.languages)
    out = np.full((count, count, len(shape.layers), 2, spec.baseline_draws), np.nan)
    for layer in range(len(shape.layers)):
        drawn = np.stack([_permuted(fitting, spec, layer, paper=False) for fitting in inputs.values()], axis=1)
        out[:, :, layer, 1] = np.moveaxis(cosine_table(drawn, drawn), 0, -1)
    return out


def _permuted(fitting: Fitting, spec: VectorSpec, layer: int, *, paper: bool) -> Float32[np.ndarray, "draw hidden"]:
    place = f"{where(fitting, layer)}, {_PERMUTED}"
    if isinstance(fitting, Moments):
        summed = fitting.data["permuted"].values[:, layer]
        if len(summed) != spec.baseline_draws:
            raise VectorError(f"{where(fitting)}: {len(summed)} control draws were summed, not {spec.baseline_draws}")
        return as_stored(summed / fitting.data["count"].values.sum(), place)
    if paper:
        return as_stored(_paper(fitting, spec, layer), place)
    everything = np.ones((1, fold_count(fitting)), dtype=bool)
    return as_stored(permuted_subsets(fitting, spec, everything, layer)[:, 0], place)


def _paper(activations: Activations, spec: VectorSpec, layer: int) -> Float32[np.ndarray, "draw hidden"]:
    """Means of float32 differences over the pairs whose split is `fit`, their sides swapped by coins."""
    data = activations.data
    fitted = data["split"].values == "fit"
    index = data["index"].values[fitted]
    signs = coin_signs(data["content"].values[fitted], spec.baseline_draws, spec.seed).astype(np.float32)
    states = data["states"].values[layer].astype(np.float32, copy=False)
    return signs @ (states[index[:, 0]] - states[index[:, 1]]) / np.float32(len(index))
