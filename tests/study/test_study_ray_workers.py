"""Ray: the same bits as the local engine, whatever dies on the way."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from command_line import Run
from line_examples import build_model, digests, settings, write_pairs
from polyvalues.config import EngineSpec, StudySpec, build
from polyvalues.config.toml import dump_toml
from polyvalues.errors import EngineError, MissingExtra, ReadingError, SpecError
from polyvalues.models.model_handle import load_model
from polyvalues.storage.package_versions import package_versions
from polyvalues.storage.store import Store
from polyvalues.study import ray_workers as engine_ray
from polyvalues.study.distribution import spread
from polyvalues.study.pipeline import Line, Silent
from polyvalues.study.run import prepare_pairs
from polyvalues.study.study import load_study
from polyvalues.study.work_units import Unit

ray = pytest.importorskip("ray")
ONE, TWO = (EngineSpec(name="ray", workers=number) for number in (1, 2))  # a worker takes seven seconds to start
EAGER = {"RAY_worker_niceness": "0"}
"""Else workers wait for everything else that runs on the machine, such as the other tests."""
pytestmark = [
    # Ray leaves sockets and log files to the garbage collector, and announces changes of its own.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning:ray", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """One cluster for all tests of this file: starting one takes ten seconds."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ |= EAGER
    ray.init(address="local", num_cpus=2, log_to_driver=False, include_dashboard=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("ray")
    return build_model(home / "model"), write_pairs(home / "pairs.jsonl")


def line_in(inputs: tuple[Path, Path], out: Path, progress: Any = None, **reading: Any) -> Line:
    spec = settings(*inputs, out)
    spec = spec.model_copy(update={"reading": spec.reading.model_copy(update=reading)})
    handle = load_model(spec.model)
    return Line(spec, Store(out, package_versions()), handle, prepare_pairs(spec), progress or Silent())


@pytest.fixture(scope="module")
def local(inputs: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as a worker has
    try:
        line = line_in(inputs, tmp_path_factory.mktemp("local"))
        for concept in line.concepts:
            line.run(concept)
    finally:
        torch.set_num_threads(threads)
    return digests(line.store.root)


def same(line: Line, local: dict[str, str]) -> bool:
    """Whether the line finds all it needs, and the folder is then the local one."""
    read = line.counts["read"]
    for concept in line.concepts:
        line.run(concept)
    return line.counts["read"] == read and line.counts["stored"] == 0 and digests(line.store.root) == local


class Kills(Silent):
    """Kills the processes of all actors when the first unit comes back."""

    def __init__(self) -> None:
        self.killed: list[int] = []

    def unit(self, label: str, texts: int, stored: bool) -> None:  # noqa: ARG002
        if self.killed:
            return
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdigit() and (folder / "cmdline").read_bytes().startswith(b"ray::Reader"):
                    self.killed.append(int(folder.name))
                    os.kill(int(folder.name), signal.SIGKILL)


def test_a_cluster_that_is_not_there_is_said(inputs: tuple[Path, Path], tmp_path: Path, polyvalues: Run):
    """First of all, since a process that has a cluster asks for no other."""
    assert not ray.is_initialized()
    spec: StudySpec = settings(*inputs, tmp_path / "study")
    (tmp_path / "study.toml").write_text(dump_toml(spec), encoding="utf-8")
    done = polyvalues("run", str(tmp_path / "study.toml"), "--engine", "ray", "--address", "127.0.0.1:1")
    assert done.returncode == 2
    assert "no cluster at 127.0.0.1:1" in done.stderr.replace("\n", " ")


def test_two_workers_give_the_bits_of_one_process(
    cluster: None, inputs: tuple[Path, Path], local: dict[str, str], tmp_path: Path
):
    line = line_in(inputs, tmp_path)
    spread(line, TWO)
    assert line.counts == {"read": sum(len(table.texts) for table in line.tables.values()), "stored": 0}
    assert same(line, local)
    assert not list(line.missing("fit"))
    assert not list(line.missing("score"))


def test_what_was_there_before_is_counted_once(cluster: None, inputs: tuple[Path, Path], tmp_path: Path):
    first = line_in(inputs, tmp_path)
    everything = sum(len(table.texts) for table in first.tables.values())
    first.fitted("morality")
    second = line_in(inputs, tmp_path)
    spread(second, ONE)
    second.run("morality")
    assert 0 < first.counts["read"] < everything
    assert second.counts == {"read": everything - first.counts["read"], "stored": first.counts["read"]}


def test_kept_activations_come_back_whole(cluster: None, inputs: tuple[Path, Path], tmp_path: Path):
    line = line_in(inputs, tmp_path / "ray", keep_activations=True)
    spread(line, ONE)
    here = line_in(inputs, tmp_path / "here", keep_activations=True)
    run, wanted = line.run("morality"), here.run("morality")
    for language, scores in wanted.scores.items():
        np.testing.assert_allclose(run.scores[language].data["projection"], scores.data["projection"], atol=1e-4)
    assert line.counts["stored"] == 0


def test_a_worker_that_is_killed_is_replaced(
    cluster: None, inputs: tuple[Path, Path], local: dict[str, str], tmp_path: Path
):
    progress = Kills()
    line = line_in(inputs, tmp_path, progress)
    spread(line, TWO)
    assert progress.killed
    assert same(line, local)


class Named(Unit):
    """A unit that is only a name."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name)

    @property
    def label(self) -> str:
        return self.name  # pyright: ignore[reportAttributeAccessIssue]


@dataclass(frozen=True, eq=False)
class FakeWorker:
    """As much of an actor's handle as is used."""

    read: Any


class FakeRay:
    """Ray's calls without its processes: workers die of units in `deadly`, as often as that says."""

    exceptions = ray.exceptions

    def __init__(self, deadly: dict[str, int]) -> None:
        self.deadly, self.made, self.dead = deadly, 0, set()

    def worker(self) -> Any:
        self.made += 1
        number = self.made
        return FakeWorker(SimpleNamespace(remote=lambda unit: (number, unit)))

    def wait(self, running: list[Any], num_returns: int) -> tuple[list[Any], list[Any]]:
        return running[-num_returns:], running[:-num_returns]

    def get(self, done: tuple[int, Any]) -> str:
        number, unit = done
        assert number not in self.dead, "a dead worker was given work"
        if self.deadly.get(unit.label, 0):
            self.deadly[unit.label] -= 1
            self.dead.add(number)
            raise ray.exceptions.RayActorError
        return f"made {unit.label}"


def spread_over(fake: FakeRay, labels: str) -> list[tuple[str, Any]]:
    units = iter([(name, Named(name)) for name in labels])
    return list(engine_ray._spread(fake, units, [fake.worker(), fake.worker()], fake.worker))  # pyright: ignore


def test_a_unit_whose_worker_dies_is_read_again_by_another():
    fake = FakeRay({"b": 2, "d": 1})
    assert sorted(spread_over(fake, "abcde")) == [(name, f"made {name}") for name in "abcde"]
    assert fake.made == 2 + 3


def test_a_unit_that_kills_every_worker_is_named():
    with pytest.raises(EngineError, match="b: 3 workers died while reading it"):
        spread_over(FakeRay({"b": 3}), "abcde")


def test_what_is_wrong_with_a_text_is_said_as_here(cluster: None, inputs: tuple[Path, Path], tmp_path: Path):
    with pytest.raises(ReadingError, match=r"has .* tokens, the limit is 3"):
        spread(line_in(inputs, tmp_path, max_tokens=3), ONE)


def test_a_worker_with_other_weights_is_refused(cluster: None, inputs: tuple[Path, Path], tmp_path: Path):
    line = line_in(inputs, tmp_path)
    units = iter([("a", next(line.missing("fit")).unit)])
    with (
        pytest.raises(EngineError, match="a worker loads fingerprint"),
        engine_ray.ray_workers(line.spec.model, "0" * 16, ONE) as read,
    ):
        list(read(units))


def test_no_room_for_a_worker_is_said(cluster: None, inputs: tuple[Path, Path], tmp_path: Path):
    with pytest.raises(EngineError, match="has 2 CPUs and 0 GPUs, a worker needs 64 and 0"):
        spread(line_in(inputs, tmp_path), EngineSpec(name="ray", threads=64))


def test_without_ray_the_extra_is_named(inputs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"polyvalues\[ray\]"):
        spread(line_in(inputs, tmp_path), TWO)


def test_settings_of_ray_are_refused_elsewhere():
    with pytest.raises(SpecError, match="workers: only engine 'ray' has it"):
        build(EngineSpec, {"name": "local", "workers": 2})


def test_the_command_starts_and_stops_its_own_cluster(inputs: tuple[Path, Path], local: dict[str, str], tmp_path: Path):
    spec: StudySpec = settings(*inputs, tmp_path / "study")
    (tmp_path / "study.toml").write_text(dump_toml(spec), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "polyvalues"), "run", str(tmp_path / "study.toml")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **EAGER}
    done = subprocess.run([*command, "--engine", "ray", "--workers", "2"], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    made = digests(tmp_path / "study")
    assert {name: made[name] for name in local if name.startswith("moments")} == {
        name: digest for name, digest in local.items() if name.startswith("moments")
    }
    assert load_study(tmp_path / "study").findings.recognition.sizes["target"] == 3
