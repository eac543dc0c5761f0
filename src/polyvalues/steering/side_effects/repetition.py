"""Repetition: the share of an answer's pieces that were there before.

    repetition = 1 - distinct n-grams / n-grams        n = 2

over words, or over characters in scripts that are written without spaces; 0 for answers shorter than two pieces.
"""

import re
from dataclasses import dataclass

import numpy as np

from polyvalues.artifacts import Generations, Judged

_SPACED = re.compile(r"\s")


def repetition(text: str, n: int = 2) -> float:
    """Share of repeated n-grams of one text."""
    pieces = text.split() if _SPACED.search(text.strip()) else list(text.strip())
    grams = [tuple(pieces[at : at + n]) for at in range(len(pieces) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


@dataclass(frozen=True)
class RepetitionCost:
    """Repetition of answers."""

    @property
    def name(self) -> str:
        """`repetition`."""
        return "repetition"

    @property
    def behaviour(self) -> str:
        """`repetition`."""
        return "repetition"

    def __call__(self, generations: Generations) -> Judged:
        """Between 0 and 1."""
        answers = generations.table["answer"].to_pylist()
        return Judged(self.name, self.behaviour, np.array([repetition(answer) for answer in answers]))
