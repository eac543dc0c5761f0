"""TruthfulQA in English: the CSV file, or the multiple-choice JSON file.

Format: CSV with a byte-order mark and `Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source`,
answers separated by `"; "`; or a JSON list of `{question, mc1_targets, mc2_targets}`, where targets are `{answer:
label}` or `{"choices": [...], "labels": [...]}` with label 1 for correct. The best answer is then the one with label 1
in `mc1_targets`, the others are those of `mc2_targets` (of `mc1_targets` where there is no `mc2_targets`). Pairs as in
`answers`; questions are numbered from 1 in file order. A `;` that ends a list of answers separates nothing.
"""

from typing import Any, Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Licence, Reader, choose_options
from polyvalues.data.readers.parsing.pair_rows import assemble, concept_of, language_of
from polyvalues.data.readers.parsing.question_answers import ANSWERS, Question, answer_rows
from polyvalues.data.readers.parsing.text_files import (
    Record,
    csv_records,
    json_records,
    kind,
    need_columns,
    source_path,
)
from polyvalues.errors import ReaderError

_NAME: Final = "truthfulqa"
_OPTIONS: Final = (ANSWERS,)
_COLUMNS: Final = ("Question", "Best Answer", "Correct Answers", "Incorrect Answers")


def read(source: PairSource) -> PairSet:
    """Pairs of the best (or a correct) and an incorrect answer.

    Raises:
        ReaderError: the file is neither of the two formats.
    """
    mode = choose_options(_NAME, _OPTIONS, source).text("answers")
    names = concept_of(_NAME, source, "truthfulness"), language_of(_NAME, source, "en")
    path = source_path(source)
    if path.is_dir() or path.suffix.lower() not in (".csv", ".json", ".jsonl"):
        raise ReaderError(path, "one file, TruthfulQA.csv or mc_task.json")
    if path.suffix.lower() == ".csv":
        columns, records = csv_records(path)
        need_columns(path, columns, _COLUMNS)
        questions = [_from_csv(number, record) for number, record in enumerate(records, start=1)]
    else:
        questions = [_from_json(number, record) for number, record in enumerate(json_records(path), start=1)]
    parts = [answer_rows(question, names, mode) for question in questions]
    rows = [row for found, _ in parts for row in found]
    return assemble(_NAME, path, rows, [drop for _, drops in parts for drop in drops])


def _from_csv(number: int, record: Record) -> Question:
    return Question(
        str(number),
        record.text("Question").strip(),
        record.text("Best Answer").strip(),
        _split(record.text("Correct Answers")),
        _split(record.text("Incorrect Answers")),
        record.values.get("Category", ""),
        record.path,
        record.line,
    )


def _split(answers: str) -> list[str]:
    """Answers separated by "; " (an answer itself may hold a ";" that no space follows)."""
    answers = answers.strip().removesuffix(";").rstrip()
    return [answer.strip() for answer in answers.split("; ")] if answers else []


def _from_json(number: int, record: Record) -> Question:
    first = _targets(record, "mc1_targets")
    second = _targets(record, "mc2_targets") if "mc2_targets" in record.values else first
    best = [answer for answer, correct in first if correct]
    if len(best) != 1:
        expected = f"exactly one answer with label 1, got {len(best)}"
        raise ReaderError(record.path, expected, line=record.line, field="mc1_targets")
    return Question(
        str(number),
        record.text("question"),
        best[0],
        [answer for answer, correct in second if correct],
        [answer for answer, correct in second if not correct],
        record.text("category") if "category" in record.values else "",
        record.path,
        record.line,
    )


def _targets(record: Record, field: str) -> list[tuple[str, bool]]:
    """Answers and whether they are correct."""
    value: Any = record.values.get(field)
    if isinstance(value, dict) and set(value) == {"choices", "labels"} and isinstance(value["choices"], list):
        inner = Record(record.path, record.line, value)
        choices, labels = inner.texts("choices"), value["labels"]
        if not isinstance(labels, list) or len(labels) != len(choices):
            raise ReaderError(record.path, "as many labels as choices", line=record.line, field=field)
        pairs = list(zip(choices, labels, strict=True))
    elif isinstance(value, dict):
        pairs = list(value.items())
    else:
        expected = f"an object {{answer: label}} or {{choices, labels}}, got {kind(value)}"
        raise ReaderError(record.path, expected, line=record.line, field=field)
    if any(label not in (0, 1) for _, label in pairs):
        raise ReaderError(record.path, "labels that are 0 or 1", line=record.line, field=field)
    return [(answer, label == 1) for answer, label in pairs]


READER: Final = Reader(
    name=_NAME,
    title="TruthfulQA in English (CSV or multiple-choice JSON)",
    concept="truthfulness",
    languages="en",
    obtain=(
        "TruthfulQA of Lin, Hilton and Evans (2022): repository sylinrl/TruthfulQA on GitHub (TruthfulQA.csv, "
        "data/mc_task.json). Apache-2.0."
    ),
    options=_OPTIONS,
    read=read,
    licence=(Licence("Apache-2.0", "repository sylinrl/TruthfulQA on GitHub"),),
    citation=(
        "Lin, Hilton and Evans (2022). TruthfulQA: Measuring How Models Mimic Human Falsehoods. ACL. arXiv 2109.07958."
    ),
)
