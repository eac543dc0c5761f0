"""Sentence pairs: tables with one column per side, one file per language.

Layouts, told by the columns unless `positive` and `negative` are given:

    ID, A_en, B_en, A_x, B_x, stereo_antistereo    negative A_x, positive B_x, item ID, concept fairness
    toxic_sentence, neutral_sentence               negative toxic_sentence, positive neutral_sentence, concept toxicity

In the first, **A is the more stereotypical side in every row**. `stereo_antistereo` keeps the direction of the
CrowS-Pairs study the row came from; it is not a label of A and B and is not used (swapping by it would turn 4 in 10
pairs round). The second is **not parallel** across languages: without an id column items are `LANGUAGE-NUMBER`. The
path is a file or a folder of CSV, TSV, JSON lines or Parquet files; the language is the one given, else the part of a
file's name that is a two-letter tag (`cps_translated_fi_formatted.csv`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Chosen, Option, Reader, choose_options
from polyvalues.data.readers.parsing.column_mapping import SUFFIXES, Columns, extra_columns, make_rows, table_records
from polyvalues.data.readers.parsing.language_from_path import language_of_stem
from polyvalues.data.readers.parsing.pair_rows import PairRow, assemble, concept_of
from polyvalues.data.readers.parsing.text_files import list_folder, need_columns, nothing_in, source_path, unread
from polyvalues.errors import ReaderError, SpecError

_NAME: Final = "sentence-pairs"
_OPTIONS: Final = (
    Option("positive", "", "Column of the side that upholds the value."),
    Option("negative", "", "Column of the side that violates it."),
    Option("id", "", "Column of ids that translations share; without one every language has its own items."),
    Option("prefix", "", "Column of a text both sides follow."),
    Option("group", "", "Column of what must not be split; default: the item."),
    Option("category", "", "Column of a category."),
    Option("files", "*", "Which files of a folder are read, e.g. '*.jsonl'."),
)


@dataclass(frozen=True)
class _Layout:
    columns: Columns
    concept: str | None
    ignored: str = ""


_LAYOUTS: Final = (
    _Layout(
        Columns(positive="B_x", negative="A_x", item="ID"),
        "fairness",
        "the column 'stereo_antistereo' was not used: A is the more stereotypical side in every row",
    ),
    _Layout(Columns(positive="neutral_sentence", negative="toxic_sentence"), "toxicity"),
)


def read(source: PairSource) -> PairSet:
    """Pairs as they stand in the rows.

    Raises:
        ReaderError: columns are missing, or two files hold the same items of a language.
        SpecError: nothing tells the columns, the concept or the language.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    if ("positive" in chosen.given) != ("negative" in chosen.given):
        raise SpecError(f"{_NAME}:{source.path}: give both 'positive' and 'negative', or neither")
    path = source_path(source)
    files, notes = _files(path, chosen)
    rows: list[PairRow] = []
    for file in files:
        columns, records = table_records(file)
        layout = _layout(file, columns, chosen)
        used = layout.columns.named()
        need_columns(file, columns, used)
        told = source.model_copy(
            update={"concept": concept_of(_NAME, source, layout.concept), "language": _language(source, file)}
        )
        rows += make_rows(told, _NAME, records, layout.columns)
        notes += _notes(layout, columns)
    return assemble(_NAME, path, rows, (), notes)


def _notes(layout: _Layout, columns: Sequence[str]) -> list[str]:
    notes = [extra_columns(_NAME, columns, layout.columns.named())]
    if layout.ignored:
        notes.append(f"{_NAME}: {layout.ignored}")
    if layout.columns.item is None:
        notes.append(f"{_NAME}: no column of ids: rows of two languages are not taken for translations of one another")
    return [note for note in notes if note]


def _layout(file: Path, columns: Sequence[str], chosen: Chosen) -> _Layout:
    """The columns given, or those of the layout that fits."""
    given = {name: chosen.text(option) or None for name, option in (("item", "id"), ("prefix", "prefix"))}
    given |= {name: chosen.text(name) or None for name in ("group", "category")}
    if chosen.text("positive"):
        return _Layout(Columns(positive=chosen.text("positive"), negative=chosen.text("negative"), **given), None)
    for layout in _LAYOUTS:
        known = layout.columns
        if known.positive in columns and known.negative in columns:
            item = given.pop("item") or known.item
            return _Layout(Columns(known.positive, known.negative, item=item, **given), layout.concept, layout.ignored)
    sides = " or ".join(f"{layout.columns.positive!r} and {layout.columns.negative!r}" for layout in _LAYOUTS)
    there = ", ".join(repr(name)[:60] for name in columns[:20])
    raise ReaderError(file, f"the columns {sides}, or the options 'positive' and 'negative'; it has {there or 'none'}")


def _language(source: PairSource, file: Path) -> str:
    told = language_of_stem(file.stem)
    # "my" or "no" in a single file's name may be a word, so what the user says wins; for a folder it cannot hold
    if Path(source.path).expanduser() != file and source.language and told and told != source.language:
        raise SpecError(
            f"{_NAME}:{source.path}: {file.name} says its language itself ({told}); leave out {source.language!r}"
        )
    language = source.language or told
    if language is None:
        raise SpecError(
            f"{_NAME}:{source.path}: the name of {file.name} tells no language or several; give language=TAG"
        )
    return language


def _files(path: Path, chosen: Chosen) -> tuple[list[Path], list[str]]:
    if not path.is_dir():
        if "files" in chosen.given:
            raise SpecError(f"{_NAME}:{path}: the option 'files' chooses among the files of a folder; leave it out")
        return [path], []
    entries = list_folder(path)
    pattern = chosen.text("files")
    files = [
        entry
        for entry in entries
        if entry.suffix.lower() in SUFFIXES and fnmatchcase(entry.name, pattern) and entry.is_file()
    ]
    if not files:
        raise nothing_in(path, f"a folder with tables ({', '.join(SUFFIXES)}) called {pattern}")
    return files, list(unread(_NAME, path, [entry for entry in entries if entry not in files]))


READER: Final = Reader(
    name=_NAME,
    title="Sentence pairs, one column per side, one file per language (CSV, TSV, JSON lines, Parquet)",
    concept=None,
    languages=None,
    obtain=(
        "For example the S_JSD multilingual gender bias sentences of Steinborn et al. (2022), in the paper's GitHub "
        "repository (CC BY-SA 4.0), or textdetox/multilingual_paradetox on the Hub (OpenRAIL++)."
    ),
    options=_OPTIONS,
    read=read,
)
