"""Malformed inputs of every reader, loader, importer and of the settings: only results or named errors.

`POLYVALUES_FUZZ` is how many inputs each source gets; `make torture` asks for 10,000 in all.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from test_readers_fuzz import SEEDS
from test_steering_formats import written

import polyvalues as pv
from fuzzing import Tally, attempt, mutated
from line_examples import build_model, settings, write_pairs
from polyvalues.artifacts import ConceptVectors, Moments, PairSet, Replicates, Scores
from polyvalues.config import PairSource, StudySpec, build
from polyvalues.config.toml import dump_toml, load_study_spec
from polyvalues.dimensions import VECTOR_FORMATS
from polyvalues.models.model_handle import load_model
from polyvalues.storage.package_versions import package_versions
from polyvalues.storage.store import Provenance, Store
from polyvalues.study.pipeline import Line
from polyvalues.study.run import prepare_pairs

INPUTS = int(os.environ.get("POLYVALUES_FUZZ", "40"))
ARTEFACTS: tuple[tuple[str, type], ...] = (
    ("pairs.parquet", PairSet),
    ("moments/morality/en.safetensors", Moments),
    ("vectors/morality.safetensors", ConceptVectors),
    ("vectors/morality.replicates.nc", Replicates),
    ("scores/morality/fi.nc", Scores),
    ("vectors/norms.nc", xr.Dataset),
)
STUDY = """
out = "out/x"
[model]
id = "babel"
dtype = "float32"
[[pairs]]
reader = "table"
path = "pairs.csv"
options = {limit = 3}
[reading]
layers = [0, 1, 2]
batch_tokens = 100
[split]
fit = 0.5
"""


def resealed(blob: bytes) -> bytes:
    """The file with a seal that fits it again: anyone can make one."""
    for match in re.finditer(rb"polyvalues-seal:[0-9a-f]{16}:([0-9a-f]{64})", blob):
        start, end = match.span(1)
        digest = hashlib.sha256(blob[:start] + b"0" * 64 + blob[end:]).hexdigest().encode()
        return blob[:start] + digest + blob[end:]
    return blob


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    home = tmp_path_factory.mktemp("fuzz")
    spec = settings(build_model(home / "model"), write_pairs(home / "pairs.jsonl"), home / "study")
    store = Store(home / "study", package_versions())
    pairs = prepare_pairs(spec)
    store.put("pairs.parquet", pairs, Provenance("pairs", {}, {}))
    line = Line(spec, store, load_model(spec.model), pairs)
    line.run("morality")
    line.norms()
    return store


def fuzz(name: str, blob: bytes, path: Path, read: Callable[[], object], seal: bool = False) -> None:
    """Mutations of one sound input; most must be refused, none may do anything else."""
    path.write_bytes(blob)
    tally = Tally()
    attempt(tally, name, read)
    assert tally.sound == 1, f"{name}: the sound input is refused"
    rng = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    for number in range(INPUTS):
        damaged = mutated(blob, rng)
        path.write_bytes(resealed(damaged) if seal else damaged)
        attempt(tally, f"{name} #{number}", read)
    path.write_bytes(blob)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.refused > 0


@pytest.mark.parametrize(("name", "kind"), ARTEFACTS)
@pytest.mark.parametrize("seal", [True, False])
def test_artefacts(store: Store, name: str, kind: type, seal: bool):
    path = store.path(name)
    fuzz(f"{name} {seal}", path.read_bytes(), path, lambda: store.get(name, kind), seal)


@pytest.mark.parametrize("kind", [kind for kind in VECTOR_FORMATS if kind not in ("easyedit", "hub")])
def test_importers(tmp_path: Path, kind: str):
    path = written(kind, tmp_path)
    fuzz(kind, path.read_bytes(), path, lambda: pv.import_vectors(path, kind))


@pytest.mark.parametrize("kind", ["easyedit", "hub"])
def test_importers_of_folders(tmp_path: Path, kind: str):
    folder = written(kind, tmp_path)
    path = next(iter(sorted(folder.glob("*.pt" if kind == "easyedit" else "*.safetensors"))))
    fuzz(kind, path.read_bytes(), path, lambda: pv.import_vectors(folder, kind))


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in SEEDS.items() for file, _ in files])
def test_readers(tmp_path: Path, name: str, file: str):
    content = dict(SEEDS[name])[file]
    blob = content.encode() if isinstance(content, str) else content
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(blob)
    source = PairSource(reader=name, path=str(path), concept="care", language="en")
    tally = Tally()
    rng = np.random.default_rng(len(name))
    for number in range(INPUTS):
        path.write_bytes(mutated(blob, rng))
        attempt(tally, f"{name} {file} #{number}", lambda: pv.read_pairs([source]))
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.refused > 0


def test_studies(tmp_path: Path):
    path = tmp_path / "study.toml"
    fuzz("study", STUDY.encode(), path, lambda: load_study_spec(path))
    whole = dump_toml(build(StudySpec, {"model": {"id": "babel"}}))
    fuzz("whole study", whole.encode(), path, lambda: load_study_spec(path))


def test_sources():
    tally, rng = Tally(), np.random.default_rng(3)
    for number in range(10 * INPUTS):
        text = mutated(b"table:pairs.csv?concept=care&language=en&limit=3", rng).decode("utf-8", "surrogateescape")
        attempt(tally, f"source #{number}", lambda text=text: PairSource.parse(text))
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.refused > 0
    assert tally.sound > 0


def test_settings_of_any_shape():
    tally, rng = Tally(), np.random.default_rng(5)
    blob = json.dumps(build(StudySpec, {"model": {"id": "babel"}}).model_dump(mode="json")).encode()
    for number in range(10 * INPUTS):
        try:
            values = json.loads(mutated(blob, rng))
        except (ValueError, RecursionError):
            continue
        given = values if isinstance(values, dict) else {"model": values}
        attempt(tally, f"settings #{number}", lambda given=given: build(StudySpec, given))
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.refused > 0


PLANTED = """
import numpy as np
from fuzzing import MEMORY, Tally, attempt
from polyvalues.errors import CorruptArtifact

tally = Tally()
attempt(tally, "crash", lambda: {}["no such key"])
attempt(tally, "hunger", lambda: np.ones(2 * MEMORY + 2**26, dtype=np.uint8))
attempt(tally, "refusal", lambda: (_ for _ in ()).throw(CorruptArtifact("damaged")))
print(*(line.split(":")[0] for line in tally.wrong), tally.refused)
"""


def test_the_fuzzing_finds_what_it_looks_for():
    """In a process of its own, since it takes two gigabytes."""
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", PLANTED], env=here, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["crash", "hunger", "1"]
