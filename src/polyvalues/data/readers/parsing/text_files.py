"""Files to records: UTF-8 text, CSV and JSON, read strictly.

Contract: a byte-order mark is dropped; NUL bytes and bytes that are not UTF-8 are refused with their line; CSV is read
with strict quoting (a quote that never closes would swallow the rest of the file) and without a limit on the size of a
field; a record's line is the line it starts on, also after fields that hold line breaks; JSON that names a key twice
is refused, since one of the two would be lost. Blank lines are no records.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NamedTuple

from polyvalues.config import PairSource
from polyvalues.errors import ReaderError

_FIELD_LIMIT: Final = 2**31 - 1


class FileRead(NamedTuple):
    """A file as it was read: its SHA-256 (hex) and its size in bytes."""

    path: Path
    sha256: str
    size: int


_WATCH: Final[ContextVar[dict[Path, FileRead] | None]] = ContextVar("files read", default=None)


class Record(NamedTuple):
    """One record of a file: its values by field, and its line (or, in a JSON list, its number), from 1."""

    path: Path
    line: int
    values: Mapping[str, Any]

    def text(self, field: str) -> str:
        """The text in a field.

        Raises:
            ReaderError: the field is not there or holds no text.
        """
        value = self.values.get(field)
        if isinstance(value, str):
            return value
        got = "it is missing" if field not in self.values else f"got {kind(value)}"
        raise ReaderError(self.path, f"text; {got}", line=self.line, field=field)

    def texts(self, field: str) -> list[str]:
        """The list of texts in a field.

        Raises:
            ReaderError: the field is not there or holds something else.
        """
        value = self.values.get(field)
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return value
        got = "it is missing" if field not in self.values else f"got {kind(value)}"
        raise ReaderError(self.path, f"a list of texts; {got}", line=self.line, field=field)


def kind(value: object) -> str:
    """What a JSON value is, in words, without repeating texts of the data."""
    if isinstance(value, list):
        inner = dict.fromkeys(kind(entry) for entry in value)
        return f"a list of {', '.join(inner)}" if inner else "an empty list"
    names = {"NoneType": "null", "bool": "true/false", "dict": "an object", "str": "text"}
    return names.get(type(value).__name__, f"the number {value!r:.40}")


@contextmanager
def watch_files() -> Iterator[Mapping[Path, FileRead]]:
    """The text files that are read while the block runs, with the hash of the very bytes that were read."""
    seen: dict[Path, FileRead] = {}
    token = _WATCH.set(seen)
    try:
        yield seen
    finally:
        _WATCH.reset(token)


def source_path(source: PairSource) -> Path:
    """The file or folder of a source.

    Raises:
        ReaderError: it does not exist or cannot be looked at.
    """
    path = Path(source.path).expanduser()
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise ReaderError(path, f"a file or folder that can be read ({_reason(error)})") from None
    return path


def list_folder(folder: Path) -> list[Path]:
    """What is in a folder, by name, without hidden entries (names that start with a dot).

    Raises:
        ReaderError: it cannot be listed.
    """
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise ReaderError(folder, f"a folder that can be listed ({_reason(error)})") from None


def unread(reader: str, folder: Path, entries: Sequence[Path]) -> tuple[str, ...]:
    """A note that names what in a folder was not read (none if nothing was left)."""
    if not entries:
        return ()
    names = ", ".join(sorted(str(entry.relative_to(folder)) for entry in entries))
    return (f"{reader}: not read in {folder.name}: {names}",)


def nothing_in(folder: Path, expected: str) -> ReaderError:
    """The error for a folder that holds nothing a reader knows; names what is there."""
    there = [entry.name for entry in list_folder(folder)]
    shown = ", ".join(there[:10]) + (f" and {len(there) - 10} more" if len(there) > 10 else "")
    return ReaderError(folder, f"{expected}; the folder holds {shown or 'nothing'}")


def read_text(path: Path) -> str:
    """The content of a UTF-8 file without its byte-order mark, line ends as they are.

    Raises:
        ReaderError: it cannot be read, holds NUL bytes or is not UTF-8 (with the line).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReaderError(path, f"a file that can be read ({_reason(error)})") from None
    seen = _WATCH.get()
    if seen is not None:
        seen[path] = FileRead(path, hashlib.sha256(content).hexdigest(), len(content))
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ReaderError(path, "UTF-8 text; it begins like UTF-16, save it as UTF-8", line=1)
    if (at := content.find(b"\0")) >= 0:
        raise ReaderError(path, "text without NUL bytes", line=content.count(b"\n", 0, at) + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from behind the byte-order mark, which holds no line break: the count of lines is right.
        line = content.removeprefix(b"\xef\xbb\xbf").count(b"\n", 0, error.start) + 1
        raise ReaderError(path, f"UTF-8 text ({error.reason} at byte {error.start})", line=line) from None


def csv_lines(path: Path, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    """The rows of a CSV file with the line each starts on.

    Raises:
        ReaderError: as `read_text`, or the quoting is broken.
    """
    rows: list[tuple[int, list[str]]] = []
    with _any_field_size():
        # newline="" keeps the line breaks inside quoted fields as they are
        reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
        start = 1
        try:
            for row in reader:
                if row:
                    rows.append((start, row))
                start = reader.line_num + 1
        except csv.Error as error:
            raise ReaderError(path, f"CSV with closed quotes ({error})", line=start) from None
    return rows


def csv_records(path: Path, delimiter: str = ",") -> tuple[tuple[str, ...], list[Record]]:
    """The header and the records of a CSV file.

    Raises:
        ReaderError: as `csv_lines`; no header; a column named twice; a row with more or fewer fields than the header.
    """
    rows = csv_lines(path, delimiter)
    if not rows:
        raise ReaderError(path, "a header line, found an empty file", line=1)
    line, header = rows[0]
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise ReaderError(path, f"column names that differ; twice: {', '.join(map(repr, doubled))}", line=line)
    records = []
    for start, row in rows[1:]:
        if len(row) != len(header):
            raise ReaderError(path, f"{len(header)} fields, as in the header, got {len(row)}", line=start)
        records.append(Record(path, start, dict(zip(header, row, strict=True))))
    return tuple(header), records


def need_columns(path: Path, columns: Sequence[str], needed: Sequence[str]) -> None:
    """Check that a table has the columns a reader needs.

    Raises:
        ReaderError: it lacks one; names those it has.
    """
    missing = [name for name in needed if name not in columns]
    if missing:
        there = ", ".join(repr(name)[:60] for name in columns[:20])
        what = "the column" if len(needed) == 1 else "the columns"
        raise ReaderError(path, f"{what} {', '.join(map(repr, needed))}; it has {there or 'none'}", field=missing[0])


def json_document(path: Path) -> object:
    """The content of a JSON file.

    Raises:
        ReaderError: as `read_text`, or it is not JSON (with line and column), names a key twice, or is nested too deep.
    """
    return _parse(path, read_text(path), 1)


def json_records(path: Path) -> list[Record]:
    """The records of a JSON list of objects, or of JSON lines; which of them is seen from the first character.

    Raises:
        ReaderError: as `json_document`; a record is not an object.
    """
    text = read_text(path)
    if text.lstrip().startswith("["):
        document = _parse(path, text, 1)
        numbered = list(enumerate(document if isinstance(document, list) else [document], start=1))
    else:
        # Only "\n" ends a JSON line; str.splitlines would also break at U+2028 inside a text.
        lines = enumerate(text.split("\n"), start=1)
        numbered = [(number, _parse(path, line, number)) for number, line in lines if line.strip()]
    records = []
    for number, value in numbered:
        if not isinstance(value, dict):
            raise ReaderError(path, f"a JSON object per record, got {kind(value)}", line=number)
        records.append(Record(path, number, value))
    return records


def _parse(path: Path, text: str, first_line: int) -> object:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise ReaderError(path, f"JSON ({error.msg} at column {error.colno})", line=line) from None
    except RecursionError:
        raise ReaderError(path, "JSON that is not nested hundreds of levels deep", line=first_line) from None
    except ValueError as error:
        raise ReaderError(path, f"JSON ({error})", line=first_line if first_line > 1 else None) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {doubled!r:.80} occurs twice in one object")
    return result


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


@contextmanager
def _any_field_size() -> Iterator[None]:
    """Lift the csv module's limit of 128 KiB per field, which is global, for as long as one file is read."""
    before = csv.field_size_limit(_FIELD_LIMIT)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
