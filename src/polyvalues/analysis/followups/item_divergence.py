"""Items that a target language judges otherwise: candidates for a real difference of values, never more.

Scores of a pair are `(h_positive - h_negative) . v / |v|` at its chosen layer, under vectors that were fitted without
it (another split, or cross-fitted). Within a concept, target `t` and vector they are divided by a robust standard
deviation (`analysis.statistics.robust_location`), x for the source's vector, y for the target's own. Two statistics,
each centred at the target's robust mean and divided by its robust standard deviation:

    disagreement   x - y                               the two vectors judge the item differently
    departure      x[i, t] - median over the other targets of x[i, .]     all of them scored with the source's vector:
                   the item is judged otherwise here than elsewhere

An item whose value is flipped in one language turns *both* vectors' scores round, since a vector is a mean over many
items: the departure sees that, the disagreement does not. A language that weighs things differently shows in the
disagreement. Two-sided p-values come from the tail that the statistic has in all targets together
(`analysis.statistics.tail_p_values`),
so scores need not be normal; Benjamini-Hochberg within each concept and target, over its items and both statistics.

    bad item     significant in a third of the targets or more, and in at least 3: the item is the problem, not culture
    doubtful     significant, and its translation is doubtful (`polyvalues.translation.quality.outliers`)
    candidate    significant otherwise; to be read by people who speak the language
    no sign      not significant, where an item turned upside down would most likely have been found
    cannot tell  not significant, where it would not: `power` is below 1/2 or unknown

    needed       the smallest |departure| that is significant when no other item is
    power        share of the target's items whose departure, were their score -x, would be `needed` or more

There is no smallest p, since the tail is extrapolated; `needed` says what can be seen. Departures need scores of three
languages or more; p-values 60 values of a statistic in all targets together
(`analysis.statistics.tail_p_values.LEAST`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.scoring.pair_outcomes import labels_of, picked_differences
from polyvalues.analysis.statistics.robust_location import biweight
from polyvalues.analysis.statistics.tail_p_values import outlying
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.errors import MeasureError

STATUSES: Final = ("candidate", "doubtful", "bad item", "no sign", "cannot tell")

DIVERGENCE_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("concept", "target", "source", "item")),
        *(
            pa.field(name, pa.float64(), nullable=True)
            for name in (
                "score_source",
                "score_own",
                "disagreement",
                "p_disagreement",
                "q_disagreement",
                "departure",
                "p_departure",
                "q_departure",
                "needed",
                "power",
            )
        ),
        pa.field("doubts", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
    ]
)
"""One row per concept, target (other than the source) and item. Scores and statistics in robust standard deviations;
positive scores: the vector puts the sides the way the item means them. `needed` and `power` are the target's, for
departures. Null where something was not measured."""

_LEVEL: Final = 0.05
_ENOUGH: Final = 0.5
"""Power from which no sign means something."""


def divergence(
    scores: Sequence[Scores],
    choices: Sequence[LayerChoice],
    *,
    source: str | None = None,
    doubts: pa.Table | None = None,
    level: float = _LEVEL,
) -> pa.Table:
    """Look for items that single languages judge otherwise.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.
        source: the language to compare with; None takes `en` if it is there, else the first.
        doubts: as `polyvalues.translation.quality.outliers.doubts` gives them.
        level: of the q-values.

    Returns:
        Rows as in `DIVERGENCE_SCHEMA`, by concept and target in the order of the scores, then by item.

    Raises:
        MeasureError: no scores, no vector of the source, or a concept without a choice.
    """
    labels = labels_of(scores)
    source = source or ("en" if "en" in labels.sources else labels.sources[0])
    if source not in labels.sources:
        raise MeasureError(f"no vectors of source {source!r}; there are {', '.join(labels.sources)}")
    by_concept = {choice.concept: choice for choice in choices}
    doubtful = _reasons(doubts)
    tables = []
    for concept in labels.concepts:
        if concept not in by_concept:
            raise MeasureError(f"concept {concept!r}: no layer was chosen for it")
        parts = [item for item in scores if str(item.data.attrs["concept"]) == concept]
        tables.append(_concept(concept, parts, by_concept[concept], source, (doubtful, level)))
    return pa.concat_tables(tables)


def others_median(values: Float64[np.ndarray, "item target"]) -> Float64[np.ndarray, "item target"]:
    """Median of each item over the other targets that have it; NaN with fewer than two of them."""
    out = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        rest = np.delete(values, column, axis=1)
        enough = np.sum(~np.isnan(rest), axis=1) >= 2
        if enough.any():
            out[enough, column] = np.nanmedian(rest[enough], axis=1)
    return out


def _concept(
    concept: str, parts: Sequence[Scores], choice: LayerChoice, source: str, rest: tuple[Mapping, float]
) -> pa.Table:
    doubtful, level = rest
    frames = [picked_differences(item, choice) for item in parts]
    items = sorted({str(name) for frame in frames for name in frame["item"].values})
    targets = [str(item.data.attrs["target"]) for item in parts]
    shape = (len(items), len(targets))
    foreign, own = np.full(shape, np.nan), np.full(shape, np.nan)
    group = {
        str(name): str(of)
        for frame in frames
        for name, of in zip(frame["item"].values, frame["group"].values, strict=True)
    }
    for column, (frame, target) in enumerate(zip(frames, targets, strict=True)):
        rows = np.searchsorted(items, frame["item"].values.astype(str))
        foreign[rows, column] = _scores(frame, source)
        own[rows, column] = _scores(frame, target)
    foreign, own = foreign / biweight(foreign)[1], own / biweight(own)[1]
    others = others_median(foreign)
    departure, disagreement = _standardised(foreign - others), _standardised(foreign - own)
    disagreement[:, [name == source for name in targets]] = np.nan  # one vector, so nothing to disagree about
    number = np.unique([group[name] for name in items], return_inverse=True)[1]
    found = outlying(np.stack([departure, disagreement]), number, level)
    needed = found.needed[0]
    power = _power(foreign, others, needed)
    shown = [column for column, target in enumerate(targets) if target != source]
    significant = np.min(np.nan_to_num(found.q, nan=1.0), axis=0) <= level
    everywhere = significant[:, shown].sum(axis=1) >= max(3, len(shown) / 3)
    measured = (foreign, own, disagreement, found.p[1], found.q[1], departure, found.p[0], found.q[0])
    rows = []
    for column in shown:
        for row in np.flatnonzero(~np.isnan(foreign[:, column])).tolist():
            reasons = doubtful.get((concept, targets[column], items[row]), "")
            status = _status(bool(significant[row, column]), bool(everywhere[row]), reasons)
            seen = bool(power[column] >= _ENOUGH and not np.isnan(found.q[0, row, column]))
            status = "cannot tell" if status == "no sign" and not seen else status
            numbers = [float(values[row, column]) for values in measured]
            head = (concept, targets[column], source, items[row])
            rows.append((*head, *numbers, float(needed[column]), float(power[column]), reasons, status))
    columns = list(zip(*rows, strict=True)) or [()] * len(DIVERGENCE_SCHEMA)
    arrays = [
        pa.array(column, field.type, from_pandas=True) for column, field in zip(columns, DIVERGENCE_SCHEMA, strict=True)
    ]
    return pa.table(arrays, schema=DIVERGENCE_SCHEMA)


def _scores(frame: xr.Dataset, source: str) -> Float64[np.ndarray, " pair"]:
    """Scores under one vector; NaN without the vector."""
    if source not in frame["source"].values:
        return np.full(frame.sizes["pair"], np.nan)
    return frame["difference"].sel(source=source).values.astype(np.float64)


def _standardised(values: Float64[np.ndarray, "item target"]) -> Float64[np.ndarray, "item target"]:
    location, scale = biweight(values)
    return (values - location) / scale


def _power(
    scores: Float64[np.ndarray, "item target"],
    others: Float64[np.ndarray, "item target"],
    needed: Float64[np.ndarray, " target"],
) -> Float64[np.ndarray, " target"]:
    """Share of the items whose departure would be large enough with the opposite score; NaN where unknown."""
    location, scale = biweight(scores - others)
    flipped = np.abs((-scores - others - location) / scale)
    known = ~np.isnan(flipped) & ~np.isnan(needed)
    hits = np.sum(known & (flipped >= needed), axis=0)
    return np.where(known.any(axis=0), hits / np.maximum(1, known.sum(axis=0)), np.nan)


def _status(significant: bool, everywhere: bool, reasons: str) -> str:
    if not significant:
        return "no sign"
    return "bad item" if everywhere else "doubtful" if reasons else "candidate"


def _reasons(doubts: pa.Table | None) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in [] if doubts is None else doubts.to_pylist():
        reasons = found.setdefault((row["concept"], row["language"], row["item"]), [])
        if row["reason"] not in reasons:
            reasons.append(row["reason"])
    return {key: ", ".join(reasons) for key, reasons in found.items()}
