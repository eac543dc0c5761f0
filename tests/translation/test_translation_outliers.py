"""Doubts about translations: damage that was planted is found, sound text is left alone."""

import pyarrow as pa
import pytest

from polyvalues.artifacts import PAIR_SCHEMA, PairSet
from polyvalues.config import PairSource
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.data.pairs import read_pairs
from polyvalues.translation.quality.outliers import REASONS, doubts

SUBJECTS = (
    "teacher",
    "doctor",
    "farmer",
    "driver",
    "judge",
    "nurse",
    "baker",
    "pilot",
    "singer",
    "writer",
    "hunter",
    "king",
)
OPETTAJAT = (
    "opettaja",
    "lääkäri",
    "viljelijä",
    "kuljettaja",
    "tuomari",
    "hoitaja",
    "leipuri",
    "lentäjä",
    "laulaja",
    "kirjailija",
    "metsästäjä",
    "kuningas",
)


def pair(language: str, item: str, positive: str, negative: str, prefix: str = "") -> dict[str, str]:
    row = {"concept": "morality", "language": language, "item": item, "group": item, "prefix": prefix}
    return row | {"positive": positive, "negative": negative, "category": "", "source": "t:"}


def clean() -> list[dict[str, str]]:
    rows = []
    for number, (english, finnish) in enumerate(zip(SUBJECTS, OPETTAJAT, strict=True)):
        item = f"i{number:02d}"
        rows.append(pair("en", item, f"The {english} gave 3 coins back.", f"The {english} stole 3 coins again."))
        rows.append(
            pair("fi", item, f"Tuo {finnish} antoi 3 kolikkoa takaisin.", f"Tuo {finnish} varasti taas 3 kolikkoa.")
        )
    return rows


def found(rows: list[dict[str, str]], **options: object) -> set[tuple[str, str, str]]:
    table = doubts(PairSet(pa.Table.from_pylist(rows, schema=PAIR_SCHEMA)), **options)  # pyright: ignore[reportArgumentType]
    return {(row["language"], row["item"], row["reason"]) for row in table.to_pylist()}


def test_sound_texts_are_left_alone() -> None:
    assert found(clean()) == set()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"positive": "Tuo opettaja antoi 3 kolikkoa takaisin " + "ja kulki sitten hyvin kauan kotiin " * 6}, "length"),
        ({"positive": "Ο δάσκαλος έδωσε πίσω 3 νομίσματα."}, "script"),
        ({"positive": "The teacher gave 3 coins back."}, "copy"),
        ({"positive": "tuo opettaja varasti taas 3 kolikkoa"}, "same sides"),
        ({"positive": "Tuo opettaja antoi 5 kolikkoa takaisin."}, "numbers"),
    ],
)
def test_planted_damage_is_found_where_it_is(change: dict[str, str], reason: str) -> None:
    rows = clean()
    third = [row | {"language": "et"} for row in rows if row["language"] == "fi"]
    rows += [row | {"positive": row["positive"] + "!", "negative": row["negative"] + "!"} for row in third]
    rows = [row for row in rows if reason != "copy" or row["language"] != "et"]
    rows = rows if reason in ("copy", "numbers") else [row for row in rows if row["language"] != "et"]
    rows = [row | change if (row["language"], row["item"]) == ("fi", "i00") else row for row in rows]
    assert ("fi", "i00", reason) in found(rows)
    assert {name for _, item, name in found(rows) if item != "i00" and name == reason} == set()


def test_a_language_that_is_always_longer_is_not_odd() -> None:
    rows = [
        row | {side: row[side] + " Ja niin edelleen, ja niin edelleen." for side in ("positive", "negative")}
        if row["language"] == "fi"
        else row
        for row in clean()
    ]
    assert found(rows) == set()


def test_measured_quality_and_identified_language() -> None:
    flagged = {("morality", "fi", "i05"): "negative: copied source", ("morality", "fi", "i99"): "not there"}
    assert found(clean(), flagged=flagged) == {("fi", "i05", "quality")}

    def identify(text: str) -> str:
        return "en" if text.startswith("The") else "et" if "kuningas" in text else "fi"

    assert found(clean(), identify=identify) == {("fi", "i11", "language")}


def test_order_of_rows_changes_nothing_and_words_are_closed() -> None:
    rows = [row | {"negative": row["positive"]} if row["item"] == "i03" else row for row in clean()]
    first = doubts(PairSet(pa.Table.from_pylist(rows, schema=PAIR_SCHEMA)))
    second = doubts(PairSet(pa.Table.from_pylist(rows[::-1], schema=PAIR_SCHEMA)))
    assert first.equals(second)
    assert set(first["reason"].to_pylist()) <= set(REASONS)


def test_few_of_mosaics_translations_are_doubtful() -> None:
    pairs = read_pairs([PairSource(reader="mosaic")])
    table = doubts(pairs)
    assert set(table["reason"].to_pylist()) <= {"length", "numbers"}
    assert table.num_rows < 0.03 * 420 * len(MOSAIC_LANGUAGES)
