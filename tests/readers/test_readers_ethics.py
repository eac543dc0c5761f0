"""ETHICS: labels, quoted line breaks, files without a header, scenarios, texts shared by rows."""

from pathlib import Path

import pytest
from reader_sources import COMMONSENSE, DEONTOLOGY, put, put_csv, read, rows

from polyvalues.errors import ReaderError, SpecError

RIGHT = ["I fed the cat.", "I paid the bill.", "I told a long story\nabout the time I helped.\n"]
WRONG = ["I hid the cat.", "I tore the bill.", "I told a long story\nabout the time I cheated"]


def _commonsense(path: Path) -> Path:
    lines = [(0, text, "\n" not in text, False) for text in RIGHT] + [
        (1, text, "\n" not in text, False) for text in WRONG
    ]
    return put_csv(path, COMMONSENSE, lines)


def test_commonsense_label_1_is_wrong_and_lengths_are_matched_within_the_category(tmp_path: Path) -> None:
    pairs = read("ethics-commonsense", _commonsense(tmp_path / "cm_test.csv"))
    table = rows(pairs)
    assert sorted(row["positive"] for row in table) == sorted(text.strip() for text in RIGHT)
    assert sorted(row["negative"] for row in table) == sorted(text.strip() for text in WRONG)
    assert sorted(row["category"] for row in table) == ["long", "short", "short"]
    long = next(row for row in table if row["category"] == "long")
    assert "\n" in long["positive"]
    assert "\n" in long["negative"]
    assert {(row["concept"], row["language"]) for row in table} == {("morality", "en")}
    (note,) = pairs.notes
    assert "3 pairs matched" in note
    assert "seed 0" in note
    assert "unmatched: 0 and 0" in note
    assert "the positive side is the longer one in" in note


def test_commonsense_uses_a_text_once_and_never_one_with_both_labels(tmp_path: Path) -> None:
    lines = [(0, "I waved.", True, False), (0, "I waved.", True, False), (1, "I spat.", True, False)]
    lines += [(0, "I slept", True, False), (1, "I slept", True, False)]
    pairs = read("ethics-commonsense", put_csv(tmp_path / "cm_test.csv", COMMONSENSE, lines))
    assert [(row["positive"], row["negative"]) for row in rows(pairs)] == [("I waved.", "I spat.")]
    assert any("1 texts that repeat" in note for note in pairs.notes)
    assert any("2 texts that occur with both labels" in note for note in pairs.notes)


def test_commonsense_line_of_a_wrong_label_is_right_after_line_breaks(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "cm_test.csv", COMMONSENSE, [(0, "one\ntwo\nthree", False, False), (2, "x", True, False)])
    with pytest.raises(ReaderError, match=r"0 \(not wrong\) or 1 \(wrong\)") as caught:
        read("ethics-commonsense", path)
    assert (caught.value.line, caught.value.field) == (5, "label")


def test_commonsense_ambiguous_file_is_refused_and_named_in_a_folder(tmp_path: Path) -> None:
    ambiguous = put_csv(
        tmp_path / "commonsense" / "cm_ambig.csv", (), [("I borrowed a pen,\nand kept it.",), ("I sang.",)]
    )
    with pytest.raises(ReaderError, match="no labels"):
        read("ethics-commonsense", ambiguous)
    _commonsense(tmp_path / "commonsense" / "cm_train.csv")
    for folder in (tmp_path, tmp_path / "commonsense"):
        notes = read("ethics-commonsense", folder).notes
        assert any("cm_ambig.csv" in note for note in notes)


def test_part_chooses_files(tmp_path: Path) -> None:
    _commonsense(tmp_path / "cm_test.csv")
    _commonsense(tmp_path / "cm_test_hard.csv")
    both = rows(read("ethics-commonsense", tmp_path))
    assert {row["source"] for row in both} == {"ethics-commonsense:cm_test.csv", "ethics-commonsense:cm_test_hard.csv"}
    assert len({row["item"] for row in both}) == len(both) == 6
    hard = read("ethics-commonsense", tmp_path, part="hard")
    assert {row["source"] for row in rows(hard)} == {"ethics-commonsense:cm_test_hard.csv"}
    assert any("cm_test.csv" in note for note in hard.notes)
    with pytest.raises(ReaderError, match=r"cm_train\.csv"):
        read("ethics-commonsense", tmp_path, part="train")
    with pytest.raises(SpecError, match="one of train, test, hard, all"):
        read("ethics-commonsense", tmp_path, part="tset")
    with pytest.raises(SpecError, match="part"):
        read("ethics-commonsense", tmp_path / "cm_test.csv", part="test")


