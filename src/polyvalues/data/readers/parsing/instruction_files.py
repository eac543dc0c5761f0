"""Files of instructions: one list of texts, whatever the file format.

Format, told by the ending: `.txt` one instruction per line; `.json` and `.jsonl` records `{"instruction": ...}`, or
for `.json` a list of texts; `.csv` and `.tsv` with a column. Where records carry `instruction_translated`, that is the
text and `instruction` its English original; where they do not, `instruction` is the text (in some files it is already
the translation).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from polyvalues.data.readers.parsing.text_files import (
    Record,
    csv_records,
    json_document,
    json_records,
    kind,
    need_columns,
    read_text,
)
from polyvalues.errors import ReaderError

TRANSLATED: Final = "instruction_translated"


class Instruction(NamedTuple):
    """One instruction: its text, its English original where the file has it, its category, and its line."""

    text: str
    original: str | None
    category: str
    line: int


def read_instructions(path: Path, column: str = "instruction") -> list[Instruction]:
    """The instructions of a file, in order.

    Args:
        path: the file.
        column: the column or key that holds the text.

    Raises:
        ReaderError: the file is not of a known format, has no such column, or only some records have a translation.
    """
    suffix = path.suffix.lower()
    if suffix == ".txt":
        lines = enumerate(read_text(path).replace("\r\n", "\n").split("\n"), start=1)
        return [Instruction(line.strip(), None, "", number) for number, line in lines if line.strip()]
    if suffix in (".csv", ".tsv"):
        columns, records = csv_records(path, "\t" if suffix == ".tsv" else ",")
        need_columns(path, columns, (column,))
    elif suffix in (".json", ".jsonl"):
        document = json_document(path) if suffix == ".json" and read_text(path).lstrip().startswith("[") else None
        if isinstance(document, list) and document and all(isinstance(entry, str) for entry in document):
            return [Instruction(text, None, "", number) for number, text in enumerate(document, start=1)]
        records = json_records(path)
    else:
        raise ReaderError(path, "a file of instructions that ends in .txt, .json, .jsonl, .csv or .tsv")
    return _instructions(path, records, column)


def _instructions(path: Path, records: Sequence[Record], column: str) -> list[Instruction]:
    translated = [record for record in records if TRANSLATED in record.values]
    if translated and len(translated) != len(records):
        wrong = next(record for record in records if TRANSLATED not in record.values)
        expected = f"a translation, as {len(translated)} other records of the file have; it is missing"
        raise ReaderError(path, expected, line=wrong.line, field=TRANSLATED)
    return [
        Instruction(
            record.text(TRANSLATED if translated else column),
            record.text(column) if translated else None,
            _category(record),
            record.line,
        )
        for record in records
    ]


def _category(record: Record) -> str:
    value = record.values.get("category")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ReaderError(record.path, f"text or null, got {kind(value)}", line=record.line, field="category")
    return value
