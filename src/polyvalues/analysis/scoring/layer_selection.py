"""One layer per concept, chosen on pairs that are not tested with it.

    split concepts           argmax_l mean_t A_select[t, t, l]
    cross-fitted, fold k     argmax_l mean_t mean over the pairs outside k of the nested correctness [p, k, l]
    cross-fitted, overall    argmax_l mean_t A[t, t, l], each pair under the vector fitted without its fold

A[t, t, l] is the accuracy of a language's own vector, ties 1/2. Among tied layers (means equal to 1e-12) the one
closest to the middle of the layers that were read wins, then the lower one: concepts are usually clearest in the
middle of the stack, and the choice must not depend on the order of anything.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float32, Float64, Int64

from polyvalues.analysis.statistics.formulas import correctness, ordered_mean
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.dimensions import FOLD, LAYER, SOURCE
from polyvalues.errors import MeasureError

_TIE = 1e-12


def choose_layers(scores: Mapping[str, Scores]) -> LayerChoice:
    """Choose the layer of one concept.

    Args:
        scores: by target language. Only `select` pairs are looked at (cross-fitted: all pairs, nested).

    Returns:
        The choice; see `LayerChoice`.

    Raises:
        MeasureError: no scores, no pair to choose by, languages with different layers or concepts, split and
            cross-fitted languages mixed, or a target without a vector of its own.
    """
    if not scores:
        raise MeasureError("no scores to choose a layer by")
    data = [item.data for item in scores.values()]
    concept, layers = _agreed(data)
    crossed = {"selection" in item for item in data}
    if len(crossed) > 1:
        raise MeasureError(f"concept {concept!r}: some languages are cross-fitted and some are split")
    cross = crossed.pop()
    wanted = "cross" if cross else "select"
    overall = [chooser_correct(item)[0] for item in scores.values()]
    accuracy = _mean(overall)
    if np.isnan(accuracy).any():
        raise MeasureError(
            f"concept {concept!r}: no pair in the split {wanted!r}, so no layer can be chosen; use more groups, a "
            "larger 'select' share, or mode = 'cross'"
        )
    layer = int(layers[best_layer(accuracy)])
    if cross:
        fold_layer = [int(layers[best_layer(_without(data, fold))]) for fold in range(data[0].sizes[FOLD])]
    else:
        folds = max((int(item["fold"].values.max(initial=-1)) for item in data), default=-1) + 1
        fold_layer = [layer] * folds
    return LayerChoice(concept, layer, np.array(fold_layer, dtype=np.int32), accuracy, layers.astype(np.int32))


def chooser_correct(scores: Scores) -> tuple[Float32[np.ndarray, "pair layer"], np.ndarray]:
    """Which of the pairs that layers are chosen on are right under their own language's vector, and their groups.

    Raises:
        MeasureError: the target has no vector of its own.
    """
    data = scores.data
    wanted = data["split"].values.astype(str) == ("cross" if "selection" in data else "select")
    return _own_correct(data)[wanted], data["group"].values.astype(str)[wanted]


def best_layer(accuracy: Float64[np.ndarray, " layer"]) -> int:
    """Position of the highest accuracy; among ties the one closest to the middle, then the lower."""
    return int(min(tied_layers(accuracy), key=lambda layer: (abs(2 * int(layer) - (len(accuracy) - 1)), int(layer))))


def tied_layers(accuracy: Float64[np.ndarray, " layer"]) -> Int64[np.ndarray, " tied"]:
    """Positions of all layers that share the highest accuracy (to 1e-12)."""
    return np.flatnonzero(accuracy >= accuracy.max() - _TIE)


def _own_correct(data: xr.Dataset) -> Float32[np.ndarray, "pair layer"]:
    sources = [str(name) for name in data[SOURCE].values]
    target = data.attrs["target"]
    if target not in sources:
        raise MeasureError(f"concept {data.attrs['concept']!r}, target {target!r}: no vector of this language")
    sides = data["projection"].values[..., sources.index(target)]
    return correctness(sides[:, 0] - sides[:, 1])


def _mean(correct: Sequence[Float32[np.ndarray, "_ layer"]]) -> Float64[np.ndarray, " layer"]:
    """Mean over languages of the mean over pairs; languages without pairs have no say."""
    means = [values.mean(axis=0, dtype=np.float64) for values in correct if len(values)]
    return ordered_mean(np.stack(means)) if means else np.full(correct[0].shape[1], np.nan)


def _without(data: Sequence[xr.Dataset], fold: int) -> Float64[np.ndarray, " layer"]:
    """Accuracy by layer with `fold` left out of vectors and pairs alike."""
    nested = []
    for item in data:
        values = item["selection"].values[:, fold]
        nested.append(values[item["fold"].values != fold].astype(np.float32))
    accuracy = _mean(nested)
    if np.isnan(accuracy).any():
        raise MeasureError(
            f"concept {data[0].attrs['concept']!r}: every pair lies in fold {fold}, none is left to choose by"
        )
    return accuracy


def _agreed(data: Sequence[xr.Dataset]) -> tuple[str, np.ndarray]:
    """Concept and layers all languages share."""
    concepts = sorted({str(item.attrs["concept"]) for item in data})
    if len(concepts) > 1:
        raise MeasureError(f"a layer is chosen for one concept at a time, not for {', '.join(concepts)} at once")
    first = data[0][LAYER].values
    for item in data[1:]:
        if not np.array_equal(item[LAYER].values, first):
            raise MeasureError(
                f"concept {concepts[0]!r}: layers {first.tolist()} in {data[0].attrs['target']!r}, "
                f"{item[LAYER].values.tolist()} in {item.attrs['target']!r}"
            )
    return concepts[0], first