def _deontology(path: Path) -> Path:
    lines = [
        (1, "Could you feed the cat? ", "It is hungry "),
        (0, "Could you feed the cat?", "It is grey"),
        (1, "Could you lend me a pen?", "You need one"),
        (0, "Could you feed the cat?", "It is a cat"),
        (1, "I am a teacher.", "So I should teach"),
        (0, "Could you lend me a pen?", "Pens are blue"),
    ]
    return put_csv(path, DEONTOLOGY, lines)


def test_deontology_pairs_within_scenarios_that_stand_apart(tmp_path: Path) -> None:
    pairs = read("ethics-deontology", _deontology(tmp_path / "deontology_test.csv"))
    table = rows(pairs)
    texts = [(row["prefix"] + row["positive"], row["prefix"] + row["negative"]) for row in table]
    assert texts == [
        ("Could you feed the cat? It is hungry", "Could you feed the cat? It is grey"),
        ("Could you lend me a pen? You need one", "Could you lend me a pen? Pens are blue"),
    ]
    assert len({row["group"] for row in table}) == 2
    (drop,) = pairs.drops.to_pylist()
    assert (drop["reason"], drop["action"]) == ("unmatched", "dropped")
    assert "line 6" in drop["detail"]
    assert any("1 excuses" in note for note in pairs.notes)


def test_deontology_scenario_is_one_group(tmp_path: Path) -> None:
    lines = [(label, "Could you sing?", f"{label}{at}") for at in range(2) for label in (0, 1)]
    table = rows(read("ethics-deontology", put_csv(tmp_path / "deontology_test.csv", DEONTOLOGY, lines)))
    assert [(row["positive"], row["negative"]) for row in table] == [("10", "00"), ("11", "01")]
    assert len({row["group"] for row in table}) == 1
    assert len({row["item"] for row in table}) == 2


def test_deontology_needs_its_columns(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="'excuse'"):
        read("ethics-deontology", put_csv(tmp_path / "x.csv", ("label", "scenario"), [(1, "a")]))


def test_utilitarianism_has_no_header_and_the_better_text_first(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "util_test.csv", (), [("I ate cake. ", "I ate bread. "), ("I slept.", " I fell.")])
    table = rows(read("ethics-utilitarianism", path))
    assert [(row["positive"], row["negative"]) for row in table] == [
        ("I ate cake.", "I ate bread."),
        ("I slept.", "I fell."),
    ]
    assert len({row["group"] for row in table}) == 2


def test_utilitarianism_rows_that_share_a_text_share_a_group(tmp_path: Path) -> None:
    lines = [("a", "b"), ("b", "c"), ("d", "e"), ("c", "f"), ("a", "g")]
    path = put_csv(tmp_path / "util_test.csv", (), lines)
    default = rows(read("ethics-utilitarianism", path))
    assert [row["group"] for row in default] == [default[0]["item"]] * 2 + [default[2]["item"]] + [
        default[0]["item"]
    ] * 2
    better = [row["group"] for row in rows(read("ethics-utilitarianism", path, group="better"))]
    assert better[0] == better[4]
    assert len(set(better)) == 4
    assert len({row["group"] for row in rows(read("ethics-utilitarianism", path, group="row"))}) == 5
    assert any("80.0%" in note for note in read("ethics-utilitarianism", path).notes)


def test_utilitarianism_needs_two_columns(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="got 3 columns") as caught:
        read("ethics-utilitarianism", put(tmp_path / "util_test.csv", 'a,"b\nb"\na,b,c\n'))
    assert caught.value.line == 3
