"""Mosaic: the grid is complete, the texts are what they claim, and English gives no surface cue."""

from collections import Counter

import numpy as np
import pytest

import polyvalues as pv
from mosaic_checks import cue_shares, length_ratios, rows, text_mistakes
from polyvalues.data.concepts import CONCEPTS
from polyvalues.data.mosaic.files import FOLDER, MOSAIC_LANGUAGES, pairs_file, words
from polyvalues.errors import SpecError

NAMES = [concept.name for concept in CONCEPTS]
KEYS = {"concept", "item", "category", "prefix", "positive", "negative"}


@pytest.fixture(scope="module")
def mosaic() -> pv.PairSet:
    return pv.read_pairs([pv.PairSource.parse("mosaic")])


def test_every_item_is_there_in_every_language(mosaic: pv.PairSet) -> None:
    columns = [mosaic.table[name].to_pylist() for name in ("concept", "language")]
    cells = Counter(zip(*columns, strict=True))
    assert set(cells) == {(concept, language) for concept in NAMES for language in MOSAIC_LANGUAGES}
    assert set(cells.values()) == {60}
    assert mosaic.table.num_rows == 420 * len(MOSAIC_LANGUAGES)
    assert mosaic.drops.num_rows == 0


def test_the_checks_of_a_study_drop_nothing(mosaic: pv.PairSet) -> None:
    checked = pv.check_pairs(mosaic, pv.CheckSpec())
    assert checked.drops.to_pylist() == []
    assert checked.table.num_rows == 420 * len(MOSAIC_LANGUAGES)


@pytest.mark.parametrize("language", MOSAIC_LANGUAGES)
def test_texts(language: str) -> None:
    own, english = rows(language), rows("en")
    for row, source in zip(own, english, strict=True):
        assert set(row) - {"note"} == KEYS
        assert {key: row[key] for key in ("concept", "item", "category")} == {
            key: source[key] for key in ("concept", "item", "category")
        }
        assert bool(row["prefix"]) == bool(source["prefix"])
        assert not row["prefix"] or row["prefix"][-1] in " 。？！"
    assert list(text_mistakes(language, own, english)) == []
    ratios = length_ratios(own, english)
    middle = np.median(ratios)
    assert ratios.min() > 0.4 * middle
    assert ratios.max() < 2.2 * middle


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"negative": "Isä piti lupauksensa."}, "the same"),
        ({"positive": "My father kept the promises that he made to his children."}, "English left over"),
        ({"positive": "Отец сдержал свои обещания, которые дал детям."}, "another script"),
        ({"positive": "Isa\u0308 piti lupauksensa."}, "not NFC"),
        ({"positive": "Isä  piti lupauksensa."}, "double space"),
        ({"positive": "Isä piti lupauksensa, vaikka se oli hyvin vaikeaa ja kesti kauan."}, "much longer"),
    ],
)
def test_the_text_checks_can_fail(change: dict[str, str], said: str) -> None:
    english = rows("en")[:1]
    good = english[0] | {"positive": "Isä piti lupauksensa.", "negative": "Isä petti lupauksensa."}
    assert list(text_mistakes("fi", [good], english)) == []
    assert any(said in mistake for mistake in text_mistakes("fi", [good | change], english))


@pytest.mark.parametrize("concept", NAMES)
def test_english_gives_no_surface_cue(concept: str) -> None:
    for cue, shares in cue_shares([row for row in rows("en") if row["concept"] == concept]).items():
        assert max(shares) <= 0.65, cue


def test_a_surface_cue_is_found() -> None:
    planted = [row | {"negative": row["negative"] + " Sadly"} for row in rows("en") if row["concept"] == "morality"]
    shares = cue_shares(planted)
    assert min(shares["bag of words"]) > 0.9
    assert min(shares["last word"]) > 0.9
    longer = [row | {"negative": row["negative"] + " " * 0 + " ,"} for row in rows("en")[:60]]
    assert min(cue_shares(longer)["length, punctuation, negation"]) > 0.9


@pytest.mark.parametrize("concept", NAMES)
def test_topics_vary(concept: str) -> None:
    topics = Counter(row["category"] for row in rows("en") if row["concept"] == concept)
    assert len(topics) >= 8
    assert min(topics.values()) >= 3


@pytest.mark.parametrize("language", MOSAIC_LANGUAGES)
def test_words(language: str) -> None:
    known = words(language)
    for openings in (known.refuse, known.comply, known.good, known.bad):
        assert len(set(openings)) == len(openings) >= 12
        assert not [(a, b) for a in openings for b in openings if a != b and b.startswith(a)]
    assert not set(known.refuse) & set(known.comply)
    assert not set(known.good) & set(known.bad)
    assert list(known.languages) == list(MOSAIC_LANGUAGES)
    assert len(set(known.languages.values())) == len(MOSAIC_LANGUAGES)


def test_what_is_not_there_is_said() -> None:
    for function in (pairs_file, words):
        with pytest.raises(SpecError, match="not in language 'de'"):
            function("de")
    for text in ("mosaic:somewhere", "mosaic:x?concept=morality"):
        with pytest.raises(SpecError, match="give no path"):
            pv.read_pairs([pv.PairSource.parse(text)])
    with pytest.raises(SpecError, match="needs a path"):
        pv.build(pv.PairSource, {"reader": "table"})


def test_the_card_is_there_and_names_the_licence() -> None:
    assert "CC BY 4.0" in (FOLDER / "CARD.md").read_text(encoding="utf-8")
