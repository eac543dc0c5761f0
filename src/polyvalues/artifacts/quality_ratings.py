"""Measured quality of pairs, as it travels from translation to findings: a table with one row per pair.

Columns: those of `RATED_SCHEMA`, then any number of measures (float64, NaN: not measured). Larger is better in every
one of them, so that a positive slope always says that better texts are recognised better.
"""

import math
from collections.abc import Sequence
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


def joined_ratings(tables: Sequence[pa.Table]) -> pa.Table:
    """Rated pairs of several tables one after another; a measure that one of them lacks is NaN there."""
    names = dict.fromkeys(name for table in tables for name in measures_of(table))
    schema = pa.schema([*RATED_SCHEMA, *(pa.field(name, pa.float64(), nullable=False) for name in names)])
    filled = []
    for table in tables:
        missing = pa.array([math.nan] * table.num_rows, pa.float64())
        columns = [table[name] if name in table.column_names else missing for name in schema.names]
        filled.append(pa.table(columns, schema=schema))
    return pa.concat_tables(filled).combine_chunks()


def _keys(rated: pa.Table) -> list[PairKey]:
    return list(zip(*(rated[name].to_pylist() for name in IDS), strict=True))
