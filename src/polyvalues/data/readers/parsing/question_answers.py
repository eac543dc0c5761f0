"""Pairs of a true and a false answer to a question, as all TruthfulQA formats give them.

Formula: the text is `"Question: " + question + " Answer: " + side`. There is one pair per incorrect answer, in order;
the positive side is the best answer (`answers=best`), or the correct answers in turn (`answers=all`). The item is
`QUESTION-K` for the K-th incorrect answer from 1, the group is the question.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from polyvalues.data.readers.base import Option
from polyvalues.data.readers.parsing.pair_rows import DropRow, PairRow

ANSWERS: Final = Option(
    "answers",
    "best",
    "Positive side of the pairs of a question: its best answer, or all correct ones in turn.",
    ("best", "all"),
)


class Question(NamedTuple):
    """One question and its answers, and where it was read."""

    key: str
    question: str
    best: str
    correct: Sequence[str]
    incorrect: Sequence[str]
    category: str
    file: Path
    line: int


def answer_rows(question: Question, names: tuple[str, str], mode: str) -> tuple[list[PairRow], list[DropRow]]:
    """The pairs of a question; one drop if it has no incorrect answer.

    Args:
        question: what was read.
        names: concept and language.
        mode: `best` or `all`.
    """
    if not question.incorrect:
        detail = f"{question.file.name}, line {question.line}: the question has no incorrect answer"
        return [], [DropRow(*names, question.key, "no-incorrect-answer", detail)]
    correct = question.correct if mode == "all" and question.correct else [question.best]
    rows = [
        PairRow(
            *names,
            item=f"{question.key}-{number}",
            positive=correct[(number - 1) % len(correct)],
            negative=incorrect,
            file=question.file,
            line=question.line,
            group=question.key,
            prefix=f"Question: {question.question} Answer: ",
            category=question.category,
        )
        for number, incorrect in enumerate(question.incorrect, start=1)
    ]
    return rows, []
