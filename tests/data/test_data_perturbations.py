"""Damage is of the size asked for, nested in the dose, seeded by the text alone, and never leaves nothing."""

import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from polyvalues.artifacts import PAIR_SCHEMA, PairSet
from polyvalues.data.perturbations import clusters, damage, degrade
from polyvalues.dimensions import DAMAGE_KINDS, SIDES, DamageKind
from polyvalues.errors import SpecError

TEXTS = {
    "en": "the old baker gave warm bread to the poor children of the small village near our river every winter day",
    "fi": "vanha leipuri antoi lämmintä leipää pienen joenrantakylän köyhille lapsille joka ikinen kylmä talvipäivä",
    "zh": "老面包师每个寒冷的冬日都把热面包送给我们河边小村庄里的穷孩子们从来不收一分钱",
    "ta": "பழைய பேக்கர் ஒவ்வொரு குளிர்கால நாளும் சிறிய கிராமத்தின் ஏழைக் குழந்தைகளுக்கு சூடான ரொட்டியைக் கொடுத்தார்",
}


def pairs(count: int = 6) -> PairSet:
    rows = [
        {
            "concept": "morality",
            "language": language,
            "item": f"i{n}",
            "group": f"i{n}",
            "prefix": "",
            "category": "",
            "source": "t:",
            "positive": f"{text} {n}" if language != "zh" else f"{text}{n}",
            "negative": f"{n} {text}",
        }
        for language, text in TEXTS.items()
        for n in range(count)
    ]
    return PairSet(pa.Table.from_pylist(rows, schema=PAIR_SCHEMA))


def texts(given: PairSet) -> dict[tuple[str, str, str], str]:
    return {
        (row["language"], row["item"], side): row["prefix"] + row[side]
        for row in given.table.to_pylist()
        for side in SIDES
    }


@pytest.mark.parametrize("kind", DAMAGE_KINDS)
def test_dose_zero_changes_nothing_and_others_do(kind: DamageKind) -> None:
    assert degrade(pairs(), kind, 0.0, 0).table.equals(pairs().table)
    before, after = texts(pairs()), texts(degrade(pairs(), kind, 0.5, 0))
    assert sum(after[key] == before[key] for key in before) == 0
    assert all(unicodedata.is_normalized("NFC", text) and text.strip() for text in after.values())


@pytest.mark.parametrize("dose", [0.1, 0.25, 0.5])
def test_the_dose_is_kept_on_average(dose: float) -> None:
    given = pairs(40)
    dropped, replaced = texts(degrade(given, "drop", dose, 1)), texts(degrade(given, "replace", dose, 1))
    gone, new = [], []
    for key, text in texts(given).items():
        if key[0] in ("en", "fi"):
            words = text.split()
            gone.append(1 - len(dropped[key].split()) / len(words))
            new.append(np.mean([a != b for a, b in zip(words, replaced[key].split(), strict=True)]))
        if key[0] == "zh":
            gone.append(1 - len(clusters(dropped[key])) / len(clusters(text)))
    assert np.mean(gone) == pytest.approx(dose, abs=0.01)
    assert np.mean(new) == pytest.approx(dose, abs=0.02)


def test_a_larger_dose_damages_all_that_a_smaller_one_did() -> None:
    given = pairs()
    small, large = (texts(degrade(given, "drop", dose, 2)) for dose in (0.2, 0.4))
    for key, text in texts(given).items():
        if key[0] != "zh":
            left = iter(small[key].split())
            assert all(word in left for word in large[key].split()), (text, small[key], large[key])


def test_swapping_keeps_the_words_and_moves_them() -> None:
    given = pairs()
    moved = texts(degrade(given, "swap", 0.5, 3))
    for key, text in texts(given).items():
        if key[0] != "zh":
            assert sorted(moved[key].split()) == sorted(text.split())
            assert np.mean([a != b for a, b in zip(moved[key].split(), text.split(), strict=True)]) > 0.25
        else:
            assert sorted(clusters(moved[key])) == sorted(clusters(text))


def test_words_come_from_other_languages() -> None:
    given = pairs()
    others = {word for key, text in texts(given).items() if key[0] != "en" for word in (*text.split(), *clusters(text))}
    for key, text in texts(degrade(given, "replace", 0.4, 4)).items():
        if key[0] == "en":
            own = set(texts(given)[key].split())
            assert set(text.split()) - own <= others
            assert set(text.split()) - own


def test_marks_stay_with_their_letters() -> None:
    for text in texts(degrade(pairs(), "characters", 0.3, 5)).values():
        assert not unicodedata.category(text[0]).startswith("M")
        assert not any(a == " " and unicodedata.category(b).startswith("M") for a, b in pairwise(text))
    assert clusters("கொடு") == ["கொ", "டு"]
    assert clusters("e\u0301a") == ["e\u0301", "a"]


@pytest.mark.parametrize("kind", DAMAGE_KINDS)
def test_other_rows_and_their_order_do_not_matter(kind: DamageKind) -> None:
    given = pairs()
    whole = texts(degrade(given, kind, 0.3, 6))
    turned = texts(degrade(PairSet(given.table.take(list(range(given.table.num_rows))[::-1])), kind, 0.3, 6))
    assert turned == whole
    if kind != "replace":
        alone = texts(degrade(PairSet(given.table.slice(0, 1)), kind, 0.3, 6))
        assert alone.items() <= whole.items()
    assert texts(degrade(given, kind, 0.3, 7)) != whole


def test_only_the_languages_named_are_damaged() -> None:
    before, after = texts(pairs()), texts(degrade(pairs(), "drop", 0.5, 0, languages=["fi"]))
    assert {key[0] for key in before if before[key] != after[key]} == {"fi"}
    assert "drop, dose 0.5, in fi" in degrade(pairs(), "drop", 0.5, 0, languages=["fi"]).notes[-1]


def test_short_texts_survive() -> None:
    rng = np.random.default_rng(0)
    for kind in DAMAGE_KINDS:
        for text in ("Yes.", "a", "早"):
            assert damage(text, "en", kind, 0.5, rng, {})
        assert damage("one two", "en", kind, 0.5, rng, {})


@pytest.mark.parametrize(
    ("kind", "dose", "said"), [("melt", 0.1, "melt"), ("drop", 0.6, "outside"), ("drop", -0.1, "outside")]
)
def test_nonsense_is_refused(kind: str, dose: float, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        degrade(pairs(), kind, dose, 0)
