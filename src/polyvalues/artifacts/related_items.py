"""Items that are not independent of each other, as they travel from texts and states to folds.

Two items of a concept are related when their differences (positive less negative) point in nearly the same direction
(`alike`) or in opposite ones (`mirrored`), by more than chance. A vector that is fitted on one of them is not fitted
without the other, so both must lie in one fold.

    chosen     Benjamini-Hochberg over all pairs of items of a concept, at `LEVEL`, by |cosine| against draws of a null
    grouped    strongest first, components of groups; never more than a fold's worth of items in one, never fewer groups
               than folds
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float64

LEVEL: Final = 0.05
"""Share of false discoveries among a concept's related pairs of items; where none is related, the chance of any."""

LEAST_COSINE: Final = 0.2
"""Pairs of items below this are not looked at: they move an accuracy by less than its interval shows."""

DRAWS: Final = 20
"""Of the null: with 20, one pair of items that beats all of them is certain at `LEVEL`, and no fewer would do."""

LEAST_ITEMS: Final = 6
"""With fewer items nothing can be told from chance."""

Found = Literal["texts", "states"]

RELATED_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("other", pa.string(), nullable=False),
        pa.field("found", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("cosine", pa.float64(), nullable=False),
        pa.field("p", pa.float64(), nullable=False),
        pa.field("together", pa.bool_(), nullable=False),
    ]
)
"""Related pairs of items: `found` in texts or states; `kind` mirrored or alike; cosine of their differences, mean over
languages; p against the null, before adjustment; whether they share a group, hence a fold."""


@dataclass(frozen=True, eq=False)
class Null:
    """|cosine| of pairs of items that have nothing to do with each other.

    Attributes:
        tail: values of at least `LEAST_COSINE`, ascending.
        total: how many were drawn, those below included.
    """

    tail: Float64[np.ndarray, " tail"]
    total: int

    def p(self, cosine: Float64[np.ndarray, " pair"]) -> Float64[np.ndarray, " pair"]:
        """Share of draws that reach |cosine|, the observed one counted among them."""
        reached = len(self.tail) - np.searchsorted(self.tail, np.abs(cosine) - 1e-9, side="left")
        return (1 + reached) / (1 + self.total)


def beyond_chance(p: Float64[np.ndarray, " pair"], tests: int) -> Bool[np.ndarray, " pair"]:
    """Which pairs are kept by Benjamini-Hochberg at `LEVEL`, those not given counting as tests with p = 1."""
    order = np.argsort(p, kind="stable")
    passed = np.flatnonzero(p[order] * tests <= LEVEL * np.arange(1, len(p) + 1))
    kept = np.zeros(len(p), dtype=bool)
    if len(passed):
        kept[order[: passed[-1] + 1]] = True
    return kept


def related_rows(
    concept: str, items: Sequence[str], cells: tuple[np.ndarray, np.ndarray, np.ndarray], null: Null, found: Found
) -> pa.Table:
    """Pairs of items that are related beyond chance.

    Args:
        concept: their concept.
        items: all items that were compared.
        cells: positions of the first and of the second item, and cosine, of every pair with at least `LEAST_COSINE`.
        null: what unrelated pairs come to.
        found: where.

    Returns:
        Rows as in `RELATED_SCHEMA`, strongest first, none of them together yet.
    """
    first, second, cosine = cells
    p = null.p(cosine)
    kept = np.flatnonzero(beyond_chance(p, len(items) * (len(items) - 1) // 2))
    rows = []
    for at in kept:
        one, two = sorted((items[int(first[at])], items[int(second[at])]))
        kind = "mirrored" if cosine[at] < 0 else "alike"
        named = {"concept": concept, "item": one, "other": two, "found": found, "kind": kind}
        rows.append(named | {"cosine": round(float(cosine[at]), 9), "p": float(p[at]), "together": False})
    rows.sort(key=lambda row: (-abs(row["cosine"]), row["item"], row["other"]))
    return pa.Table.from_pylist(rows, schema=RELATED_SCHEMA)


def strong_cells(cosine: Float64[np.ndarray, "item item"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of items with at least `LEAST_COSINE`: first, second, cosine."""
    first, second = np.nonzero(np.triu(np.abs(cosine) >= LEAST_COSINE, 1))
    return first, second, cosine[first, second]


def merge_groups(
    group: Mapping[str, str], related: Sequence[tuple[str, str]], folds: int
) -> tuple[Mapping[str, str], list[bool]]:
    """Put related items into one group, as far as folds allow.

    Args:
        group: by item of one concept.
        related: pairs of its items, strongest first.
        folds: number of folds.

    Returns:
        The new group by item, named for the first of the groups it is made of; and per pair whether both share one.
    """
    size = Counter(group.values())
    parent = {name: name for name in size}
    most = max(-(-len(group) // folds), 2 * max(size.values(), default=0))
    spare = len(size) - folds
    together = []
    for one, two in related:
        roots = sorted((_root(parent, group[one]), _root(parent, group[two])))
        same = roots[0] == roots[1]
        if not same and spare > 0 and size[roots[0]] + size[roots[1]] <= most:
            parent[roots[1]] = roots[0]
            size[roots[0]] += size[roots[1]]
            spare -= 1
            same = True
        together.append(same)
    return {item: _root(parent, name) for item, name in group.items()}, together


def common_groups(first: Mapping[str, str], second: Mapping[str, str]) -> Mapping[str, str]:
    """The finest groups that are no finer than those of either of two studies.

    Args:
        first: group by item in one study.
        second: group by item in the other.

    Returns:
        New name by old name: the first of the names that were joined; where both have the same groups, the names stay.
    """
    parent: dict[str, str] = {}
    for item in first.keys() & second.keys():
        ends = sorted((_root(parent, first[item]), _root(parent, second[item])))
        parent[ends[1]] = ends[0]
    return {name: _root(parent, name) for name in (*first.values(), *second.values())}


def _root(parent: dict[str, str], name: str) -> str:
    while parent.setdefault(name, name) != name:
        parent[name] = parent[parent[name]]
        name = parent[name]
    return name
