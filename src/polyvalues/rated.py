"""Measured quality of pairs, as it travels from translation to findings: a table with one row per pair.

Columns: those of `RATED_SCHEMA`, then any number of measures (float64, NaN: not measured). Larger is better in every
one of them, so that a positive slope always says that better texts are recognised better.
"""

from typing import Final

import pyarrow as pa

PairKey = tuple[str, str, str]
"""Concept, language and item."""

IDS: Final = ("concept", "language", "item")

RATED_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in IDS),
        pa.field("quality", pa.float64(), nullable=False),
        pa.field("flagged", pa.bool_(), nullable=False),
        pa.field("reasons", pa.string(), nullable=False),
    ]
)
"""Ids; quality, larger is better; whether one of the pair's texts is flagged, and why."""


def measures_of(rated: pa.Table) -> tuple[str, ...]:
    """Names of the measures beside the quality."""
    return tuple(name for name in rated.column_names if name not in RATED_SCHEMA.names)


def ratings_of(rated: pa.Table) -> dict[PairKey, float]:
    """Quality by pair."""
    return dict(zip(_keys(rated), rated["quality"].to_pylist(), strict=True))


def flagged_of(rated: pa.Table) -> dict[PairKey, str]:
    """Flagged pairs, and why."""
    rows = zip(_keys(rated), rated["flagged"].to_pylist(), rated["reasons"].to_pylist(), strict=True)
    return {key: reasons for key, flagged, reasons in rows if flagged}


def _keys(rated: pa.Table) -> list[PairKey]:
    return list(zip(*(rated[name].to_pylist() for name in IDS), strict=True))
