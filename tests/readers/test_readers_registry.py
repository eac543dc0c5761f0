"""Reading by name: the names, the options, the path."""

from pathlib import Path

import pytest
from reader_sources import TABLE, put, put_csv, put_lines, read, toxicity

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Option, choose_options
from polyvalues.data.readers.registry import READERS, read_source
from polyvalues.errors import ReaderError, SpecError

NAMES = [
    "mosaic",
    "mvalue",
    "ethics-commonsense",
    "ethics-deontology",
    "ethics-utilitarianism",
    "stereoset",
    "truthfulqa",
    "truthfulqa-multi",
    "realtoxicityprompts",
    "advbench",
    "instructions",
    "sentence-pairs",
    "table",
    "hub",
]

SHARED = {"stereoset": {True}, "realtoxicityprompts": {True, False}}
"""Formats whose data, or copies of them, are share-alike."""


def test_names_are_the_documented_ones() -> None:
    assert list(READERS) == NAMES
    assert all(name == reader.name for name, reader in READERS.items())


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_says_where_its_data_come_from_and_describes_its_options(name: str) -> None:
    reader = READERS[name]
    assert reader.title
    assert reader.obtain
    assert "http" not in reader.obtain
    assert all(option.help.endswith(".") or "'" in option.help for option in reader.options)
    assert len({option.name for option in reader.options}) == len(reader.options)
    # These two are settings of a source: an option of that name could not be given on the command line.
    assert not {"concept", "language"} & {option.name for option in reader.options}


@pytest.mark.parametrize("name", NAMES)
def test_licences_are_those_that_users_are_told(name: str) -> None:
    reader = READERS[name]
    told = reader.obtain.replace(" ", "-")
    assert all(licence.spdx in told and licence.where for licence in reader.licence)
    assert bool(reader.licence) == (name not in ("mvalue", "sentence-pairs", "table", "hub"))
    assert {licence.share_alike for licence in reader.licence} == SHARED.get(name, {False} if reader.licence else set())


def test_unknown_reader_suggests_a_name() -> None:
    with pytest.raises(SpecError, match="no reader is called 'stereosett'; did you mean 'stereoset'"):
        read_source(PairSource(reader="stereosett", path="x"))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("hub", "mosaic", "advbench")])
def test_missing_path_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="nowhere") as caught:
        read(name, tmp_path / "nowhere.csv", language="en", concept="morality")
    assert caught.value.path == tmp_path / "nowhere.csv"


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("hub", "mosaic", "table", "truthfulqa", "advbench")]
)
def test_a_folder_without_anything_to_read_names_what_is_there(name: str, tmp_path: Path) -> None:
    put(tmp_path / "notes.md", "hello")
    with pytest.raises(ReaderError, match=r"notes\.md"):
        read(name, tmp_path, language="en", concept="morality")


@pytest.mark.parametrize("name", ["table", "truthfulqa", "advbench"])
def test_a_folder_is_refused_where_a_file_is_read(name: str, tmp_path: Path) -> None:
    options = {"harmless": "x.txt"} if name == "advbench" else {}
    with pytest.raises(ReaderError, match="file"):
        read(name, tmp_path, **options)


def test_tables_have_the_columns_of_the_schema(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "pairs.csv", TABLE, [("morality", "en", "1", "a", "b")])
    pairs = read("table", path)
    assert pairs.table.schema == PAIR_SCHEMA
    assert pairs.drops.schema == DROP_SCHEMA
    assert pairs.table["source"].to_pylist() == ["table:pairs.csv"]


def test_unknown_option_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"no option 'answer' \(did you mean 'answers'\?\); its options: answers=best\|all"
    ):
        read("truthfulqa", tmp_path, answer="best")
    with pytest.raises(SpecError, match="it has no options"):
        read("table", tmp_path, anything="1")


OPTIONS = (Option("count", 3, "."), Option("ratio", 1.5, "."), Option("name", "", "."), Option("flag", False, "."))


def _choose(**options: str | int | float | bool) -> dict[str, object]:
    return dict(choose_options("x", OPTIONS, PairSource(reader="x", path="x", options=options)).values)


def test_options_mean_the_same_as_text_and_typed() -> None:
    text = _choose(count="5", ratio="2", name="column", flag="true")
    assert text == _choose(count=5, ratio=2, name="column", flag=True)
    assert text == {"count": 5, "ratio": 2.0, "name": "column", "flag": True}
    assert [type(value) for value in text.values()] == [int, float, str, bool]
    assert _choose() == {"count": 3, "ratio": 1.5, "name": "", "flag": False}


@pytest.mark.parametrize(
    "options",
    [
        {"count": "many"},
        {"count": 1.5},
        {"count": True},
        {"ratio": "nan"},
        {"ratio": "inf"},
        {"name": 3},
        {"flag": "maybe"},
    ],
)
def test_a_value_of_the_wrong_type_names_the_options(options: dict[str, str | int | float | bool]) -> None:
    with pytest.raises(SpecError, match=r"expected .*; its options: count=int \(default 3\)"):
        _choose(**options)


def test_matching_settings_are_checked(tmp_path: Path) -> None:
    path = put_lines(tmp_path / "x.jsonl", [toxicity("some text", 0.9), toxicity("other one", 0.1)])
    with pytest.raises(SpecError, match="max_length_ratio"):
        read("realtoxicityprompts", path, max_length_ratio=1)
    with pytest.raises(SpecError, match="seed"):
        read("realtoxicityprompts", path, seed=-1)


def test_an_unregistered_language_is_refused(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "pairs.csv", TABLE, [("morality", "jp", "1", "a", "b")])
    with pytest.raises(ReaderError, match="registered") as caught:
        read("table", path)
    assert (caught.value.line, caught.value.field) == (2, "language")
    with pytest.raises(SpecError, match="jp"):
        read("ethics-utilitarianism", put(tmp_path / "util_test.csv", "a,b\n"), language="jp")
