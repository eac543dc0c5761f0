"""Data sets through the `datasets` library: local folders, a mapping of columns, its errors as ours."""

import builtins
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reader_sources import put, put_csv, put_lines, read, rows

from polyvalues.errors import MissingExtra, ReaderError, SpecError

datasets = pytest.importorskip("datasets")

RECORDS = [
    {"id": 1, "good": "a", "bad": "b", "tongue": "en", "topic": "care", "before": "p "},
    {"id": 1, "good": "c", "bad": "d", "tongue": "sw", "topic": "care", "before": ""},
]
COLUMNS = {"positive": "good", "negative": "bad"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the library's cache, bars and network out of the tests."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_local_folder_with_a_mapping_of_columns(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    if kind == "jsonl":
        put_lines(folder / "train.jsonl", RECORDS)
    elif kind == "csv":  # an empty cell would be null there
        lines = [(*list(record.values())[:-1], "p ") for record in RECORDS]
        put_csv(folder / "train.csv", tuple(RECORDS[0]), lines)
    else:
        folder.mkdir()
        pq.write_table(pa.Table.from_pylist(RECORDS), folder / "train.parquet")
    options = COLUMNS | {"item": "id", "language_column": "tongue", "concept_column": "topic", "prefix": "before"}
    table = rows(read("hub", folder, **options))
    assert [(row["concept"], row["language"], row["item"], row["positive"], row["negative"]) for row in table] == [
        ("care", "en", "1", "a", "b"),
        ("care", "sw", "1", "c", "d"),
    ]
    assert table[0]["prefix"] == "p "
    assert table[0]["source"] == "hub:mine"


def test_concept_language_and_split_from_the_source(tmp_path: Path) -> None:
    put_lines(tmp_path / "mine" / "train.jsonl", RECORDS[:1])
    put_lines(tmp_path / "mine" / "test.jsonl", RECORDS[1:])
    pairs = read("hub", tmp_path / "mine", concept="care", language="fi", split="test", **COLUMNS)
    assert [(row["item"], row["positive"]) for row in rows(pairs)] == [("fi-1", "c")]
    assert any("not taken for translations" in note for note in pairs.notes)


def test_one_local_file(tmp_path: Path) -> None:
    # beside a file of another shape, which would spoil the folder as a whole
    path = put_lines(tmp_path / "mine" / "validation.jsonl", RECORDS)
    put_lines(tmp_path / "mine" / "train.jsonl", [{"good": [], "bad": None}])
    pairs = read("hub", path, concept="care", language="en", **COLUMNS)
    assert [row["positive"] for row in rows(pairs)] == ["a", "c"]
    assert {row["source"] for row in rows(pairs)} == {"hub:validation.jsonl"}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    put_lines(tmp_path / "mine" / "train.jsonl", RECORDS)
    with pytest.raises(SpecError, match="concept=NAME"):
        read("hub", tmp_path / "mine", language="en", **COLUMNS)
    with pytest.raises(SpecError, match="language=TAG"):
        read("hub", tmp_path / "mine", concept="care", **COLUMNS)
    with pytest.raises(ReaderError, match="'positive'") as caught:
        read("hub", tmp_path / "mine", concept="care", language="en")
    assert caught.value.field == "positive"
    with pytest.raises(ReaderError, match="text; got the number 1"):
        read("hub", tmp_path / "mine", concept="care", language="en", positive="id", negative="bad")


def test_errors_of_the_library_are_ours(tmp_path: Path) -> None:
    for path, settings in (
        (put(tmp_path / "empty" / "x.md", "x").parent, {}),
        (put_lines(tmp_path / "mine" / "train.jsonl", RECORDS).parent, {"split": "nowhere"}),
        (put(tmp_path / "broken" / "train.jsonl", '{"good": ').parent, {}),
        (put(tmp_path / "damaged" / "train.parquet", b"PAR1").parent, {}),
        (Path("nobody/nothing"), {}),
    ):
        with pytest.raises(ReaderError, match="'datasets' library can load"):
            read("hub", path, concept="care", language="en", **COLUMNS, **settings)


def test_a_program_in_the_folder_is_never_run(tmp_path: Path) -> None:
    put_lines(tmp_path / "mine" / "train.jsonl", RECORDS)
    put(tmp_path / "mine" / "mine.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ReaderError, match="never run"):
        read("hub", tmp_path / "mine", concept="care", language="en", **COLUMNS)
    assert not (tmp_path / "ran").exists()


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: object, **kwargs: object) -> object:
        if name == "datasets":
            raise ImportError(name)
        return real(name, *args, **kwargs)  # pyright: ignore[reportArgumentType]

    monkeypatch.delitem(sys.modules, "datasets")
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"polyvalues\[hub\]"):
        read("hub", tmp_path, concept="care", language="en", **COLUMNS)
