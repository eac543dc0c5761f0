"""From the rows a reader made to a `PairSet`.

Contract: `prefix + side` is the text; rows keep their order; (concept, language, item) is unique; the group is the
item unless given; every concept is a concept name and every language a registered tag; texts are encodable.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA, PairSet
from polyvalues.config import ConceptName, PairSource
from polyvalues.errors import ReaderError, SpecError
from polyvalues.languages.metadata import language_script

_CONCEPT: Final = TypeAdapter(ConceptName)


class PairRow(NamedTuple):
    """One pair, and where it was read: `line` is a line of `file`, or the number of a record in it, from 1.

    `group` None stands for the item; `files` replaces the file's name in the column `source`.
    """

    concept: str
    language: str
    item: str
    positive: str
    negative: str
    file: Path
    line: int
    group: str | None = None
    prefix: str = ""
    category: str = ""
    files: str = ""


class DropRow(NamedTuple):
    """One row of the source that could not become a pair."""

    concept: str
    language: str
    item: str
    reason: str
    detail: str


def assemble(
    reader: str, path: Path, rows: Sequence[PairRow], drops: Iterable[DropRow] = (), notes: Iterable[str] = ()
) -> PairSet:
    """The pair set of a source.

    Raises:
        ReaderError: no row at all; a blank id; an id that occurs twice (names both places); a concept or language
            that is none; a text that is not Unicode (half of a surrogate pair).
    """
    left_out = [(*drop, "dropped") for drop in drops]
    if not rows and not left_out:
        raise ReaderError(path, "at least one pair, found none" + "".join(f" ({note})" for note in notes))
    _check_names(rows)
    _check_items(rows)
    columns = {
        **{name: [getattr(row, name) for row in rows] for name in PAIR_SCHEMA.names if name not in ("source", "group")},
        "group": [row.item if row.group is None else row.group for row in rows],
        "source": [f"{reader}:{row.files or file_name(row.file)}" for row in rows],
    }
    arrays = [_strings(path, name, columns[name], rows) for name in PAIR_SCHEMA.names]
    dropped = [_strings(path, name, [drop[at] for drop in left_out], ()) for at, name in enumerate(DROP_SCHEMA.names)]
    return PairSet(
        pa.Table.from_arrays(arrays, schema=PAIR_SCHEMA),
        pa.Table.from_arrays(dropped, schema=DROP_SCHEMA),
        tuple(dict.fromkeys(notes)),
    )


def file_name(path: Path) -> str:
    """The name of a file without its folder, printable whatever bytes it is made of."""
    return path.name.encode("utf-8", "backslashreplace").decode("utf-8")


def concept_of(reader: str, source: PairSource, default: str | None = None) -> str:
    """The concept of a source whose format does not say it.

    Raises:
        SpecError: neither the user nor the reader names one.
    """
    concept = source.concept or default
    if concept is None:
        raise SpecError(f"{reader}:{source.path}: the data do not say their concept; give concept=NAME")
    return concept


def language_of(reader: str, source: PairSource, default: str | None = None) -> str:
    """The language of a source whose format does not say it.

    Raises:
        SpecError: neither the user nor the reader names one, or the user's is not a registered tag.
    """
    if source.language is not None:
        language_script(source.language)
    language = source.language or default
    if language is None:
        raise SpecError(f"{reader}:{source.path}: the data do not say their language; give language=TAG")
    return language


def agree(reader: str, source: PairSource, field: str, said: Collection[str]) -> None:
    """Refuse a language or concept given by the user when the data say another themselves.

    Raises:
        SpecError: they contradict each other.
    """
    given = source.language if field == "language" else source.concept
    if given is not None and set(said) - {given}:
        named = ", ".join(dict.fromkeys(said))
        raise SpecError(f"{reader}:{source.path}: the data say the {field} themselves ({named}); leave out {given!r}")


def is_language(tag: str) -> bool:
    """Whether a tag is registered."""
    try:
        language_script(tag)
    except SpecError:
        return False
    return True


def _check_names(rows: Sequence[PairRow]) -> None:
    languages: set[str] = set()
    concepts: set[str] = set()
    for row in rows:
        if row.language not in languages:
            if not is_language(row.language):
                expected = f"a registered BCP-47 tag such as 'en', 'sw' or 'sr-Latn', got {row.language!r}"
                raise ReaderError(row.file, expected, line=row.line, field="language")
            languages.add(row.language)
        if row.concept not in concepts:
            try:
                _CONCEPT.validate_python(row.concept)
            except ValidationError:
                expected = f"a concept name (lower case letters, digits, single hyphens), got {row.concept!r}"
                raise ReaderError(row.file, expected, line=row.line, field="concept") from None
            concepts.add(row.concept)


def _check_items(rows: Sequence[PairRow]) -> None:
    seen: dict[tuple[str, str, str], PairRow] = {}
    for row in rows:
        for name, value in (("item", row.item), ("group", row.group)):
            if value is not None and not value.strip():
                raise ReaderError(row.file, "an id that is not blank", line=row.line, field=name)
        earlier = seen.setdefault((row.concept, row.language, row.item), row)
        if earlier is not row:
            expected = (
                f"one row per concept, language and item; {row.item!r} ({row.concept}, {row.language}) was also read "
                f"from {earlier.file}, line {earlier.line}"
            )
            raise ReaderError(row.file, expected, line=row.line, field="item")


def _strings(path: Path, name: str, values: Sequence[str], rows: Sequence[PairRow]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        wrong = next(at for at, value in enumerate(values) if not _encodable(value))
        where = rows[wrong] if rows else None
        raise ReaderError(
            where.file if where else path,
            "Unicode text; it holds half of a surrogate pair (a \\ud800 to \\udfff escape on its own)",
            line=where.line if where else None,
            field=name,
        ) from None


def _encodable(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
