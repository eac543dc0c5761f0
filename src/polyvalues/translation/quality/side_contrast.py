"""What the two sides of a translated pair say about each other.

    apart    log((d + e) / (d_source + e)),  d = 1 - chrF(positive, negative), e = 0.02
             low: the sides became alike; the same number as `parted`, high: they differ more than their sources do
    order    o - o_source,  o = longest increasing run of the words that both sides have once, over their number
             low: what both sides say comes in another order in one of them
    balance  |log(n_positive / n_negative) - the same of the source|,  n = characters + 1
             high: one side has lost or gained something
    sides    [c(p, p) + c(n, n) - c(p, n) - c(n, p)] / 2,   c(i, j) = closeness of translated side i to source side j

Two sides mostly share most of their words, so each is a witness for the other where nobody reads the language: all of
these need nothing but the four texts, but for `sides`. Words are letters in languages without spaces; `order` is NaN
with fewer than three words in common. `sides` below 0: each translated side is closer to the *other* side of its
source, as after an exchange. Closeness is chrF of a back-translation with the source, else the cosine of two
embeddings, else `wording`; what both sides share cancels.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from polyvalues.data.perturbations import spaced
from polyvalues.data.surface_features import plain
from polyvalues.translation.quality.ngram_overlap import chrf

_LEAST: Final = 0.02
_COMMON: Final = 3

Sides = tuple[str, str]
"""The two texts of a pair: positive, negative."""


def apart(sides: Sides, source: Sides) -> float:
    """Log ratio of how far the sides are apart, translated against source."""
    own, other = (1 - chrf(*pair) for pair in (sides, source))
    return math.log((own + _LEAST) / (other + _LEAST))


def balance(sides: Sides, source: Sides) -> float:
    """How much the ratio of the sides' lengths differs from the source's, as a log; 0: not at all."""
    own, other = (math.log((len(p) + 1) / (len(n) + 1)) for p, n in (sides, source))
    return abs(own - other)


def order(sides: Sides, source: Sides, language: str, origin: str) -> float:
    """Agreement of the sides on the order of what they share, less that of the source's; -1..1, NaN: they share little.

    Args:
        sides: translated.
        source: what they are translations of.
        language: tag of the translation.
        origin: tag of the source.
    """
    return _ordered(*(_once(text, language) for text in sides)) - _ordered(*(_once(text, origin) for text in source))


def _ordered(own: list[str], other: list[str]) -> float:
    place = {word: at for at, word in enumerate(other)}
    run = [place[word] for word in own if word in place]
    tails: list[int] = []
    for at in run:  # the least last place of an increasing run of every length so far
        length = bisect_left(tails, at)
        tails[length : length + 1] = [at]
    return len(tails) / len(run) if len(run) >= _COMMON else math.nan


def _once(text: str, language: str) -> list[str]:
    """Words that a text has once, in order."""
    words = plain(text).split()
    if not spaced(language):
        words = list("".join(words))
    counts = Counter(words)
    return [word for word in words if counts[word] == 1]


def contrast(closeness: Callable[[str, str], float]) -> float:
    """`sides` as above from the closeness of a translated side to a source side, both named."""
    p, n = "positive", "negative"
    found = (closeness(p, p) + closeness(n, n) - closeness(p, n) - closeness(n, p)) / 2
    return round(found, 12)  # nothing is no sign


def text_contrast(back: Mapping[str, str], source: Mapping[str, str]) -> float:
    """`sides` from back-translations, by chrF."""
    return contrast(lambda own, other: chrf(back[own], source[other]))
