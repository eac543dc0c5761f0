"""The unique texts of some pairs: what the model has to read, each once.

Contract: two sides are one text when `prefix + side` is the same string, however it is divided; the first division is
kept. Texts stand in the order in which they first appear, pairs in the order of the table. `content` is of all of the
concept's pairs, whatever `splits`.
"""

import hashlib
import json
from collections.abc import Collection
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polyvalues.artifacts import PairSet, TextTable
from polyvalues.errors import PairsError

_SPLITS: Final = ("fit", "select", "test", "cross")


def text_table(pairs: PairSet, concept: str, language: str, splits: Collection[str]) -> TextTable:
    """The unique texts of the pairs of one concept and language that are in one of `splits`.

    Args:
        pairs: with `split` and `fold`, as `split_pairs` leaves them.
        concept: a concept of the table.
        language: a language of the table.
        splits: of fit, select, test and cross.

    Raises:
        PairsError: the pairs have not been split, a split has an unknown name, or no pair is left.
    """
    unknown = sorted(set(splits) - set(_SPLITS))
    if unknown:
        raise PairsError(f"unknown split {', '.join(map(repr, unknown))}; splits are {', '.join(_SPLITS)}")
    if not {"split", "fold"} <= set(pairs.table.column_names):
        raise PairsError("the pairs have not been split yet: call split_pairs or paper_split first")
    whole = _where(pairs.table, "concept", [concept])
    table = _where(_where(whole, "language", [language]), "split", splits)
    if table.num_rows == 0:
        raise PairsError(f"concept {concept!r}, language {language!r}: no pair in {', '.join(sorted(splits))}")
    texts: list[tuple[str, str]] = []
    rows: dict[str, int] = {}
    index = np.empty((table.num_rows, 2), dtype=np.int64)
    columns = (table[name].to_pylist() for name in ("prefix", "positive", "negative"))
    for pair, (prefix, *sides) in enumerate(zip(*columns, strict=True)):
        for side, text in enumerate(sides):
            row = rows.setdefault(prefix + text, len(texts))
            if row == len(texts):
                texts.append((prefix, text))
            index[pair, side] = row
    return TextTable(
        concept=concept,
        language=language,
        texts=tuple(texts),
        index=index,
        item=np.array(table["item"].to_pylist(), dtype=str),
        group=np.array(table["group"].to_pylist(), dtype=str),
        split=np.array(table["split"].to_pylist(), dtype=str),
        fold=table["fold"].to_numpy().astype(np.int32),
        content=_contents(whole, table),
    )


def _contents(whole: pa.Table, table: pa.Table) -> np.ndarray:
    """What the group of each pair of `table` is whatever its labels: a digest of the texts of its first pair.

    The first pair in the order of the source, in whichever language that is, so it is the same in every language.
    """
    names = whole["group"].combine_chunks().dictionary_encode()
    first = np.unique(names.indices.to_numpy(), return_index=True)
    found: dict[str, str] = {}
    rows = whole.select(["prefix", "positive", "negative"]).take(pa.array(first[1])).to_pylist()
    for code, row in zip(first[0].tolist(), rows, strict=True):
        texts = [row["prefix"] + row["positive"], row["prefix"] + row["negative"]]
        found[names.dictionary[code].as_py()] = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:32]
    return np.array([found[group] for group in table["group"].to_pylist()], dtype=str)


def _where(table: pa.Table, column: str, values: Collection[str]) -> pa.Table:
    """The rows whose column holds one of the values, in order."""
    chosen = np.zeros(table.num_rows, dtype=bool)
    for value in values:
        chosen |= pc.call_function("equal", [table[column], pa.scalar(value)]).to_numpy()
    return table.filter(pa.array(chosen))
