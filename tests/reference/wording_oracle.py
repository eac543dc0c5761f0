"""IBM model 1 over dictionaries, straight from the formulas of `polyvalues.translation.quality.lexical_association`."""

import math
from collections import defaultdict

Pair = tuple[list[str], list[str]]
"""Target and source units of one text."""

EMPTY = "\0"


def scores(texts: list[list[Pair]], item: int) -> list[list[float]]:
    """`[translated side, source side]` of one item, which is left out; `texts` has two pairs per item."""
    chance: dict[tuple[str, str], float] = {}
    flat = [(own, [*other, EMPTY], at) for at, pairs in enumerate(texts) for own, other in pairs]
    links: dict[tuple[int, int, str], float] = {}
    for _ in range(6):
        counts, sums = defaultdict[tuple[str, str], float](float), defaultdict[str, float](float)
        for at, (own, other, _) in enumerate(flat):
            for place, f in enumerate(own):
                total = sum(chance.get((f, e), 1.0) for e in other)
                for e in other:
                    share = chance.get((f, e), 1.0) / total
                    links[at, place, e] = share
                    counts[f, e] += share
                    sums[e] += share
        chance = {(f, e): count / sums[e] for (f, e), count in counts.items()}
    counts, sums = defaultdict[tuple[str, str], float](float), defaultdict[str, float](float)
    frequent = defaultdict[str, float](float)
    for (at, place, e), share in links.items():
        if flat[at][2] != item:
            f = flat[at][0][place]
            counts[f, e] += share
            sums[e] += share
            frequent[f] += share
    words = {f for own, _, _ in flat for f in own}
    total = sum(frequent[f] + 0.1 for f in words)
    unigram = {f: (frequent[f] + 0.1) / total for f in words}

    def score(own: list[str], other: list[str]) -> float:
        parts = []
        for f in own:
            likely = [(counts[f, e] + unigram[f]) / (sums[e] + 1) for e in [*other, EMPTY]]
            parts.append(math.log(sum(likely) / len(likely) / unigram[f]))
        return sum(parts) / len(parts)

    return [[score(own, other) for _, other in texts[item]] for own, _ in texts[item]]
