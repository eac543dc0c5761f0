"""Tensor parallel: two processes by torchrun (gloo) give what one gives, in the folder of the first alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from line_examples import build_model, settings, write_pairs
from polyvalues.config import ModelSpec, StudySpec, build
from polyvalues.config.toml import dump_toml
from polyvalues.errors import ModelLoadError, SpecError
from polyvalues.models.model_handle import load_model
from polyvalues.study.run import run_study
from polyvalues.study.study import load_study

TORCHRUN = str(Path(sys.executable).parent / "torchrun")


def divided(home: Path, spec: StudySpec) -> subprocess.CompletedProcess[str]:
    (home / "study.toml").write_text(dump_toml(spec), encoding="utf-8")
    command = [TORCHRUN, "--standalone", "--nproc-per-node", "2", "-m", "polyvalues", "run", str(home / "study.toml")]
    command += ["--tensor-parallel"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=1800)


def test_two_processes_give_what_one_gives(tmp_path: Path):
    spec = settings(build_model(tmp_path / "model"), write_pairs(tmp_path / "pairs.jsonl"), tmp_path / "one")
    one = run_study(spec)
    there = spec.model_copy(update={"out": str(tmp_path / "two")})
    done = divided(tmp_path, there)
    assert done.returncode == 0, done.stderr[-3000:]
    two = load_study(tmp_path / "two")
    assert two.model["fingerprint"] == one.model["fingerprint"]
    for language in ("en", "fi", "ta"):
        found = two.scores("morality", language).data["projection"].values
        wanted = one.scores("morality", language).data["projection"].values
        np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max(), rtol=0)
    # A text that cannot be read ends both processes, and says so once.
    tight = there.model_copy(update={"reading": there.reading.model_copy(update={"max_tokens": 3})})
    done = divided(tmp_path, tight)
    assert done.returncode != 0
    assert done.stderr.replace("\n", " ").count("tokens, the limit is 3") == 1


def test_without_torchrun_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(ModelLoadError, match="torchrun --nproc-per-node"):
        load_model(ModelSpec(id=str(build_model(tmp_path)), tensor_parallel=True))


def test_two_ways_of_placing_a_model_are_refused():
    with pytest.raises(SpecError, match="leave out 'device_map'"):
        build(ModelSpec, {"id": "x", "tensor_parallel": True, "device_map": "auto"})
