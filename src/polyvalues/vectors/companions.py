"""Companions of the cosine at one concept's chosen layer, with a fold left out at a time for their intervals.

    centred    cosine of v_l - (mean over concepts of v_l): what a language says about this concept beyond all of them
    whitened   `polyvalues.vectors.whitened`; the metric is that of all languages' texts, each side centred by its mean
    subspace   `polyvalues.vectors.subspace`, the leading `DIRECTIONS` directions
    cka        `polyvalues.vectors.cka`, over the items that all languages have

Vectors are mean differences, whatever the study's estimator. `centred` needs two concepts and lives on sums; the other
three need hidden states, and are NaN without them. Replicate 0 has all pairs, replicate k all but those of fold
k - 1, in every concept at once; the whitening metric is that of all pairs throughout.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64

from polyvalues.artifacts import Activations
from polyvalues.axes import SOURCE, TARGET
from polyvalues.errors import VectorError
from polyvalues.vectors.cka import cka_table, gram
from polyvalues.vectors.cosine import cosine_table
from polyvalues.vectors.inputs import Fitting, fitting_items, fitting_pairs, fold_sums, layer_coordinates, layout
from polyvalues.vectors.replicates import leave_one_out
from polyvalues.vectors.subspace import overlaps, top_directions
from polyvalues.vectors.whitened import whitened_cosines

COMPANIONS: Final = ("centred", "whitened", "subspace", "cka")
DIRECTIONS: Final = 5

_Values = Float64[np.ndarray, "replicate source source"]


def companions(inputs: Mapping[str, Mapping[str, Fitting]], concept: str, layer: int) -> xr.Dataset:
    """Compare the languages of one concept in four more ways.

    Args:
        inputs: by concept and language; other concepts are used for centring where they have all its languages.
        concept: the concept.
        layer: coordinate of its chosen layer.

    Returns:
        `value` float64 `[companion, source, target, replicate]`; attrs: concept, layer, directions, `centred_by` (the
        concepts whose mean was taken away, space-separated), chance of `subspace`.

    Raises:
        VectorError: the layer was not read, or fewer than two folds.
    """
    own = inputs[concept]
    shape = layout(own)
    if layer not in shape.layers:
        raise VectorError(f"concept {concept!r}: layer {layer} was not read")
    if shape.folds < 2:
        raise VectorError(f"concept {concept!r}: {shape.folds} fold leaves nothing when one is left out")
    members = leave_one_out(shape.folds)
    others = [name for name, given in inputs.items() if set(shape.languages) <= set(given)]
    values = np.full((len(COMPANIONS), len(members), len(shape.languages), len(shape.languages)), np.nan)
    if len(others) > 1:
        values[0] = _centred(inputs, concept, others, layer)
    kept = {language: fitting for language, fitting in own.items() if isinstance(fitting, Activations)}
    if len(kept) == len(own):
        values[1:] = _from_states(kept, shape.layers.index(layer), members)
    return xr.Dataset(
        {"value": (("companion", SOURCE, TARGET, "replicate"), np.moveaxis(values, 1, -1))},
        coords={"companion": list(COMPANIONS), SOURCE: list(shape.languages), TARGET: list(shape.languages)},
        attrs={
            "concept": concept,
            "layer": layer,
            "directions": DIRECTIONS,
            "subspace_chance": float(np.sqrt(DIRECTIONS / shape.hidden)),
            "centred_by": " ".join(others if len(others) > 1 else ()),
        },
    )


def _vectors(
    fittings: Sequence[Fitting], layer: int, members: Bool[np.ndarray, "replicate fold"]
) -> Float64[np.ndarray, "replicate source hidden"]:
    """Mean differences of some languages, refitted; NaN where no pair is left."""
    found = []
    for fitting in fittings:
        sums = fold_sums(fitting, layer_coordinates(fitting).index(layer), members.shape[1])
        weights = members.astype(np.float64)
        count = weights @ sums.count
        total = weights @ (sums.positive - sums.negative)
        found.append(np.divide(total, count[:, None], out=np.full_like(total, np.nan), where=count[:, None] > 0))
    return np.stack(found, axis=1)


def _centred(inputs: Mapping[str, Mapping[str, Fitting]], concept: str, others: Sequence[str], layer: int) -> _Values:
    folds = {name: layout(inputs[name]).folds for name in others}
    languages = tuple(inputs[concept])
    most = max(folds.values())
    members = leave_one_out(most)
    vectors = {
        name: _vectors([inputs[name][language] for language in languages], layer, members[:, : folds[name]])
        for name in others
        if all(layer in layer_coordinates(fitting) for fitting in inputs[name].values())
    }
    beyond = vectors[concept] - reduce(np.add, vectors.values()) / len(vectors)
    return cosine_table(beyond, beyond)[: folds[concept] + 1]


def _from_states(
    kept: Mapping[str, Activations], layer: int, members: Bool[np.ndarray, "replicate fold"]
) -> np.ndarray:
    pairs = {language: fitting_pairs(fitting, layer, "companions") for language, fitting in kept.items()}
    rows = [side - side.mean(axis=0) for own in pairs.values() for side in (own.positive, own.negative)]
    coordinate = layer_coordinates(next(iter(kept.values())))[layer]
    whitened = whitened_cosines(_vectors(tuple(kept.values()), coordinate, members), np.concatenate(rows))
    subspace, alike = np.empty_like(whitened), np.empty_like(whitened)
    shared = _shared_rows(kept)
    differences = [own.positive - own.negative for own in pairs.values()]
    folds = [own.fold for own in pairs.values()]
    grams = np.stack([gram(own[at]) for own, at in zip(differences, shared, strict=True)])
    item_folds = folds[0][shared[0]]
    for replicate, member in enumerate(members):
        left = [own[member[fold]] for own, fold in zip(differences, folds, strict=True)]
        subspace[replicate] = overlaps(np.stack([top_directions(own, DIRECTIONS) for own in left]))
        stay = np.flatnonzero(member[item_folds])
        alike[replicate] = cka_table(grams[:, stay[:, None], stay[None, :]])
    return np.stack([whitened, subspace, alike])


def _shared_rows(kept: Mapping[str, Activations]) -> list[np.ndarray]:
    """Rows of each language's fitting pairs, the items that all languages have, in the order of the first."""
    items = [fitting_items(fitting).tolist() for fitting in kept.values()]
    common = set(items[0]).intersection(*items[1:])
    wanted = [item for item in items[0] if item in common]
    return [
        np.array([{item: row for row, item in enumerate(own)}[item] for item in wanted], dtype=np.int64)
        for own in items
    ]
