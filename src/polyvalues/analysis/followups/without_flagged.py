"""What leaving out pairs changes: the numbers of a study without its flagged translations.

    kept[x, s, t]       accuracy on the pairs of t that are not left out, under the vector of s
    change[x, s, t]     kept - accuracy on all pairs                    the same groups drawn for both
    transfer[x, s, t]   kept[x, s, t] - kept[x, t, t]                   pair by pair, as `analysis.transfer`

    x = own   pairs flagged in the target are left out
    x = any   pairs flagged in any language are left out, so that every language has the same items

Positive `change`: the pairs left out were recognised worse than the others. Only tested pairs are left out; vectors and
layers stay as they were fitted and chosen, flagged texts included. Intervals: bootstrap over groups, the same groups in
every language. Where nothing is left out the change is 0 by definition, [0, 0].
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.analysis.scoring.pair_outcomes import labels_of, left_out, resample_picked, strict_outcomes
from polyvalues.analysis.statistics.bootstrap import bootstrap_interval
from polyvalues.analysis.transfer import tabulate
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.artifacts.quality_ratings import PairKey
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET

EXCLUDED: Final = "excluded"
EXCLUSIONS: Final = ("own", "any")
"""Which pairs are left out."""


def exclusion(
    scores: Sequence[Scores], choices: Sequence[LayerChoice], flagged: Collection[PairKey], spec: StatisticsSpec
) -> xr.Dataset:
    """Recognition and transfer without flagged pairs.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.
        flagged: pairs to leave out; those that are not tested change nothing.
        spec: confidence, draws, seed.

    Returns:
        `kept`, `change`, `transfer` `[excluded, concept, source, target, interval]`; `n_pairs`, `n_kept` and `n_groups`
        (of those kept) int32 `[excluded, concept, target]`. NaN where no pair is left.

    Raises:
        MeasureError: no scores, a concept without a choice, or a chosen layer that was not read.
    """
    labels, by_concept = labels_of(scores), {choice.concept: choice for choice in choices}
    head, cells = (len(EXCLUSIONS), len(labels.concepts)), (len(labels.sources), len(labels.targets), 3)
    arrays = {name: np.full((*head, *cells), np.nan) for name in ("kept", "change", "transfer")}
    counts = {name: np.zeros((*head, len(labels.targets)), np.int32) for name in ("n_pairs", "n_kept", "n_groups")}
    for row, concept in enumerate(strict_outcomes(scores, by_concept)):
        weights = concept.weights(spec.draws, spec.seed)
        everything = resample_picked(concept, labels, weights).accuracy
        for at, kind in enumerate(EXCLUSIONS):
            part = left_out(concept, _chosen(kind, concept.concept, flagged))
            found = resample_picked(part, labels, weights)
            change = bootstrap_interval(found.accuracy - everything, found.groups, spec.confidence, (-1.0, 1.0))
            arrays["kept"][at, row] = bootstrap_interval(found.accuracy, found.groups, spec.confidence)
            arrays["transfer"][at, row] = tabulate(labels, [part], spec)["transfer"].values[row]
            for before, after in zip(concept.targets, part.targets, strict=True):
                column = labels.targets.index(after.target)
                counts["n_pairs"][at, row, column] = len(before.item)
                counts["n_kept"][at, row, column] = len(after.item)
                counts["n_groups"][at, row, column] = found.groups.number[column]
                if len(after.item) == len(before.item):
                    own = change[:, column]
                    own[~np.isnan(own)] = 0.0
            arrays["change"][at, row] = change
    base = (EXCLUDED, CONCEPT)
    return xr.Dataset(
        {
            **{name: ((*base, SOURCE, TARGET, INTERVAL), values) for name, values in arrays.items()},
            **{name: ((*base, TARGET), values) for name, values in counts.items()},
        },
        coords={
            EXCLUDED: list(EXCLUSIONS),
            CONCEPT: list(labels.concepts),
            SOURCE: list(labels.sources),
            TARGET: list(labels.targets),
            INTERVAL: list(BOUNDS),
        },
        attrs={"confidence": spec.confidence},
    )


def _chosen(kind: str, concept: str, flagged: Collection[PairKey]) -> Callable[[str, str], bool]:
    """Whether a pair of one concept, given by target and item, is left out."""
    own = {(target, item) for name, target, item in flagged if name == concept}
    items = {item for _, item in own}
    return (lambda target, item: (target, item) in own) if kind == "own" else (lambda _, item: item in items)


def exclusion_notes(found: xr.Dataset) -> list[str]:
    """A sentence per concept: how many tested pairs are flagged, and what leaving them out does to own accuracy."""
    notes = []
    for concept in map(str, found[CONCEPT].values):
        cell = found.sel({CONCEPT: concept, EXCLUDED: "own"})
        own = [str(tag) for tag in cell[TARGET].values if tag in cell[SOURCE].values]
        change = np.array([cell["change"].sel({SOURCE: tag, TARGET: tag}).values for tag in own])
        seen = change[~np.isnan(change).any(axis=1)]
        out = int((cell["n_pairs"] - cell["n_kept"]).sum())
        said = f"{concept}: {out} of {int(cell['n_pairs'].sum())} tested pairs are flagged"
        if out and len(seen):
            largest = seen[np.abs(seen[:, 0]).argmax()]
            certain = int(((seen[:, 1] > 0) | (seen[:, 2] < 0)).sum())
            said += (
                f"; without them no language's own accuracy changes by more than {abs(largest[0]):.3f} "
                f"(certain in {certain} of {len(seen)})"
            )
        notes.append(said)
    return notes
