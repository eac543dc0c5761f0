"""What fits are made from, seen the same way whether it is sums or kept activations.

Only pairs with a fold are fitted on. `Moments` hold sums over exactly those; of `Activations` they are picked here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from polyvalues.artifacts import Activations, Moments
from polyvalues.dimensions import HIDDEN, LAYER
from polyvalues.errors import VectorError

Fitting = Moments | Activations


@dataclass(frozen=True)
class Layout:
    """What the inputs of one concept have in common.

    Attributes:
        concept: the concept.
        languages: keys of the inputs, in their order.
        layers: coordinates of the layers.
        hidden: dimensions of a hidden state.
        folds: number of folds, the largest over the languages.
    """

    concept: str
    languages: tuple[str, ...]
    layers: tuple[int, ...]
    hidden: int
    folds: int


@dataclass(frozen=True)
class Pairs:
    """Hidden states of the fitting pairs of one language at one layer: float64 `[pair, hidden]`, and their folds."""

    positive: Float64[np.ndarray, "pair hidden"]
    negative: Float64[np.ndarray, "pair hidden"]
    fold: Int[np.ndarray, " pair"]


@dataclass(frozen=True)
class FoldSums:
    """Pairs per fold of one language, and the sums of both sides at one layer."""

    count: Int[np.ndarray, " fold"]
    positive: Float64[np.ndarray, "fold hidden"]
    negative: Float64[np.ndarray, "fold hidden"]


def layout(inputs: Mapping[str, Fitting]) -> Layout:
    """Check that the inputs belong together, and say what they have in common.

    Raises:
        VectorError: no inputs; different concepts, layers or dimensions; a key that is not its input's language; a
            language without fitting pairs.
    """
    if not inputs:
        raise VectorError("there is nothing to fit: no language was given")
    concepts, layers, hidden, folds = set(), set(), set(), [0]
    for language, fitting in inputs.items():
        data = fitting.data
        concepts.add(str(data.attrs["concept"]))
        if data.attrs["language"] != language:
            raise VectorError(f"the input given for language {language!r} is of {data.attrs['language']!r}")
        layers.add(layer_coordinates(fitting))
        hidden.add(int(data.sizes[HIDDEN]))
        folds.append(fold_count(fitting))
        if folds[-1] == 0:
            raise VectorError(f"concept {min(concepts)!r}, language {language!r}: no pair has a fold to be fitted in")
    for what, values in (("concepts", concepts), ("layers", layers), ("hidden sizes", hidden)):
        if len(values) > 1:
            raise VectorError(f"the inputs of one fit have different {what}: {sorted(values)}")
    return Layout(concepts.pop(), tuple(inputs), layers.pop(), hidden.pop(), max(folds))


def layer_coordinates(fitting: Fitting) -> tuple[int, ...]:
    """Coordinates of the layers; numbered from 0 when the data set carries none."""
    data = fitting.data
    return tuple(int(layer) for layer in (data[LAYER].values if LAYER in data.coords else range(data.sizes[LAYER])))


def fold_count(fitting: Fitting) -> int:
    """Folds of an input, up to the last one that holds a pair of it (activations) or that was summed (moments)."""
    data = fitting.data
    if isinstance(fitting, Moments):
        return int(data.sizes["fold"]) if int(data["count"].sum()) else 0
    return int(data["fold"].values.max(initial=-1)) + 1


def where(fitting: Fitting, layer: int | None = None) -> str:
    """Concept, language and layer, for messages; `layer` is a position in the layer axis."""
    attrs = fitting.data.attrs
    place = f"concept {attrs['concept']!r}, language {attrs['language']!r}"
    return place if layer is None else f"{place}, layer {layer_coordinates(fitting)[layer]}"


def fitting_items(activations: Activations) -> np.ndarray:
    """Items of the fitting pairs, in the order of `fitting_pairs`."""
    return activations.data["item"].values[activations.data["fold"].values >= 0]


def fitting_contents(activations: Activations) -> np.ndarray:
    """Contents of the fitting pairs' groups, in the order of `fitting_pairs`."""
    return activations.data["content"].values[activations.data["fold"].values >= 0]


def fitting_pairs(fitting: Fitting, layer: int, estimator: str) -> Pairs:
    """The states of the pairs that have a fold, in the order of the table.

    Args:
        fitting: activations.
        layer: position in the layer axis.
        estimator: named in the message.

    Raises:
        VectorError: only sums are at hand.
    """
    if isinstance(fitting, Moments):
        raise VectorError(
            f"{where(fitting)}: the estimator {estimator!r} needs every hidden state, and only their sums were kept; "
            "set keep_activations = true in [reading], or fit 'mean-difference'"
        )
    data = fitting.data
    fold = data["fold"].values
    index = data["index"].values[fold >= 0]
    states = data["states"].values[layer].astype(np.float64)
    return Pairs(states[index[:, 0]], states[index[:, 1]], fold[fold >= 0])


def fold_sums(fitting: Fitting, layer: int, folds: int) -> FoldSums:
    """Sums over the pairs of each fold.

    Args:
        fitting: sums or activations.
        layer: position in the layer axis.
        folds: number of folds wanted; folds the input does not have are empty.

    Raises:
        VectorError: the input has more folds.
    """
    if fold_count(fitting) > folds:
        raise VectorError(f"{where(fitting)}: the pairs lie in {fold_count(fitting)} folds, but {folds} were expected")
    if isinstance(fitting, Moments):
        count, total = fitting.data["count"].values, fitting.data["total"].values[:, :, layer]
        missing = folds - len(count)
        total = np.pad(total, ((0, missing), (0, 0), (0, 0)))
        return FoldSums(np.pad(count, (0, missing)), total[:, 0], total[:, 1])
    pairs = fitting_pairs(fitting, layer, "mean-difference")
    member = (np.arange(folds)[:, None] == pairs.fold[None, :]).astype(np.float64)
    return FoldSums(member.sum(axis=1).astype(np.int64), member @ pairs.positive, member @ pairs.negative)
