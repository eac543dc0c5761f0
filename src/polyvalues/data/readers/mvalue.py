"""MVALUE, the data of Xu et al. (2024): one JSON file per concept and language.

Format: `data/{concept}/{concept}_{language}.json` = `{k1: {k2: {"pos", "neg", "scenario"?, "question"?}}}`. The path
is the folder that holds `data`, `data` itself, the folder of one concept, or one file. The item is `k1|k2`; file order
is kept; pairs with equal sides are kept (checking drops them and says so). As in the authors' code the text is
`scenario + " " + side`, or `"Question: " + question + " Answer: " + side`; where neither key is there it is the side
alone.

Group: items whose scenario or question is the same text in any language that is read belong together; the group is
named after the first of them, so it is the same id in all languages. Other items are groups of their own.

Whether `pos` is the side that upholds the value is an assumption (option `positive`), which a note states.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Option, Reader, choose_options
from polyvalues.data.readers.parsing.grouping import joined_groups
from polyvalues.data.readers.parsing.pair_rows import PairRow, agree, assemble, concept_of, is_language, language_of
from polyvalues.data.readers.parsing.text_files import (
    Record,
    json_document,
    kind,
    list_folder,
    nothing_in,
    source_path,
    unread,
)
from polyvalues.errors import ReaderError

_NAME: Final = "mvalue"
_OPTIONS: Final = (Option("positive", "pos", "Which key holds the side that upholds the value.", ("pos", "neg")),)
_FILE: Final = re.compile(r"(?P<concept>.+)_(?P<language>[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)\.json", re.IGNORECASE)
_CONTEXTS: Final = {"scenario": "{} ", "question": "Question: {} Answer: "}
_KEYS: Final = frozenset({"pos", "neg", *_CONTEXTS})


class _File(NamedTuple):
    path: Path
    concept: str
    language: str


def read(source: PairSource) -> PairSet:
    """The pairs of one or several concepts and languages.

    Raises:
        ReaderError: no file of the format, or a file of another shape.
        SpecError: `concept` or `language` contradicts the names of the files.
    """
    positive = choose_options(_NAME, _OPTIONS, source).text("positive")
    files, notes = _files(source)
    rows: list[PairRow] = []
    contexts: list[str] = []
    extra: dict[str, None] = {}
    for file in files:
        for record in _records(file.path):
            row, context = _row(file, record, positive)
            rows.append(row)
            contexts.append(context)
            extra.update(dict.fromkeys(key for key in record.values if key not in {*_KEYS, "", " "}))
    notes.append(f"{_NAME}: '{positive}' is assumed to be the side that upholds the value (option 'positive')")
    if extra:
        notes.append(f"{_NAME}: keys that were not used: {', '.join(repr(key)[:40] for key in extra)}")
    return assemble(_NAME, source_path(source), _grouped(rows, contexts), (), notes)


def _row(file: _File, record: Record, positive: str) -> tuple[PairRow, str]:
    """The row, and the text it shares with others of its group (empty if it has none)."""
    used = [key for key in _CONTEXTS if key in record.values]
    if len(used) > 1:
        raise ReaderError(record.path, "'scenario' or 'question', not both", line=record.line, field=record.values[""])
    for key in ("pos", "neg", *used):
        if not isinstance(record.values.get(key), str):
            got = f"got {kind(record.values[key])}" if key in record.values else "it is missing"
            raise ReaderError(record.path, f"text; {got}", line=record.line, field=f"{record.values['']}.{key}")
    context = record.values[used[0]] if used else ""
    return (
        PairRow(
            file.concept,
            file.language,
            item=record.values[" "],
            positive=record.values[positive],
            negative=record.values["neg" if positive == "pos" else "pos"],
            file=file.path,
            line=record.line,
            prefix=_CONTEXTS[used[0]].format(context) if used else "",
        ),
        context,
    )


def _grouped(rows: Sequence[PairRow], contexts: Sequence[str]) -> list[PairRow]:
    """The rows with their groups, concept by concept."""
    items = [f"{row.concept}\0{row.item}" for row in rows]
    shared = [
        [(row.concept, row.language, context)] if context else [] for row, context in zip(rows, contexts, strict=True)
    ]
    groups = joined_groups(items, shared)
    return [row._replace(group=group.partition("\0")[2]) for row, group in zip(rows, groups, strict=True)]


def _records(path: Path) -> list[Record]:
    """The entries, numbered over the whole file; the keys `""` and `" "` hold `k1.k2` and the item."""
    document = json_document(path)
    if not isinstance(document, dict):
        raise ReaderError(path, f"a JSON object {{k1: {{k2: {{pos, neg}}}}}}, got {kind(document)}")
    records: list[Record] = []
    for first, inner in document.items():
        if not isinstance(inner, dict):
            raise ReaderError(path, f"an object {{k2: {{pos, neg}}}}, got {kind(inner)}", field=first[:80])
        for second, entry in inner.items():
            where, number = f"{first}.{second}"[:80], len(records) + 1
            if not isinstance(entry, dict):
                raise ReaderError(path, f"an object {{pos, neg}}, got {kind(entry)}", line=number, field=where)
            records.append(Record(path, number, {**entry, "": where, " ": f"{first}|{second}"}))
    return records


def _files(source: PairSource) -> tuple[list[_File], list[str]]:
    """The files to read, by concept and language, and a note on what else is there."""
    path = source_path(source)
    if not path.is_dir():
        match = _FILE.fullmatch(path.name)
        concept = concept_of(_NAME, source, _slug(match["concept"]) if match else None)
        language = language_of(_NAME, source, match["language"] if match else None)
        if match and is_language(match["language"]):
            agree(_NAME, source, "language", [match["language"]])
        return [_File(path, concept, language)], []
    folder = path / "data" if (path / "data").is_dir() else path
    found, left = _scan(folder)
    for entry in [] if found else [entry for entry in left if entry.is_dir()]:
        inner, inner_left = _scan(entry)
        matching = [file for file in inner if file.concept == _slug(entry.name)]
        if matching:
            found += matching
            left = [other for other in left if other != entry]
            left += [*inner_left, *(file.path for file in inner if file not in matching)]
    if not found:
        raise nothing_in(folder, "a folder with files {concept}/{concept}_{language}.json")
    agree(_NAME, source, "language", [file.language for file in found])
    if len({file.concept for file in found}) > 1:
        agree(_NAME, source, "concept", [file.concept for file in found])
    elif source.concept:
        found = [file._replace(concept=source.concept) for file in found]
    return found, list(unread(_NAME, folder, left))


def _scan(folder: Path) -> tuple[list[_File], list[Path]]:
    """The files of the format directly in a folder, and everything else in it."""
    files, left = [], []
    for entry in list_folder(folder):
        match = _FILE.fullmatch(entry.name)
        if match and is_language(match["language"]) and entry.is_file():
            files.append(_File(entry, _slug(match["concept"]), match["language"]))
        else:
            left.append(entry)
    return files, left


def _slug(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")


READER: Final = Reader(
    name=_NAME,
    title="MVALUE, the data of Xu et al. (2024) (JSON)",
    concept=None,
    languages=None,
    obtain=(
        "The data folder linked in the GitHub repository shaoyangxu/Multilingual-Human-Value-Concepts (Xu et al., "
        "2024, 'Exploring Multilingual Concepts of Human Values in Large Language Models'); see there for the "
        "licences of its parts."
    ),
    options=_OPTIONS,
    read=read,
)
