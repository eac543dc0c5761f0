"""Vectors refitted on parts of the folds: what consistency, agreement, kinship and their intervals are made from.

Mean differences are never refitted: everything follows from the sums of their folds
(`polyvalues.vectors.similarity.cross_validated_products`).
Other estimators are refitted on the two halves of random half-splits A, B of each replicate's folds, the same
half-splits in every language, and

    product[s, t] = mean over half-splits of (cos(v_s(A), v_t(B)) + cos(v_s(B), v_t(A))) / 2
    square[s]     = (1 + product[s, s]) / 2

so that, for every estimator,

    product[s, t] / sqrt(square[s] square[t])                     is the cosine of two vectors from disjoint items,
    product[s, s] / square[s]                                     their reliability (halves: Spearman-Brown's formula),
    product[s, t] / sqrt(product[s, s] product[t, t])             the cosine without the noise of either.

`plain` is the cosine of the two vectors as they are, as it is usually published: what translations of an item share is
in it twice.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64

from polyvalues.artifacts import Activations, ConceptVectors, Moments, Replicates
from polyvalues.config import VectorSpec
from polyvalues.dimensions import CONTROL, CONTROLS, DRAW, LAYER, SOURCE, TARGET
from polyvalues.errors import VectorError
from polyvalues.vectors.baseline_directions import stable_rng
from polyvalues.vectors.baselines import baseline_cosines
from polyvalues.vectors.cosine import cosine_table, unit
from polyvalues.vectors.estimators.orientation import vanishes
from polyvalues.vectors.fit import fit_language_subsets
from polyvalues.vectors.fitting_data import fold_sums, layout
from polyvalues.vectors.similarity.cross_validated_products import difference_sums, full_products, leave_out, products

_Layer = tuple[
    Float64[np.ndarray, "source source replicate"],
    Float64[np.ndarray, "source replicate"],
    Float64[np.ndarray, "source source replicate"],
]
"""Product, square and plain cosine of one layer."""


def replicates(inputs: Mapping[str, Moments | Activations], vectors: ConceptVectors, spec: VectorSpec) -> Replicates:
    """Compare the vectors of one concept, refitted on parts of the folds.

    Args:
        inputs: by language, in the order of `vectors`.
        vectors: what was fitted on all folds.
        spec: estimator, number of half-splits, seed.

    Returns:
        Products, squares and plain cosines; NaN where a vector is zero or has no pairs.

    Raises:
        VectorError: `vectors` are not of these inputs, fewer than two folds, or sums where activations are needed.
    """
    shape = layout(inputs)
    data = vectors.data
    if tuple(data[SOURCE].values) != shape.languages or tuple(data[LAYER].values) != shape.layers:
        raise VectorError(
            f"concept {shape.concept!r}: vectors of {data[SOURCE].values.tolist()} at {data.sizes[LAYER]} layers do "
            f"not belong to inputs of {list(shape.languages)} at {len(shape.layers)} layers"
        )
    if shape.folds < 2:
        raise VectorError(f"concept {shape.concept!r}: {shape.folds} fold leaves nothing when one is left out")
    means = spec.estimator == "mean-difference"
    found = [
        _of_means(inputs, shape.folds, layer) if means else _of_halves(inputs, shape.folds, layer, spec)
        for layer in range(len(shape.layers))
    ]
    product, square, plain = (np.stack(part, axis=-2) for part in zip(*found, strict=True))
    between = baseline_cosines(inputs, spec)
    out = xr.Dataset(
        {
            "product": ((SOURCE, TARGET, LAYER, "replicate"), product),
            "square": ((SOURCE, LAYER, "replicate"), square),
            "plain": ((SOURCE, TARGET, LAYER, "replicate"), plain),
            "control": ((SOURCE, TARGET, LAYER, CONTROL, DRAW), between),
        },
        coords={
            SOURCE: list(shape.languages),
            TARGET: list(shape.languages),
            LAYER: list(shape.layers),
            CONTROL: list(CONTROLS),
        },
        attrs={"concept": shape.concept, "estimator": spec.estimator, "folds": shape.folds},
    )
    return Replicates(out)


def _of_means(inputs: Mapping[str, Moments | Activations], folds: int, layer: int) -> _Layer:
    sums = [fold_sums(fitting, layer, folds) for fitting in inputs.values()]
    total, count = difference_sums(sums)
    kept = leave_out(folds)
    product = products(total, total, (count, count), kept)
    full = full_products(total, count, kept)
    square = np.einsum("ssr->sr", full).copy()
    member = kept.astype(np.float64)
    for row, part in enumerate(sums):
        number = np.maximum(member @ part.count, 1)[:, None]
        positive, negative = member @ part.positive / number, member @ part.negative / number
        gone = vanishes(positive - negative, positive, negative)
        square[row, gone] = np.nan
        product[row][:, gone] = product[:, row][:, gone] = np.nan
    with np.errstate(invalid="ignore"):
        plain = full / np.sqrt(square[:, None] * square[None])
    return _symmetric(product), square, np.clip(_symmetric(plain), -1.0, 1.0)


def _of_halves(inputs: Mapping[str, Moments | Activations], folds: int, layer: int, spec: VectorSpec) -> _Layer:
    whole = leave_one_out(folds)
    halves = half_splits(folds, spec.half_splits, spec.seed)
    subsets = np.concatenate([whole, halves.reshape(-1, folds)])
    fitted = [fit_language_subsets(fitting, spec.estimator, subsets, layer) for fitting in inputs.values()]
    refits = np.stack([part[: len(whole)] for part in fitted], axis=1)  # replicate source hidden
    parts = np.stack([part[len(whole) :].reshape(*halves.shape[:3], -1) for part in fitted], axis=3)
    first, second = unit(parts[:, :, 0]), unit(parts[:, :, 1])  # replicate half source hidden
    crossed = (first @ np.swapaxes(second, -1, -2)).mean(axis=1)
    product = np.moveaxis((crossed + np.swapaxes(crossed, -1, -2)) / 2, 0, -1)
    square = (1 + np.einsum("ssr->sr", product)) / 2
    return product, square, np.moveaxis(cosine_table(refits, refits), 0, -1)


def _symmetric(table: Float64[np.ndarray, "source source replicate"]) -> Float64[np.ndarray, "source source replicate"]:
    """The mean with its transpose: equal to the last bit whatever the order of the languages."""
    return (table + np.swapaxes(table, 0, 1)) / 2


def leave_one_out(folds: int) -> Bool[np.ndarray, "replicate fold"]:
    """All folds, then all but each one in turn."""
    return np.concatenate([np.ones((1, folds), dtype=bool), ~np.eye(folds, dtype=bool)])


def half_splits(folds: int, count: int, seed: int) -> Bool[np.ndarray, "replicate half side fold"]:
    """Random half-splits of the folds of every replicate.

    Args:
        folds: number of folds.
        count: half-splits per replicate.
        seed: seed of the divisions; nothing else determines them, so all languages share them.

    Returns:
        For each replicate and half-split the folds of its two halves.
    """
    out = np.zeros((folds + 1, count, 2, folds), dtype=bool)
    for half in range(count):
        order = stable_rng(seed, "half-split", half).permutation(folds).tolist()
        for replicate in range(folds + 1):
            first, second = order[: (folds + 1) // 2], order[(folds + 1) // 2 :]
            left_out = replicate - 1
            first = [fold for fold in first if fold != left_out]
            second = [fold for fold in second if fold != left_out]
            if len(first) - len(second) > 1:
                second.append(first.pop())
            out[replicate, half, 0, first] = True
            out[replicate, half, 1, second] = True
    return out
