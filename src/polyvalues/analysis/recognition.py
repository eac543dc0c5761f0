"""Recognition: how often a vector tells the two sides of unseen pairs apart.

    A[s, t, l] = mean over test pairs p of t of ( 1[d_p . v_s > 0] + 1/2 1[d_p . v_s = 0] )

and, at the chosen layer, the AUROC of single texts (each tested pair gives its two texts; cross-fitted texts are
pooled over folds, each relative to the midpoint of its own vector). Intervals: bootstrap over groups, the same groups
in every language (`polyvalues.analysis.statistics.bootstrap`). Controls: accuracy under the target's own meaningless
directions, mean over draws; the interval holds the luck of the draws and of the groups
(`polyvalues.analysis.hypothesis_tests.baseline_check`), and the
accuracies of single directions give the range in which one without meaning falls, and the p of the vector's own.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float64, Int32

from polyvalues.analysis.hypothesis_tests.baseline_check import centre, drawn_accuracy, placement, spread
from polyvalues.analysis.scoring.pair_outcomes import (
    ConceptOutcomes,
    Labels,
    Outcomes,
    labels_of,
    resample_picked,
    strict_outcomes,
)
from polyvalues.analysis.statistics.bootstrap import (
    GroupCount,
    bootstrap_interval,
    bootstrap_ratio,
    exact_type,
    group_sums,
    resampled_ratio,
    widened,
)
from polyvalues.analysis.statistics.formulas import weighted_auroc
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, CONTROL, CONTROLS, FOLD, INTERVAL, LAYER, SOURCE, TARGET

_CHUNK = 1024
"""Resamples per pass of the AUROC, to bound memory."""


def recognition(scores: Sequence[Scores], choices: Sequence[LayerChoice], spec: StatisticsSpec) -> xr.Dataset:
    """Recognition of every concept, source, target and layer, strict protocol.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.
        spec: confidence, draws, seed.

    Returns:
        As `Findings.recognition`; labels in order of first appearance, NaN where nothing was measured.

    Raises:
        MeasureError: no scores, a concept without a choice, or a chosen layer that was not read.
    """
    by_concept = {choice.concept: choice for choice in choices}
    labels = labels_of(scores)
    data = tabulate(labels, strict_outcomes(scores, by_concept), spec)
    # never an empty dimension: netCDF has none
    folds = max(1, *(len(choice.fold_layer) for choice in choices))
    fold_layer = np.full((len(labels.concepts), folds), -1, np.int32)
    chosen_layer = np.array([by_concept[name].layer for name in labels.concepts], np.int32)
    for row, name in enumerate(labels.concepts):
        fold_layer[row, : len(by_concept[name].fold_layer)] = by_concept[name].fold_layer
    data = data.assign(chosen_layer=((CONCEPT,), chosen_layer), fold_layer=((CONCEPT, FOLD), fold_layer))
    return data.assign_attrs(protocol="strict")


def tabulate(labels: Labels, concepts: Iterable[ConceptOutcomes], spec: StatisticsSpec) -> xr.Dataset:
    """Everything in `Findings.recognition` that does not depend on how layers were picked."""
    c, s, t, n = len(labels.concepts), len(labels.sources), len(labels.targets), len(labels.layers)
    chosen = {
        "control_chosen": np.full((c, t, len(CONTROLS), 3), np.nan),
        "control_range": np.full((c, t, len(CONTROLS), 3), np.nan),
        "control_p": np.full((c, t, len(CONTROLS)), np.nan),
        "control_p_smallest": np.full((c, t, len(CONTROLS)), np.nan),
    }
    arrays = {
        "accuracy": np.full((c, s, t, n, 3), np.nan),
        "chosen": np.full((c, s, t, 3), np.nan),
        "auroc": np.full((c, s, t, 3), np.nan),
        "control": np.full((c, t, n, len(CONTROLS), 3), np.nan),
    }
    n_pairs, n_groups = np.zeros((c, t), np.int32), np.zeros((c, t), np.int32)
    for concept in concepts:
        row = labels.concepts.index(concept.concept)
        weights = concept.weights(spec.draws, spec.seed)
        picked = resample_picked(concept, labels, weights)
        arrays["chosen"][row] = bootstrap_interval(picked.accuracy, picked.groups, spec.confidence)
        n_groups[row] = picked.groups.number
        for target in concept.targets:
            column = labels.targets.index(target.target)
            n_pairs[row, column] = len(target.group)
            if len(target.group):
                sources = [labels.sources.index(name) for name in target.sources]
                layers = [labels.layers.index(layer) for layer in target.layers]
                by_layer = _by_layer(concept, target, weights, spec.confidence)
                arrays["accuracy"][row, np.array(sources)[:, None], column, layers] = np.swapaxes(by_layer, 0, 1)
                drawn = drawn_accuracy(target.control_correct(), target.group, len(concept.groups))
                arrays["control"][row, column, layers] = centre(drawn, spec.confidence).interval
                accuracies = dict(zip(target.sources, picked.accuracy[sources, column, 0].tolist(), strict=True))
                cell = {name: values[row, column] for name, values in chosen.items()}
                _baseline(concept, target, accuracies.get(target.target, np.nan), spec.confidence, cell)
                arrays["auroc"][row, sources, column] = _auroc(concept, target, weights, spec.confidence)
    dims = {
        "accuracy": (CONCEPT, SOURCE, TARGET, LAYER, INTERVAL),
        "chosen": (CONCEPT, SOURCE, TARGET, INTERVAL),
        "auroc": (CONCEPT, SOURCE, TARGET, INTERVAL),
        "control": (CONCEPT, TARGET, LAYER, CONTROL, INTERVAL),
        "control_chosen": (CONCEPT, TARGET, CONTROL, INTERVAL),
        "control_range": (CONCEPT, TARGET, CONTROL, INTERVAL),
        "control_p": (CONCEPT, TARGET, CONTROL),
        "control_p_smallest": (CONCEPT, TARGET, CONTROL),
    }
    variables = {name: (dims[name], values) for name, values in (arrays | chosen).items()}
    counts = {"n_pairs": ((CONCEPT, TARGET), n_pairs), "n_groups": ((CONCEPT, TARGET), n_groups)}
    return xr.Dataset(
        {**variables, **counts},
        coords={
            CONCEPT: list(labels.concepts),
            SOURCE: list(labels.sources),
            TARGET: list(labels.targets),
            LAYER: np.array(labels.layers, np.int32),
            CONTROL: list(CONTROLS),
            INTERVAL: list(BOUNDS),
        },
        attrs={"confidence": spec.confidence, "layer_numbering": labels.numbering},
    )


def _baseline(
    concept: ConceptOutcomes, target: Outcomes, own: float, confidence: float, into: Mapping[str, np.ndarray]
) -> None:
    """Baselines at the picked layers, into one cell of the arrays of `tabulate`."""
    drawn = drawn_accuracy(target.picked_control_correct(), target.group, len(concept.groups))
    into["control_chosen"][:] = centre(drawn, confidence).interval
    into["control_range"][:] = spread(drawn, confidence)
    into["control_p"][:] = placement(own, drawn)
    into["control_p_smallest"][:] = np.nan if np.isnan(own) else 1 / (1 + drawn.accuracy.shape[-1])


def _by_layer(
    concept: ConceptOutcomes, target: Outcomes, weights: Int32[np.ndarray, "resample group"], confidence: float
) -> Float64[np.ndarray, "layer source interval"]:
    """Accuracy of the vectors at every layer."""
    counts = concept.counts(target)
    sums = group_sums(target.correct(), target.group, len(counts))
    if not concept.crossed:
        return bootstrap_ratio(sums, counts, weights, confidence)
    groups = GroupCount.of(counts)
    by_source = [
        bootstrap_interval(
            widened(resampled_ratio(sums[:, :, source].astype(np.float64), counts, weights)), groups, confidence
        )
        for source in range(sums.shape[2])
    ]
    return np.stack(by_source, axis=1)


def _auroc(
    concept: ConceptOutcomes, target: Outcomes, weights: Int32[np.ndarray, "resample group"], confidence: float
) -> Float64[np.ndarray, "source interval"]:
    """AUROC of single texts at the picked layers, of every source's vector."""
    sides = target.picked_sides()
    drawn = weights[:, target.group]
    kind = exact_type(float(drawn.sum(axis=1).max()) ** 2)
    values = np.empty((len(target.sources), len(weights)))
    for start in range(0, len(weights), _CHUNK):
        per_pair = np.ascontiguousarray(drawn[start : start + _CHUNK].T, dtype=kind)
        for source in range(len(target.sources)):
            positive, negative = sides[:, 0, source], sides[:, 1, source]
            values[source, start : start + _CHUNK] = weighted_auroc(positive, negative, per_pair, per_pair)
    if concept.crossed:
        values = widened(values)
    groups = GroupCount.of(concept.counts(target))
    return bootstrap_interval(values, groups, confidence)
