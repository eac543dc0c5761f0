"""Items that a target language judges otherwise: candidates for a real difference of values, never more.

Scores of a pair are `(h_positive - h_negative) . v / |v|` at its chosen layer, under vectors that were fitted without
it (another split, or cross-fitted). Within a concept, target `t` and vector they are divided by a robust standard
deviation (1.4826 MAD), x for the source's vector, y for the target's own. Two statistics, each centred at the target's
median and divided by its robust standard deviation, with a two-sided p by Student's t with 0.37 (n - 1) degrees of
freedom over n items (0.37 is the efficiency of the MAD: so much is known of the scale):

    disagreement   x - y                               the two vectors judge the item differently
    departure      x[i, t] - median over the other targets of x[i, .]     all of them scored with the source's vector:
                   the item is judged otherwise here than elsewhere

An item whose value is flipped in one language turns *both* vectors' scores round, since a vector is a mean over many
items: the departure sees that, the disagreement does not. A language that weighs things differently shows in the
disagreement. Benjamini-Hochberg within each concept and target, over its items and both statistics together.

    bad item     significant in a third of the targets or more, and in at least 3: the item is the problem, not culture
    doubtful     significant, and its translation is doubtful (`polyvalues.data.doubt`)
    candidate    significant otherwise; to be read by people who speak the language
    no sign      not significant

Departures need scores of three languages or more. The p-values hold where scores are near normal in their bulk; heavy
tails make more candidates than chance should, so on real data `p` is a ranking before it is a probability.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import xarray as xr
from jaxtyping import Float64
from scipy import stats

from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.errors import MeasureError
from polyvalues.measure.outcomes import labels_of, picked_differences
from polyvalues.measure.signflip import benjamini_hochberg

STATUSES: Final = ("candidate", "doubtful", "bad item", "no sign")

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
            )
        ),
        pa.field("doubts", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
    ]
)
"""One row per concept, target (other than the source) and item. Scores and statistics in robust standard deviations;
positive scores: the vector puts the sides the way the item means them. Null where something was not measured."""

_LEVEL: Final = 0.05
_EFFICIENCY: Final = 0.37
"""Of the median absolute deviation as an estimate of a normal standard deviation (Rousseeuw and Croux 1993)."""


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
        doubts: as `polyvalues.data.doubt.doubts` gives them.
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


def robust_scores(values: Float64[np.ndarray, " item"]) -> Float64[np.ndarray, " item"]:
    """Centred at the median, in units of 1.4826 MAD; NaN where that is 0 or fewer than 8 items are known."""
    known = values[~np.isnan(values)]
    if len(known) < 8:
        return np.full(len(values), np.nan)
    middle = np.median(known)
    scale = 1.4826 * np.median(np.abs(known - middle))
    return (values - middle) / scale if scale > 0 else np.full(len(values), np.nan)


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
    for column, (frame, target) in enumerate(zip(frames, targets, strict=True)):
        rows = np.searchsorted(items, frame["item"].values.astype(str))
        foreign[rows, column] = _scaled(frame, source)
        own[rows, column] = _scaled(frame, target)
    departure = _by_column(foreign - others_median(foreign))
    disagreement = _by_column(foreign - own)
    p = {"departure": _p(departure), "disagreement": _p(disagreement)}
    shown = [column for column, target in enumerate(targets) if target != source]
    both = np.stack(list(p.values()))  # one family per target: an item is named by either statistic
    adjusted = np.stack([benjamini_hochberg(both[:, :, at]) for at in range(shape[1])], axis=2)
    q = dict(zip(p, adjusted, strict=True))
    significant = np.minimum(*(np.where(np.isnan(values), 1.0, values) for values in q.values())) <= level
    everywhere = significant[:, shown].sum(axis=1) >= max(3, len(shown) / 3)
    rows = []
    for column in shown:
        for row, item in enumerate(items):
            if np.isnan(foreign[row, column]):
                continue
            reasons = doubtful.get((concept, targets[column], item), "")
            status = _status(bool(significant[row, column]), bool(everywhere[row]), reasons)
            cells = (
                foreign,
                own,
                disagreement,
                p["disagreement"],
                q["disagreement"],
                departure,
                p["departure"],
                q["departure"],
            )
            numbers = [float(values[row, column]) for values in cells]
            rows.append((concept, targets[column], source, item, *numbers, reasons, status))
    columns = list(zip(*rows, strict=True)) or [()] * len(DIVERGENCE_SCHEMA)
    arrays = [
        pa.array(column, field.type, from_pandas=True) for column, field in zip(columns, DIVERGENCE_SCHEMA, strict=True)
    ]
    return pa.table(arrays, schema=DIVERGENCE_SCHEMA)


def _scaled(frame: xr.Dataset, source: str) -> Float64[np.ndarray, " pair"]:
    """Scores under one vector over their robust standard deviation; NaN without the vector or without spread."""
    if source not in frame["source"].values:
        return np.full(frame.sizes["pair"], np.nan)
    values = frame["difference"].sel(source=source).values.astype(np.float64)
    scale = 1.4826 * np.median(np.abs(values - np.median(values))) if len(values) else 0.0
    return values / scale if scale > 0 else np.full(len(values), np.nan)


def _by_column(values: Float64[np.ndarray, "item target"]) -> Float64[np.ndarray, "item target"]:
    return np.stack([robust_scores(values[:, column]) for column in range(values.shape[1])], axis=1)


def _p(z: Float64[np.ndarray, "item target"]) -> Float64[np.ndarray, "item target"]:
    known = np.sum(~np.isnan(z), axis=0)
    return np.asarray(2 * stats.t.sf(np.abs(z), np.maximum(1.0, _EFFICIENCY * (known - 1))))


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
