"""Fit the vectors of one concept: in every language and at every layer, on all pairs or on those of some folds.

    vector[s, l]   = estimator(states of the positive sides, states of the negative sides)   of language s at layer l
    midpoint[s, l] = (mean of the positive + mean of the negative sides) / 2

Fitted on the pairs that have a fold. The estimators are one file each; every one points to the positive side. The mean
difference of any set of folds is a ratio of sums over folds, so leaving folds out costs no pass over the data and is
exact: the sums of the folds that stay are added up, nothing is subtracted from a larger number. Estimators that need
more than sums are fitted again on the pairs of those folds.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64

from polyvalues.artifacts import Activations, ConceptVectors, Moments
from polyvalues.config import VectorSpec
from polyvalues.dimensions import HIDDEN, LAYER, SOURCE
from polyvalues.errors import DegenerateVector, VectorError
from polyvalues.vectors.baseline_directions import coin_signs
from polyvalues.vectors.estimators.lda import lda
from polyvalues.vectors.estimators.leace import leace
from polyvalues.vectors.estimators.logistic import logistic
from polyvalues.vectors.estimators.mean_difference import mean_difference
from polyvalues.vectors.estimators.orientation import vanishes
from polyvalues.vectors.estimators.pca import pca
from polyvalues.vectors.fitting_data import (
    Fitting,
    Layout,
    Pairs,
    fitting_contents,
    fitting_pairs,
    fold_count,
    fold_sums,
    layer_coordinates,
    layout,
    where,
)

ESTIMATORS: Final[Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "mean-difference": mean_difference,
    "pca": pca,
    "lda": lda,
    "logistic": logistic,
    "leace": leace,
}
"""Functions `(positive [pair, hidden], negative [pair, hidden]) -> vector [hidden]`, float64."""


def fit_vectors(inputs: Mapping[str, Moments | Activations], spec: VectorSpec) -> ConceptVectors:
    """Fit the vectors of one concept.

    Args:
        inputs: by language, whose order is kept. The mean difference takes either kind; the others need activations.
        spec: estimator.

    Returns:
        Vectors and midpoints, float32.

    Raises:
        DegenerateVector: a vector is zero or not finite; the message names concept, language and layer.
        VectorError: the inputs do not belong together, hold no fitting pairs, or are too little for the estimator.
    """
    shape = layout(inputs)
    arrays = _Arrays(len(shape.languages), len(shape.layers), shape.hidden)
    for row, fitting in enumerate(inputs.values()):
        for layer in range(len(shape.layers)):
            vector, midpoint = _fit_layer(fitting, spec, layer)
            arrays.vector[row, layer] = as_stored(vector, where(fitting, layer))
            arrays.midpoint[row, layer] = midpoint
    return arrays.labelled(shape, spec.estimator)


def fit_subsets(
    inputs: Mapping[str, Moments | Activations],
    estimator: str,
    subsets: Bool[np.ndarray, "subset fold"],
    layer: int,
) -> Float64[np.ndarray, "subset source hidden"]:
    """Vectors refitted on the pairs of some folds.

    Args:
        inputs: by language, whose order is kept.
        estimator: a key of `ESTIMATORS`.
        subsets: which folds each refit uses. Pairs without a fold belong to none.
        layer: position in the layer axis.

    Returns:
        float64; NaN where the folds hold no pair in a language, or the vector would be zero or not finite.

    Raises:
        VectorError: only sums are at hand and the estimator needs more, the inputs do not belong together, or they
            have more folds than `subsets`.
    """
    layout(inputs)
    return np.stack([fit_language_subsets(fitting, estimator, subsets, layer) for fitting in inputs.values()], axis=1)


def fit_language_subsets(
    fitting: Moments | Activations, estimator: str, subsets: Bool[np.ndarray, "subset fold"], layer: int
) -> Float64[np.ndarray, "subset hidden"]:
    """As `fit_subsets`, of one language."""
    if estimator == "mean-difference":
        positive, negative = _subset_means(fitting, subsets, layer)
        vectors = positive - negative
        vectors[vanishes(vectors, positive, negative)] = np.nan
        return vectors
    pairs = fitting_pairs(fitting, layer, estimator)
    _check_folds(fitting, pairs, subsets)
    chosen = subsets[:, pairs.fold]
    return np.stack([_refit(pairs, rows, estimator, where(fitting, layer)) for rows in chosen])


def permuted_subsets(
    activations: Activations, spec: VectorSpec, subsets: Bool[np.ndarray, "subset fold"], layer: int
) -> Float64[np.ndarray, "draw subset hidden"]:
    """Label-permuted controls of one language, fitted on the pairs of some folds.

    The coins are those of the streamed sums: one per group and draw, whatever the subset.

    Args:
        activations: states and pairs.
        spec: estimator, control draws, seed.
        subsets: which folds each fit uses.
        layer: position in the layer axis.

    Returns:
        float64; NaN where the folds hold no pair, or the control would be zero or not finite.

    Raises:
        VectorError: as `fit_subsets`.
    """
    pairs = fitting_pairs(activations, layer, spec.estimator)
    _check_folds(activations, pairs, subsets)
    signs = coin_signs(fitting_contents(activations), spec.baseline_draws, spec.seed)
    chosen = subsets[:, pairs.fold]
    if spec.estimator == "mean-difference":
        count = chosen.sum(axis=1, keepdims=True).astype(np.float64)
        count[count == 0] = np.nan
        return ((signs[:, None] * chosen) @ (pairs.positive - pairs.negative)) / count
    place = f"{where(activations, layer)}, label-permuted control"
    controls = []
    for keep in signs[:, :, None] > 0:
        swapped = Pairs(
            np.where(keep, pairs.positive, pairs.negative), np.where(keep, pairs.negative, pairs.positive), pairs.fold
        )
        controls.append(np.stack([_refit(swapped, rows, spec.estimator, place) for rows in chosen]))
    return np.stack(controls)


def subset_midpoints(
    fitting: Moments | Activations, subsets: Bool[np.ndarray, "subset fold"], layer: int
) -> Float64[np.ndarray, "subset hidden"]:
    """Half way between the mean of the positive and of the negative sides of some folds; NaN where they are empty."""
    positive, negative = _subset_means(fitting, subsets, layer)
    return (positive + negative) / 2


def paper_vectors(inputs: Mapping[str, Activations]) -> ConceptVectors:
    """Vectors of the paper protocol: plain float32 means over the pairs whose split is `fit`, in their order.

    `H[positive].mean(axis=0) - H[negative].mean(axis=0)` in float32, bit for bit. For comparison with published
    figures; `fit_vectors` sums in float64.

    Args:
        inputs: activations by language; kept float16 is widened first.

    Raises:
        DegenerateVector: a vector is zero or not finite.
        VectorError: the inputs do not belong together, or a language has no pair to fit on.
    """
    shape = _paper_layout(inputs)
    arrays = _Arrays(len(shape.languages), len(shape.layers), shape.hidden)
    for row, activations in enumerate(inputs.values()):
        data = activations.data
        index = data["index"].values[data["split"].values == "fit"]
        for layer in range(len(shape.layers)):
            states = data["states"].values[layer].astype(np.float32, copy=False)
            positive, negative = states[index[:, 0]], states[index[:, 1]]
            means = positive.mean(axis=0), negative.mean(axis=0)
            arrays.vector[row, layer] = as_stored(means[0] - means[1], where(activations, layer))
            arrays.midpoint[row, layer] = (means[0] + means[1]) / 2
    return arrays.labelled(shape, "mean-difference")


def as_stored(vectors: np.ndarray, place: str) -> np.ndarray:
    """As float32, or an error naming `place` when one is zero or not finite.

    Raises:
        DegenerateVector: as said.
    """
    with np.errstate(over="ignore", under="ignore"):
        stored = vectors.astype(np.float32)
        length = np.linalg.norm(stored.astype(np.float64), axis=-1)
    if not np.isfinite(length).all() or not length.all():
        raise DegenerateVector(
            f"{place}: the vector is zero or not finite; do the two sides differ at the position that is read, and "
            "are there pairs enough for the estimator?"
        )
    return stored


class _Arrays:
    """The arrays of `ConceptVectors` while they are filled."""

    def __init__(self, sources: int, layers: int, hidden: int):
        self.vector = np.empty((sources, layers, hidden), dtype=np.float32)
        self.midpoint = np.empty_like(self.vector)

    def labelled(self, shape: Layout, estimator: str) -> ConceptVectors:
        data = xr.Dataset(
            {
                "vector": ((SOURCE, LAYER, HIDDEN), self.vector),
                "midpoint": ((SOURCE, LAYER, HIDDEN), self.midpoint),
            },
            coords={SOURCE: list(shape.languages), LAYER: list(shape.layers)},
            attrs={"concept": shape.concept, "estimator": estimator},
        )
        return ConceptVectors(data)


def _fit_layer(fitting: Fitting, spec: VectorSpec, layer: int) -> tuple[np.ndarray, np.ndarray]:
    """Vector and midpoint of one language and layer, float64."""
    everything = np.ones((1, fold_count(fitting)), dtype=bool)
    midpoint = subset_midpoints(fitting, everything, layer)[0]
    if isinstance(fitting, Activations):
        pairs = fitting_pairs(fitting, layer, spec.estimator)
        try:
            vector = ESTIMATORS[spec.estimator](pairs.positive, pairs.negative)
        except VectorError as error:
            raise type(error)(f"{where(fitting, layer)}: {error}") from None
        return vector, midpoint
    return fit_language_subsets(fitting, spec.estimator, everything, layer)[0], midpoint


def _refit(pairs: Pairs, rows: Bool[np.ndarray, " pair"], estimator: str, place: str) -> Float64[np.ndarray, " hidden"]:
    """One refit; NaN without pairs or direction: whoever asked for this subset decides whether that is an error."""
    nothing = np.full(pairs.positive.shape[1], np.nan)
    if not rows.any():
        return nothing
    try:
        return ESTIMATORS[estimator](pairs.positive[rows], pairs.negative[rows])
    except DegenerateVector:
        return nothing
    except VectorError as error:
        raise VectorError(f"{place}: {error}") from None


def _check_folds(fitting: Fitting, pairs: Pairs, subsets: Bool[np.ndarray, "subset fold"]) -> None:
    if pairs.fold.max(initial=-1) >= subsets.shape[1]:
        raise VectorError(f"{where(fitting)}: a pair lies in fold {pairs.fold.max()}, beyond {subsets.shape[1]} folds")


def _subset_means(
    fitting: Fitting, subsets: Bool[np.ndarray, "subset fold"], layer: int
) -> tuple[Float64[np.ndarray, "subset hidden"], Float64[np.ndarray, "subset hidden"]]:
    """Means of both sides over the pairs of each subset of folds; NaN where it is empty."""
    sums = fold_sums(fitting, layer, subsets.shape[1])
    chosen = subsets.astype(np.float64)
    count = (chosen @ sums.count)[:, None]
    count[count == 0] = np.nan
    return chosen @ sums.positive / count, chosen @ sums.negative / count


def _paper_layout(inputs: Mapping[str, Activations]) -> Layout:
    """As `layout`, for pairs that are told apart by their split alone."""
    shapes = set()
    for language, activations in inputs.items():
        data = activations.data
        if data.attrs["language"] != language:
            raise VectorError(f"the input given for language {language!r} is of {data.attrs['language']!r}")
        if not (data["split"].values == "fit").any():
            raise VectorError(f"{where(activations)}: no pair is in the split 'fit'")
        shapes.add((str(data.attrs["concept"]), layer_coordinates(activations), int(data.sizes[HIDDEN])))
    if len(shapes) != 1:
        raise VectorError(f"the inputs of one fit need one concept, layers and hidden size, got {sorted(shapes)}")
    concept, layers, hidden = shapes.pop()
    return Layout(concept, tuple(inputs), layers, hidden, 0)
