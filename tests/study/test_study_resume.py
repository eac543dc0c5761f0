"""A run that is killed goes on where it was, and ends with the same bytes as one that was not."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_cli_translation import english, model

from command_line import Forked, Run
from line_examples import build_model, digests, settings, write_pairs
from polyvalues.config.toml import dump_toml

POLYVALUES = str(Path(sys.executable).parent / "polyvalues")


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
    """By a process that started afresh: its strings hash otherwise than those of the forked ones."""
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
        run = Forked("run", str(study_file), folder=folder)
        while artefacts(folder) < point and run.works():
            time.sleep(0.002)
        run.kill()
        assert "Traceback" not in run.done().stderr
        kept = digests(folder / "study")
        shared = [name for name in kept if name in uninterrupted]
        assert all(kept[name] == uninterrupted[name] for name in shared)
        assert len(shared) >= seen
        seen = len(shared)
    assert Forked("run", str(study_file), folder=folder).done().returncode == 0
    assert digests(folder / "study") == uninterrupted
    texts = json.loads((folder / "study" / "run.json").read_text())["texts"]
    assert texts["stored"] > 0
    assert texts["stored"] + texts["read"] == 2 * 132 * 3


def test_a_page_made_from_found_numbers_is_the_same(study_file: Path, uninterrupted: dict[str, str]) -> None:
    """Killed after the findings were stored and before the page was: the page must not tell."""
    folder = study_file.parent / "whole"
    for name in ("figures/manifest.json", "report.html"):
        (folder / "study" / name).unlink()
    assert Forked("run", str(study_file), folder=folder).done().returncode == 0
    assert digests(folder / "study") == uninterrupted


def test_the_comparison_can_fail(uninterrupted: dict[str, str], study_file: Path) -> None:
    folder = study_file.parent / "whole" / "study"
    path = folder / "findings" / "recognition.csv"
    before = path.read_bytes()
    path.write_bytes(before + b"\n")
    assert digests(folder) != uninterrupted
    path.write_bytes(before)
    assert digests(folder) == uninterrupted


def test_a_study_survives_faults(tmp_path: Path) -> None:
    """The short form of the faults suite; `make torture` is the long one."""
    done = Forked("--brief", folder=tmp_path, command="torture:main").done()
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("disk full")
    assert [line.split(" ")[0] for line in lines[1:5]] == ["2", "1", "1", "two"]


def test_a_killed_translation_goes_on_and_two_do_not_work_in_one_folder(tmp_path: Path, polyvalues: Run) -> None:
    source, own, out = english(tmp_path, 40), model(tmp_path), tmp_path / "out"
    arguments = ("translate", str(source), "--to", "fr,sw", *own, "--batch-tokens", "1", "--out", str(out))
    whole = polyvalues(*arguments[:-1], str(tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    child = Forked(*arguments, folder=tmp_path)
    try:
        deadline = time.monotonic() + 120
        while not (out / "memory.jsonl").exists() and child.works() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert child.works()
        beside = polyvalues(*arguments)
        assert beside.returncode == 2
        assert "another run" in beside.stderr
    finally:
        child.kill()
        child.done()
    assert not (out / "pairs.parquet").exists()
    done = polyvalues(*arguments)
    assert done.returncode == 0, done.stderr
    assert "remembered 0" not in done.stdout
    for name in ("pairs.parquet", "texts.csv", "quality.csv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
