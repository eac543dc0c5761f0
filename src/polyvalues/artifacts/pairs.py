"""Pairs and their texts, as tables."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from polyvalues.dimensions import PairSides

PAIR_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("positive", pa.string(), nullable=False),
        pa.field("negative", pa.string(), nullable=False),
        pa.field("prefix", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)
"""Columns of `PairSet.table`. The text that is read is `prefix + side`, verbatim; `prefix` and `category` may be
empty; `source` is `reader:file`. Rows keep the order of the source. `split_pairs` appends `split` (string: fit,
select, test; `cross` in a cross-fitted concept) and `fold` (int32: 0..K-1; -1 where a pair has no fold)."""

DROP_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
    ]
)
"""Columns of `PairSet.drops`: one row per pair and reason; `action` is `dropped` or `mended`."""

SUMMARY_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("kept", pa.int64(), nullable=False),
        pa.field("groups", pa.int64(), nullable=False),
        pa.field("dropped", pa.int64(), nullable=False),
        pa.field("mended", pa.int64(), nullable=False),
        pa.field("reasons", pa.string(), nullable=False),
        pa.field("characters_positive", pa.float64(), nullable=False),
        pa.field("characters_negative", pa.float64(), nullable=False),
        pa.field("positive_longer", pa.float64(), nullable=False),
    ]
)
"""What `summarise_pairs` reports, one row per concept and language: counts; reasons in words (`identical 3; empty 1`);
mean length of each side in characters; share of pairs whose positive side is the longer one (ties 1/2)."""


@dataclass(frozen=True, eq=False)
class PairSet:
    """Pairs in many languages, with what was dropped on the way.

    Attributes:
        table: rows as in `PAIR_SCHEMA`.
        drops: rows as in `DROP_SCHEMA`.
        notes: what a reader should know, in words (how pairs were matched, which side was assumed ...).
    """

    table: pa.Table
    drops: pa.Table = field(default_factory=lambda: DROP_SCHEMA.empty_table())
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TextTable:
    """The unique texts of some pairs of one concept and language, and where each pair finds its two.

    Attributes:
        texts: unique texts before any template, as `(prefix, side)`; the text itself is their concatenation.
        index: int64 `[pair, side]`, rows of `texts`.
        item, group: one string per pair.
        split: one string per pair: fit, select, test or cross.
        fold: int32, one per pair; -1 where a pair has no fold.
        content: of each pair's group, whatever its labels, the same in every language; or empty.
    """

    concept: str
    language: str
    texts: tuple[tuple[str, str], ...]
    index: PairSides
    item: np.ndarray
    group: np.ndarray
    split: np.ndarray
    fold: np.ndarray
    content: np.ndarray = field(default_factory=lambda: np.array([], dtype=str))
