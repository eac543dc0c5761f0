"""MVALUE: folders, prefixes, groups, which side is assumed to uphold the value."""

from pathlib import Path

import pytest
from reader_sources import items, put, read, rows

from polyvalues.errors import ReaderError, SpecError

ENTRY = {"pos": "I help.", "neg": "I do not help."}


def _root(tmp_path: Path) -> Path:
    for language, word in (("en", ""), ("sw", "sw ")):
        deontology = {
            "s1": {
                "1": {"pos": f"{word}yes", "neg": f"{word}no", "scenario": f"{word}A friend asks."},
                "2": {"pos": f"{word}sure", "neg": f"{word}never", "scenario": f"{word}A friend asks."},
            },
            "s2": {"1": {"pos": f"{word}yes", "neg": f"{word}no", "scenario": f"{word}A teacher asks. "}},
        }
        truth = {"q": {"7": {"pos": f"{word}true", "neg": f"{word}true", "question": f"{word}What?"}}}
        put(tmp_path / "data" / "deontology" / f"deontology_{language}.json", deontology)
        put(tmp_path / "data" / "truthfulness" / f"truthfulness_{language}.json", truth)
    return tmp_path


@pytest.mark.parametrize("inner", ["", "data"])
def test_root_holds_all_concepts_and_languages(inner: str, tmp_path: Path) -> None:
    pairs = read("mvalue", _root(tmp_path) / inner)
    table = rows(pairs)
    assert [(row["concept"], row["language"], row["item"]) for row in table[:4]] == [
        ("deontology", "en", "s1|1"),
        ("deontology", "en", "s1|2"),
        ("deontology", "en", "s2|1"),
        ("deontology", "sw", "s1|1"),
    ]
    assert {row["concept"] for row in table} == {"deontology", "truthfulness"}
    assert items(pairs, "en") == items(pairs, "sw")


def test_one_concept_and_one_file(tmp_path: Path) -> None:
    folder = _root(tmp_path) / "data" / "deontology"
    assert {row["concept"] for row in rows(read("mvalue", folder))} == {"deontology"}
    table = rows(read("mvalue", folder / "deontology_sw.json"))
    assert {(row["concept"], row["language"]) for row in table} == {("deontology", "sw")}
    assert {row["concept"] for row in rows(read("mvalue", folder, concept="duty"))} == {"duty"}


def test_texts_are_those_of_the_authors_code(tmp_path: Path) -> None:
    table = {(row["concept"], row["language"], row["item"]): row for row in rows(read("mvalue", _root(tmp_path)))}
    row = table["deontology", "en", "s1|1"]
    assert row["prefix"] + row["positive"] == "A friend asks. yes"
    # scenario + " " + side, verbatim: a space that is there already is not taken away
    assert table["deontology", "en", "s2|1"]["prefix"] == "A teacher asks.  "
    row = table["truthfulness", "sw", "q|7"]
    assert row["prefix"] + row["negative"] == "Question: sw What? Answer: sw true"
    plain = put(tmp_path / "morality_en.json", {"a": {"b": ENTRY}})
    assert rows(read("mvalue", plain))[0]["prefix"] == ""


def test_equal_sides_are_left_to_checking(tmp_path: Path) -> None:
    table = rows(read("mvalue", _root(tmp_path)))
    assert any(row["positive"] == row["negative"] for row in table)


def test_items_with_one_scenario_share_a_group_in_every_language(tmp_path: Path) -> None:
    root = _root(tmp_path)
    # In Swahili the two translations of the scenario differ: the group must still be that of the other languages.
    path = root / "data" / "deontology" / "deontology_sw.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace("sw A friend asks.", "sw Another friend asks.", 1), encoding="utf-8"
    )
    table = {(row["language"], row["item"]): row["group"] for row in rows(read("mvalue", root / "data" / "deontology"))}
    assert table == {
        (tag, item): "s2|1" if item == "s2|1" else "s1|1" for tag in ("en", "sw") for item in ("s1|1", "s1|2", "s2|1")
    }


def test_which_side_upholds_is_an_option_and_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "toxicity_en.json", {"a": {"b": ENTRY}})
    default = read("mvalue", path)
    assert (rows(default)[0]["positive"], rows(default)[0]["negative"]) == (ENTRY["pos"], ENTRY["neg"])
    assert any("'pos' is assumed" in note for note in default.notes)
    other = read("mvalue", path, positive="neg")
    assert (rows(other)[0]["positive"], rows(other)[0]["negative"]) == (ENTRY["neg"], ENTRY["pos"])
    assert any("'neg' is assumed" in note for note in other.notes)


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    root = _root(tmp_path)
    put(root / "data" / "deontology" / "notes.txt", "x")
    put(root / "data" / "deontology" / "morality_en.json", {"a": {"b": ENTRY}})
    put(root / "data" / "other" / "file.txt", "x")
    put(root / "data" / "truthfulness" / "truthfulness_en.json", {"q": {"7": ENTRY | {"key": "q"}}})
    notes = read("mvalue", root).notes
    (unread,) = [note for note in notes if "not read" in note]
    assert all(name in unread for name in ("notes.txt", "morality_en.json", "other"))
    assert any("'key'" in note for note in notes)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([ENTRY], None),
        ({"a": [ENTRY]}, "a"),
        ({"a": {"b": "text"}}, "a.b"),
        ({"a": {"b": {"pos": "x"}}}, "a.b.neg"),
        ({"a": {"b": ENTRY | {"scenario": 3}}}, "a.b.scenario"),
        ({"a": {"b": ENTRY | {"scenario": "x", "question": "y"}}}, "a.b"),
    ],
)
def test_another_shape_names_the_place(content: object, field: str | None, tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as caught:
        read("mvalue", put(tmp_path / "morality_en.json", content))
    assert caught.value.field == field


def test_a_key_that_occurs_twice_loses_nothing(tmp_path: Path) -> None:
    path = put(tmp_path / "morality_en.json", '{"a": {"b": {"pos": "x", "neg": "y"}}, "a": {}}')
    with pytest.raises(ReaderError, match="twice"):
        read("mvalue", path)


def test_names_that_contradict_the_source(tmp_path: Path) -> None:
    root = _root(tmp_path)
    with pytest.raises(SpecError, match="language"):
        read("mvalue", root, language="en")
    with pytest.raises(SpecError, match="concept"):
        read("mvalue", root, concept="morality")
    with pytest.raises(SpecError, match="concept"):
        read("mvalue", put(tmp_path / "pairs.json", {"a": {"b": ENTRY}}), language="en")
