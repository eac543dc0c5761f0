"""TruthfulQA in several languages: one folder per language, one JSON file per split.

Format: `{language}/{train,validation}.json`, a JSON list or JSON lines of `{id, question, best_answer,
correct_answers, incorrect_answers, category, lang ...}`; ids are shared by the languages. **Both splits count their
ids from 1**, so a question is `SPLIT-ID`. Pairs as in `answers`; the K-th incorrect answers of a question are
translations of one another, and a language with more or fewer of them has items without a counterpart, which checking
reports. The path is the folder that holds the folders of the languages, the folder of one language, or one file.
"""

from pathlib import Path
from typing import Final, NamedTuple

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Licence, Option, Reader, choose_options
from polyvalues.data.readers.parsing.column_mapping import id_text
from polyvalues.data.readers.parsing.language_from_path import language_folders, language_of_name
from polyvalues.data.readers.parsing.pair_rows import DropRow, PairRow, agree, assemble, concept_of, language_of
from polyvalues.data.readers.parsing.question_answers import ANSWERS, Question, answer_rows
from polyvalues.data.readers.parsing.text_files import Record, json_records, source_path
from polyvalues.errors import ReaderError

_NAME: Final = "truthfulqa-multi"
_OPTIONS: Final = (
    ANSWERS,
    Option("split", "all", "Which file of each language is read: its name without the ending, or 'all'."),
)
_SUFFIXES: Final = (".json", ".jsonl")


class _File(NamedTuple):
    path: Path
    language: str | None


def read(source: PairSource) -> PairSet:
    """Pairs of the best (or a correct) and an incorrect answer, with shared ids.

    Raises:
        ReaderError: no file of the format, or a record lacks a field.
        SpecError: `language` contradicts the data.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    concept = concept_of(_NAME, source, "truthfulness")
    files, notes = _files(source, chosen.text("split"))
    rows: list[PairRow] = []
    drops: list[DropRow] = []
    for file in files:
        for record in json_records(file.path):
            found, dropped = answer_rows(
                _question(file.path, record), (concept, _language(source, file, record)), chosen.text("answers")
            )
            rows += found
            drops += dropped
    return assemble(_NAME, source_path(source), rows, drops, notes)


def _language(source: PairSource, file: _File, record: Record) -> str:
    said = record.text("lang") if "lang" in record.values else file.language
    if file.language not in (None, said):
        raise ReaderError(
            file.path, f"{file.language!r}, as the folder is called, got {said!r}", line=record.line, field="lang"
        )
    if said is not None:
        agree(_NAME, source, "language", [said])
    return language_of(_NAME, source, said or language_of_name(file.path.absolute().parent.name))


def _question(path: Path, record: Record) -> Question:
    return Question(
        f"{path.stem}-{id_text(record, 'id')}",
        record.text("question"),
        record.text("best_answer"),
        record.texts("correct_answers"),
        record.texts("incorrect_answers"),
        record.text("category") if "category" in record.values else "",
        path,
        record.line,
    )


def _files(source: PairSource, split: str) -> tuple[list[_File], list[str]]:
    path = source_path(source)
    if not path.is_dir():
        return [_File(path, None)], []
    folders, notes = language_folders(_NAME, path, _SUFFIXES)
    files = [_File(file, language) for language, found in folders for file in found if split in ("all", file.stem)]
    if not files:
        names = sorted({file.stem for _, found in folders for file in found})
        raise ReaderError(path, f"a file called {split}.json per language; there are {', '.join(names)}")
    unread = sorted({file.stem for _, found in folders for file in found} - {file.path.stem for file in files})
    if unread:
        notes.append(f"{_NAME}: not read, since split={split}: {', '.join(unread)}")
    return files, notes


READER: Final = Reader(
    name=_NAME,
    title="TruthfulQA in several languages (JSON, one folder per language)",
    concept="truthfulness",
    languages=None,
    obtain=(
        "The professionally translated TruthfulQA (English, Spanish, Catalan, Galician, Basque): data set "
        "HiTZ/truthfulqa-multi on the Hub, saved as LANGUAGE/train.json and LANGUAGE/validation.json. Apache-2.0."
    ),
    options=_OPTIONS,
    read=read,
    licence=(Licence("Apache-2.0", "data card of HiTZ/truthfulqa-multi on the Hub"),),
)
