"""StereoSet: sides, prefixes, translations, clusters that lack a sentence."""

from pathlib import Path

import pytest
from reader_sources import cluster, items, put, read, rows, stereoset

from polyvalues.errors import ReaderError, SpecError


def test_positive_is_the_anti_stereotype_and_unrelated_is_unused(tmp_path: Path) -> None:
    table = rows(read("stereoset", put(tmp_path / "dev.json", stereoset())))
    assert len(table) == 4
    by_item = {row["item"]: row for row in table}
    row = by_item["intra-a"]
    assert (row["positive"], row["negative"], row["prefix"]) == ("intra-a anti-stereotype.", "intra-a stereotype.", "")
    row = by_item["inter-a"]
    assert row["prefix"] + row["positive"] == "About inter-a. inter-a anti-stereotype."
    assert (row["category"], row["group"], row["language"]) == ("profession", "inter-a", "en")
    assert not any("unrelated" in row["positive"] + row["negative"] for row in table)


@pytest.mark.parametrize("part", ["intrasentence", "intersentence"])
def test_part(part: str, tmp_path: Path) -> None:
    table = rows(read("stereoset", put(tmp_path / "dev.json", stereoset()), part=part))
    assert {row["item"] for row in table} == {f"{part[:5]}-{key}" for key in "ab"}


def test_folders_are_languages_and_ids_are_shared(tmp_path: Path) -> None:
    put(tmp_path / "en" / "dev.json", stereoset())
    put(tmp_path / "pt" / "dev_ptbr.json", stereoset())
    put(tmp_path / "LICENSE", "x")
    pairs = read("stereoset", tmp_path)
    assert items(pairs, "en") == items(pairs, "pt") != set()
    assert any("LICENSE" in note for note in pairs.notes)
    assert {row["language"] for row in rows(read("stereoset", tmp_path / "pt"))} == {"pt"}
    assert {row["language"] for row in rows(read("stereoset", tmp_path / "pt" / "dev_ptbr.json"))} == {"pt"}
    with pytest.raises(SpecError, match="language"):
        read("stereoset", tmp_path, language="en")


def test_a_translation_is_never_taken_for_english(tmp_path: Path) -> None:
    path = put(tmp_path / "dev_ptbr.json", stereoset())
    with pytest.raises(SpecError, match="language=TAG"):
        read("stereoset", path)
    assert {row["language"] for row in rows(read("stereoset", path, language="pt-BR"))} == {"pt-BR"}


def test_a_cluster_without_one_of_the_sides_is_dropped_and_recorded(tmp_path: Path) -> None:
    data = {
        "data": {"intersentence": [], "intrasentence": [cluster("a", labels=("stereotype", "unrelated")), cluster("b")]}
    }
    pairs = read("stereoset", put(tmp_path / "dev.json", data))
    assert [row["item"] for row in rows(pairs)] == ["b"]
    (drop,) = pairs.drops.to_pylist()
    assert (drop["item"], drop["reason"]) == ("a", "unmatched")
    assert "anti-stereotype" in drop["detail"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([], "data.intrasentence"),
        ({"data": {"intrasentence": {}}}, "data.intrasentence"),
        ({"data": {"intrasentence": ["a"]}}, "data.intrasentence"),
        ({"data": {"intrasentence": [cluster("a") | {"sentences": "x"}]}}, "sentences"),
        ({"data": {"intrasentence": [cluster("a", labels=("stereotype", "stereotype"))]}}, "sentences"),
        ({"data": {"intrasentence": [cluster("a", labels=("stereotyp",))]}}, "gold_label"),
        ({"data": {"intrasentence": [cluster("a") | {"id": None}]}}, "id"),
        ({"data": {"intrasentence": [cluster("a"), cluster("a")]}}, "item"),
    ],
)
def test_another_shape_names_the_field(content: object, field: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as caught:
        read("stereoset", put(tmp_path / "dev.json", content), part="intrasentence")
    assert caught.value.field == field
