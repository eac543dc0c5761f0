"""chrF: how much of one text's characters stand in another, in order.

    chrF = (1 + b^2) P R / (b^2 P + R),   b = 2
    P, R = precision and recall of character n-grams, each the mean over n = 1..6

White space is left out, n-grams count with their multiplicity, and orders for which one of the two texts is too short
are not in the mean. 0 to 1. Equals sacrebleu's sentence chrF (`nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no`) over
100; tests compare the two. Popovic 2015 (https://aclanthology.org/W15-3049).
"""

from collections import Counter
from functools import lru_cache
from typing import Final

ORDER: Final = 6
_BETA2: Final = 4.0


def chrf(text: str, reference: str) -> float:
    """ChrF of `text` against `reference`, 0..1; 0 where one of them has no characters."""
    precision = recall = 0.0
    orders = 0
    for own, other in zip(_grams(text), _grams(reference), strict=True):
        size, other_size = own.total(), other.total()
        if size and other_size:
            matched = (own & other).total()
            precision += matched / size
            recall += matched / other_size
            orders += 1
    if not orders or precision + recall == 0:
        return 0.0
    precision, recall = precision / orders, recall / orders
    return (1 + _BETA2) * precision * recall / (_BETA2 * precision + recall)


@lru_cache(maxsize=4096)
def _grams(text: str) -> tuple[Counter[str], ...]:
    bare = "".join(text.split())
    return tuple(Counter(bare[at : at + order] for at in range(len(bare) - order + 1)) for order in range(1, ORDER + 1))
