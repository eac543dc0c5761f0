"""Tables of pairs in our own columns: CSV, TSV, JSON lines or Parquet.

Format: columns `concept`, `language`, `item`, `positive`, `negative` and optionally `group` (default: the item),
`prefix` and `category` (default: empty). `concept` and `language` may be given for the whole file instead of a column.
Numbers in id columns become text; empty or null ids and null cells are errors; a concept, language and item occur
once. Other columns are named in a note.
"""

from typing import Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Reader, choose_options
from polyvalues.data.readers.parsing.column_mapping import SUFFIXES, Columns, extra_columns, make_rows, table_records
from polyvalues.data.readers.parsing.pair_rows import assemble
from polyvalues.data.readers.parsing.text_files import need_columns, source_path
from polyvalues.errors import ReaderError

_NAME: Final = "table"
_REQUIRED: Final = ("item", "positive", "negative")
_OPTIONAL: Final = ("group", "prefix", "category")


def read(source: PairSource) -> PairSet:
    """Pairs as they stand in the rows.

    Raises:
        ReaderError: a column is missing, a cell null or of the wrong type, an item there twice.
        SpecError: `concept` or `language` is given and the column says another.
    """
    choose_options(_NAME, (), source)
    path = source_path(source)
    if path.is_dir():
        raise ReaderError(path, f"one file that ends in {', '.join(SUFFIXES)}, got a folder")
    columns, records = table_records(path)
    spoken = [name for name in ("concept", "language") if getattr(source, name) is None]
    need_columns(path, columns, (*spoken, *_REQUIRED))
    names = {name: name for name in ("concept", "language", *_OPTIONAL) if name in columns}
    mapping = Columns(positive="positive", negative="negative", item="item", **names)
    note = extra_columns(_NAME, columns, mapping.named())
    return assemble(_NAME, path, make_rows(source, _NAME, records, mapping), (), [note] if note else [])


READER: Final = Reader(
    name=_NAME,
    title="Table of pairs in polyvalues' own columns (CSV, TSV, JSON lines, Parquet)",
    concept=None,
    languages=None,
    obtain="Your own data, or what `polyvalues pairs import` wrote.",
    options=(),
    read=read,
)
