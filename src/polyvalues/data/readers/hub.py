"""Any data set that the `datasets` library loads: a local folder or file, or a Hub id, with a mapping of columns.

Contract: the library is optional (extra `hub`) and imported when needed. One split is read; code that a data set
brings is never run. Columns are named by options; without an item column items are `LANGUAGE-NUMBER` (rows of two
languages are not taken for translations). Cells as in `tabular`. Class labels are written as their numbers.
"""

from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Chosen, Option, Reader, choose_options
from polyvalues.data.readers.parsing.column_mapping import Columns, arrow_records, make_rows
from polyvalues.data.readers.parsing.pair_rows import assemble, concept_of, language_of
from polyvalues.data.readers.parsing.text_files import Record, list_folder, need_columns
from polyvalues.errors import MissingExtra, ReaderError, SpecError

_NAME: Final = "hub"
_BUILDERS: Final = {".json": "json", ".jsonl": "json", ".csv": "csv", ".parquet": "parquet"}
"""The library's name for the format of a single local file, whose split is `train`."""

_OPTIONS: Final = (
    Option("positive", "positive", "Column of the side that upholds the value."),
    Option("negative", "negative", "Column of the side that violates it."),
    Option("item", "", "Column of ids that translations share; without one every language has its own items."),
    Option("group", "", "Column of what must not be split; default: the item."),
    Option("prefix", "", "Column of a text both sides follow."),
    Option("category", "", "Column of a category."),
    Option("language_column", "", "Column of the language."),
    Option("concept_column", "", "Column of the concept."),
    Option("split", "train", "Split of the data set."),
    Option("name", "", "Configuration of the data set."),
    Option("revision", "", "Branch, tag or commit on the Hub."),
)


def read(source: PairSource) -> PairSet:
    """Pairs as they stand in the rows of one split.

    Raises:
        MissingExtra: the `datasets` library is not installed.
        ReaderError: the library cannot load the data set, or a column is missing or holds something else.
        SpecError: neither a column nor the source says the concept or the language.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    columns = _columns(chosen)
    if columns.concept is None:
        concept_of(_NAME, source)
    if columns.language is None:
        language_of(_NAME, source)
    records = _records(source, chosen, columns)
    notes = []
    if columns.item is None:
        notes.append(f"{_NAME}: no column of ids: rows of two languages are not taken for translations of one another")
    path = Path(source.path)
    return assemble(_NAME, path, make_rows(source, _NAME, records, columns), (), notes)


def _columns(chosen: Chosen) -> Columns:
    named = {name: chosen.text(name) or None for name in ("item", "group", "prefix", "category")}
    named |= {name: chosen.text(f"{name}_column") or None for name in ("language", "concept")}
    for side in ("positive", "negative"):
        if not chosen.text(side):
            raise SpecError(f"reader {_NAME!r}, option {side!r}: expected the name of a column, got ''")
    return Columns(positive=chosen.text("positive"), negative=chosen.text("negative"), **named)


def _records(source: PairSource, chosen: Chosen, columns: Columns) -> list[Record]:
    """The columns that are used, row by row."""
    try:
        import datasets
    except ImportError:
        raise MissingExtra(
            "reader 'hub' needs the library 'datasets': install polyvalues with the extra 'hub', polyvalues[hub]"
        ) from None
    path = Path(source.path)
    _refuse_code(path)
    try:
        # Without `streaming` a single split comes back as one Dataset.
        builder = _BUILDERS.get(path.suffix.lower()) if path.is_file() else None
        loaded: Any = datasets.load_dataset(
            builder or source.path,
            data_files={"train": source.path} if builder else None,
            name=chosen.text("name") or None,
            split=chosen.text("split"),
            revision=chosen.text("revision") or None,
        )
        need_columns(path, loaded.column_names, columns.named())
        table: pa.Table = loaded.select_columns(list(dict.fromkeys(columns.named()))).with_format("arrow")[:]
    except _failures(datasets) as error:
        # The library wraps what went wrong in a general error; the cause says it.
        cause = error.__cause__ or error
        reason = f"{type(cause).__name__}: {cause}"
        raise ReaderError(path, f"a data set that the 'datasets' library can load ({reason[:500]})") from error
    return arrow_records(path, table)


def _failures(datasets: Any) -> tuple[type[Exception], ...]:
    """What the library raises when a data set cannot be found, fetched, decoded or selected."""
    usual = (OSError, ValueError, TypeError, RuntimeError, LookupError, NotImplementedError, ImportError)
    return (datasets.exceptions.DatasetsError, pa.ArrowException, *usual)


def _refuse_code(path: Path) -> None:
    """Refuse a local folder with a loading script before the library sees it."""
    scripts = [path] if path.suffix == ".py" else []
    if path.is_dir():
        scripts += [entry for entry in list_folder(path) if entry.suffix == ".py"]
    if scripts:
        raise ReaderError(path, f"data files only; {scripts[0].name} is a program, which is never run")


READER: Final = Reader(
    name=_NAME,
    title="Any data set the 'datasets' library loads, with a mapping of columns (extra 'hub')",
    concept=None,
    languages=None,
    obtain="A local folder of data files, or the id of a data set on the Hub; see its card for the licence.",
    options=_OPTIONS,
    read=read,
)
