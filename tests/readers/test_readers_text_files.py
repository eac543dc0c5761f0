"""Files as bytes: what is refused, and that the line is the right one."""

import csv
import json
from pathlib import Path

import pytest
from reader_sources import TABLE, put, put_lines, read, rows

from polyvalues.data.readers.parsing.text_files import csv_records, json_document, json_records, read_text
from polyvalues.errors import ReaderError

HEADER = "concept,language,item,positive,negative\n"


def test_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv", b"\xef\xbb\xbf" + f"{HEADER}morality,en,1,a,b\n".encode())
    assert csv_records(path)[0] == TABLE


def test_windows_line_ends(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv", f"{HEADER}morality,en,1,a,b\n".replace("\n", "\r\n"))
    assert [(row["positive"], row["negative"]) for row in rows(read("table", path))] == [("a", "b")]
    lines = put(tmp_path / "x.jsonl", b'{"a": "1"}\r\n{"a": "2"}\r\n')
    assert [record.text("a") for record in json_records(lines)] == ["1", "2"]


def test_line_breaks_inside_fields_stay_and_are_counted(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv", HEADER + 'morality,en,1,"first\nsecond\nthird",b\nmorality,en,2,only\n')
    with pytest.raises(ReaderError, match="5 fields, as in the header, got 4") as caught:
        read("table", path)
    assert caught.value.line == 5  # header, then three lines of the first record
    good = put(tmp_path / "y.csv", HEADER + 'morality,en,1,"first\nsecond",b\n')
    assert rows(read("table", good))[0]["positive"] == "first\nsecond"


def test_a_field_beyond_the_limit_of_the_csv_module_and_the_limit_after(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    path = put(tmp_path / "x.csv", f"{HEADER}morality,en,1,{'a' * (before + 1)},b\n")
    assert len(rows(read("table", path))[0]["positive"]) == before + 1
    assert csv.field_size_limit() == before


def test_a_quote_that_never_closes_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv", HEADER + 'morality,en,1,a,b\nmorality,en,2,"a,b\nmorality,en,3,a,b\n')
    with pytest.raises(ReaderError, match="closed quotes") as caught:
        read("table", path)
    assert caught.value.line == 3


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv", "item,item\n1,2\n")
    with pytest.raises(ReaderError, match="twice: 'item'"):
        csv_records(path)


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_nul_bytes_and_bytes_that_are_not_utf8_give_their_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="NUL") as caught:
        read("table", put(tmp_path / name, b"a\nb\n\0c\n"))
    assert caught.value.line == 3
    for mark in (b"", b"\xef\xbb\xbf"):
        with pytest.raises(ReaderError, match="UTF-8") as caught:
            read("table", put(tmp_path / name, mark + b"a\nb\xff\nc\n"))
        assert caught.value.line == 2


def test_utf16_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="UTF-16"):
        read_text(put(tmp_path / "x.csv", HEADER.encode("utf-16")))


def test_truncated_json_gives_line_and_column(tmp_path: Path) -> None:
    path = put(tmp_path / "x.json", '[\n {"a": 1},\n {"a": 2')
    with pytest.raises(ReaderError, match="column 9") as caught:
        json_records(path)
    assert caught.value.line == 3
    lines = put(tmp_path / "x.jsonl", '{"a": 1}\n\n{"a": \n')
    with pytest.raises(ReaderError, match="JSON") as caught:
        json_records(lines)
    assert caught.value.line == 3


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000], ids=["lists", "objects"])
def test_deep_nesting_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="nested"):
        json_document(put(tmp_path / "x.json", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a": 1, "a": 2}]', "'a' occurs twice"),
        ('[{"a": NaN}]', "NaN"),
        (f'[{{"a": {"9" * 5000}}}]', "JSON"),
        ('["text"]', "a JSON object per record, got text"),
    ],
)
def test_json_that_would_lose_or_hide_something_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=message):
        json_records(put(tmp_path / "x.json", text))


def test_a_line_separator_inside_a_text_ends_no_json_line(tmp_path: Path) -> None:
    text = "one\u2028two\u0085three"
    path = put_lines(tmp_path / "x.jsonl", [{"a": text}])
    assert [record.text("a") for record in json_records(path)] == [text]


def test_half_a_surrogate_pair_gives_its_line(tmp_path: Path) -> None:
    good = {"concept": "morality", "language": "en", "item": "1", "positive": "a", "negative": "b"}
    text = json.dumps(good) + "\n" + json.dumps(good | {"item": "2", "negative": "b\ud800"}) + "\n"
    with pytest.raises(ReaderError, match="surrogate") as caught:
        read("table", put(tmp_path / "x.jsonl", text))
    assert (caught.value.line, caught.value.field) == (2, "negative")


def test_an_empty_file_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="header"):
        read("table", put(tmp_path / "x.csv", ""))
    with pytest.raises(ReaderError, match="columns"):
        read("table", put(tmp_path / "x.jsonl", ""))
