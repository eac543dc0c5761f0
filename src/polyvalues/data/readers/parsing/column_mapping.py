"""Tables of pairs: records from CSV, TSV, JSON lines and Parquet, and rows from records by a mapping of columns.

Contract: texts are text cells, taken verbatim; ids (item, group, category, concept, language) may be numbers and
become text (`3` and `3.0` become `"3"`); a null cell is an error; an optional column that is not there takes its
default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from polyvalues.config import PairSource
from polyvalues.data.readers.parsing.pair_rows import PairRow, agree, concept_of, language_of
from polyvalues.data.readers.parsing.text_files import Record, csv_records, json_records, kind
from polyvalues.errors import ReaderError

SUFFIXES: Final = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".pq")


@dataclass(frozen=True)
class Columns:
    """Which column holds what; None where no column does.

    Attributes:
        positive, negative, item, group, prefix, category, concept, language: names of columns.
    """

    positive: str
    negative: str
    item: str | None = None
    group: str | None = None
    prefix: str | None = None
    category: str | None = None
    concept: str | None = None
    language: str | None = None

    def named(self) -> tuple[str, ...]:
        """The columns that are used."""
        fields = (self.concept, self.language, self.item, self.positive, self.negative)
        return tuple(name for name in (*fields, self.group, self.prefix, self.category) if name is not None)


def table_records(path: Path) -> tuple[tuple[str, ...], list[Record]]:
    """Columns and records of a table file; its kind is told by its ending.

    Raises:
        ReaderError: an unknown ending, or the file is not what its ending promises.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return csv_records(path, "\t" if suffix == ".tsv" else ",")
    if suffix in (".json", ".jsonl", ".ndjson"):
        records = json_records(path)
        return tuple(dict.fromkeys(name for record in records for name in record.values)), records
    if suffix in (".parquet", ".pq"):
        return _parquet_records(path)
    raise ReaderError(path, f"a file that ends in {', '.join(SUFFIXES)}")


def arrow_records(path: Path, table: pa.Table) -> list[Record]:
    """The records of an Arrow table, numbered from 1.

    Raises:
        ReaderError: a column is named twice or holds values that cannot be taken as Python values.
    """
    names = table.column_names
    if len(set(names)) != len(names):
        raise ReaderError(path, "column names that differ")
    values = {}
    for name in names:
        try:
            values[name] = table.column(name).to_pylist()
        except (pa.ArrowException, ValueError, OverflowError, ImportError) as error:
            raise ReaderError(path, f"a column of text or numbers ({error})", field=name) from None
    return [
        Record(path, number, dict(zip(names, row, strict=True)))
        for number, row in enumerate(zip(*values.values(), strict=True), start=1)
    ]


def make_rows(source: PairSource, reader: str, records: Sequence[Record], columns: Columns) -> list[PairRow]:
    """Rows from records. Without an item column the ids are `LANGUAGE-NUMBER`: nothing says that rows are translations.

    Raises:
        ReaderError: a cell is null or of the wrong type.
        SpecError: the concept or the language is neither in a column nor given, or contradicts the column.
    """
    concept = None if columns.concept else concept_of(reader, source)
    language = None if columns.language else language_of(reader, source)
    rows = []
    for number, record in enumerate(records, start=1):
        spoken = language or id_text(record, columns.language or "")
        rows.append(
            PairRow(
                concept=concept or id_text(record, columns.concept or ""),
                language=spoken,
                item=id_text(record, columns.item) if columns.item else f"{spoken}-{number}",
                positive=record.text(columns.positive),
                negative=record.text(columns.negative),
                file=record.path,
                line=record.line,
                group=id_text(record, columns.group) if _has(record, columns.group) else None,
                prefix=record.text(columns.prefix or "") if _has(record, columns.prefix) else "",
                category=id_text(record, columns.category) if _has(record, columns.category) else "",
            )
        )
    if columns.concept:
        agree(reader, source, "concept", list(dict.fromkeys(row.concept for row in rows)))
    if columns.language:
        agree(reader, source, "language", list(dict.fromkeys(row.language for row in rows)))
    return rows


def id_text(record: Record, field: str | None) -> str:
    """An id as text: text as it is, whole numbers without a decimal point.

    Raises:
        ReaderError: null, missing, or neither text nor number.
    """
    value = record.values.get(field or "")
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return _digits(record, field, int(value))
    if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
        return _digits(record, field, value)
    raise ReaderError(record.path, f"text or a number, got {kind(value)}", line=record.line, field=field)


def _digits(record: Record, field: str | None, value: int | float) -> str:
    try:
        return str(value)
    except ValueError:
        raise ReaderError(record.path, "a number of fewer digits", line=record.line, field=field) from None


def _has(record: Record, field: str | None) -> bool:
    return field is not None and field in record.values


def _parquet_records(path: Path) -> tuple[tuple[str, ...], list[Record]]:
    try:
        table = pq.ParquetFile(path).read()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ReaderError(path, f"a Parquet file ({str(error)[:200]})") from None
    return tuple(table.column_names), arrow_records(path, table)


def extra_columns(reader: str, columns: Sequence[str], used: Sequence[str]) -> str:
    """A note that names the columns that were not used; empty if all were."""
    extra = [repr(name)[:60] for name in columns if name not in used]
    return f"{reader}: columns that were not used: {', '.join(extra)}" if extra else ""
