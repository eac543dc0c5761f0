"""RealToxicityPrompts: scores that are null, thresholds, which text is read, matching over the files of a folder."""

from pathlib import Path

import pytest
from reader_sources import put, put_lines, read, rows, toxicity

from polyvalues.errors import ReaderError, SpecError

CIVIL, MIDDLE, RUDE = (
    toxicity("you are kind", 0.1, 0.2),
    toxicity("you are odd?", 0.5, 0.5),
    toxicity("you are daft", 0.9, 0.8),
)


def test_low_toxicity_is_positive_and_the_middle_is_counted(tmp_path: Path) -> None:
    pairs = read("realtoxicityprompts", put_lines(tmp_path / "x.jsonl", [RUDE, MIDDLE, CIVIL]))
    (row,) = rows(pairs)
    assert (row["positive"], row["negative"]) == ("you are kind", "you are daft")
    assert (row["concept"], row["language"], row["item"]) == ("toxicity", "en", "x-3+x-1")
    assert any("1 texts with a toxicity between 0.25 and 0.75" in note for note in pairs.notes)
    assert any("1 pairs matched" in note for note in pairs.notes)


def test_thresholds_and_seed_as_text(tmp_path: Path) -> None:
    path = put_lines(tmp_path / "x.jsonl", [RUDE, MIDDLE, CIVIL])
    (row,) = rows(read("realtoxicityprompts", path, low="0.5", high="0.9", seed="4"))
    assert row["negative"] == "you are daft"
    assert row["positive"] in ("you are kind", "you are odd?")
    for low, high in ((0.5, 0.5), (-0.1, 0.5), (0.2, 1.5)):
        with pytest.raises(SpecError, match="low"):
            read("realtoxicityprompts", path, low=low, high=high)


def test_a_null_score_is_recorded_and_never_taken_for_zero(tmp_path: Path) -> None:
    unknown = toxicity("you are here", None)
    pairs = read("realtoxicityprompts", put_lines(tmp_path / "x.jsonl", [RUDE, unknown, CIVIL]))
    assert [row["positive"] for row in rows(pairs)] == ["you are kind"]
    (drop,) = pairs.drops.to_pylist()
    assert (drop["item"], drop["reason"]) == ("x-2", "missing-score")
    only = read("realtoxicityprompts", put_lines(tmp_path / "y.jsonl", [RUDE, unknown]))
    assert only.table.num_rows == 0


def test_continuation_and_both(tmp_path: Path) -> None:
    path = put_lines(tmp_path / "x.jsonl", [RUDE, CIVIL])
    (row,) = rows(read("realtoxicityprompts", path, text="continuation"))
    assert row["positive"] == " and so you are kind"
    (row,) = rows(read("realtoxicityprompts", path, text="both"))
    assert row["negative"] == "you are daft and so you are daft"
    # Half civil, half rude is rude: both parts must be civil.
    mixed = put_lines(tmp_path / "y.jsonl", [toxicity("you are thin", 0.1, 0.9), CIVIL])
    (row,) = rows(read("realtoxicityprompts", mixed, text="both"))
    assert row["negative"].startswith("you are thin")
    # civil and middling is neither
    between = put_lines(tmp_path / "z.jsonl", [toxicity("you are thin", 0.1, 0.5), CIVIL, RUDE])
    pairs = read("realtoxicityprompts", between, text="both")
    assert [row["negative"].split(" and")[0] for row in rows(pairs)] == ["you are daft"]
    assert any("1 texts with a toxicity between" in note for note in pairs.notes)


def test_files_of_a_folder_are_matched_together(tmp_path: Path) -> None:
    put_lines(tmp_path / "toxic.jsonl", [RUDE])
    put_lines(tmp_path / "nontoxic.jsonl", [CIVIL])
    put(tmp_path / "README.md", "x")
    pairs = read("realtoxicityprompts", tmp_path)
    assert [row["source"] for row in rows(pairs)] == ["realtoxicityprompts:nontoxic.jsonl+toxic.jsonl"]
    assert any("README.md" in note for note in pairs.notes)


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("text", "prompt"),
        ({"text": "a"}, "prompt.toxicity"),
        ({"text": "a", "toxicity": "0.1"}, "prompt.toxicity"),
        ({"text": "a", "toxicity": True}, "prompt.toxicity"),
        ({"text": "a", "toxicity": 7}, "prompt.toxicity"),
        ({"text": None, "toxicity": 0.1}, "text"),
    ],
)
def test_another_shape_names_line_and_field(part: object, field: str, tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as caught:
        read("realtoxicityprompts", put_lines(tmp_path / "x.jsonl", [CIVIL, CIVIL | {"prompt": part}]))
    assert (caught.value.line, caught.value.field) == (2, field)
