"""Companions of the cosine at one concept's chosen layer, with folds left out for their intervals.

    centred    cosine of v_l - (mean over concepts of v_l): what a language says about this concept beyond all of them
    whitened   cosine in the metric of the hidden states, v_s^T Sigma^-1 v_t / sqrt(...): directions in which texts vary
               anyway count less; Sigma is the Ledoit-Wolf covariance of all texts, each side centred by its mean
    subspace   `polyvalues.vectors.similarity.subspace_overlap`, the leading `DIRECTIONS` directions, of one half of
    the folds in one
               language against the other half in the other, both ways
    cka        `polyvalues.vectors.similarity.cka`, over the items that all languages have

Vectors are mean differences, whatever the study's estimator. The cosines are cross-validated: no item is multiplied
with itself (`polyvalues.vectors.similarity.cross_validated_products`), and subspaces come from different items. CKA
alone compares the same items, for that is its question; so it also sees what translations share apart from the value.

`centred` needs two concepts and is made from sums; the other three need hidden states, and are NaN without them.
Replicates are those of `polyvalues.vectors.similarity.cross_validated_products.leave_out`; the metric is that of all
pairs throughout. `subspace` and `cka` have no replicates without two folds (NaN).
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64

from polyvalues.artifacts import Activations
from polyvalues.dimensions import SOURCE, TARGET
from polyvalues.errors import VectorError
from polyvalues.vectors.estimators.shrinkage import shrunk_solve
from polyvalues.vectors.fitting_data import Fitting, fitting_items, fitting_pairs, fold_sums, layer_coordinates, layout
from polyvalues.vectors.similarity.cka import cka_table, gram
from polyvalues.vectors.similarity.cross_validated_products import difference_sums, full_products, leave_out, products
from polyvalues.vectors.similarity.subspace_overlap import overlaps, top_directions

COMPANIONS: Final = ("centred", "whitened", "subspace", "cka")
DIRECTIONS: Final = 5

_Values = Float64[np.ndarray, "source source replicate"]


def companions(inputs: Mapping[str, Mapping[str, Fitting]], concept: str, layer: int) -> xr.Dataset:
    """Compare the languages of one concept in four more ways.

    Args:
        inputs: by concept and language; other concepts are used for centring where they have all its languages.
        concept: the concept.
        layer: coordinate of its chosen layer.

    Returns:
        `numerator` and `denominator` float64 `[companion, source, target, replicate]`, whose quotient is the companion;
        attrs: concept, layer, folds, directions, `centred_by` (the concepts whose mean was taken away,
        space-separated), chance of `subspace`.

    Raises:
        VectorError: the layer was not read, or fewer than two folds.
    """
    own = inputs[concept]
    shape = layout(own)
    if layer not in shape.layers:
        raise VectorError(f"concept {concept!r}: layer {layer} was not read")
    if shape.folds < 2:
        raise VectorError(f"concept {concept!r}: {shape.folds} fold leaves nothing when one is left out")
    kept = leave_out(shape.folds)
    others = [name for name, given in inputs.items() if set(shape.languages) <= set(given)]
    others = [name for name in others if all(layer in layer_coordinates(part) for part in inputs[name].values())]
    n = len(shape.languages)
    above, below = (np.full((len(COMPANIONS), n, n, len(kept)), np.nan) for _ in range(2))
    if len(others) > 1:
        above[0], below[0] = _centred(inputs, concept, others, layer)
    states = {language: fitting for language, fitting in own.items() if isinstance(fitting, Activations)}
    if len(states) == len(own):
        at = shape.layers.index(layer)
        above[1], below[1] = _whitened(states, at, kept)
        single = kept[: shape.folds + 1]
        above[2:, ..., : len(single)] = _subspaces(states, at, single), _arrangements(states, at, single)
        below[2:, ..., : len(single)] = 1.0
    dims = ("companion", SOURCE, TARGET, "replicate")
    return xr.Dataset(
        {"numerator": (dims, above), "denominator": (dims, below)},
        coords={"companion": list(COMPANIONS), SOURCE: list(shape.languages), TARGET: list(shape.languages)},
        attrs={
            "concept": concept,
            "layer": layer,
            "folds": shape.folds,
            "directions": DIRECTIONS,
            "subspace_chance": float(np.sqrt(DIRECTIONS / shape.hidden)),
            "centred_by": " ".join(others if len(others) > 1 else ()),
        },
    )


def _centred(
    inputs: Mapping[str, Mapping[str, Fitting]], concept: str, others: Sequence[str], layer: int
) -> tuple[_Values, _Values]:
    """Products and lengths of v_concept - mean over concepts; fold k is left out of all concepts at once."""
    languages, folds = tuple(inputs[concept]), max(layout(inputs[name]).folds for name in others)
    kept = _padded(leave_out(layout(inputs[concept]).folds), folds)
    sums = {}
    for name in others:
        parts = [inputs[name][language] for language in languages]
        sums[name] = difference_sums([fold_sums(part, layer_coordinates(part).index(layer), folds) for part in parts])
    weight = {name: (name == concept) - 1 / len(others) for name in others}
    inner = np.zeros((len(languages), len(languages), len(kept)))
    means = {}
    for name, (total, count) in sums.items():
        number = count @ kept.T.astype(np.float64)
        means[name] = (
            np.einsum("skh,rk->srh", total, kept.astype(np.float64)) / np.where(number > 0, number, np.nan)[..., None]
        )
    for (one, (total, count)), (two, (other, number)) in product(sums.items(), sums.items()):
        inner += weight[one] * weight[two] * products(total, other, (count, number), kept)
    beyond = sum(weight[name] * means[name] for name in others)
    square = np.einsum("srh,srh->sr", beyond, beyond)
    return _symmetric(inner), np.sqrt(square[:, None] * square[None])


def _padded(kept: Bool[np.ndarray, "replicate fold"], folds: int) -> Bool[np.ndarray, "replicate fold"]:
    """More folds, kept in every replicate."""
    return np.pad(kept, ((0, 0), (0, folds - kept.shape[1])), constant_values=True)


def _whitened(
    states: Mapping[str, Activations], layer: int, kept: Bool[np.ndarray, "replicate fold"]
) -> tuple[_Values, _Values]:
    pairs = {language: fitting_pairs(fitting, layer, "companions") for language, fitting in states.items()}
    rows = [side - side.mean(axis=0) for own in pairs.values() for side in (own.positive, own.negative)]
    total, count = difference_sums([fold_sums(fitting, layer, kept.shape[1]) for fitting in states.values()])
    solved = shrunk_solve(
        np.concatenate(rows), np.ascontiguousarray(total.reshape(-1, total.shape[-1]).T), "whitened cosine"
    ).T.reshape(total.shape)
    inner = products(total, solved, (count, count), kept)
    length = np.einsum("ssr->sr", full_products(total, count, kept, solved))
    return _symmetric(inner), np.sqrt(length[:, None] * length[None])


def _subspaces(states: Mapping[str, Activations], layer: int, kept: Bool[np.ndarray, "replicate fold"]) -> _Values:
    """Overlap of leading subspaces of different items: one half of the folds against the other, both ways."""
    pairs = [fitting_pairs(fitting, layer, "companions") for fitting in states.values()]
    out = np.empty((len(pairs), len(pairs), len(kept)))
    for replicate, member in enumerate(kept):
        folds = np.flatnonzero(member)
        halves = [np.isin(np.arange(len(member)), folds[side::2]) for side in range(2)]
        first, second = (
            np.stack([top_directions((own.positive - own.negative)[half[own.fold]], DIRECTIONS) for own in pairs])
            for half in halves
        )
        crossed = overlaps(first, second)
        out[..., replicate] = (crossed + crossed.T) / 2
    return out


def _arrangements(states: Mapping[str, Activations], layer: int, kept: Bool[np.ndarray, "replicate fold"]) -> _Values:
    pairs = [fitting_pairs(fitting, layer, "companions") for fitting in states.values()]
    shared = _shared_rows(states)
    grams = np.stack([gram((own.positive - own.negative)[at]) for own, at in zip(pairs, shared, strict=True)])
    item_folds = pairs[0].fold[shared[0]]
    out = np.empty((len(pairs), len(pairs), len(kept)))
    for replicate, member in enumerate(kept):
        stay = np.flatnonzero(member[item_folds])
        out[..., replicate] = cka_table(grams[:, stay[:, None], stay[None, :]])
    return out


def _symmetric(table: _Values) -> _Values:
    return (table + np.swapaxes(table, 0, 1)) / 2


def _shared_rows(kept: Mapping[str, Activations]) -> list[np.ndarray]:
    """Rows of each language's fitting pairs, the items that all languages have, in the order of the first."""
    items = [fitting_items(fitting).tolist() for fitting in kept.values()]
    common = set(items[0]).intersection(*items[1:])
    wanted = [item for item in items[0] if item in common]
    return [
        np.array([{item: row for row, item in enumerate(own)}[item] for item in wanted], dtype=np.int64)
        for own in items
    ]
