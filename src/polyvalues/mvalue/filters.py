r"""Pairs that are not used, beyond those that no study could use (`data.validation`).

Each pair is recorded once, with the first reason that applies:

    few-words       a text (prefix and side) has fewer than `min_words` words
    many-words      a text has more than `max_words` words
    address         a text holds an address of a page or of mail, a @user, an IP address or a telephone number
    near-duplicate  the words of its texts are, up to the share `near_duplicates`, those of a kept pair of another group
                    and lesser rank: |A & B| / |A | B|, of the sets of words without case

There is no list of words: what is meant to be toxic or harmful in the sources stays.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from polyvalues.config.mvalue import FilterSpec
from polyvalues.dimensions import SIDES
from polyvalues.mvalue.sampling import Row

ADDRESS: Final = re.compile(
    r"https?://\S|\bwww\.\w|\b[\w-]{1,63}\.(?:com|org|net|edu|gov|io|co\.uk)\b"
    r"|[\w.+-]{1,64}@[\w-]{1,63}\.\w|(?<![\w@])@[A-Za-z_]\w{2,}|(?<!\w)/?u/\w{3,}"
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)"
    r"|(?<![\w.,-])(?:\+?\d{1,3}[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?!\d)"
    r"|(?<![\w.,-])\d{3}-\d{4}(?![\d-])",
    re.IGNORECASE,
)
"""Addresses of pages and of mail, users, IP addresses, telephone numbers of North American form."""

_WORD: Final = re.compile(r"\w+")
_SLACK: Final = 1e-9
"""Room for rounding: 0.8 of 5 words are 4."""


def unfit(rows: Sequence[Row], ranks: Sequence[int], spec: FilterSpec) -> dict[int, tuple[str, str]]:
    """Reason and detail of every pair that is not used, by position.

    Args:
        rows: pairs of one concept.
        ranks: of the pairs; of those that are nearly equal the one of least rank is kept.
        spec: limits.
    """
    found = {at: reason for at, row in enumerate(rows) if (reason := _alone(row, spec)) is not None}
    if spec.near_duplicates > 0:
        order = sorted((at for at in range(len(rows)) if at not in found), key=ranks.__getitem__)
        words, groups = [_words(rows[at]) for at in order], [rows[at]["group"] for at in order]
        like = near_duplicates(words, groups, spec.near_duplicates)
        for later, earlier in like.items():
            found[order[later]] = "near-duplicate", f"like item {rows[order[earlier]]['item']!r}"
    return found


def near_duplicates(sets: Sequence[frozenset[str]], groups: Sequence[str], least: float) -> dict[int, int]:
    """Sets whose Jaccard similarity with an earlier kept set of another group is at least `least`, and the first such.

    Exact. Two sets that are so similar share at least one of the `n - ceil(least n) + 1` rarest members of each, so
    only sets that share one of those are compared (Chaudhuri, Ganti and Kaushik 2006, "A primitive operator for
    similarity joins in data cleaning").
    """
    counts = Counter(word for words in sets for word in words)
    holders: dict[str, list[int]] = {}
    found: dict[int, int] = {}
    for at, own in enumerate(sets):
        rare = sorted(own, key=lambda word: (counts[word], word))
        rare = rare[: len(own) - math.ceil(least * len(own) - _SLACK) + 1]
        earlier = sorted({other for word in rare for other in holders.get(word, ())})
        apart = (other for other in earlier if groups[other] != groups[at])
        like = next((other for other in apart if _similar(own, sets[other], least)), None)
        if like is None:
            for word in rare:
                holders.setdefault(word, []).append(at)
        else:
            found[at] = like
    return found


def _similar(own: frozenset[str], other: frozenset[str], least: float) -> bool:
    if min(len(own), len(other)) < least * max(len(own), len(other)) - _SLACK:
        return False  # the shorter one is too short, whatever they share
    common = len(own & other)
    return common >= least * (len(own) + len(other) - common) - _SLACK


def _texts(row: Row) -> Iterator[str]:
    return (row["prefix"] + row[side] for side in SIDES)


def _words(row: Row) -> frozenset[str]:
    return frozenset(word for text in _texts(row) for word in _WORD.findall(text.casefold()))


def _alone(row: Row, spec: FilterSpec) -> tuple[str, str] | None:
    """What is wrong with a pair by itself."""
    for text, side in zip(_texts(row), SIDES, strict=True):
        words = len(text.split())
        if words < spec.min_words:
            return "few-words", f"{side}: {words} words, at least {spec.min_words}"
        if words > spec.max_words:
            return "many-words", f"{side}: {words} words, at most {spec.max_words}"
        if spec.addresses and ADDRESS.search(text):
            return "address", side
    return None
