"""How stable is the choice of a layer? It is made again in every bootstrap resample of the groups it was made on.

    share[l] = share of resamples in which layer l has the highest mean within-language accuracy (as
    `analysis.scoring.layer_selection`) same     = share at the chosen layer,   near = share within one layer of it

A choice that falls elsewhere in half of the resamples is still a fair one, made without the tested pairs; it says that
the layers are about as good as one another. Resample 0 is the data, and gives the choice itself.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.scoring.layer_selection import best_layer, chooser_correct
from polyvalues.analysis.scoring.pair_outcomes import labels_of
from polyvalues.analysis.statistics.bootstrap import group_sums, group_weights, resampled_ratio
from polyvalues.analysis.statistics.formulas import ordered_mean
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import CONCEPT, LAYER
from polyvalues.errors import MeasureError


def stability(scores: Sequence[Scores], choices: Sequence[LayerChoice], spec: StatisticsSpec) -> xr.Dataset:
    """Choose every layer again in bootstrap resamples.

    Args:
        scores: one per concept and target; the pairs that layers are chosen on are looked at (`select`, or all of a
            cross-fitted concept).
        choices: one per concept.
        spec: draws, seed.

    Returns:
        `share` float64 `[concept, layer]`, how often each layer is chosen; `same` and `near` float64 `[concept]`;
        NaN for layers that a concept lacks.

    Raises:
        MeasureError: no scores, or a concept without a choice.
    """
    labels = labels_of(scores)
    by_concept = {choice.concept: choice for choice in choices}
    share = np.full((len(labels.concepts), len(labels.layers)), np.nan)
    same, near = np.full(len(labels.concepts), np.nan), np.full(len(labels.concepts), np.nan)
    for row, concept in enumerate(labels.concepts):
        if concept not in by_concept:
            raise MeasureError(f"concept {concept!r}: no layer was chosen for it")
        choice = by_concept[concept]
        parts = [item for item in scores if str(item.data.attrs["concept"]) == concept]
        accuracy = _resampled(parts, concept, spec)
        picked = np.array([best_layer(column) for column in accuracy.T])[1:]
        counts = np.bincount(picked, minlength=len(choice.layers)) / len(picked)
        share[row, [labels.layers.index(int(layer)) for layer in choice.layers]] = counts
        chosen = int(np.flatnonzero(choice.layers == choice.layer)[0])
        same[row] = counts[chosen]
        near[row] = counts[max(0, chosen - 1) : chosen + 2].sum()
    return xr.Dataset(
        {"share": ((CONCEPT, LAYER), share), "same": ((CONCEPT,), same), "near": ((CONCEPT,), near)},
        coords={CONCEPT: list(labels.concepts), LAYER: np.array(labels.layers, np.int32)},
        attrs={"layer_numbering": labels.numbering, "draws": spec.draws},
    )


def _resampled(parts: Sequence[Scores], concept: str, spec: StatisticsSpec) -> Float64[np.ndarray, "layer resample"]:
    """Mean accuracy over languages by layer in every resample."""
    chosen = [chooser_correct(item) for item in parts]
    groups = np.unique(np.concatenate([names for _, names in chosen]))
    weights = group_weights(f"{concept} layer", len(groups), spec.draws, spec.seed)
    shares = []
    for correct, names in chosen:
        if len(names):
            where = np.searchsorted(groups, names).astype(np.int64)
            sums = group_sums(correct, where, len(groups))
            shares.append(resampled_ratio(sums, np.bincount(where, minlength=len(groups)), weights))
    return ordered_mean(np.stack(shares))
