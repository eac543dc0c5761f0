"""The commands on translations, as a user types them."""

import csv
import io
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from polyvalues.artifacts import PairSet
from polyvalues.cli import main
from polyvalues.data.pairs import make_pairs, read_pairs
from polyvalues.data.quality.ratings import read_quality
from polyvalues.specs import PairSource
from polyvalues.store import write_pairs


@dataclass(frozen=True)
class Done:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def polyvalues(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """The command line in this process."""
    logger = logging.getLogger("polyvalues")
    before = list(logger.handlers)

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["polyvalues", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        logger.handlers[:] = before
        out, err = capsys.readouterr()
        return Done(code, out, err)

    yield run
    logger.handlers[:] = before


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
    assert "repeats itself" in done.stdout
    ratings = read_quality(out / "quality.csv")
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
