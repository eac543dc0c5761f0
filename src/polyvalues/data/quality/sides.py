"""What the two sides of a translated pair say about each other.

    apart   log((d + e) / (d_source + e)),  d = 1 - chrF(positive, negative), e = 0.02: did the sides come closer to
    each other? sides   [c(p, p) + c(n, n) - c(p, n) - c(n, p)] / 2,   c(i, j) = closeness of translated side i to
    source side j

`sides` below 0: each translated side is closer to the *other* side of its source, as after an exchange. Closeness is
chrF of a back-translation with the source, else the cosine of two embeddings, else `wording`; what both sides share
cancels.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

from polyvalues.data.quality.overlap import chrf

_LEAST: Final = 0.02


def apart(sides: tuple[str, str], source: tuple[str, str]) -> float:
    """Log ratio of how far the sides are apart, translated against source; the prefix is part of neither."""
    own, other = (1 - chrf(*pair) for pair in (sides, source))
    return math.log((own + _LEAST) / (other + _LEAST))


def contrast(closeness: Callable[[str, str], float]) -> float:
    """`sides` as above from the closeness of a translated side to a source side, both named."""
    p, n = "positive", "negative"
    found = (closeness(p, p) + closeness(n, n) - closeness(p, n) - closeness(n, p)) / 2
    return round(found, 12)  # nothing is no sign


def text_contrast(back: Mapping[str, str], source: Mapping[str, str]) -> float:
    """`sides` from back-translations, by chrF."""
    return contrast(lambda own, other: chrf(back[own], source[other]))
