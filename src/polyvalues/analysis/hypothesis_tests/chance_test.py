"""Is recognition better, or worse, than chance? An exact test per cell.

    u_g = sum over the pairs of group g of ( A_p - 1/2 ),   A_p = 1, 1/2, 0   (right, tied, wrong at the chosen layer)
    p   = P(|sum e_g u_g| >= |sum u_g|),  e_g fair coins      (`polyvalues.analysis.statistics.sign_flip_test`)

If a vector has nothing to do with the value, the two sides of a pair are exchangeable, and with them the sign of each
group's sum. Two-sided: a vector that is reliably wrong is as much a finding as one that is right. All cells of a study
are adjusted together (Benjamini-Hochberg).

Exact where the vector was fitted on other groups (split data). In cross-fitted concepts the pairs of different folds
share their vectors' data, under another language's vector too as far as translations share their noise; p is widened
for that (`signflip.widen`), and approximate.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from polyvalues.analysis.scoring.pair_outcomes import labels_of, strict_outcomes
from polyvalues.analysis.statistics.attainable_p import power_seen, sign_flip_smallest
from polyvalues.analysis.statistics.bootstrap import group_sums
from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg, sign_flip_p, widen
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.dimensions import CONCEPT, SOURCE, TARGET


def chance(scores: Sequence[Scores], choices: Sequence[LayerChoice]) -> xr.Dataset:
    """Test every recognition accuracy against one half.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.

    Returns:
        `p`, `q`, `p_smallest` and `power` (`analysis.statistics.attainable_p`) float64 `[concept, source, target]`,
        at the chosen layer; NaN where nothing was measured.
        attrs: test, correction.

    Raises:
        MeasureError: no scores, a concept without a choice, or a chosen layer that was not read.
    """
    labels = labels_of(scores)
    p = np.full((len(labels.concepts), len(labels.sources), len(labels.targets)), np.nan)
    smallest = p.copy()
    for concept in strict_outcomes(scores, {choice.concept: choice for choice in choices}):
        row = labels.concepts.index(concept.concept)
        for target in concept.targets:
            if len(target.group):
                sums = group_sums(target.picked_correct() - np.float32(0.5), target.group, len(concept.groups))
                columns = [labels.sources.index(name) for name in target.sources]
                found = sign_flip_p(sums)
                groups = np.count_nonzero(concept.counts(target))
                least = sign_flip_smallest(np.full(found.shape, groups))
                if concept.crossed:
                    found, least = widen(found), widen(least)
                p[row, columns, labels.targets.index(target.target)] = found
                smallest[row, columns, labels.targets.index(target.target)] = least
    dims = (CONCEPT, SOURCE, TARGET)
    return xr.Dataset(
        {
            "p": (dims, p),
            "q": (dims, benjamini_hochberg(p)),
            "p_smallest": (dims, smallest),
            "power": (dims, power_seen(p, smallest)),
        },
        coords={CONCEPT: list(labels.concepts), SOURCE: list(labels.sources), TARGET: list(labels.targets)},
        attrs={
            "test": "exact sign flip over groups, two-sided, against one half",
            "correction": f"Benjamini-Hochberg over {np.count_nonzero(~np.isnan(p))} cells",
        },
    )
