"""Pairs from texts that carry single labels, by seeded matching on length and category.

Formula: texts fall into cells by category and length, and in every cell `min(positives, negatives)` texts of each side
are drawn and joined at random. Cells start narrow and widen; a text leaves when it is matched: first equal lengths
`n`, then `floor(log(n) / (w log(max_ratio)) + shift)` for `w` = 1/4, 1/2, 1, each with `shift` 0 and 1/2. So the
lengths of a pair differ by less than the factor `max_ratio`, every text is used at most once, most pairs have equal
lengths, and neither side is the longer one by construction (joining in order of length would make it so wherever one
side's lengths are rarer). Cost: sorting.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from polyvalues.data.readers.base import Option
from polyvalues.data.readers.parsing.pair_rows import PairRow, file_name
from polyvalues.errors import SpecError

_WIDTHS: Final = (1 / 4, 1 / 2, 1.0)
_SHIFTS: Final = (0.0, 0.5)

MATCHING_OPTIONS: Final = (
    Option("seed", 0, "Seed of the matching of texts to pairs."),
    Option("max_length_ratio", 1.25, "Longest length of a pair's sides over its shortest, in characters."),
)
"""Options of every reader that matches."""


class Single(NamedTuple):
    """One text that upholds or violates the value, and where it was read."""

    key: str
    text: str
    upholds: bool
    file: Path
    line: int
    category: str = ""


def match_lengths(
    lengths: tuple[Sequence[int], Sequence[int]],
    categories: tuple[Sequence[str], Sequence[str]],
    max_ratio: float,
    seed: int,
) -> Int[np.ndarray, "pair side"]:
    """Match positives to negatives of the same category and about the same length.

    Args:
        lengths: of the positives and of the negatives, in characters.
        categories: likewise.
        max_ratio: the lengths of a pair differ by less than this factor.
        seed: of the draws.

    Returns:
        int64 `[pair, side]`: positions in the positives and in the negatives, ascending in the positives.

    Raises:
        SpecError: `max_ratio` is not above 1 or `seed` is negative.
    """
    if not max_ratio > 1:
        raise SpecError(f"option 'max_length_ratio': expected a number above 1, got {max_ratio:g}")
    if seed < 0:
        raise SpecError(f"option 'seed': expected 0 or more, got {seed}")
    rng = np.random.default_rng(seed)
    names, codes = np.unique([*categories[0], *categories[1]], return_inverse=True)
    kinds = codes[: len(categories[0])], codes[len(categories[0]) :]
    counted = tuple(np.maximum(np.asarray(side, dtype=np.int64), 1) for side in lengths)
    left = tuple(np.ones(len(side), dtype=bool) for side in lengths)
    found = []
    for bins in _passes(counted, max_ratio):
        cells = tuple(bin_ * max(len(names), 1) + kind for bin_, kind in zip(bins, kinds, strict=True))
        pairs = _match_cells(cells, left, rng)
        for side in (0, 1):
            left[side][pairs[:, side]] = False
        found.append(pairs)
    pairs = np.concatenate(found)
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def _passes(lengths: tuple[Int[np.ndarray, "..."], ...], max_ratio: float) -> Iterator[tuple[np.ndarray, ...]]:
    """The bins of both sides, from narrow to wide."""
    yield lengths
    logs = [np.log(side) / np.log(max_ratio) for side in lengths]
    for width, shift in product(_WIDTHS, _SHIFTS):
        yield tuple(np.floor(log / width + shift).astype(np.int64) for log in logs)


def _match_cells(
    cells: tuple[Int[np.ndarray, "..."], ...], left: tuple[Bool[np.ndarray, "..."], ...], rng: np.random.Generator
) -> Int[np.ndarray, "pair side"]:
    """Draw as many of each side as the scarcer one has in every cell, and join them in the order drawn."""
    counts = [
        dict(zip(*(found.tolist() for found in np.unique(cell[free], return_counts=True)), strict=True))
        for cell, free in zip(cells, left, strict=True)
    ]
    room = {cell: min(count, counts[1].get(cell, 0)) for cell, count in counts[0].items()}
    columns = []
    for cell, free in zip(cells, left, strict=True):
        order = rng.permutation(np.flatnonzero(free))
        order = order[np.argsort(cell[order], kind="stable")]
        ordered = cell[order]
        rank = np.arange(len(order)) - np.searchsorted(ordered, ordered, side="left")
        allowed = np.array([room.get(value, 0) for value in ordered.tolist()], dtype=np.int64)
        columns.append(order[rank < allowed])
    return np.stack(columns, axis=1).astype(np.int64)


def match_singles(
    reader: str, singles: Sequence[Single], names: tuple[str, str], max_ratio: float, seed: int
) -> tuple[list[PairRow], tuple[str, ...]]:
    """Rows made of single texts, and notes that say how.

    Args:
        reader: its name, for the notes.
        singles: the texts; one that occurs twice is used once, one that occurs with both labels not at all.
        names: concept and language.
        max_ratio: as in `match_lengths`.
        seed: as in `match_lengths`.

    Returns:
        Rows in the order of the upholding texts; the item is `KEY+KEY`, positive first.
    """
    unique, notes = _unique(reader, singles)
    sides = [single for single in unique if single.upholds], [single for single in unique if not single.upholds]
    lengths = [len(single.text) for single in sides[0]], [len(single.text) for single in sides[1]]
    categories = [single.category for single in sides[0]], [single.category for single in sides[1]]
    index = match_lengths(lengths, categories, max_ratio, seed)
    rows = []
    for first, second in index.tolist():
        positive, negative = sides[0][first], sides[1][second]
        files = dict.fromkeys((file_name(positive.file), file_name(negative.file)))
        rows.append(
            PairRow(
                *names,
                item=f"{positive.key}+{negative.key}",
                positive=positive.text,
                negative=negative.text,
                file=positive.file,
                line=positive.line,
                category=positive.category,
                files="+".join(files),
            )
        )
    return rows, (*notes, describe_matching(reader, lengths, index, max_ratio, seed))


def describe_matching(
    reader: str,
    lengths: tuple[Sequence[int], Sequence[int]],
    index: Int[np.ndarray, "pair side"],
    max_ratio: float,
    seed: int,
) -> str:
    """A note: how many were matched, how, and how the lengths of the two sides compare."""
    positive, negative = (np.asarray(side, dtype=np.float64)[index[:, at]] for at, side in enumerate(lengths))
    balance = ""
    if len(index):
        longer = float(np.mean((positive > negative) + 0.5 * (positive == negative)))
        balance = (
            f"; mean length {positive.mean():.1f} (positive) and {negative.mean():.1f} (negative) characters, the "
            f"positive side is the longer one in {longer:.0%}"
        )
    return (
        f"{reader}: {len(index)} pairs matched at random within length and category from {len(lengths[0])} upholding "
        f"and {len(lengths[1])} violating texts (each used at most once, lengths within a factor of {max_ratio:g}, "
        f"seed {seed}); unmatched: {len(lengths[0]) - len(index)} and {len(lengths[1]) - len(index)}{balance}"
    )


def _unique(reader: str, singles: Sequence[Single]) -> tuple[list[Single], tuple[str, ...]]:
    """Every text once; texts with both labels not at all; a note for each if there were any."""
    labels: dict[str, set[bool]] = {}
    for single in singles:
        labels.setdefault(single.text, set()).add(single.upholds)
    first = {single.text: single for single in reversed(singles)}
    kept = [single for single in singles if first[single.text] is single and len(labels[single.text]) == 1]
    torn = sum(len(labels[single.text]) > 1 for single in singles)
    repeated = len(singles) - torn - len(kept)
    notes = []
    if repeated:
        notes.append(f"{reader}: {repeated} texts that repeat another one were left out before matching")
    if torn:
        notes.append(f"{reader}: {torn} texts that occur with both labels were left out before matching")
    return kept, tuple(notes)
