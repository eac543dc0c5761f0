"""Pairs from several sources as one set, and pairs from plain rows.

Contract: whatever comes out has exactly the columns of `PAIR_SCHEMA` without nulls, valid concept names and language
tags, no blank ids, and every (concept, language, item) once. Rows keep the order of the sources, and inside a source
its own order. Texts are taken verbatim.
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA, PairSet
from polyvalues.artifacts.pair_contract import check_ids, check_unique, conform
from polyvalues.config import PairSource
from polyvalues.data.readers.registry import read_source
from polyvalues.errors import PairsError


def read_pairs(sources: Sequence[PairSource]) -> PairSet:
    """Read every source with its reader and put the pairs one after another.

    Drops and notes are merged in the same order; a note that several sources make is kept once.

    Raises:
        ReaderError: a file is not what its format promises.
        PairsError: no source is given, or what was read breaks the contract above; in particular when two sources (both
            are named) hold the same item of the same concept and language.
    """
    if not sources:
        raise PairsError("no source of pairs is given: name at least one, e.g. --pairs table:pairs.csv")
    sets = [read_source(source) for source in sources]
    names = [f"{source.reader}:{source.path}" for source in sources]
    tables = [conform(pairs.table, PAIR_SCHEMA, name) for pairs, name in zip(sets, names, strict=True)]
    drops = [conform(pairs.drops, DROP_SCHEMA, name) for pairs, name in zip(sets, names, strict=True)]
    for table, name in zip(tables, names, strict=True):
        check_ids(table, name)
    table = pa.concat_tables(tables)
    check_unique(table, names, [part.num_rows for part in tables])
    notes = tuple(dict.fromkeys(note for pairs in sets for note in pairs.notes))
    return PairSet(table.combine_chunks(), pa.concat_tables(drops).combine_chunks(), notes)


def make_pairs(
    rows: Iterable[Mapping[str, object]], *, drops: Iterable[Mapping[str, object]] = (), notes: Iterable[str] = ()
) -> PairSet:
    """Pairs from plain rows, for use from Python.

    Args:
        rows: one mapping per pair with `concept`, `language`, `item`, `positive`, `negative`, and optionally `group`
            (default: the item), `prefix`, `category` (default: empty) and `source` (default: `python`).
        drops: pairs left out before, as in `DROP_SCHEMA`; `detail` may be left out, `action` is then `dropped`.
        notes: what a reader should know, in words.

    Raises:
        PairsError: a row (its number is given, from 1) lacks a key, has an unknown one or a value that is not text, or
            the rows break the contract of this module.
    """
    return PairSet.from_dicts(rows, drops=drops, notes=notes)
