"""Pairs and their texts, as tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from polyvalues.artifacts.pair_contract import drop_rows, pair_rows
from polyvalues.artifacts.pair_files import frame_rows, read_frame
from polyvalues.dimensions import PairSides
from polyvalues.errors import PairsError

_SHOWN: Final = 4
_EXAMPLES: Final = 3

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


@dataclass(frozen=True, eq=False, repr=False)
class PairSet:
    """Pairs of texts in many languages: one side upholds a value, the other violates it.

    Attributes:
        table: Arrow table, rows as in `PAIR_SCHEMA`: concept, language, item, group, positive, negative, prefix,
            category, source. Translations of one pair share `item`; what must not be divided between
            fitting and testing shares `group`. `positive` upholds the value.
        drops: Arrow table, rows as in `DROP_SCHEMA`: pairs that were left out, and why.
        notes: what a reader should know, in words (how pairs were matched, which side was assumed ...).

    Example:
        >>> import polyvalues as pv
        >>> row = {"concept": "honesty", "language": "en", "item": "1"}
        >>> pv.PairSet.from_dicts([row | {"positive": "She told the truth.", "negative": "She lied."}])
        <PairSet: 1 pair, honesty (en 1)>
    """

    table: pa.Table
    drops: pa.Table = field(default_factory=lambda: DROP_SCHEMA.empty_table())
    notes: tuple[str, ...] = ()

    @classmethod
    def from_dicts(
        cls,
        rows: Iterable[Mapping[str, object]],
        *,
        drops: Iterable[Mapping[str, object]] = (),
        notes: Iterable[str] = (),
    ) -> "PairSet":
        """Pairs from plain rows.

        Args:
            rows: one mapping per pair with `concept`, `language` (BCP-47 tag), `item`, `positive`, `negative`, and
                optionally `group` (default: the item), `prefix`, `category` (default: empty) and `source` (default:
                `python`); all of them text.
            drops: pairs left out before, as in `DROP_SCHEMA`; `detail` may be left out, `action` is then `dropped`.
            notes: what a reader should know, in words.

        Returns:
            The pairs, in the order of the rows.

        Raises:
            PairsError: a row (its number is given, from 1) lacks a key, has an unknown one or a value that is not text;
                a concept or language is not a valid name; or a concept, language and item occur twice.

        Example:
            >>> import polyvalues as pv
            >>> row = {"concept": "honesty", "language": "en", "item": "1"}
            >>> pv.PairSet.from_dicts([row | {"positive": "He kept his word.", "negative": "He broke it."}]).languages
            ('en',)
        """
        return cls(pair_rows(rows, PAIR_SCHEMA), drop_rows(drops, DROP_SCHEMA), tuple(notes))

    @classmethod
    def from_pandas(cls, frame: pd.DataFrame, *, columns: Mapping[str, str] | None = None, **fixed: str) -> "PairSet":
        """Pairs from a data frame.

        Args:
            frame: one row per pair, columns as in `from_dicts`. Other columns are left out, and a note names them.
                Numbers in `item`, `group` and `category` become text (`3` and `3.0` become `"3"`).
            columns: from our names to the frame's, where they differ: `{"positive": "good", "negative": "bad"}`.
            **fixed: values of columns that the frame does not have: `concept="honesty"`, `language="en"`.

        Returns:
            The pairs, in the order of the rows.

        Raises:
            PairsError: a column is missing, a cell is empty or not text, or as in `from_dicts`.

        Example:
            >>> import pandas as pd, polyvalues as pv
            >>> frame = pd.DataFrame({"item": [1], "good": ["She shared."], "bad": ["She stole."]})
            >>> names = {"positive": "good", "negative": "bad"}
            >>> pv.PairSet.from_pandas(frame, columns=names, concept="fairness", language="en")
            <PairSet: 1 pair, fairness (en 1)>
        """
        rows, unused = frame_rows(frame, columns or {}, fixed)
        note = f"columns that are not used: {', '.join(unused)}"
        return cls.from_dicts(rows, notes=(note,) if unused else ())

    @classmethod
    def from_datasets(cls, dataset: Any, *, columns: Mapping[str, str] | None = None, **fixed: str) -> "PairSet":
        """Pairs from a data set of the library `datasets`.

        Args:
            dataset: a `datasets.Dataset` (one split), or anything with `to_pandas()`.
            columns: as in `from_pandas`.
            **fixed: as in `from_pandas`.

        Returns:
            The pairs, in the order of the rows.

        Raises:
            PairsError: several splits at once, or as in `from_pandas`.

        Example:
            >>> import polyvalues as pv, pyarrow as pa
            >>> data = pa.table({"item": ["1"], "positive": ["She shared."], "negative": ["She stole."]})
            >>> len(pv.PairSet.from_datasets(data, concept="fairness", language="en"))
            1
        """
        if not hasattr(dataset, "to_pandas"):
            splits = f" with splits {', '.join(map(str, dataset))}: choose one" if isinstance(dataset, Mapping) else ""
            raise PairsError(f"from_datasets: got a {type(dataset).__name__}{splits}; expected one datasets.Dataset")
        return cls.from_pandas(dataset.to_pandas(), columns=columns, **fixed)

    @classmethod
    def from_file(cls, path: str | Path, *, columns: Mapping[str, str] | None = None, **fixed: str) -> "PairSet":
        r"""Pairs from one file: CSV, TSV, JSON lines, JSON, Parquet or Excel (the first sheet).

        Data sets in formats of their own are read with `polyvalues.data.readers` (`polyvalues pairs readers`).

        Args:
            path: the file; its ending says what it is (`.csv`, `.tsv`, `.jsonl`, `.json`, `.parquet`, `.xlsx`).
            columns: as in `from_pandas`.
            **fixed: as in `from_pandas`.

        Returns:
            The pairs, in the order of the rows.

        Raises:
            PairsError: the file is not there or cannot be read, or as in `from_pandas`.
            MissingExtra: an Excel file, and openpyxl is not installed.

        Example:
            >>> import pathlib, tempfile, polyvalues as pv
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.csv"
            >>> size = path.write_text("item,positive,negative\n1,She shared.,She stole.\n")
            >>> len(pv.PairSet.from_file(path, concept="fairness", language="en"))
            1
        """
        return cls.from_pandas(read_frame(Path(path)), columns=columns, **fixed)

    def divide(self, share: float, seed: int = 0) -> "tuple[PairSet, PairSet]":
        """Divide the pairs by chance, never within a group: those to fit on and those to test on.

        Args:
            share: share of the groups to test on, above 0 and below 1. At least one group is on either side.
            seed: which ones.

        Returns:
            Pairs to fit on, pairs to test on. A group is on the same side in every concept and language.

        Raises:
            PairsError: the share is not between 0 and 1, or there are fewer than two groups.

        Example:
            >>> import polyvalues as pv
            >>> row = {"concept": "care", "language": "en", "positive": "She helped.", "negative": "She hurt him."}
            >>> pairs = pv.PairSet.from_dicts(row | {"item": str(number)} for number in range(8))
            >>> [len(part) for part in pairs.divide(0.25)]
            [6, 2]
        """
        names = sorted(set(self.table["group"].to_pylist()))
        if not 0 < share < 1 or len(names) < 2:
            raise PairsError(f"divide: {len(names)} groups by a share of {share}; needs two groups and 0 < share < 1")
        held = min(max(1, round(share * len(names))), len(names) - 1)
        chosen = set(np.random.default_rng(seed).permutation(names)[:held].tolist())
        mask = np.array([name in chosen for name in self.table["group"].to_pylist()])
        parts = (self.table.filter(pa.array(side)) for side in (~mask, mask))
        first, second = (PairSet(part, self.drops, self.notes) for part in parts)
        return first, second

    def to_pandas(self) -> pd.DataFrame:
        """The pairs as a data frame, one row per pair.

        Returns:
            Columns as in `PAIR_SCHEMA`, and `split` and `fold` where the pairs have been split.
        """
        return self.table.to_pandas()

    @property
    def concepts(self) -> tuple[str, ...]:
        """Concepts, in the order of the rows."""
        return tuple(dict.fromkeys(self.table["concept"].to_pylist()))

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages as BCP-47 tags, in the order of the rows."""
        return tuple(dict.fromkeys(self.table["language"].to_pylist()))

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of pairs, by concept and language."""
        found: dict[str, dict[str, int]] = {}
        for concept, tag in zip(self.table["concept"].to_pylist(), self.table["language"].to_pylist(), strict=True):
            own = found.setdefault(concept, {})
            own[tag] = own.get(tag, 0) + 1
        return found

    def __len__(self) -> int:
        """Number of pairs."""
        return self.table.num_rows

    def __repr__(self) -> str:
        parts = [
            f"{concept} ({', '.join(f'{tag} {n}' for tag, n in list(own.items())[:_SHOWN])}"
            f"{', ...' if len(own) > _SHOWN else ''})"
            for concept, own in self.counts().items()
        ]
        more = f", and {len(parts) - _SHOWN} more concepts" if len(parts) > _SHOWN else ""
        plural = "" if len(self) == 1 else "s"
        return f"<PairSet: {len(self)} pair{plural}{', ' if parts else ''}{'; '.join(parts[:_SHOWN])}{more}>"

    def _repr_html_(self) -> str:
        counts = "".join(
            f"<tr><th>{escape(concept)}</th><td>{escape(', '.join(f'{tag} {n}' for tag, n in own.items()))}</td></tr>"
            for concept, own in self.counts().items()
        )
        names = ("concept", "language", "positive", "negative")
        shown = "".join(
            "<tr>" + "".join(f"<td>{escape(str(row[name]))}</td>" for name in names) + "</tr>"
            for row in self.table.slice(0, _EXAMPLES).to_pylist()
        )
        heads = "".join(f"<th>{name}</th>" for name in names)
        return (
            f"<table><caption>PairSet: {len(self)} pairs</caption>{counts}</table>"
            f"<table><caption>The first {min(len(self), _EXAMPLES)}</caption><tr>{heads}</tr>{shown}</table>"
        )


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
