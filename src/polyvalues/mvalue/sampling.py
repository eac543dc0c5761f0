r"""Which pairs are taken: a fixed order, of which every sample is a beginning.

    rank of a pair    64 bits of SHA-256(seed, concept, prefix, positive, negative)
    rank of a group   64 bits of SHA-256(least rank of its pairs)
    place             (k + 1/2) / n for the k-th of the n groups of a stratum, by rank

Within a group the pairs of least rank come first, and at most so many are used. Groups come by place, ties by rank; so
the first N hold every stratum in proportion, whatever N is; a larger sample holds the smaller one; the same seed gives
the same pairs; and the order of rows and the ids of pairs do not matter, since texts alone are hashed. A group is
hashed once more, so that one with many pairs is not drawn more often than one with few.
"""

from collections.abc import Mapping, Sequence

from polyvalues.data.readers.parsing.grouping import joined_groups
from polyvalues.data.seeds import text_seed

Row = Mapping[str, str]


def pair_rank(seed: int, row: Row) -> int:
    """64-bit rank of a pair, by its concept and texts."""
    return text_seed(str(seed), row["concept"], row["prefix"], row["positive"], row["negative"])


def draw_order(ranks: Sequence[int], groups: Sequence[str], strata: Sequence[tuple[str, ...]], most: int) -> list[int]:
    """Positions of the pairs that can be taken, in the order in which they are.

    Args:
        ranks: of the pairs.
        groups: of the pairs.
        strata: of the pairs; a group counts in that of its first pair by rank.
        most: pairs per group; 0 for all.
    """
    members: dict[str, list[int]] = {}
    for at in sorted(range(len(ranks)), key=ranks.__getitem__):
        members.setdefault(groups[at], []).append(at)
    layers: dict[tuple[str, ...], list[tuple[int, list[int]]]] = {}
    for own in members.values():
        layers.setdefault(strata[own[0]], []).append((text_seed(str(ranks[own[0]])), own))
    placed = [
        ((number + 0.5) / len(layer), rank, own)
        for layer in layers.values()
        for number, (rank, own) in enumerate(sorted(layer))
    ]
    return [at for _, _, own in sorted(placed) for at in own[: most or None]]


def sample_groups(rows: Sequence[Row]) -> list[str]:
    """Groups of the pairs that were taken: those that share a group, a prefix or a whole text belong together.

    Returns:
        One id per row, that of the first item it is joined with.
    """
    shared = []
    for row in rows:
        texts = {row["prefix"].strip(), row["prefix"] + row["positive"], row["prefix"] + row["negative"]} - {""}
        shared.append([("group", row["group"]), *(("text", text) for text in sorted(texts))])
    return joined_groups([row["item"] for row in rows], shared)
