"""A human translator: spreadsheets out, spreadsheets in.

One file per language, `fr.csv` (UTF-8 with a mark, so that spreadsheet programs open it well), columns `id`, `text`,
`translation`. The translator fills the last column and saves as CSV or TSV, in UTF-8 or UTF-16, with commas,
semicolons or tabs; rows may be sorted, left out, and columns added. The same command then reads what is there, and
writes what is still missing and in no sheet yet into `fr-2.csv`, `fr-3.csv` ...: a sheet is never written over.

An id is ten consonants made from languages and text, the last one a check: no spreadsheet takes it for a number or a
date, and upper case or spaces around it do no harm. A row whose id is damaged is found by its text. Cells that a
spreadsheet would run as a formula get an apostrophe in front, which is taken off again.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from polyvalues.errors import ReaderError
from polyvalues.translation.backends.base import Request

_LETTERS: Final = "bcdfghjkmnpqrstvwxyz"
_COLUMNS: Final = ("id", "text", "translation")
_FORMULA: Final = ("=", "+", "-", "@", "\t")


@dataclass(frozen=True, eq=False)
class SheetsBackend:
    """Translations from spreadsheets in a folder.

    Attributes:
        folder: where they are.
        write: writes a new one, by name and content.
        notes: what was odd about them, in words; grows.
    """

    folder: Path
    write: Callable[[str, str], None]
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """`files`."""
        return "files"

    @property
    def joint(self) -> bool:
        """No: every text has one row, and stands near the texts it came with."""
        return False

    @property
    def keep(self) -> bool:
        """No: the sheets are the memory, and may be edited."""
        return False

    @property
    def parallel(self) -> int:
        """1."""
        return 1

    @property
    def settings(self) -> Mapping[str, Any]:
        """None: a translation depends on its sheet."""
        return {}

    def plan(self, requests: Sequence[Request], source: str, target: str) -> list[list[int]]:  # noqa: ARG002
        """One batch, in the order of the texts."""
        return [list(range(len(requests)))]

    def translate(self, requests: Sequence[Request], source: str, target: str) -> list[Request | None]:
        """What the sheets have; a sheet is written for what none of them lists.

        Raises:
            ReaderError: a sheet cannot be read, lacks a column, translates a text twice and differently, or has ids
                beside other texts than their own.
        """
        ids = {sheet_id(text, source, target): text for (text,) in requests}
        by_text = {_squeezed(text): text for text in ids.values()}
        listed: dict[str, str] = {}
        lost = 0
        for path in self.sheets(target):
            for line, row in _rows(path):
                text, beside = ids.get(row["id"].strip().lower()), by_text.get(_squeezed(_unguarded(row["text"])))
                given = _unguarded(row["translation"]).strip()
                if text is not None and beside is not None and _squeezed(beside) != _squeezed(text):
                    raise ReaderError(
                        path, "an id and its text side by side; were columns sorted apart?", line=line, field="id"
                    )
                if text is None and not is_id(row["id"]):  # a whole id may be one of another language
                    text = beside
                    lost += text is None and bool(given)
                if text is None:
                    continue
                if given and listed.get(text) not in (None, "", given):
                    raise ReaderError(path, "one translation per text; it has two that differ", line=line, field="id")
                listed[text] = given or listed.get(text, "")
        if lost:
            self.notes.append(f"{target}: {lost} rows with a damaged id and a changed text are left out")
        new = [text for text in ids.values() if text not in listed]
        if new:
            self._add(new, source, target)
        return [(listed[text],) if listed.get(text) else None for (text,) in requests]

    def sheets(self, target: str) -> list[Path]:
        """The sheets of a language, in the order of their numbers."""
        name = re.compile(rf"{re.escape(target)}(-\d+)?\.(csv|tsv)")
        found = [path for path in self.folder.iterdir() if name.fullmatch(path.name)] if self.folder.is_dir() else []
        return sorted(found, key=lambda path: (len(path.stem), path.name))

    def _add(self, texts: Sequence[str], source: str, target: str) -> None:
        taken, number = {path.stem for path in self.sheets(target)}, 1
        while (stem := target if number == 1 else f"{target}-{number}") in taken:
            number += 1
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(_COLUMNS)
        writer.writerows((sheet_id(text, source, target), _guarded(text), "") for text in texts)
        self.write(f"{stem}.csv", "\ufeff" + out.getvalue())
        self.notes.append(f"{target}: {len(texts)} texts to translate are in {self.folder / f'{stem}.csv'}")


def sheet_id(text: str, source: str, target: str) -> str:
    """Ten consonants that stand for a text and the languages it goes between; the last one is a check."""
    digest = hashlib.sha256("\0".join((source, target, text)).encode("utf-8", "surrogatepass")).digest()
    letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:9])
    return letters + _check(letters)


def is_id(given: str) -> bool:
    """Whether an id is whole."""
    bare = given.strip().lower()
    return len(bare) == 10 and set(bare) <= set(_LETTERS) and _check(bare[:9]) == bare[9]


def _check(letters: str) -> str:
    return _LETTERS[sum((at + 1) * _LETTERS.index(letter) for at, letter in enumerate(letters)) % len(_LETTERS)]


def _guarded(text: str) -> str:
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Rows with their lines.

    Raises:
        ReaderError: not text, not a table, or a column is missing.
    """
    try:
        blob = path.read_bytes()
        wide = blob.startswith((b"\xff\xfe", b"\xfe\xff"))
        content = blob.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReaderError(path, f"a table in UTF-8 or UTF-16; save it as CSV UTF-8 ({error})") from None
    head = next(iter(content.splitlines()), "")
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter)
    try:
        names = {str(name).strip().lower(): name for name in reader.fieldnames or ()}
        lacking = [name for name in _COLUMNS if name not in names]
        if lacking:
            raise ReaderError(path, f"the columns {', '.join(_COLUMNS)}; there is no {', '.join(lacking)}", line=1)
        return [(reader.line_num, {name: str(row[names[name]] or "") for name in _COLUMNS}) for row in reader]
    except csv.Error as error:
        raise ReaderError(path, f"a table ({error})", line=reader.line_num) from None
