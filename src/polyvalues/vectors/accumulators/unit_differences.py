"""Pair differences of unit length, summed per fold as the states stream by.

    unit[k] = sum over pairs p of fold k of d_p / |d_p|,   d_p = h_positive(p) - h_negative(p)

The length of a difference needs both sides of a pair at once, and they may come in different batches; so the side that
comes first is kept until the other one comes. That memory must not grow with the data: at most `MOST` pairs of a
concept and language take part, those whose item has the smallest hash. It is the same items in every language, and
the same pairs whether states are streamed or kept. Two sides with the same state have no direction and count as 0.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from polyvalues.artifacts import Activations, TextTable

MOST: Final = 512
"""Pairs of one concept and language that take part; another number is another version of moments."""


def sampled(item: Sequence[str] | np.ndarray, fold: Int[np.ndarray, " pair"]) -> Bool[np.ndarray, " pair"]:
    """Which pairs take part: of those with a fold the `MOST` whose item has the smallest hash."""
    fitting = np.flatnonzero(fold >= 0)
    chosen = np.zeros(len(fold), dtype=bool)
    if len(fitting) > MOST:
        names = [str(item[row]) for row in fitting.tolist()]
        digests = [hashlib.blake2b(name.encode("utf-8", "surrogatepass")).digest() for name in names]
        fitting = fitting[sorted(range(len(fitting)), key=lambda at: (digests[at], at))[:MOST]]
    chosen[fitting] = True
    return chosen


def unit_rows(differences: Float64[np.ndarray, "*cell hidden"]) -> Float64[np.ndarray, "*cell hidden"]:
    """Every row divided by its length; zero where it has none."""
    length = np.linalg.norm(differences, axis=-1, keepdims=True)
    return np.divide(differences, length, out=np.zeros_like(differences), where=length > 0)


def unit_sums(activations: Activations, folds: int, layer: int) -> Float64[np.ndarray, "fold hidden"]:
    """The same sums from kept states, at one layer (a position in the layer axis)."""
    data = activations.data
    fold = data["fold"].values
    rows = np.flatnonzero(sampled(data["item"].values, fold))
    states, index = data["states"].values[layer], data["index"].values[rows]
    units = unit_rows(states[index[:, 0]].astype(np.float64) - states[index[:, 1]].astype(np.float64))
    return (np.arange(folds)[:, None] == fold[rows][None]).astype(np.float64) @ units


def unit_counts(item: Sequence[str] | np.ndarray, fold: np.ndarray, folds: int) -> Int[np.ndarray, " fold"]:
    """Pairs of each fold that take part."""
    return np.bincount(fold[sampled(item, fold)], minlength=folds).astype(np.int64)


class UnitDifferences:
    """Sums the unit differences of one concept and language from states that come in batches.

    Args:
        table: the texts and the pairs they belong to.
        folds: number of folds.
    """

    def __init__(self, table: TextTable, folds: int):
        self._folds = folds
        self._index = table.index
        self._fold = table.fold
        self._open = sampled(table.item, table.fold)
        self._pairs: dict[int, list[int]] = {}
        for pair in np.flatnonzero(self._open).tolist():
            for text in dict.fromkeys(table.index[pair].tolist()):
                self._pairs.setdefault(text, []).append(pair)
        self._waiting: dict[int, Float[np.ndarray, "layer hidden"]] = {}
        self.count = unit_counts(table.item, table.fold, folds)
        self._sums: Float64[np.ndarray, "fold layer hidden"] | None = None

    def update(self, index: Int[np.ndarray, " batch"], states: Float[np.ndarray, "layer text hidden"]) -> None:
        """Take the states of some texts, each of which comes once."""
        if self._sums is None:
            self._sums = np.zeros((self._folds, states.shape[0], states.shape[2]))
        arrived = [(int(text), at) for at, text in enumerate(index) if int(text) in self._pairs]
        self._waiting |= {text: states[:, at].copy() for text, at in arrived}
        self._close([pair for text, _ in arrived for pair in self._pairs[text]])

    def merge(self, other: "UnitDifferences") -> None:
        """Take over what another of the same pairs has seen; `other` is left as it is."""
        if other._sums is None:
            return
        self._sums = other._sums.copy() if self._sums is None else self._sums + other._sums
        self._open = self._open & other._open
        self._waiting = self._waiting | other._waiting
        self._close(np.flatnonzero(self._open).tolist())

    @property
    def waiting(self) -> int:
        """Number of states kept for pairs whose other side has not come."""
        return len(self._waiting)

    def result(self) -> Float64[np.ndarray, "fold layer hidden"]:
        """The sums."""
        assert self._sums is not None
        return self._sums

    def _close(self, pairs: Sequence[int]) -> None:
        """Add the pairs both of whose sides are there, and let go of the states that nothing waits for."""
        assert self._sums is not None
        for pair in dict.fromkeys(pairs):
            sides = [self._waiting.get(int(text)) for text in self._index[pair]]
            if self._open[pair] and sides[0] is not None and sides[1] is not None:
                self._sums[self._fold[pair]] += unit_rows(sides[0].astype(np.float64) - sides[1].astype(np.float64))
                self._open[pair] = False
        touched = {int(text) for pair in pairs for text in self._index[pair]}
        for text in touched & self._waiting.keys():
            if not self._open[self._pairs[text]].any():
                del self._waiting[text]
