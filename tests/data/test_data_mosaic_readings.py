"""Reading Mosaic blind: the tool hides the sides and asks again for what was mended; the records are complete."""

from pathlib import Path

import pytest

import mosaic_blind
from mosaic_blind import (
    agreement,
    back_translations,
    drawn,
    first_side,
    main,
    readings,
    table_row,
    texts_hash,
    unread,
)
from mosaic_checks import rows
from polyvalues.data.mosaic.files import FOLDER, MOSAIC_LANGUAGES


def test_sheets_hide_the_sides() -> None:
    own = rows("en")
    assert 0.4 < sum(first_side(row) == "positive" for row in own) / len(own) < 0.6


def test_a_mended_pair_has_to_be_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosaic_blind, "RECORDS", tmp_path)
    own = rows("fi")[:2]
    monkeypatch.setattr(mosaic_blind, "rows", lambda _: own)
    monkeypatch.setattr("sys.argv", ["mosaic_blind", "sheet", "fi", str(tmp_path)])
    main()
    sheet = (tmp_path / "fi.md").read_text(encoding="utf-8")
    assert own[0]["positive"] in sheet
    asked = unread("fi")
    answers = tmp_path / "answers"
    right = ["A" if first_side(row) == "positive" else "B" for row in asked]
    answers.write_text(f"1 {right[0]}\n2 {'B' if right[1] == 'A' else 'A'}\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["mosaic_blind", "record", "fi", str(answers)])
    main()
    assert agreement("fi") == (0.5, 0.5, 0)
    assert unread("fi") == []
    wrong = next(index for index, row in enumerate(own) if row["item"] == asked[1]["item"])
    before = texts_hash(own[wrong])
    own[wrong] = own[wrong] | {"negative": own[wrong]["negative"] + "!"}
    assert texts_hash(own[wrong]) != before
    assert [row["item"] for row in unread("fi")] == [asked[1]["item"]]
    answers.write_text(f"1 {'A' if first_side(own[wrong]) == 'positive' else 'B'}\n", encoding="utf-8")
    main()
    assert agreement("fi") == (0.5, 1.0, 1)
    assert [read.round for read in readings("fi")] == [1, 1, 2]


def test_missing_answers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosaic_blind, "RECORDS", tmp_path)
    answers = tmp_path / "answers"
    answers.write_text("1 A\n2 B\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["mosaic_blind", "record", "fi", str(answers)])
    with pytest.raises(SystemExit, match="1 to 420"):
        main()


@pytest.mark.parametrize("language", MOSAIC_LANGUAGES)
def test_every_pair_as_it_stands_was_read_blind_and_nearly_all_were_understood(language: str) -> None:
    assert unread(language) == []
    assert agreement(language)[1] >= 0.97


@pytest.mark.parametrize("language", [tag for tag in MOSAIC_LANGUAGES if tag != "en"])
def test_a_tenth_was_translated_back_as_it_stands(language: str) -> None:
    hashes = {row["item"]: texts_hash(row) for row in drawn(language)}
    found = back_translations(language)
    assert {row["item"]: row["texts"] for row in found} == hashes
    assert {row["meaning"] for row in found} <= {"same", "close"}
    assert all("{" in row["back"] for row in found)


def test_the_card_says_what_is_on_record() -> None:
    card = (FOLDER / "CARD.md").read_text(encoding="utf-8")
    for language in MOSAIC_LANGUAGES:
        assert table_row(language) in card
