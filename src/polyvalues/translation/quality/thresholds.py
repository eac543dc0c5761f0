"""When is a measured value odd? Where it lies outside what is usual in its own language.

    fence = m - 3.5 s (low is bad) or m + 3.5 s (high is bad),   m = median of the language's texts
    s     = 1.4826 median(deviations of the values on the bad side of m); where that is 0: 1.2533 mean(deviations)
    risk  = distance from m in the bad direction / distance of the fence from m;   above 1: flagged

(Iglewicz and Hoaglin 1993, with the bad side alone, since these distributions are skewed.) So a language that is
always longer, or a language that writes many numbers as words, is not odd for being so. A language with fewer than 20
measured texts is judged by the texts of all languages together, and where those are too few by the values in `RULES`.

Some values have a natural limit: half of the letters in the script, a margin of 0 in language identification, sides
half or four times as far apart, lengths of the sides that changed by a quarter against one another, sides closer to
themselves than to each other. No value on the good side of its limit is flagged.
For `sides` the limit is most of the story: its fence lies below 0 by a sixth of the size that a quarter of its
contrasts have. A language whose *median* is beyond the limit has something wrong with most of its texts, or with the
measure: for `script` and `sides` the limit then becomes the fence, the others (`identified`, `copied`, `apart`) are
left out for that language; a note says so either way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from polyvalues.translation.quality.outliers import FAR

LEAST_TEXTS: Final = 20
"""Texts from which a language has a distribution of its own."""

_CAP: Final = 2.0
_NOISE: Final = 1 / 6


@dataclass(frozen=True)
class Rule:
    """How a measure is judged.

    Attributes:
        low, high: whether low and high values are bad.
        limit: values on the good side of it are never flagged.
        strict: beyond the limit is bad even when it is usual.
        median, fence: assumed where there are too few texts to see a distribution.
        words: what is said of a flagged text.
    """

    words: str
    low: bool = True
    high: bool = False
    limit: float | None = None
    strict: bool = False
    median: float = 1.0
    fence: float = 0.5


RULES: Final[Mapping[str, Rule]] = {
    "length": Rule("unusual length", high=True, median=0.0, fence=-1.1),
    "script": Rule("another script", limit=0.5, strict=True),
    "identified": Rule("another language", limit=0.0, median=1.0, fence=0.0),
    "copied": Rule("copied source", low=False, high=True, limit=0.5, median=0.0, fence=0.5),
    "repeated": Rule("repeats itself", low=False, high=True, median=0.0, fence=0.25),
    "numbers": Rule("numbers changed", fence=0.99),
    "placeholders": Rule("placeholders changed", fence=0.99, limit=0.99, strict=True),
    "form": Rule("question or line breaks changed"),
    "apart": Rule("sides became alike", limit=-0.69, median=0.0, fence=-1.1),
    "parted": Rule("sides differ more than their sources", low=False, high=True, limit=1.4, median=0.0, fence=1.4),
    "order": Rule("sides in another order", limit=-0.3, median=0.0, fence=-0.3),
    "balance": Rule("one side shorter than the other", low=False, high=True, limit=0.25, median=0.03, fence=0.25),
    "sides": Rule("sides exchanged", limit=0.0, strict=True, median=0.1, fence=-0.02),
    "wording": Rule("other words than its source", median=1.0, fence=-1.0),
    "round_trip": Rule("lost in the round trip", median=0.6, fence=0.2),
    "bleu": Rule("other words after the round trip", median=0.4, fence=0.0),
    "similarity": Rule("far in meaning", median=0.8, fence=0.4),
    "learned": Rule("low by the learned metric", fence=float("-inf")),  # its scale is not known
}
"""Every measure, in the order of the tables."""


@dataclass(frozen=True)
class Fence:
    """What is usual for one measure in one language.

    Attributes:
        median: of its values.
        lower, upper: values beyond are flagged (-inf, inf where a side is not bad).
        texts: how many texts it stands on.
        basis: `language`, `all languages` or `assumed`.
        note: what is wrong with the language as a whole; empty where nothing is.
    """

    median: float
    lower: float
    upper: float
    texts: int
    basis: str
    note: str = ""

    def risk(self, values: np.ndarray) -> np.ndarray:
        """0 at the median or better, 1 at the fence, at most 2; NaN where nothing was measured."""
        found = np.zeros_like(values)
        for fence, sign in ((self.lower, -1.0), (self.upper, 1.0)):
            if np.isfinite(fence):
                beyond, room = sign * (values - self.median), sign * (fence - self.median)
                # a fence at or before the median: whatever lies beyond it is as odd as can be
                share = beyond / room if room > 1e-9 else np.where(sign * (values - fence) > 1e-9, _CAP, 0.0)
                found = np.maximum(found, share)
        return np.where(np.isnan(values), np.nan, np.clip(found, 0.0, _CAP))


def fences(measure: str, values: np.ndarray, language: Sequence[str]) -> dict[str, Fence]:
    """The fence of one measure for every language.

    Args:
        measure: its name.
        values: float64 `[text]`, NaN where it was not measured.
        language: of each text.
    """
    rule, tags = RULES[measure], np.array(language, dtype=str)
    everywhere = values[~np.isnan(values)]
    found = {}
    for tag in dict.fromkeys(language):
        own = values[tags == tag]
        own = own[~np.isnan(own)]
        if len(own) >= LEAST_TEXTS:
            found[tag] = _fence(rule, own, "language", measure)
        elif len(everywhere) >= LEAST_TEXTS:
            found[tag] = _fence(rule, everywhere, "all languages", measure)
        else:
            upper = rule.fence if not rule.low else -rule.fence if rule.high else np.inf
            lower = rule.fence if rule.low else -np.inf
            found[tag] = Fence(rule.median, lower, upper, len(own), "assumed")
    return found


def quality(risks: np.ndarray) -> np.ndarray:
    """1 where every measure is usual, 0.5 at a fence, 0 at twice the distance: 1 - max over measures of risk / 2.

    Args:
        risks: float64 `[measure, text]`, NaN where not measured.
    """
    return 1 - np.nan_to_num(risks, nan=0.0).max(axis=0, initial=0.0) / _CAP


def _fence(rule: Rule, values: np.ndarray, basis: str, measure: str) -> Fence:
    middle = float(np.median(values))
    lower = middle - FAR * _spread(middle - values) if rule.low else -np.inf
    upper = middle + FAR * _spread(values - middle) if rule.high else np.inf
    note = ""
    if rule.limit is not None:
        bad = middle < rule.limit if rule.low else middle > rule.limit
        if bad:
            note = f"{measure}: the typical text is beyond the limit ({middle:.2f}, limit {rule.limit:g}); "
            note += "all texts beyond it are flagged" if rule.strict else "not used for this language"
            limit = rule.limit if rule.strict else np.inf
            lower, upper = (limit if rule.strict else -np.inf, upper) if rule.low else (lower, limit)
        elif rule.low:
            lower = min(rule.limit, _near_limit(measure, values, lower))
        else:
            upper = max(upper, rule.limit)
    return Fence(middle, lower, upper, len(values), basis, note)


def _near_limit(measure: str, values: np.ndarray, lower: float) -> float:
    """The fence of measures whose limit says more than the spread of the good values does."""
    if measure == "placeholders":
        return 1.0  # nothing may be lost
    if measure == "sides":
        # noise about 0 is small beside what the measure shows where it shows something
        return -_NOISE * float(np.quantile(np.abs(values), 0.75))
    return lower


def _spread(deviations: np.ndarray) -> float:
    """Robust scale of the deviations that are not negative (in the bad direction)."""
    bad = deviations[deviations >= 0]
    middle = 1.4826 * float(np.median(bad))
    return middle if middle > 0 else 1.2533 * float(bad.mean())
