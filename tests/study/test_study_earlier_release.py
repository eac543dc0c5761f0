"""A study folder written before the modules moved is opened, shown, reported, asked and gone on with.

`fixtures/studies/before_layout.tar.gz` was written by commit 3d6bb7e: 40 items in English, Finnish and Tamil, the tiny
model of `line_examples`, then `find_divergence`; pages, figures and CSV files were left out.
"""

import json
import tarfile
from pathlib import Path

import pytest

from command_line import Run
from line_examples import FIXTURES, build_model, digests
from polyvalues.config.toml import load_study_spec
from polyvalues.experiments.divergence import find_divergence
from polyvalues.study.run import run_study
from polyvalues.study.study import findings_in_words, load_study, write_report


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with tarfile.open(FIXTURES / "studies" / "before_layout.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return Path("study")


def test_it_opens_and_says_what_it_found(old: Path, polyvalues: Run) -> None:
    study = load_study(old)
    assert study.findings.recognition.sizes["target"] == 3
    assert study.vectors("morality").data["vector"].shape == (3, 6, 64)
    assert len(findings_in_words(study)) > 3
    done = polyvalues("show", str(old))
    assert done.returncode == 0
    assert "morality" in done.stdout


def test_it_is_reported_and_asked(old: Path) -> None:
    study = load_study(old)
    assert "report.html" in write_report(study)
    assert find_divergence(study).table.num_rows > 0
    assert (old / "divergence.html").stat().st_size > 1000


def test_going_on_with_it_reads_no_text_again(old: Path) -> None:
    build_model(Path("model"))
    kept = {
        name: digest for name, digest in digests(old).items() if name.startswith(("activations", "pairs", "scores"))
    }
    assert len(kept) == 10
    run_study(load_study_spec(old / "study.toml"))
    texts = json.loads((old / "run.json").read_text(encoding="utf-8"))["texts"]
    assert texts["read"] == 0
    assert texts["stored"] > 0
    assert {name: digest for name, digest in digests(old).items() if name in kept} == kept
