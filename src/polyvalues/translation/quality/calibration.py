"""Damage planted in translations, to see how much of it is found: detection and false-alarm rates on the data at hand.

    swap            half of the words change places
    drop            three words in ten are left out
    cut             the text stops half way
    wrong language  the text of the same item in another language (of the set, the source left out)
    copied          the source's own text
    repeated        its last three words come six times more
    other item      the text of another item in the same language
    numbers         a number is another one (texts with numbers only)
    collapsed       the other side's text (source sides differ)
    exchanged       the two sides change places (both texts are damaged)

Words are characters in languages without spaces. One side of a pair is damaged, drawn at random, but for the last kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from polyvalues.artifacts import PairSet
from polyvalues.data.perturbations import clusters, damage, spaced
from polyvalues.data.placeholders import numbers
from polyvalues.data.seeds import text_seed
from polyvalues.dimensions import SIDES
from polyvalues.errors import PairsError, SpecError
from polyvalues.translation.quality.metrics import Helpers, TextKey, TextQuality, measure_translations

PLANTED: Final = (
    "swap",
    "drop",
    "cut",
    "wrong language",
    "copied",
    "repeated",
    "other item",
    "numbers",
    "collapsed",
    "exchanged",
)
"""Kinds of damage, in the order of the tables."""

CALIBRATION_SCHEMA: Final = pa.schema(
    [
        pa.field("language", pa.string(), nullable=False),
        pa.field("damage", pa.string(), nullable=False),
        pa.field("texts", pa.int64(), nullable=False),
        pa.field("flagged", pa.int64(), nullable=False),
        pa.field("auroc", pa.float64(), nullable=False),
    ]
)
"""One row per language and kind: damaged texts, how many of them were flagged, and how well the quality alone tells
them from sound ones (0.5: not at all). Damage `none`: the sound texts, of which flagged ones are false alarms (no
AUROC)."""

Row = dict[str, str]
Others = Mapping[tuple[str, str], Sequence[Row]]


@dataclass(frozen=True)
class _Place:
    """What a damage may take from: the pair, its source, other pairs in its language, other languages of its item."""

    row: Row
    side: str
    source: Row
    peers: Sequence[Row]
    abroad: Sequence[Row]
    rng: np.random.Generator

    @property
    def text(self) -> str:
        return self.row["prefix"] + self.row[self.side]


def plant(pairs: PairSet, kind: str, share: float, seed: int, source: str = "en") -> tuple[PairSet, set[TextKey]]:
    """Damage a share of the pairs of every language but the source.

    Args:
        pairs: sound pairs.
        kind: of `PLANTED`.
        share: of each concept's pairs in each language, 0..0.5.
        seed: of everything drawn.
        source: the language translated from.

    Returns:
        The pairs, damaged texts with an empty prefix; and which texts are damaged (those that came out as they were are
        not).

    Raises:
        SpecError: an unknown kind or share.
    """
    if kind not in PLANTED or not 0 < share <= 0.5:
        raise SpecError(f"damage {kind!r}, share {share}: kinds are {', '.join(PLANTED)}; shares above 0 up to 0.5")
    rows = pairs.table.to_pylist()
    cells: dict[tuple[str, str], list[Row]] = {}
    items: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((row["concept"], row["language"]), []).append(row)
        items.setdefault((row["concept"], row["item"]), []).append(row)
    out, hit = [], set()
    for row in rows:
        key = (row["concept"], row["language"], row["item"])
        rng = np.random.default_rng([seed, text_seed("plant", kind, *key)])
        origin = next((other for other in items[row["concept"], row["item"]] if other["language"] == source), None)
        if row["language"] == source or origin is None or rng.random() >= share:
            out.append(row)
            continue
        abroad = [o for o in items[row["concept"], row["item"]] if o["language"] not in (source, row["language"])]
        peers = [other for other in cells[row["concept"], row["language"]] if other["item"] != row["item"]]
        place = _Place(row, SIDES[int(rng.integers(2))], origin, peers, abroad, rng)
        damaged = _damaged(place, kind)
        hit |= {(*key, side) for side in SIDES if damaged["prefix"] + damaged[side] != row["prefix"] + row[side]}
        out.append(damaged)
    return replace(pairs, table=pa.Table.from_pylist(out, schema=pairs.table.schema)), hit


def calibrate_quality(pairs: PairSet, source: str = "en", *, share: float = 0.05, seed: int = 0) -> pa.Table:
    """Plant each kind of damage in turn and count what is found, by the texts alone (no back-translation, no model).

    Args:
        pairs: pairs whose translations are sound.
        source: the language they were translated from.
        share: of the pairs that are damaged.
        seed: of the damage.

    Returns:
        Rows as in `CALIBRATION_SCHEMA`.
    """
    found = []
    sound = measure_translations(pairs, source)
    for language, own in sorted(_by_language(sound).items()):
        flagged = sum(alarm for alarm, _ in own.values())
        found.append((language, "none", len(own), flagged, float("nan")))
    for kind in PLANTED:
        damaged, hit = plant(pairs, kind, share, seed, source)
        if hit:
            found += _rates(kind, measure_translations(damaged, source, Helpers()), hit)
    if len(found) == len(set(sound.table["language"].to_pylist())):
        raise PairsError(f"nothing could be damaged: too few pairs for a share of {share}")
    columns = [
        pa.array(column, kind.type) for column, kind in zip(zip(*found, strict=True), CALIBRATION_SCHEMA, strict=True)
    ]
    return pa.table(columns, schema=CALIBRATION_SCHEMA)


def _rates(kind: str, measured: TextQuality, hit: set[TextKey]) -> list[tuple[str, str, int, int, float]]:
    rows = []
    for language, own in sorted(_by_language(measured).items()):
        bad = [value for key, value in own.items() if key in hit]
        pairs_hit = {key[:3] for key in hit}
        good = [quality for key, (_, quality) in own.items() if key[:3] not in pairs_hit]
        if bad:
            auroc = _auroc(np.array([quality for _, quality in bad]), np.array(good))
            rows.append((language, kind, len(bad), sum(flagged for flagged, _ in bad), auroc))
    return rows


def _by_language(measured: TextQuality) -> dict[str, dict[TextKey, tuple[bool, float]]]:
    found: dict[str, dict[TextKey, tuple[bool, float]]] = {}
    for row in measured.table.to_pylist():
        key = (row["concept"], row["language"], row["item"], row["side"])
        found.setdefault(row["language"], {})[key] = (row["flagged"], row["quality"])
    return found


def _auroc(bad: np.ndarray, good: np.ndarray) -> float:
    """Chance that a damaged text has the lower quality (ties 1/2)."""
    if not len(good):
        return float("nan")
    gaps = good[None, :] - bad[:, None]
    return float(((gaps > 0) + 0.5 * (gaps == 0)).mean())


def _damaged(place: _Place, kind: str) -> Row:
    """The pair with the damage: whole texts as sides, the prefix empty; unchanged where the damage cannot be done."""
    row, side = place.row, place.side
    whole = row | {"prefix": ""} | {name: row["prefix"] + row[name] for name in SIDES}
    if kind == "exchanged":
        return row | {"positive": row["negative"], "negative": row["positive"]}
    if kind == "collapsed":
        other = SIDES[1 - SIDES.index(side)]
        return row | {side: row[other]}
    text = _TEXTS[kind](place)
    return row if text is None else whole | {side: text}


def _worded(kind: str, dose: float) -> Callable[[_Place], str | None]:
    return lambda place: damage(place.text, place.row["language"], kind, dose, place.rng, {})


def _cut(place: _Place) -> str | None:
    units, gap = _units(place)
    return gap.join(units[: max(1, len(units) // 2)])


def _repeated(place: _Place) -> str | None:
    units, gap = _units(place)
    return gap.join(units + units[-3:] * 6)


def _units(place: _Place) -> tuple[list[str], str]:
    split = spaced(place.row["language"])
    return (place.text.split(), " ") if split else (clusters(place.text), "")


def _from(rows: Callable[[_Place], Sequence[Row]]) -> Callable[[_Place], str | None]:
    def taken(place: _Place) -> str | None:
        given = rows(place)
        if not given:
            return None
        other = given[int(place.rng.integers(len(given)))]
        return other["prefix"] + other[place.side]

    return taken


def _renumbered(place: _Place) -> str | None:
    there = sorted(numbers(place.text))
    if not there:
        return None
    old = str(there[int(place.rng.integers(len(there)))])
    return place.text.replace(old, str(int(old) + int(place.rng.integers(1, 9))), 1)


_TEXTS: Final[Mapping[str, Callable[[_Place], str | None]]] = {
    "swap": _worded("swap", 0.5),
    "drop": _worded("drop", 0.3),
    "cut": _cut,
    "wrong language": _from(lambda place: place.abroad),
    "copied": _from(lambda place: [place.source]),
    "repeated": _repeated,
    "other item": _from(lambda place: place.peers),
    "numbers": _renumbered,
}
