"""Measures of one translation against its source that need nothing but the two texts.

    length        log((characters of the translation + 1) / (characters of the source + 1))
    script        share of its letters in the script of its language
    copied        share of its character 4-grams (case folded, names and numbers left out) that are in the source, too
    repeated      share of its words in the longest stretch that says the same at least three times running
    numbers       2 |kept| / (|numbers of one| + |of the other|), as multisets of values
    placeholders  the same for placeholders and protected names
    form          the same for line breaks and question marks

NaN where there is nothing to measure (no letters, no numbers on either side). Words are letters with their marks in
languages that put no spaces between words. Shares are 0..1.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final

from polyvalues.data.perturbations import clusters, spaced
from polyvalues.data.placeholders import form, numbers, placeholders
from polyvalues.languages.metadata import language_script, script_share

_GRAM: Final = 4
_TIMES: Final = 3
_LONGEST_PERIOD: Final = 32
_INSIDE: Final = re.compile(r"(?<=[^\s.!?:] )[^\W\d_]{2,}|\d+")
_DIGITS: Final = re.compile(r"\d+(?: \d+)*")


def surface(text: str, source: str | None, language: str, names: Sequence[str] = ()) -> dict[str, float]:
    """The measures above, by name.

    Args:
        text: the translation, prefix included.
        source: what it is a translation of, prefix included; None where that is not there.
        language: tag of the translation's language.
        names: names that have to stay as they are.
    """
    own = {"script": script_share(text, language_script(language)), "repeated": repeated(text, language)}
    if source is None:
        return own
    return own | {
        "length": math.log((len(text) + 1) / (len(source) + 1)),
        "copied": copied(text, source),
        "numbers": kept(numbers(text), numbers(source)),
        "placeholders": kept(placeholders(text, names), placeholders(source, names)),
        "form": kept(form(text), form(source)),
    }


def plain(text: str) -> str:
    """Letters, marks and digits, case folded, words one space apart."""
    kinds = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text.casefold())
    return " ".join("".join(kinds).split())


def copied(text: str, source: str) -> float:
    """Share of the text's character 4-grams that are in the source; NaN for a text shorter than that.

    Words that the source writes with a capital inside a sentence, and numbers, stay out: good translations keep them.
    """
    names = frozenset(word.casefold() for word in _INSIDE.findall(source) if word[0].isupper() or word[0].isdigit())
    own, other = (" ".join(word for word in plain(one).split() if word not in names) for one in (text, source))
    grams = [own[at : at + _GRAM] for at in range(len(own) - _GRAM + 1)]
    if not grams:
        return math.nan
    there = {other[at : at + _GRAM] for at in range(len(other) - _GRAM + 1)}
    return sum(gram in there for gram in grams) / len(grams)


def repeated(text: str, language: str) -> float:
    """Share of the words in the longest stretch of a text that says the same at least three times running."""
    bare = _DIGITS.sub("0", plain(text))
    words = bare.split() if spaced(language) else clusters(bare)
    longest = 0
    for period in range(1, min(_LONGEST_PERIOD, len(words) // _TIMES) + 1):
        run = 0
        for at in range(period, len(words)):
            run = run + 1 if words[at] == words[at - period] else 0
            if run >= (_TIMES - 1) * period:
                longest = max(longest, run + period)
    return longest / len(words) if words else 0.0


def kept(own: Counter, other: Counter) -> float:
    """Overlap of two multisets, 0..1; NaN where both are empty."""
    both = own.total() + other.total()
    common: Counter[Hashable] = own & other
    return 2 * common.total() / both if both else math.nan
