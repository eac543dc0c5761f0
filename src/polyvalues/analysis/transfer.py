"""Transfer: what a vector from one language is worth in another.

    T[s -> t] = A[s, t] - A[t, t]              on the same pairs of t, at the chosen layer
    asymmetry = T[s -> t] - T[t -> s]

Both are paired: within a resample the same groups are drawn for both vectors and both languages, and the difference
is taken pair by pair. Positive: the foreign vector does better than the target's own (asymmetry: `s` gives more to
`t` than it gets). The diagonal is 0 by definition, [0, 0]. Where every group shows the same difference the interval
follows the rule for cells without spread (`polyvalues.analysis.statistics.bootstrap`) within [-1, 1]: two vectors
that agree on
all of 60 groups give [-0.06, 0.06], the bound on the share of groups they may disagree on. For the asymmetry the
limits are [-2, 2] and the smaller number of groups counts.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.scoring.pair_outcomes import (
    ConceptOutcomes,
    Labels,
    labels_of,
    resample_picked,
    strict_outcomes,
)
from polyvalues.analysis.statistics.bootstrap import GroupCount, bootstrap_interval
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET


def transfer(scores: Sequence[Scores], choices: Sequence[LayerChoice], spec: StatisticsSpec) -> xr.Dataset:
    """Transfer between all languages of every concept, strict protocol.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.
        spec: confidence, draws, seed.

    Returns:
        As `Findings.transfer`; NaN where one of the accuracies was not measured.

    Raises:
        MeasureError: no scores, a concept without a choice, or a chosen layer that was not read.
    """
    by_concept = {choice.concept: choice for choice in choices}
    data = tabulate(labels_of(scores), strict_outcomes(scores, by_concept), spec)
    return data.assign_attrs(protocol="strict")


def tabulate(labels: Labels, concepts: Iterable[ConceptOutcomes], spec: StatisticsSpec) -> xr.Dataset:
    """Everything in `Findings.transfer`, at the layers picked in `concepts`."""
    shape = (len(labels.concepts), len(labels.sources), len(labels.targets), 3)
    values, asymmetry = np.full(shape, np.nan), np.full(shape, np.nan)
    for concept in concepts:
        row = labels.concepts.index(concept.concept)
        weights = concept.weights(spec.draws, spec.seed)
        found = resample_picked(concept, labels, weights, relative=True)
        values[row] = bootstrap_interval(found.accuracy, found.groups, spec.confidence, (-1.0, 1.0))
        back, least = _reversed(found.accuracy, found.groups, labels)
        asymmetry[row] = bootstrap_interval(found.accuracy - back, least, spec.confidence, (-2.0, 2.0))
        for array in (values, asymmetry):
            _zero_diagonal(array[row], labels)
    dims = (CONCEPT, SOURCE, TARGET, INTERVAL)
    return xr.Dataset(
        {"transfer": (dims, values), "asymmetry": (dims, asymmetry)},
        coords={
            CONCEPT: list(labels.concepts),
            SOURCE: list(labels.sources),
            TARGET: list(labels.targets),
            INTERVAL: list(BOUNDS),
        },
        attrs={"confidence": spec.confidence, "layer_numbering": labels.numbering},
    )


def _reversed(
    values: Float64[np.ndarray, "source target resample"], groups: GroupCount, labels: Labels
) -> tuple[Float64[np.ndarray, "source target resample"], GroupCount]:
    """T[t -> s] at [s, t], NaN where there is none, and the smaller groups of the two languages."""
    back = np.full(values.shape, np.nan)
    behind = np.zeros(values.shape[:2], np.int64)  # the language itself where there is no way back
    for row, source in enumerate(labels.sources):
        for column, target in enumerate(labels.targets):
            if source in labels.targets and target in labels.sources:
                there = labels.targets.index(source)
                back[row, column] = values[labels.sources.index(target), there]
                behind[row, column] = there
    return back, groups.at(behind).smaller(groups)


def _zero_diagonal(cells: Float64[np.ndarray, "source target interval"], labels: Labels) -> None:
    """In place: exactly 0 with [0, 0] for a language onto itself, where it was measured."""
    for row, source in enumerate(labels.sources):
        if source in labels.targets:
            own = cells[row, labels.targets.index(source)]
            own[~np.isnan(own)] = 0.0
