"""Vectors for cross-fitting: every pair is scored by a vector that has not seen its fold.

    vector[s, k]       fitted in s without fold k                     (scores the pairs of fold k)
    nested[k, j]       fitted without folds k and j                   (scores the pairs of fold k when the layer
                                                                       used for fold j is chosen)

So the layer used for fold j is chosen by vectors and on pairs that both leave fold j out. `nested` is symmetric, and on
its diagonal only one fold is left out. A fold that is empty in a language leaves nothing out there, which is right:
none of its pairs has a translation in it.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from polyvalues.artifacts import Activations, CrossVectors, Moments, NestedVectors
from polyvalues.config import VectorSpec
from polyvalues.dimensions import FOLD, HIDDEN, LAYER, SOURCE
from polyvalues.errors import VectorError
from polyvalues.vectors.baselines import fold_baselines
from polyvalues.vectors.fit import as_stored, fit_language_subsets, subset_midpoints
from polyvalues.vectors.fitting_data import Fitting, layout, where


def cross_vectors(inputs: Mapping[str, Moments | Activations], spec: VectorSpec) -> CrossVectors:
    """Fit one concept once without each fold.

    Args:
        inputs: by language, whose order is kept.
        spec: estimator.

    Returns:
        Vectors and midpoints by the fold that is left out, float32.

    Raises:
        DegenerateVector: a vector is zero or not finite; the message names concept, language, layer and fold.
        VectorError: a language has pairs in one fold only, or as `fit_vectors`.
    """
    shape = layout(inputs)
    subsets = ~np.eye(shape.folds, dtype=bool)
    vector = np.empty((len(inputs), shape.folds, len(shape.layers), shape.hidden), dtype=np.float32)
    midpoint = np.empty_like(vector)
    for row, fitting in enumerate(inputs.values()):
        _need_folds(fitting, 2)
        for layer in range(len(shape.layers)):
            fitted = fit_language_subsets(fitting, spec.estimator, subsets, layer)
            for fold in range(shape.folds):
                vector[row, fold, layer] = as_stored(fitted[fold], f"{where(fitting, layer)}, without fold {fold}")
            midpoint[row, :, layer] = subset_midpoints(fitting, subsets, layer)
    data = xr.Dataset(
        {"vector": ((SOURCE, FOLD, LAYER, HIDDEN), vector), "midpoint": ((SOURCE, FOLD, LAYER, HIDDEN), midpoint)},
        coords={SOURCE: list(shape.languages), LAYER: list(shape.layers)},
        attrs={"concept": shape.concept, "estimator": spec.estimator},
    )
    return CrossVectors(data)


def nested_vectors(activations: Activations, spec: VectorSpec, *, folds: int | None = None) -> NestedVectors:
    """Fit one concept and language once without each pair of folds, and its controls without each fold.

    Args:
        activations: states and pairs of one language.
        spec: estimator, control draws, seed.
        folds: number of folds when this language's last ones may be empty; None takes them from the data.

    Returns:
        Vectors, float32, and how its controls are made. Random ones have not seen any fold and are the same for all.

    Raises:
        DegenerateVector: a vector is zero or not finite.
        VectorError: the language has pairs in fewer than three folds, or in more folds than `folds`.
    """
    language = str(activations.data.attrs["language"])
    shape = layout({language: activations})
    folds = shape.folds if folds is None else folds
    _need_folds(activations, 3)
    one = np.arange(folds)
    subsets = (one != one[:, None, None]) & (one != one[None, :, None])  # fold other_fold fold
    upper = np.triu_indices(folds)
    vector = np.empty((folds, folds, len(shape.layers), shape.hidden), dtype=np.float32)
    for layer in range(len(shape.layers)):
        fitted = fit_language_subsets(activations, spec.estimator, subsets[upper], layer)
        for first, second, refit in zip(*upper, fitted, strict=True):
            stored = as_stored(refit, f"{where(activations, layer)}, without folds {first} and {second}")
            vector[first, second, layer] = vector[second, first, layer] = stored
    data = xr.Dataset(
        {"vector": ((FOLD, "other_fold", LAYER, HIDDEN), vector)},
        coords={LAYER: list(shape.layers)},
        attrs={"concept": shape.concept, "language": language, "estimator": spec.estimator},
    )
    return NestedVectors(data, lambda layer: fold_baselines(activations, spec, folds, layer))


def _need_folds(fitting: Fitting, least: int) -> None:
    data = fitting.data
    if isinstance(fitting, Moments):
        filled = int((data["count"].values > 0).sum())
    else:
        fold = data["fold"].values
        filled = len(np.unique(fold[fold >= 0]))
    if filled < least:
        raise VectorError(
            f"{where(fitting)}: the pairs lie in {filled} fold(s), and leaving folds out needs at least {least}; "
            "more groups, or another salt in [split], fill more folds"
        )
