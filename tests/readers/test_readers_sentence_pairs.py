"""Sentence pairs: which column is which side, languages in names of files, files that are not parallel."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reader_sources import items, put, put_csv, put_lines, read, rows

from polyvalues.errors import ReaderError, SpecError

COLUMNS = ("ID", "A_en", "B_en", "A_x", "B_x", "stereo_antistereo")
LINES = [
    (2, "He cooks.", "She cooks.", "A 2", "B 2", "stereo"),
    (7, "He sews.", "She sews.", "A 7", "B 7", "antistereo"),
]


def _folder(tmp_path: Path) -> Path:
    for language in ("fi", "zh"):
        put_csv(tmp_path / f"cps_translated_{language}_formatted.csv", COLUMNS, LINES)
    put(tmp_path / "README.md", "x")
    return tmp_path


def test_a_is_the_stereotypical_side_in_every_row(tmp_path: Path) -> None:
    pairs = read("sentence-pairs", _folder(tmp_path))
    table = [row for row in rows(pairs) if row["language"] == "fi"]
    assert [(row["item"], row["positive"], row["negative"]) for row in table] == [
        ("2", "B 2", "A 2"),
        ("7", "B 7", "A 7"),
    ]
    assert {row["concept"] for row in table} == {"fairness"}
    assert items(pairs, "fi") == items(pairs, "zh")
    assert any("'stereo_antistereo' was not used" in note for note in pairs.notes)
    assert any("README.md" in note for note in pairs.notes)


def test_the_language_is_in_the_name_or_given(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "cps_formatted.csv", COLUMNS, LINES)
    with pytest.raises(SpecError, match="tells no language"):
        read("sentence-pairs", path)
    assert items(read("sentence-pairs", path, language="ko"), "ko") == {"2", "7"}
    with pytest.raises(SpecError, match="says its language itself"):
        read("sentence-pairs", _folder(tmp_path / "folder"), language="ko")
    words = put_csv(tmp_path / "my_sentences.csv", COLUMNS, LINES)  # "my" is Burmese
    assert items(read("sentence-pairs", words, language="ko"), "ko") == {"2", "7"}
    ambiguous = put_csv(tmp_path / "pairs_is_or.csv", COLUMNS, LINES)
    with pytest.raises(SpecError, match="or several"):
        read("sentence-pairs", ambiguous)


REWRITES = [
    {"toxic_sentence": "you fool", "neutral_sentence": "you"},
    {"toxic_sentence": "silly", "neutral_sentence": "no"},
]


def test_rewrites_are_not_parallel(tmp_path: Path) -> None:
    for language in ("en", "es"):
        put_lines(tmp_path / f"{language}.jsonl", REWRITES)
        pq.write_table(pa.Table.from_pylist(REWRITES), tmp_path / f"{language}-00000-of-00001.parquet")
    with pytest.raises(ReaderError, match="was also read from"):
        read("sentence-pairs", tmp_path)
    tables = []
    for pattern in ("*.jsonl", "*.parquet"):
        pairs = read("sentence-pairs", tmp_path, files=pattern)
        assert items(pairs, "en") == {"en-1", "en-2"}
        assert items(pairs, "es") == {"es-1", "es-2"}
        assert any("not taken for translations" in note for note in pairs.notes)
        tables.append([(row["concept"], row["positive"], row["negative"]) for row in rows(pairs)])
    assert tables[0] == tables[1] == [("toxicity", "you", "you fool"), ("toxicity", "no", "silly")] * 2


def test_columns_by_name(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "pairs_sw.csv", ("key", "good", "bad", "before", "kind"), [(1, "g", "b", "p ", "k")])
    with pytest.raises(ReaderError, match="the options 'positive' and 'negative'"):
        read("sentence-pairs", path, concept="care")
    with pytest.raises(SpecError, match="both"):
        read("sentence-pairs", path, concept="care", positive="good")
    with pytest.raises(SpecError, match="concept=NAME"):
        read("sentence-pairs", path, positive="good", negative="bad")
    options = {"positive": "good", "negative": "bad", "id": "key", "prefix": "before", "category": "kind"}
    (row,) = rows(read("sentence-pairs", path, concept="care", **options))
    assert row == {
        "concept": "care",
        "language": "sw",
        "item": "1",
        "group": "1",
        "positive": "g",
        "negative": "b",
        "prefix": "p ",
        "category": "k",
        "source": "sentence-pairs:pairs_sw.csv",
    }
    with pytest.raises(ReaderError, match="'nowhere'"):
        read("sentence-pairs", path, concept="care", **(options | {"id": "nowhere"}))
    with pytest.raises(SpecError, match="files"):
        read("sentence-pairs", path, concept="care", files="*.csv")
