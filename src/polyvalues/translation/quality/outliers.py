"""Which translations are doubtful? From the texts alone, before anything is said about values.

    length      |z| > 3.5, z = (r - median r) / (1.4826 MAD),  r = log(characters) - median over languages of the same
    script      less than half of a text's letters belong to the script of its language
    copy        a text of four words or more is also the text of the same item and side in another language
    same sides  the sides differ in case, punctuation or spaces only
    numbers     the digits of a text are not those that most languages of the item have
    language    a language identifier of the caller's says otherwise about `prefix + side`
    quality     the caller's measures of the pair's translations have flagged it

Thresholds follow the distribution of the language itself (`r` is judged per concept and language, from 10 items on),
not a constant: a language that is always longer is not odd for being long. A doubtful item is set apart in
`polyvalues divergence`; it may be a perfect translation, and one that is not named here may be wrong.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
import pyarrow as pa

from polyvalues.artifacts import PairSet
from polyvalues.artifacts.quality_ratings import PairKey
from polyvalues.dimensions import SIDES
from polyvalues.languages.metadata import knows_script, language_script, script_letters

REASONS: Final = ("length", "script", "copy", "same sides", "numbers", "language", "quality")
"""Why a translation is doubtful."""

DOUBT_SCHEMA: Final = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("concept", "language", "item", "reason", "detail")]
)
"""One row per pair and reason."""

FAR: Final = 3.5
"""Robust deviations beyond which a value is odd (Iglewicz and Hoaglin 1993)."""

_LEAST_ITEMS: Final = 10
_COPIED_WORDS: Final = 4

Row = Mapping[str, str]
Doubt = tuple[str, str]


def doubts(
    pairs: PairSet,
    *,
    identify: Callable[[str], str] | None = None,
    flagged: Mapping[PairKey, str] | None = None,
) -> pa.Table:
    """All doubts about the translations of a pair set.

    Args:
        pairs: pairs in one language or more.
        identify: from a text to the language tag it is written in; only the part before the first hyphen is compared.
        flagged: pairs whose measured quality is low, and why (`rated.flagged_of`).

    Returns:
        Rows as in `DOUBT_SCHEMA`, sorted; independent of the order of the pairs.
    """
    rows = pairs.table.select(["concept", "language", "item", "prefix", *SIDES]).to_pylist()
    found: list[tuple[str, str, str, str, str]] = []
    lengths = _odd_lengths(rows)
    low = flagged or {}
    shared, digits = _by_item(rows, _plain), _by_item(rows, _digits)
    for row in rows:
        key = (row["concept"], row["language"], row["item"])
        said = [*_text_doubts(row, shared), *_digit_doubts(row, digits)]
        if key in lengths:
            said.append(("length", f"{lengths[key]:+.1f} robust deviations from what is usual in the language"))
        if key in low:
            said.append(("quality", low[key]))
        if identify is not None:
            said += _identified(row, identify)
        found += [(*key, reason, detail) for reason, detail in dict.fromkeys(said)]
    columns = [pa.array(column, pa.string()) for column in zip(*sorted(found), strict=True)]
    return pa.table(columns, schema=DOUBT_SCHEMA) if columns else DOUBT_SCHEMA.empty_table()


def robust_z(values: np.ndarray) -> np.ndarray:
    """Deviation from the median in units of 1.4826 times the median absolute deviation; 0 where that is 0."""
    centred = values - np.median(values)
    scale = 1.4826 * np.median(np.abs(centred))
    return centred / scale if scale > 0 else np.zeros_like(centred)


def _odd_lengths(rows: list[Row]) -> dict[tuple[str, str, str], float]:
    """The largest robust z of a pair's two log length ratios, where it is odd."""
    logs = {
        (row["concept"], row["language"], row["item"], side): float(np.log(max(1, len(row["prefix"] + row[side]))))
        for row in rows
        for side in SIDES
    }
    by_item: dict[tuple[str, str, str], list[float]] = {}
    for (concept, _, item, side), value in logs.items():
        by_item.setdefault((concept, item, side), []).append(value)
    middle = {key: float(np.median(values)) for key, values in by_item.items()}
    by_cell: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for (concept, language, item, side), value in sorted(logs.items()):
        by_cell.setdefault((concept, language), []).append((item, value - middle[concept, item, side]))
    odd: dict[tuple[str, str, str], float] = {}
    for (concept, language), ratios in by_cell.items():
        if len(ratios) >= 2 * _LEAST_ITEMS:
            for (item, _), z in zip(ratios, robust_z(np.array([ratio for _, ratio in ratios])).tolist(), strict=True):
                key = (concept, language, item)
                if abs(z) > FAR and abs(z) > abs(odd.get(key, 0.0)):
                    odd[key] = z
    return odd


def _by_item(rows: list[Row], of: Callable[[str], str]) -> dict[tuple[str, str, str], Counter[str]]:
    """What the texts of an item's side come to in all languages, how often each."""
    found: dict[tuple[str, str, str], Counter[str]] = {}
    for row in rows:
        for side in SIDES:
            found.setdefault((row["concept"], row["item"], side), Counter())[of(row["prefix"] + row[side])] += 1
    return found


def _text_doubts(row: Row, shared: Mapping[tuple[str, str, str], Counter[str]]) -> Iterator[Doubt]:
    if _plain(row["positive"]) == _plain(row["negative"]):
        yield "same sides", "the sides differ in case, punctuation or spaces only"
    script = language_script(row["language"])
    for side in SIDES:
        text = row["prefix"] + row[side]
        plain = _plain(text)
        if len(plain.split()) >= _COPIED_WORDS and shared[row["concept"], row["item"], side][plain] > 1:
            yield "copy", f"the {side} text is that of another language"
        if knows_script(script):
            own, letters = (int(count[0]) for count in script_letters([text], script))
            if own < 0.5 * letters:
                yield "script", f"{own} of {letters} letters of the {side} text are {script}"


def _digit_doubts(row: Row, digits: Mapping[tuple[str, str, str], Counter[str]]) -> Iterator[Doubt]:
    for side in SIDES:
        own, counts = _digits(row["prefix"] + row[side]), digits[row["concept"], row["item"], side]
        usual, often = counts.most_common(1)[0]
        if own != usual and often > counts[own] and often > counts.total() / 2:
            yield "numbers", f"the {side} text has the numbers {own or 'none'}, most languages {usual or 'none'}"


def _identified(row: Row, identify: Callable[[str], str]) -> Iterator[Doubt]:
    own = row["language"].partition("-")[0]
    for side in SIDES:
        said = identify(row["prefix"] + row[side]).partition("-")[0]
        if said != own:
            yield "language", f"the {side} text is taken for {said}"


def _plain(text: str) -> str:
    """Letters, marks and digits, case folded, words one space apart."""
    kept = (letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text.casefold())
    return " ".join("".join(kept).split())


def _digits(text: str) -> str:
    """All numbers of a text in order of size, in ASCII digits."""
    found = (str(int(number)) for number in re.findall(r"\d+", text))
    return " ".join(sorted(found, key=lambda number: (len(number), number)))
