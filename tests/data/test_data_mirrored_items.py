"""Items that mirror or repeat each other, from their texts."""

import numpy as np
import pyarrow as pa
import pytest

from polyvalues.artifacts import PairSet
from polyvalues.config import CheckSpec, PairSource, SplitSpec
from polyvalues.data import mirrored_items
from polyvalues.data.mirrored_items import group_related, related_by_texts
from polyvalues.data.pairs import make_pairs, read_pairs
from polyvalues.data.splits import split_pairs
from polyvalues.data.validation import check_pairs

MIRRORED = [
    *("02-03", "08-09", "13-14", "17-18", "19-20", "25-26", "27-28", "30-31"),
    *("33-34", "36-37", "42-43", "47-48", "49-50", "52-53", "57-58"),
]
"""Items of Mosaic's truthfulness written in twos, the words of one exchanged in the other."""
MORE = {"10-11", "12-36", "12-37", "21-22", "32-59"}
"""Exchanged words that English shares and not every language: cold and warm, never and slowly, thicker and thinner."""
LETTERS = np.array(list("abcdefghijklmnoprstuvz"))


def mosaic(concept: str, *languages: str) -> PairSet:
    pairs = read_pairs([PairSource(reader="mosaic")])
    return check_pairs(pairs, CheckSpec(concepts=(concept,), languages=languages))


def found(pairs: PairSet) -> list[str]:
    return sorted(f"{row['item'][-2:]}-{row['other'][-2:]}" for row in related_by_texts(pairs).to_pylist())


def invented(rng: np.random.Generator, *, mirrored: int = 0, items: int = 40) -> PairSet:
    """Items of invented words of unequal frequency; the first ones in twos that mirror each other."""
    words = np.array(["".join(rng.choice(LETTERS, rng.integers(3, 9))) for _ in range(200)])
    weight = 1 / np.arange(1, 201)
    rows, before = [], ([], [])
    for at in range(items):
        count = 3 if at < 2 * mirrored else int(rng.integers(1, 4))
        sides = tuple(rng.choice(words, count, p=weight / weight.sum(), replace=False).tolist() for _ in range(2))
        sides = (before[1], before[0]) if at < 2 * mirrored and at % 2 else sides
        before = sides
        frame = rng.choice(words, 4, p=weight / weight.sum()).tolist()
        positive, negative = (" ".join([*frame[:2], *side, *frame[2:]]) for side in sides)
        rows.append({"concept": "c", "language": "en", "item": f"i{at:02}", "positive": positive, "negative": negative})
    return make_pairs(row for row in rows if row["positive"] != row["negative"])


@pytest.mark.parametrize("languages", [("en",), ("en", "fi", "zh", "ta")])
def test_mirrored_items_of_mosaic_are_found_and_no_others(languages: tuple[str, ...]) -> None:
    named = found(mosaic("truthfulness", *languages))
    assert set(MIRRORED) - set(named) <= {"33-34", "36-37", "42-43", "02-03", "19-20"}
    assert set(named) <= set(MIRRORED) | MORE
    assert set(found(mosaic("morality", *languages))) <= {"12-24"}  # only and even, exchanged


def test_nothing_depends_on_labels_of_languages_or_on_the_order_of_pairs() -> None:
    pairs = mosaic("truthfulness", "en", "fi")
    rows = related_by_texts(pairs).to_pylist()
    turned = PairSet(pairs.table.take(pa.array(range(pairs.table.num_rows))[::-1]))
    assert related_by_texts(turned).to_pylist() == rows
    tags = pa.array(["de" if tag == "en" else "hu" for tag in pairs.table["language"].to_pylist()])
    place = pairs.table.schema.get_field_index("language")
    renamed = PairSet(pairs.table.set_column(place, pairs.table.schema.field(place), tags))
    assert related_by_texts(renamed).to_pylist() == rows


def test_related_items_share_a_group_in_every_language_and_lie_in_one_fold() -> None:
    pairs = mosaic("truthfulness", "en", "fi")
    grouped, rows = group_related(pairs, related_by_texts(pairs), 10)
    assert rows.num_rows >= 10
    assert all(rows["together"].to_pylist())
    split = split_pairs(grouped, SplitSpec()).table.to_pylist()
    fold = {(row["language"], row["item"]): row["fold"] for row in split}
    for row in rows.to_pylist():
        assert len({fold[tag, row[end]] for tag in ("en", "fi") for end in ("item", "other")}) == 1
    sizes = np.bincount([fold["en", item] for _, item in fold])
    assert sizes.max() - sizes.min() <= 2  # both languages counted: one item
    assert len(grouped.notes) == len(pairs.notes) + 1
    again, none = group_related(grouped, rows, 10)
    assert none.num_rows == 0
    assert again.table.equals(grouped.table)


def test_unrelated_items_are_called_related_in_no_more_than_a_twentieth_of_data_sets() -> None:
    rng = np.random.default_rng(1)
    false = sum(related_by_texts(invented(rng)).num_rows > 0 for _ in range(50))
    assert false <= 7  # P(more than 7 of 50 | 5 %) = 0.004


def test_planted_mirrors_are_found() -> None:
    rng = np.random.default_rng(2)
    rows = [row for _ in range(10) for row in related_by_texts(invented(rng, mirrored=8)).to_pylist()]
    true = [row for row in rows if int(row["item"][1:]) // 2 == int(row["other"][1:]) // 2 < 8]
    assert len(true) >= 0.9 * 80
    assert len(rows) - len(true) <= 0.1 * len(rows)
    assert {row["kind"] for row in true} == {"mirrored"}


def test_repeated_items_are_alike_and_a_template_is_no_relation() -> None:
    rng = np.random.default_rng(3)
    rows = invented(rng, mirrored=8).table.to_pylist()
    for row in rows[1:16:2]:
        row["positive"], row["negative"] = row["negative"], row["positive"]
    alike = related_by_texts(make_pairs({k: v for k, v in row.items() if k != "group"} for row in rows))
    assert "alike" in alike["kind"].to_pylist()
    assert "mirrored" not in alike["kind"].to_pylist()
    same = [{"concept": "c", "language": "en", "item": f"i{at}", "positive": f"{at} good", "negative": f"{at} bad"}
            for at in range(30)]  # fmt: skip
    assert related_by_texts(make_pairs(same)).num_rows == 0


def test_many_words_go_another_way_to_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = mosaic("truthfulness", "en")
    full = related_by_texts(pairs).to_pylist()
    monkeypatch.setattr(mirrored_items, "_DENSE", 0)
    sparse = related_by_texts(pairs).to_pylist()
    assert [(row["item"], row["other"]) for row in full] == [(row["item"], row["other"]) for row in sparse]
    assert np.allclose([row["cosine"] for row in full], [row["cosine"] for row in sparse])
