"""TruthfulQA in three formats: separators, the byte-order mark, ids that collide, targets that are dictionaries."""

from pathlib import Path

import pytest
from reader_sources import items, put, put_csv, put_lines, question, read, rows

from polyvalues.errors import ReaderError, SpecError

COLUMNS = ("Type", "Category", "Question", "Best Answer", "Correct Answers", "Incorrect Answers", "Source")
LINE = ("Adversarial", "Food", "What is tea?", "A drink", "A drink; A leaf", "A stone; A bird;nest; ", "x")


def test_csv_with_byte_order_mark_and_separated_answers(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "TruthfulQA.csv", COLUMNS, [LINE])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    table = rows(read("truthfulqa", path))
    assert [(row["positive"], row["negative"]) for row in table] == [("A drink", "A stone"), ("A drink", "A bird;nest")]
    assert table[0]["prefix"] + table[0]["positive"] == "Question: What is tea? Answer: A drink"
    assert {row["group"] for row in table} == {"1"}
    assert {row["category"] for row in table} == {"Food"}
    assert len({row["item"] for row in table}) == 2
    cycled = rows(read("truthfulqa", path, answers="all"))
    assert [row["positive"] for row in cycled] == ["A drink", "A leaf"]


def test_csv_without_its_columns(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="'Incorrect Answers'"):
        read("truthfulqa", put_csv(tmp_path / "x.csv", COLUMNS[:5], [LINE[:5]]))


@pytest.mark.parametrize("layout", ["dictionary", "lists"])
def test_multiple_choice_targets(layout: str, tmp_path: Path) -> None:
    first, second = {"A drink": 1, "A stone": 0}, {"A drink": 1, "A leaf": 1, "A stone": 0, "A bird": 0}
    if layout == "lists":
        first, second = ({"choices": list(targets), "labels": list(targets.values())} for targets in (first, second))
    record = {"question": "What is tea?", "mc1_targets": first, "mc2_targets": second}
    table = rows(read("truthfulqa", put(tmp_path / "mc_task.json", [record])))
    assert [(row["positive"], row["negative"]) for row in table] == [("A drink", "A stone"), ("A drink", "A bird")]
    only = rows(read("truthfulqa", put(tmp_path / "mc.json", [{"question": "Q", "mc1_targets": first}])))
    assert [(row["positive"], row["negative"]) for row in only] == [("A drink", "A stone")]


@pytest.mark.parametrize(
    "targets",
    [
        {"a": 0, "b": 0},
        {"a": 1, "b": 1},
        {"a": 2},
        "a",
        {"choices": ["a"], "labels": []},
        {"choices": [1], "labels": [1]},
    ],
)
def test_multiple_choice_of_another_shape(targets: object, tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as caught:
        read("truthfulqa", put(tmp_path / "mc_task.json", [{"question": "Q", "mc1_targets": targets}]))
    assert caught.value.field in ("mc1_targets", "choices")


def _folder(tmp_path: Path) -> Path:
    for language in ("en", "es"):
        put(tmp_path / language / "validation.json", [question(1, lang=language), question(2, lang=language)])
        put_lines(tmp_path / language / "train.json", [question(1, incorrect=1, lang=language)])
    return tmp_path


def test_ids_of_train_and_validation_do_not_collide_and_are_shared_by_languages(tmp_path: Path) -> None:
    pairs = read("truthfulqa-multi", _folder(tmp_path))
    expected = {"train-1-1", *(f"validation-{number}-{at}" for number in (1, 2) for at in (1, 2))}
    assert items(pairs, "en") == items(pairs, "es") == expected
    groups = {(row["item"], row["group"]) for row in rows(pairs)}
    assert ("validation-1-2", "validation-1") in groups
    assert ("train-1-1", "train-1") in groups


def test_split_answers_and_one_language(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    pairs = read("truthfulqa-multi", folder, split="validation", answers="all")
    assert [row["positive"] for row in rows(pairs)[:2]] == ["best 1", "also 1"]
    assert {row["item"].split("-")[0] for row in rows(pairs)} == {"validation"}
    assert any("train" in note for note in pairs.notes)
    assert {row["language"] for row in rows(read("truthfulqa-multi", folder / "es"))} == {"es"}
    assert {row["language"] for row in rows(read("truthfulqa-multi", folder / "es" / "train.json"))} == {"es"}
    with pytest.raises(ReaderError, match="train, validation"):
        read("truthfulqa-multi", folder, split="test")


def test_a_question_without_incorrect_answers_is_recorded(tmp_path: Path) -> None:
    path = put(tmp_path / "en" / "train.json", [question(1, incorrect=0), question(2, incorrect=1)])
    pairs = read("truthfulqa-multi", path)
    assert [row["item"] for row in rows(pairs)] == ["train-2-1"]
    (drop,) = pairs.drops.to_pylist()
    assert (drop["item"], drop["reason"], drop["language"]) == ("train-1", "no-incorrect-answer", "en")


def test_languages_with_other_numbers_of_answers_keep_the_common_ids(tmp_path: Path) -> None:
    put(tmp_path / "en" / "validation.json", [question(1, incorrect=3)])
    put(tmp_path / "ca" / "validation.json", [question(1, incorrect=2, lang="ca")])
    pairs = read("truthfulqa-multi", tmp_path)
    assert items(pairs, "en") - items(pairs, "ca") == {"validation-1-3"}
    assert items(pairs, "ca") <= items(pairs, "en")


def test_the_language_must_agree(tmp_path: Path) -> None:
    put(tmp_path / "es" / "train.json", [question(1, lang="ca")])
    with pytest.raises(ReaderError, match="'es', as the folder is called"):
        read("truthfulqa-multi", tmp_path)
    with pytest.raises(SpecError, match="language"):
        read("truthfulqa-multi", put(tmp_path / "x.json", [question(1, lang="ca")]), language="en")
    nameless = put(tmp_path / "nameless.json", [question(1, lang=None)])
    assert rows(read("truthfulqa-multi", nameless, language="eu"))[0]["language"] == "eu"
    with pytest.raises(SpecError, match="language=TAG"):
        read("truthfulqa-multi", nameless)


def test_an_id_twice_in_a_file_names_both_places(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="line 1") as caught:
        read("truthfulqa-multi", put(tmp_path / "train.json", [question(1), question(1)]))
    assert caught.value.line == 2
