"""What was found, per language, before and after leaving out the flagged pairs; and leaving them out."""

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pyarrow as pa

from polyvalues.artifacts import DROP_SCHEMA, PairSet
from polyvalues.artifacts.quality_ratings import PairKey
from polyvalues.translation.quality.metrics import TextQuality

QUALITY_SUMMARY_SCHEMA: Final = pa.schema(
    [
        pa.field("language", pa.string(), nullable=False),
        pa.field("texts", pa.int64(), nullable=False),
        pa.field("flagged", pa.int64(), nullable=False),
        pa.field("pairs", pa.int64(), nullable=False),
        pa.field("pairs_kept", pa.int64(), nullable=False),
        pa.field("quality_before", pa.float64(), nullable=False),
        pa.field("quality_after", pa.float64(), nullable=False),
        pa.field("reasons", pa.string(), nullable=False),
    ]
)
"""One row per language: texts and flagged texts; pairs and those with no flagged text; mean quality of a text over
all pairs, and over the pairs that are kept (NaN: none); reasons with their number of texts, the most frequent
first."""


def summarise_quality(found: TextQuality) -> pa.Table:
    """Rows as in `QUALITY_SUMMARY_SCHEMA`, sorted by language."""
    flagged = flagged_pairs(found)
    rows = found.table.to_pylist()
    out = []
    for tag in sorted({row["language"] for row in rows}):
        own = [row for row in rows if row["language"] == tag]
        pairs = {_key(row) for row in own}
        kept = [row["quality"] for row in own if _key(row) not in flagged]
        counts = Counter(reason for row in own for reason in row["reasons"].split("; ") if reason)
        out.append(
            {
                "language": tag,
                "texts": len(own),
                "flagged": sum(row["flagged"] for row in own),
                "pairs": len(pairs),
                "pairs_kept": len(pairs - set(flagged)),
                "quality_before": sum(row["quality"] for row in own) / len(own),
                "quality_after": sum(kept) / len(kept) if kept else float("nan"),
                "reasons": "; ".join(
                    f"{reason} {n}" for reason, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))
                ),
            }
        )
    return pa.Table.from_pylist(out, schema=QUALITY_SUMMARY_SCHEMA)


def flagged_pairs(found: TextQuality) -> dict[PairKey, str]:
    """Pairs with a flagged text, and why: `negative: copied source; length`."""
    why: dict[PairKey, list[str]] = {}
    for row in found.table.to_pylist():
        if row["flagged"]:
            why.setdefault(_key(row), []).append(f"{row['side']}: {row['reasons']}")
    return {key: " / ".join(parts) for key, parts in why.items()}


def drop_flagged(pairs: PairSet, found: TextQuality) -> PairSet:
    """The pairs without those that have a flagged text; each is recorded as a drop with the reason `translation`."""
    why = flagged_pairs(found)
    keys = list(zip(*(pairs.table[name].to_pylist() for name in ("concept", "language", "item")), strict=True))
    names = ("concept", "language", "item")
    dropped = [
        dict(zip(names, key, strict=True)) | {"reason": "translation", "detail": why[key], "action": "dropped"}
        for key in keys
        if key in why
    ]
    drops = pa.concat_tables([pairs.drops, pa.Table.from_pylist(dropped, schema=DROP_SCHEMA)])
    return replace(pairs, table=pairs.table.filter(pa.array([key not in why for key in keys])), drops=drops)


def table_csv(table: pa.Table) -> str:
    """A table as CSV; numbers to four decimals, an empty cell for one that was not measured, `true` and `false`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([_cell(row[name]) for name in table.column_names])
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4f}"
    return str(value)


def _key(row: Mapping[str, str]) -> PairKey:
    return row["concept"], row["language"], row["item"]
