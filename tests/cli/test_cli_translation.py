"""The commands on translations, as a user types them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from command_line import Run
from loopback import Reply, completion, server
from polyvalues.artifacts import PairSet
from polyvalues.artifacts.quality_ratings import ratings_of
from polyvalues.config import PairSource
from polyvalues.data.pairs import make_pairs, read_pairs
from polyvalues.storage.store import write_pairs
from polyvalues.translation.quality.ratings_file import read_quality
from tiny_translators import write_translator


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def some_pairs(languages: tuple[str, ...] = ("en", "fr"), items: int = 60) -> PairSet:
    """Pairs of the embedded data, by item."""
    rows = read_pairs([PairSource(reader="mosaic")]).table.to_pylist()
    chosen = [row for row in rows if row["language"] in languages and row["concept"] == "morality"]
    return make_pairs([row for row in chosen if int(row["item"].rpartition("-")[2]) <= items])


def test_quality_is_measured_written_and_shown(tmp_path: Path, polyvalues: Run) -> None:
    rows = some_pairs().table.to_pylist()
    rows = [row | {"positive": "non non non non"} if row["item"] == "morality-07" else row for row in rows]
    write_pairs(make_pairs(rows), tmp_path / "pairs.parquet")
    out, kept = tmp_path / "out", tmp_path / "kept.parquet"
    done = polyvalues("pairs", "quality", str(tmp_path / "pairs.parquet"), "--out", str(out), "--kept", str(kept))
    assert done.returncode == 0, done.stderr
    assert "repeats itself" in " ".join(done.stdout.split())
    ratings = ratings_of(read_quality(out / "quality.csv"))
    assert len(ratings) == 60
    assert min(ratings, key=ratings.__getitem__) == ("morality", "fr", "morality-07")
    texts = table(out / "texts.csv")
    assert len(texts) == 120
    assert (out / "summary.csv").read_text(encoding="utf-8").startswith("language,texts,flagged")
    left = read_pairs([PairSource(reader="table", path=str(kept))]).table.to_pylist()
    assert ("fr", "morality-07") not in {(row["language"], row["item"]) for row in left}
    assert len(left) >= 110


def test_calibration_is_shown_and_back_translations_are_read(tmp_path: Path, polyvalues: Run) -> None:
    pairs = some_pairs()
    write_pairs(pairs, tmp_path / "pairs.parquet")
    english = [row for row in pairs.table.to_pylist() if row["language"] == "en"]
    write_pairs(make_pairs([row | {"language": "fr"} for row in english]), tmp_path / "back.parquet")
    options = ("--out", str(tmp_path / "out"), "--back", str(tmp_path / "back.parquet"), "--calibrate")
    done = polyvalues("pairs", "quality", str(tmp_path / "pairs.parquet"), *options)
    assert done.returncode == 0, done.stderr
    assert "sound texts" in done.stdout
    assert "exchanged" in done.stdout
    assert (tmp_path / "out/calibration.csv").exists()
    texts = table(tmp_path / "out/texts.csv")
    assert {row["round_trip"] for row in texts} == {"1.0000"}


def test_what_is_wrong_is_one_message(tmp_path: Path, polyvalues: Run) -> None:
    write_pairs(some_pairs(("en",), 5), tmp_path / "pairs.parquet")
    done = polyvalues("pairs", "quality", str(tmp_path / "pairs.parquet"), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "other than the source" in done.stderr
    assert "Traceback" not in done.stderr
    done = polyvalues("pairs", "quality", str(tmp_path / "pairs.parquet"), "--embed", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "no such folder" in done.stderr


# --- translate -------------------------------------------------------------------------------------------------------


def english(folder: Path, items: int = 12) -> Path:
    write_pairs(some_pairs(("en",), items), folder / "en.parquet")
    return folder / "en.parquet"


def model(folder: Path, scheme: str = "flores") -> tuple[str, ...]:
    write_translator(folder / "model", scheme)
    return ("--model", str(folder / "model"), "--device", "cpu", "--max-new-tokens", "20", "--beams", "1")


def test_a_model_translates_and_the_folder_has_all_of_it(tmp_path: Path, polyvalues: Run) -> None:
    source, own, out = english(tmp_path), model(tmp_path), tmp_path / "out"
    hostile = "A <b>|x ![](http://a/b.png)"
    arguments = ("translate", str(source), "--to", "fr,sw", *own, "--out", str(out), "--translator", hostile)
    dry = polyvalues(*arguments, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "characters a second" in dry.stdout
    assert not (out / "pairs.parquet").exists()
    done = polyvalues(*arguments, "--round-trip")
    assert done.returncode == 0, done.stderr
    rows = read_pairs([PairSource(reader="table", path=str(out / "pairs.parquet"))]).table.to_pylist()
    assert {row["language"] for row in rows} >= {"en", "fr"}
    assert (out / "memory.jsonl").exists()
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    assert card["settings"]["scheme"] == "flores"
    assert card["targets"] == ["fr", "sw"]
    assert card["quality"]
    page = (out / "CARD.md").read_text(encoding="utf-8")
    assert "swh_Latn" in page
    assert "A &#60;b&#62;/x !&#91;&#93;(http" in page
    assert len(table(out / "texts.csv")) == 2 * sum(row["language"] != "en" for row in rows)
    assert any(row["round_trip"] for row in table(out / "texts.csv"))
    before = (out / "pairs.parquet").read_bytes()
    again = polyvalues(*arguments, "--round-trip")
    assert "asked 0," in again.stdout
    assert (out / "pairs.parquet").read_bytes() == before


def test_a_model_of_one_pair_of_languages_is_not_asked_for_two(tmp_path: Path, polyvalues: Run) -> None:
    arguments = ("translate", str(english(tmp_path, 3)), *model(tmp_path, "none"), "--out", str(tmp_path / "out"))
    for more in (("--to", "fr,sw"), ("--to", "fr", "--round-trip")):
        done = polyvalues(*arguments, *more)
        assert done.returncode == 2
        assert "no tokens for languages" in done.stderr
    assert polyvalues(*arguments, "--to", "fr").returncode == 0


def test_an_endpoint_is_estimated_first_and_counted_after(
    tmp_path: Path, polyvalues: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    def backwards(body: dict[str, Any], number: int) -> Reply:
        if number > 2 and not more:
            return 401, '{"error": {"message": "no more credit"}}'
        items = json.loads(body["messages"][1]["content"])["items"]
        said = [{"id": one["id"], "texts": [text[::-1] for text in one["texts"]]} for one in items]
        return 200, completion(json.dumps({"items": said}), usage=(1000, 500))

    more: list[int] = []
    source, out = english(tmp_path), tmp_path / "out"
    with server(backwards) as (url, seen):
        prices = ("--price-in", "2", "--price-out", "10", "--batch", "4", "--parallel", "1")
        options = ("--backend", "endpoint", "--endpoint-model", "m", "--base-url", url, *prices, "--out", str(out))
        arguments = ("translate", str(source), "--to", "ny", *options)
        dry = polyvalues(*arguments, "--dry-run")
        assert "about 3 requests" in dry.stdout
        assert "cost about 0.0" in dry.stdout
        assert seen == []
        failed = polyvalues(*arguments)
        assert failed.returncode == 2
        assert "no more credit" in failed.stderr
        assert "Traceback" not in failed.stderr
        more.append(1)
        done = polyvalues(*arguments)
        assert done.returncode == 0, done.stderr
    assert len(seen) == 4
    assert "asked 4, remembered 8" in done.stdout
    assert "tokens sent 3000, tokens received 1500, cost 0.021" in done.stdout


def test_people_translate_in_sheets(tmp_path: Path, polyvalues: Run) -> None:
    source, out = english(tmp_path, 3), tmp_path / "out"
    arguments = ("translate", str(source), "--to", "fr", "--backend", "files", "--out", str(out))
    first = polyvalues(*arguments)
    assert first.returncode == 0, first.stderr
    assert "6 texts to translate are in" in first.stdout.replace("\n", " ")
    assert "3 pairs are not translated" in first.stdout
    assert "Not measured" in (out / "CARD.md").read_text(encoding="utf-8")
    sheet = out / "sheets/fr.csv"
    rows = list(csv.reader(io.StringIO(sheet.read_text(encoding="utf-8-sig"), newline="")))
    filled = "\n".join(";".join([*row[:2], "translation" if row[0] == "id" else f"Voilà {row[0]}"]) for row in rows)
    sheet.write_text(filled, encoding="utf-8")
    second = polyvalues(*arguments)
    assert second.returncode == 0, second.stderr
    read = read_pairs([PairSource(reader="table", path=str(out / "pairs.parquet"))]).table.to_pylist()
    assert sum(row["language"] == "fr" for row in read) == 3
    assert all(row["positive"].startswith("Voilà ") for row in read if row["language"] == "fr")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "en"), "source language"),
        (("--to", "fr,fr"), "named twice"),
        (("--to", "english"), "BCP-47"),
        (("--to", "fr", "--backend", "endpoint"), "endpoint_model"),
        (("--to", "fr", "--backend", "files", "--round-trip"), "round_trip"),
        (("--to", "fr", "--model", "/no/such/folder"), "no such folder"),
        ((), "to: Field required"),
    ],
)
def test_what_cannot_be_translated_is_one_message(
    tmp_path: Path, polyvalues: Run, arguments: tuple[str, ...], message: str
) -> None:
    done = polyvalues("translate", str(english(tmp_path, 3)), "--out", str(tmp_path / "out"), *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_languages_are_listed_and_searched(polyvalues: Run) -> None:
    whole, some = polyvalues("languages"), polyvalues("languages", "swahili", "zho_")
    assert len(whole.stdout.splitlines()) == 203
    assert [line.split()[0] for line in some.stdout.splitlines()[1:]] == ["sw", "zh", "zh-Hant"]
