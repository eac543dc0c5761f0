"""Tables in our own columns: the same pairs from every kind of file, and what is wrong with them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reader_sources import TABLE, put, put_csv, put_lines, read, rows

from polyvalues.errors import ReaderError, SpecError

Records = Sequence[Mapping[str, object]]
FULL: Records = [
    {
        "concept": "care",
        "language": "en",
        "item": "1",
        "positive": "a",
        "negative": "b",
        "group": "g",
        "prefix": "p ",
        "category": "k",
    },
    {
        "concept": "care",
        "language": "sw",
        "item": "1",
        "positive": "c\nc",
        "negative": "d",
        "group": "g",
        "prefix": "",
        "category": "",
    },
]


def _csv(folder: Path, records: Records) -> Path:
    return put_csv(folder / "pairs.csv", tuple(records[0]), [tuple(record.values()) for record in records])


def _tsv(folder: Path, records: Records) -> Path:
    path = _csv(folder, records)
    return put(folder / "pairs.tsv", path.read_text(encoding="utf-8").replace(",", "\t"))


def _jsonl(folder: Path, records: Records) -> Path:
    return put_lines(folder / "pairs.jsonl", records)


def _json(folder: Path, records: Records) -> Path:
    return put(folder / "pairs.json", list(records))


def _parquet(folder: Path, records: Records) -> Path:
    pq.write_table(pa.Table.from_pylist([dict(record) for record in records]), folder / "pairs.parquet")
    return folder / "pairs.parquet"


WRITERS = [_csv, _tsv, _jsonl, _json, _parquet]
every_kind = pytest.mark.parametrize("write", WRITERS)
typed_kinds = pytest.mark.parametrize("write", [_jsonl, _json, _parquet])
Writer = Callable[[Path, Records], Path]


@every_kind
def test_every_kind_gives_the_same_rows(write: Writer, tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    assert rows(read("table", path)) == [dict(record) | {"source": f"table:{path.name}"} for record in FULL]


@every_kind
def test_optional_columns_have_defaults_and_extra_ones_are_named(write: Writer, tmp_path: Path) -> None:
    record = {name: FULL[0][name] for name in TABLE}
    (row,) = rows(read("table", write(tmp_path, [record])))
    assert (row["group"], row["prefix"], row["category"]) == ("1", "", "")
    pairs = read("table", write(tmp_path, [record | {"annotator": "x"}]))
    assert any("'annotator'" in note for note in pairs.notes)


@every_kind
@pytest.mark.parametrize("name", TABLE)
def test_a_missing_column_is_named(name: str, write: Writer, tmp_path: Path) -> None:
    record = {key: value for key, value in FULL[0].items() if key != name}
    with pytest.raises(ReaderError) as caught:
        read("table", write(tmp_path, [record]))
    assert caught.value.field == name


@every_kind
def test_concept_and_language_may_be_given_but_not_contradict(write: Writer, tmp_path: Path) -> None:
    record = {key: value for key, value in FULL[0].items() if key not in ("concept", "language")}
    (row,) = rows(read("table", write(tmp_path, [record]), concept="care", language="fi"))
    assert (row["concept"], row["language"]) == ("care", "fi")
    path = write(tmp_path, FULL)
    assert len(rows(read("table", path, concept="care"))) == 2
    for settings in ({"concept": "duty"}, {"language": "en"}):
        with pytest.raises(SpecError, match="themselves"):
            read("table", path, **settings)


@typed_kinds
def test_numbers_in_id_columns_become_text(write: Writer, tmp_path: Path) -> None:
    records = [dict(FULL[0]) | {"item": 3, "group": 2.0}, dict(FULL[0]) | {"item": 4, "group": 2.5}]
    table = rows(read("table", write(tmp_path, records)))
    assert [(row["item"], row["group"]) for row in table] == [("3", "2"), ("4", "2.5")]


@typed_kinds
@pytest.mark.parametrize("name", [*TABLE, "group", "prefix", "category"])
def test_a_null_cell_gives_its_record(name: str, write: Writer, tmp_path: Path) -> None:
    records = [FULL[0], dict(FULL[1]) | {name: None}]
    with pytest.raises(ReaderError, match="null") as caught:
        read("table", write(tmp_path, records))
    assert (caught.value.line, caught.value.field) == (2, name)


@typed_kinds
def test_a_text_must_be_text(write: Writer, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="text; got the number 5") as caught:
        read("table", write(tmp_path, [dict(FULL[0]) | {"positive": 5}]))
    assert (caught.value.line, caught.value.field) == (1, "positive")
    with pytest.raises(ReaderError, match="true/false"):
        read("table", write(tmp_path, [dict(FULL[0]) | {"item": True}]))


@every_kind
def test_an_item_twice_names_both_records(write: Writer, tmp_path: Path) -> None:
    path = write(tmp_path, [*FULL, FULL[0]])
    with pytest.raises(ReaderError, match=r"was also read from .*pairs.*, line [12]") as caught:
        read("table", path)
    assert caught.value.field == "item"
    assert caught.value.line == (5 if path.suffix in (".csv", ".tsv") else 3)  # a header, and a text of two lines


@every_kind
@pytest.mark.parametrize("name", ["item", "group"])
def test_a_blank_id_is_refused(name: str, write: Writer, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="not blank") as caught:
        read("table", write(tmp_path, [dict(FULL[0]) | {name: " "}]))
    assert caught.value.field == name


def test_sides_that_are_empty_or_equal_are_left_to_checking(tmp_path: Path) -> None:
    record = dict(FULL[0]) | {"positive": "", "negative": ""}
    assert [row["positive"] for row in rows(read("table", _csv(tmp_path, [record])))] == [""]


def test_a_concept_must_be_a_concept_name(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="concept name") as caught:
        read("table", _csv(tmp_path, [dict(FULL[0]) | {"concept": "Care Of"}]))
    assert (caught.value.line, caught.value.field) == (2, "concept")


def test_damaged_parquet_and_unknown_endings(tmp_path: Path) -> None:
    path = _parquet(tmp_path, FULL)
    content = path.read_bytes()
    for damaged in (b"", content[:40], content[:-9]):
        with pytest.raises(ReaderError, match="Parquet"):
            read("table", put(path, damaged))
    with pytest.raises(ReaderError, match="ends in"):
        read("table", put(tmp_path / "pairs.xlsx", b"PK"))


def test_parquet_with_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["item", "item"])
    pq.write_table(table, tmp_path / "pairs.parquet")
    with pytest.raises(ReaderError, match="differ"):
        read("table", tmp_path / "pairs.parquet")
