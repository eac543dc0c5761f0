import math

import pytest
from pair_rows import grid, numbered, pair_set, row

from polyvalues.artifacts import SUMMARY_SCHEMA
from polyvalues.config import CheckSpec
from polyvalues.data.summary import PairVersion, sample_pairs, summarise_pairs
from polyvalues.data.validation import check_pairs
from polyvalues.errors import PairsError


def drop(item: str, reason: str, language: str = "en", action: str = "dropped", concept: str = "morality") -> dict:
    return {"concept": concept, "language": language, "item": item, "reason": reason, "action": action}


def test_counts_reasons_and_balance() -> None:
    rows = [
        row("a", "12345", "123", group="g", prefix="a long prefix"),
        row("b", "123", "123", group="g"),
        row("c", "1", "12"),
        row("d", "1234567", "1"),
    ]
    records = [
        drop("x", "empty"), drop("y", "identical"), drop("z", "identical"), drop("x", "overlong"),
        drop("d", "not-nfc", action="mended"), drop("", "unmatched"), drop("", "unmatched"),
    ]  # fmt: skip
    table = summarise_pairs(pair_set(rows, records))
    assert table.schema == SUMMARY_SCHEMA
    assert table.to_pylist() == [
        {
            "concept": "morality",
            "language": "en",
            "kept": 4,
            "groups": 3,
            "dropped": 5,  # x, y, z and two without an id; x has two reasons
            "mended": 1,
            "reasons": "identical 2; unmatched 2; empty 1; not-nfc (mended) 1; overlong 1",
            "characters_positive": 4.0,
            "characters_negative": 2.25,
            "positive_longer": 0.625,
        }
    ]


def test_a_language_of_which_nothing_is_left_has_a_row() -> None:
    records = [drop("i0", "empty", "sw"), drop("i0", "empty", concept="fairness")]
    pairs = pair_set([numbered(0), numbered(0, concept="harmfulness"), numbered(0, "es")], records)
    rows = summarise_pairs(pairs).to_pylist()
    assert [(found["concept"], found["language"], found["kept"]) for found in rows] == [
        ("morality", "en", 1),
        ("morality", "es", 1),
        ("morality", "sw", 0),
        ("harmfulness", "en", 1),
        ("fairness", "en", 0),
    ]
    empty = rows[2]
    assert (empty["groups"], empty["dropped"], empty["reasons"]) == (0, 1, "empty 1")
    assert all(math.isnan(empty[name]) for name in ("characters_positive", "characters_negative", "positive_longer"))


def test_kept_and_dropped_add_up_after_a_check() -> None:
    rows = [numbered(number, language) for language in ("en", "es") for number in range(9)]
    rows[2] = {**rows[2], "positive": ""}
    summary = summarise_pairs(check_pairs(pair_set(rows), CheckSpec(limit=6))).to_pylist()
    assert [(found["kept"], found["dropped"]) for found in summary] == [(6, 3), (6, 3)]
    assert [found["reasons"] for found in summary] == ["limit 2; empty 1", "limit 2; unaligned 1"]


def test_samples_stand_side_by_side() -> None:
    (sample,) = sample_pairs(
        pair_set([numbered(1, "es", prefix="¡"), numbered(1, category="c")]), "morality", 5, seed=0
    )
    assert (sample.item, sample.category) == ("i1", "c")
    spanish, english = numbered(1, "es"), numbered(1)
    assert sample.versions == (
        PairVersion("es", "¡", spanish["positive"], spanish["negative"]),
        PairVersion("en", "", english["positive"], english["negative"]),
    )


def test_items_in_most_languages_come_first_and_the_seed_chooses() -> None:
    rows = [*grid(50, ["en"]).table.to_pylist(), *(numbered(number, "es") for number in (7, 30, 41))]
    samples = sample_pairs(pair_set(rows), "morality", 5, seed=3)
    assert {sample.item for sample in samples[:3]} == {"i7", "i30", "i41"}
    assert [len(sample.versions) for sample in samples] == [2, 2, 2, 1, 1]
    assert sample_pairs(pair_set(rows), "morality", 5, seed=3) == samples
    assert sample_pairs(pair_set(rows), "morality", 5, seed=4) != samples
    backwards = sample_pairs(pair_set(reversed(rows)), "morality", 5, seed=3)
    assert [sample.item for sample in backwards] == [sample.item for sample in samples]


def test_only_the_concept_asked_for_is_sampled() -> None:
    rows = [numbered(0), numbered(1, concept="fairness")]
    assert [sample.item for sample in sample_pairs(pair_set(rows), "fairness", 9, seed=0)] == ["i1"]
    with pytest.raises(PairsError, match="'toxicity' has no pairs; concepts with pairs: morality, fairness"):
        sample_pairs(pair_set(rows), "toxicity", 1, seed=0)
    with pytest.raises(PairsError, match="at least 1"):
        sample_pairs(pair_set(rows), "fairness", 0, seed=0)
