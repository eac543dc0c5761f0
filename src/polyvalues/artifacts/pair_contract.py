"""What a table of pairs must be: its columns, ids and uniqueness, checked row by row.

Contract: a table of pairs has exactly the columns of `PAIR_SCHEMA` without nulls, valid concept names and language
tags, no blank ids, and every (concept, language, item) once. Texts are taken verbatim.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from polyvalues.config import ConceptName
from polyvalues.errors import PairsError, SpecError
from polyvalues.languages.metadata import language_script

REQUIRED: Final = ("concept", "language", "item", "positive", "negative")
DEFAULTS: Final = {"prefix": "", "category": "", "source": "python"}
_DROP_REQUIRED: Final = ("concept", "language", "item", "reason")
_DROP_DEFAULTS: Final = {"detail": "", "action": "dropped"}
_IDS: Final = ("concept", "language", "item", "group")
_CONCEPT: Final = TypeAdapter(ConceptName)


def pair_rows(rows: Iterable[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    """A checked table of pairs from plain rows.

    Args:
        rows: as in `PairSet.from_dicts`.
        schema: `PAIR_SCHEMA`.

    Raises:
        PairsError: a row (its number is given, from 1) lacks a key, has an unknown one or a value that is not text, or
            the rows break the contract of this module.
    """
    filled = [_fill(row, number, REQUIRED, DEFAULTS, "row") for number, row in enumerate(rows, start=1)]
    for row in filled:
        row.setdefault("group", row["item"])
    table = pa.Table.from_pylist(filled, schema=schema)
    check_ids(table, "rows")
    check_unique(table, ["rows"], [table.num_rows])
    return table


def drop_rows(rows: Iterable[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    """A table of pairs that were left out, from plain rows.

    Args:
        rows: as in `DROP_SCHEMA`; `detail` may be left out, `action` is then `dropped`.
        schema: `DROP_SCHEMA`.

    Raises:
        PairsError: a row lacks a key, has an unknown one or a value that is not text.
    """
    filled = [_fill(row, number, _DROP_REQUIRED, _DROP_DEFAULTS, "drop") for number, row in enumerate(rows, start=1)]
    return pa.Table.from_pylist(filled, schema=schema)


def _fill(
    row: Mapping[str, object], number: int, required: Sequence[str], defaults: Mapping[str, str], what: str
) -> dict[str, str]:
    """The row with its defaults, as text throughout."""
    known = {*required, *defaults, *(("group",) if what == "row" else ())}
    missing = [key for key in required if key not in row]
    unknown = [key for key in row if key not in known]
    if missing or unknown:
        wrong = f"lacks {', '.join(map(repr, missing))}" if missing else f"has unknown {', '.join(map(repr, unknown))}"
        raise PairsError(f"{what} {number} {wrong}; keys are {', '.join(sorted(known))}")
    filled = dict(defaults)
    for key, value in row.items():
        if not isinstance(value, str):
            raise PairsError(f"{what} {number}, {key!r}: expected text, got {type(value).__name__} {value!r}")
        filled[key] = value
    return filled


def conform(table: pa.Table, schema: pa.Schema, name: str) -> pa.Table:
    """The table with exactly the schema's columns, types and order.

    Raises:
        PairsError: a column is missing, unknown, of another type, or holds nulls.
    """
    missing = [column for column in schema.names if column not in table.column_names]
    unknown = [column for column in table.column_names if column not in schema.names]
    if missing or unknown:
        raise PairsError(f"{name}: columns missing: {missing}, unknown: {unknown}; expected {schema.names}")
    table = table.select(schema.names)
    for column in schema.names:
        if table[column].null_count:
            row = int(np.argmax(table[column].is_null().to_numpy()))
            raise PairsError(f"{name}, row {row + 1}: {column!r} is null; an empty text is ''")
    try:
        return table.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise PairsError(f"{name}: the columns are not text ({error})") from None


def check_ids(table: pa.Table, name: str) -> None:
    """Every id is there, every concept is a concept name, every language a registered tag."""
    for column in _IDS:
        values = table[column].to_pylist()
        for value in dict.fromkeys(values):
            wrong = _wrong_id(column, value)
            if wrong:
                raise PairsError(f"{name}, row {values.index(value) + 1}, {column!r}: {wrong}")


def _wrong_id(column: str, value: str) -> str:
    """What is wrong with an id, or an empty text."""
    if not value.strip():
        return "is blank"
    try:
        if column == "concept":
            _CONCEPT.validate_python(value)
        elif column == "language":
            language_script(value)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    except SpecError as error:
        return str(error)
    return ""


def check_unique(table: pa.Table, names: Sequence[str], sizes: Sequence[int]) -> None:
    """Every (concept, language, item) occurs once.

    Raises:
        PairsError: it occurs twice; names the two sources, or the one source, and the rows.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)])
    seen: dict[tuple[str, str, str], int] = {}
    keys = zip(*(table[column].to_pylist() for column in ("concept", "language", "item")), strict=True)
    for row, key in enumerate(keys):
        earlier = seen.setdefault(key, row)
        if earlier == row:
            continue
        first, second = (int(np.searchsorted(starts, index, side="right")) - 1 for index in (earlier, row))
        what = f"concept {key[0]!r}, language {key[1]!r}: item {key[2]!r}"
        if first == second:
            rows = f"rows {earlier - starts[first] + 1} and {row - starts[first] + 1}"
            raise PairsError(f"{names[first]}: {what} occurs twice ({rows}); give every pair an item id of its own")
        raise PairsError(
            f"{what} is in {names[first]} and in {names[second]}; leave one of them out, "
            f"or give one another concept (concept=NAME), or item ids of its own"
        )
