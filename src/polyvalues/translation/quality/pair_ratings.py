"""From the quality of texts to the quality of pairs, which is what findings can be held against.

A pair has the worse one of its two texts, in every measure by itself:

    low is bad           the lower value
    high is bad          minus the higher value
    both are bad         minus the larger distance from the language's median
    quality              the lower one;   flagged: one of the two is
"""

from collections import Counter
from typing import Final

import numpy as np
import pyarrow as pa
from jaxtyping import Float64

from polyvalues.artifacts.quality_ratings import IDS, RATED_SCHEMA, measures_of
from polyvalues.dimensions import SIDES
from polyvalues.translation.quality.metrics import TextQuality
from polyvalues.translation.quality.quality_summary import flagged_pairs
from polyvalues.translation.quality.thresholds import RULES

_DIGITS: Final = 6
_TWICE: Final = ("parted",)
"""The same number as another measure (`apart`), judged from its other end: as a column it would say nothing new, and no
regression could tell the two apart."""


def rate_pairs(found: TextQuality) -> pa.Table:
    """Rated pairs (`polyvalues.artifacts.quality_ratings`): quality, flag, reasons, and every measure that was taken,
    larger is better.
    """
    keys = list(zip(*(found.table[name].to_pylist() for name in IDS), strict=True))
    languages = found.table["language"].to_numpy(zero_copy_only=False).astype(str)
    names = sorted(set(keys))
    row_of = {key: row for row, key in enumerate(names)}
    rows = np.array([row_of[key] for key in keys], dtype=np.int64)
    why = flagged_pairs(found)
    quality = _worse(found.table["quality"].to_numpy(), rows, len(names))
    columns = [
        *(list(column) for column in zip(*names, strict=True)),
        quality,
        [key in why for key in names],
        [why.get(key, "") for key in names],
    ]
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, RATED_SCHEMA, strict=True)], schema=RATED_SCHEMA)
    for name in (name for name in RULES if name not in _TWICE):
        good = _worse(_goodness(found, name, languages), rows, len(names))
        if not np.isnan(good).all():
            table = table.append_column(pa.field(name, pa.float64(), nullable=False), pa.array(good))
    return table


def summarise_rated(rated: pa.Table) -> pa.Table:
    """One row per language, sorted: what there is, what is flagged and why, and means over pairs.

    Returns:
        `language`, `pairs`, `flagged`, `quality` (mean of all pairs), `quality_kept` (of those without a flag; NaN:
        there are none), `reasons` with their number of texts, the most frequent first, and the mean of every measure
        (NaN: not measured).
    """
    measures = measures_of(rated)
    rows = []
    for tag in sorted(set(rated["language"].to_pylist())):
        own = rated.filter(pa.array([language == tag for language in rated["language"].to_pylist()]))
        flagged = own["flagged"].to_numpy()
        quality = own["quality"].to_numpy()
        parts = (part for text in own["reasons"].to_pylist() for part in text.split(" / "))
        counts = Counter(reason for part in parts for reason in _reasons(part))
        ranked = sorted(counts.items(), key=lambda count: (-count[1], count[0]))
        rows.append(
            {
                "language": tag,
                "pairs": own.num_rows,
                "flagged": int(flagged.sum()),
                "quality": _mean(quality),
                "quality_kept": _mean(quality[~flagged]),
                "reasons": "; ".join(f"{reason} {count}" for reason, count in ranked),
                **{name: _mean(own[name].to_numpy()) for name in measures},
            }
        )
    return pa.Table.from_pylist(rows)


def _reasons(part: str) -> list[str]:
    """`negative: copied source; another script` as its two reasons."""
    side, colon, rest = part.partition(": ")
    return [reason for reason in (rest if colon and side in SIDES else part).split("; ") if reason]


def _mean(values: np.ndarray) -> float:
    known = np.sort(values[~np.isnan(values)])
    return float(known.mean()) if len(known) else float("nan")


def _goodness(found: TextQuality, name: str, languages: np.ndarray) -> Float64[np.ndarray, " text"]:
    """A measure of texts, turned so that larger is better."""
    values, rule = found.table[name].to_numpy(), RULES[name]
    if not (rule.low and rule.high):
        return values if rule.low else -values
    middles = {tag: found.fences[name, tag].median for tag in dict.fromkeys(languages.tolist())}
    return -np.abs(values - np.array([middles[tag] for tag in languages.tolist()]))


def _worse(values: np.ndarray, rows: np.ndarray, pairs: int) -> Float64[np.ndarray, " pair"]:
    """The least value of each pair; NaN where neither text has one."""
    least = np.full(pairs, np.inf)
    np.fmin.at(least, rows, values)
    return np.where(np.isinf(least), np.nan, np.round(least, _DIGITS) + 0.0)  # no -0
