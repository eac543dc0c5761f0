"""A run that is killed goes on where it was, and ends with the same bytes as one that was not."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from line_examples import build_model, settings, write_pairs
from polyvalues.settings import dump_toml

POLYVALUES = str(Path(sys.executable).parent / "polyvalues")
NOT_COMPARED = {"run.json", ".lock"}
"""run.json holds seconds and counts, which differ by nature."""


def digests(folder: Path) -> dict[str, str]:
    """Every file of a study with its digest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in NOT_COMPARED
    }


def artefacts(folder: Path) -> int:
    return sum(path.is_file() and not path.name.startswith(".") for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study.toml whose `out` is relative, so that it can be run in any folder."""
    home = tmp_path_factory.mktemp("killed")
    spec = settings(build_model(home / "model"), write_pairs(home / "pairs.jsonl"), Path("study"))
    (home / "study.toml").write_text(dump_toml(spec), encoding="utf-8")
    return home / "study.toml"


@pytest.fixture(scope="module")
def uninterrupted(study_file: Path) -> dict[str, str]:
    folder = study_file.parent / "whole"
    folder.mkdir()
    subprocess.run([POLYVALUES, "run", str(study_file)], cwd=folder, check=True, capture_output=True)
    return digests(folder / "study")


def test_killed_at_several_points_it_ends_bit_identical(study_file: Path, uninterrupted: dict[str, str]) -> None:
    folder = study_file.parent / "killed"
    folder.mkdir()
    total = len(uninterrupted)
    points = np.sort(np.random.default_rng(7).choice(np.arange(1, total - 1), size=4, replace=False))
    seen = 0
    for point in points:
        run = subprocess.Popen([POLYVALUES, "run", str(study_file)], cwd=folder, stderr=subprocess.PIPE)
        while artefacts(folder) < point and run.poll() is None:
            time.sleep(0.002)
        run.kill()
        _, said = run.communicate()
        assert b"Traceback" not in said
        kept = digests(folder / "study")
        shared = [name for name in kept if name in uninterrupted]
        assert all(kept[name] == uninterrupted[name] for name in shared)
        assert len(shared) >= seen
        seen = len(shared)
    subprocess.run([POLYVALUES, "run", str(study_file)], cwd=folder, check=True, capture_output=True)
    assert digests(folder / "study") == uninterrupted
    texts = json.loads((folder / "study" / "run.json").read_text())["texts"]
    assert texts["stored"] > 0
    assert texts["stored"] + texts["read"] == 2 * 132 * 3


def test_a_page_made_from_found_numbers_is_the_same(study_file: Path, uninterrupted: dict[str, str]) -> None:
    """Killed after the findings were stored and before the page was: the page must not tell."""
    folder = study_file.parent / "whole"
    for name in ("figures/manifest.json", "report.html"):
        (folder / "study" / name).unlink()
    subprocess.run([POLYVALUES, "run", str(study_file)], cwd=folder, check=True, capture_output=True)
    assert digests(folder / "study") == uninterrupted


def test_the_comparison_can_fail(uninterrupted: dict[str, str], study_file: Path) -> None:
    folder = study_file.parent / "whole" / "study"
    path = folder / "findings" / "recognition.csv"
    before = path.read_bytes()
    path.write_bytes(before + b"\n")
    assert digests(folder) != uninterrupted
    path.write_bytes(before)
    assert digests(folder) == uninterrupted
