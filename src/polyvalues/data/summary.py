"""What is in a set of pairs: counts, reasons and length balance; and samples side by side.

Contract: lengths are in characters of the side alone, without its prefix. `positive_longer` is the share of pairs whose
positive side is the longer one, ties counting 1/2: far from 1/2, length alone tells the sides apart.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from polyvalues.artifacts import SUMMARY_SCHEMA, PairSet
from polyvalues.errors import PairsError


@dataclass(frozen=True)
class PairVersion:
    """A pair in one language."""

    language: str
    prefix: str
    positive: str
    negative: str


@dataclass(frozen=True)
class PairSample:
    """One item in all its languages.

    Attributes:
        item: its id.
        category: its category (empty where the source has none).
        versions: one per language, in the order of the table.
    """

    item: str
    category: str
    versions: tuple[PairVersion, ...]


@dataclass(eq=False)
class _Cell:
    """What is counted of one concept and language."""

    groups: set[str] = field(default_factory=set)
    positive: list[int] = field(default_factory=list)
    negative: list[int] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    mended: set[str] = field(default_factory=set)
    reasons: Counter[str] = field(default_factory=Counter)


def summarise_pairs(pairs: PairSet) -> pa.Table:
    """One row per concept and language as in `SUMMARY_SCHEMA`, also where everything was dropped.

    Rows come by concept, then language, by first appearance in the pairs and after them in the drops. `dropped` and
    `mended` count pairs, `reasons` counts records (most frequent first; `(mended)` marks those whose pairs were kept).
    Means and shares are NaN where no pair is kept.
    """
    cells: dict[tuple[str, str], _Cell] = {}
    names = ("concept", "language", "group", "positive", "negative")
    for concept, language, group, positive, negative in zip(
        *(pairs.table[name].to_pylist() for name in names), strict=True
    ):
        cell = cells.setdefault((concept, language), _Cell())
        cell.groups.add(group)
        cell.positive.append(len(positive))
        cell.negative.append(len(negative))
    names = ("concept", "language", "item", "reason", "action")
    records = zip(*(pairs.drops[name].to_pylist() for name in names), strict=True)
    for row, (concept, language, item, reason, action) in enumerate(records):
        cell = cells.setdefault((concept, language), _Cell())
        # a pair may have several records; a record without an id counts as a pair of its own
        (cell.mended if action == "mended" else cell.dropped).add(item or f"\0{row}")
        cell.reasons[f"{reason} (mended)" if action == "mended" else reason] += 1
    concepts = {concept: rank for rank, concept in enumerate(dict.fromkeys(concept for concept, _ in cells))}
    ordered = sorted(cells.items(), key=lambda entry: concepts[entry[0][0]])
    rows = [{"concept": concept, "language": language} | _row(cell) for (concept, language), cell in ordered]
    return pa.Table.from_pylist(rows, schema=SUMMARY_SCHEMA)


def _row(cell: _Cell) -> dict[str, int | float | str]:
    positive, negative = np.array(cell.positive), np.array(cell.negative)
    kept = len(cell.positive)
    reasons = sorted(cell.reasons.items(), key=lambda entry: (-entry[1], entry[0]))
    return {
        "kept": kept,
        "groups": len(cell.groups),
        "dropped": len(cell.dropped),
        "mended": len(cell.mended),
        "reasons": "; ".join(f"{reason} {count}" for reason, count in reasons),
        "characters_positive": float(positive.mean()) if kept else math.nan,
        "characters_negative": float(negative.mean()) if kept else math.nan,
        "positive_longer": float(np.mean((np.sign(positive - negative) + 1) / 2)) if kept else math.nan,
    }


def sample_pairs(pairs: PairSet, concept: str, n: int, seed: int) -> tuple[PairSample, ...]:
    """Up to `n` items of a concept, each in all its languages: those in most languages first, else chosen by `seed`.

    Raises:
        PairsError: the concept has no pairs, or `n` is less than 1.
    """
    if n < 1:
        raise PairsError(f"{n} samples: ask for at least 1")
    names = ("concept", "item", "category", "language", "prefix", "positive", "negative")
    versions: dict[str, list[PairVersion]] = {}
    categories: dict[str, str] = {}
    for own, item, category, *rest in zip(*(pairs.table[name].to_pylist() for name in names), strict=True):
        if own == concept:
            versions.setdefault(item, []).append(PairVersion(*rest))
            categories[item] = categories.get(item) or category
    if not versions:
        there = ", ".join(dict.fromkeys(pairs.table["concept"].to_pylist())) or "none"
        raise PairsError(f"concept {concept!r} has no pairs; concepts with pairs: {there}")
    # sorted first, so that the choice depends on the items and not on the order of the rows
    items = sorted(versions)
    chosen = [items[place] for place in np.random.default_rng(seed).permutation(len(items))]
    chosen.sort(key=lambda item: -len(versions[item]))
    return tuple(PairSample(item, categories[item], tuple(versions[item])) for item in chosen[:n])
