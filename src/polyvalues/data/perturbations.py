"""Damages texts by known amounts, to see what translation noise of that size would do to the findings.

    drop         units are left out
    swap         units change places with one another
    replace      units give way to units of the same item and side in another language
    characters   letters (with their marks) are deleted, doubled or exchanged with the next one

`dose` (0 to 0.5) is the share of units damaged. Units are words; in languages that put no spaces between words, and for
`characters`, they are letters with the marks they carry (so Tamil and Telugu vowel signs stay where they are). Each
text has one random order of its units, drawn from the seed, the kind, the side and the text itself: the first `dose` of
them are damaged, so a larger dose damages all that a smaller one did, and nothing depends on labels or on other rows
(but for what `replace` lends from). The number is rounded at random, so short texts have the dose on average. The
prefix is part of the text. A text keeps at least one unit. Dose 0 gives the texts back as they were.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from polyvalues.artifacts import PairSet
from polyvalues.data.seeds import text_seed
from polyvalues.dimensions import DAMAGE_KINDS, SIDES
from polyvalues.errors import SpecError
from polyvalues.languages.metadata import language_script

MOST: Final = 0.5
"""The largest dose."""

_UNSPACED: Final = frozenset({"Hans", "Hant", "Jpan", "Thai", "Laoo", "Khmr", "Mymr"})


def degrade(pairs: PairSet, kind: str, dose: float, seed: int, *, languages: Sequence[str] | None = None) -> PairSet:
    """Damage the texts of some languages.

    Args:
        pairs: pairs in one language or more.
        kind: what is done.
        dose: share of the units that are damaged.
        seed: of everything drawn.
        languages: damage these only; None damages all.

    Returns:
        The pairs with other texts, all else unchanged: prefix empty, the damaged text as the side. A note says what
        was done.

    Raises:
        SpecError: an unknown kind, or a dose outside 0..0.5.
    """
    if kind not in DAMAGE_KINDS:
        raise SpecError(f"damage kind {kind!r} is unknown; known: {', '.join(DAMAGE_KINDS)}")
    if not 0 <= dose <= MOST:
        raise SpecError(f"dose {dose} is outside 0..{MOST}")
    if dose == 0:
        return pairs
    rows = pairs.table.to_pylist()
    others = _by_item(rows) if kind == "replace" else {}
    damaged = []
    for row in rows:
        if languages is None or row["language"] in languages:
            sides = {}
            for side in SIDES:
                place = (row["concept"], row["item"], side)
                foreign = {name: text for name, text in others.get(place, {}).items() if name != row["language"]}
                text = row["prefix"] + row[side]
                rng = np.random.default_rng([seed, text_seed(kind, side, text)])
                sides[side] = damage(text, row["language"], kind, dose, rng, foreign)
            row = row | {"prefix": ""} | sides
        damaged.append(row)
    note = f"texts damaged on purpose: {kind}, dose {dose:g}, in {', '.join(languages or ['all languages'])}"
    return replace(pairs, table=pa.Table.from_pylist(damaged, schema=pairs.table.schema), notes=(*pairs.notes, note))


def damage(
    text: str, language: str, kind: str, dose: float, rng: np.random.Generator, foreign: Mapping[str, str]
) -> str:
    """One damaged text (NFC).

    Args:
        text: prefix and side.
        language: its tag, which says what the units are.
        kind: what is done.
        dose: share of the units.
        rng: draws the order of the units, then what each damage needs.
        foreign: the same text in other languages, for `replace`; without one the text lends from itself.
    """
    gap = "" if kind == "characters" or not spaced(language) else " "
    units = clusters(text) if not gap else text.split()
    if len(units) < 2:
        return text
    order = rng.permutation(len(units))
    count = min(len(units) - 1, int(dose * len(units) + rng.random()))
    extra = rng.random(len(units))  # one draw per unit, whatever the dose
    donor = _donor(foreign, language, rng) if kind == "replace" else []
    hit = order[:count]
    if kind == "drop":
        kept = np.delete(np.arange(len(units)), hit)
        units = [units[at] for at in kept]
    elif kind == "swap":
        units = _swapped(units, order, count)
    elif kind == "replace":
        lent = donor or units
        for at in hit:
            units[at] = lent[int(extra[at] * len(lent))]
    else:
        units = _misspelt(units, sorted(hit.tolist()), extra)
    return unicodedata.normalize("NFC", gap.join(units))


def clusters(text: str) -> list[str]:
    """Letters with the marks and joiners they carry, in order; everything else by itself."""
    found: list[str] = []
    for letter in text:
        attached = unicodedata.category(letter).startswith("M") or letter in "\u200c\u200d"
        if found and (attached or found[-1].endswith("\u200d")):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def spaced(language: str) -> bool:
    """Whether the language puts spaces between words."""
    return language_script(language) not in _UNSPACED


def _swapped(units: list[str], order: np.ndarray, count: int) -> list[str]:
    """The first units of the order, two by two, in each other's place."""
    moved = list(units)
    for first, second in zip(order[0 : count + 1 : 2], order[1 : count + 1 : 2], strict=False):
        moved[first], moved[second] = units[second], units[first]
    return moved


def _misspelt(units: list[str], hit: list[int], extra: np.ndarray) -> list[str]:
    """Units deleted, doubled or exchanged with the next one, by thirds of the draw."""
    out, skip = [], False
    marked = set(hit)
    for at, unit in enumerate(units):
        if skip:
            skip = False
            continue
        if at not in marked:
            out.append(unit)
        elif extra[at] < 1 / 3:
            continue
        elif extra[at] < 2 / 3 or at + 1 == len(units):
            out += [unit, unit]
        else:
            out += [units[at + 1], unit]
            skip = True
    return out or units[:1]


def _donor(foreign: Mapping[str, str], language: str, rng: np.random.Generator) -> list[str]:
    if not foreign:
        return []
    name = sorted(foreign, key=lambda tag: foreign[tag])[int(rng.integers(len(foreign)))]
    return foreign[name].split() if spaced(language) and spaced(name) else clusters(foreign[name].replace(" ", ""))


def _by_item(rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, str, str], dict[str, str]]:
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        for side in SIDES:
            found.setdefault((row["concept"], row["item"], side), {})[row["language"]] = row["prefix"] + row[side]
    return found
