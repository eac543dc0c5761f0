"""What a hostile folder, file or environment must not be able to do."""

import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_steering_endpoint import completion, server
from test_steering_formats import written

import polyvalues as pv
from polyvalues.artifacts import ConceptVectors, Moments
from polyvalues.config import ModelSpec
from polyvalues.errors import CorruptArtifact, JudgeError, ModelLoadError, PolyvaluesError, StoreError
from polyvalues.experiments.steering.judge_factory import KeptVerdicts
from polyvalues.models.model_handle import load_model
from polyvalues.steering.judges.endpoint import EndpointJudge
from polyvalues.storage.store import Store
from steer_examples import generations
from tiny_models import write_tiny_model

FORMATS = ("gguf", "lm-eval", "svec-ibm", "saklas")


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.trace,)


def bomb(tmp_path: Path) -> tuple[bytes, Path]:
    trace = tmp_path / "it ran"
    return pickle.dumps(Bomb(trace)), trace


def test_the_bomb_would_work(tmp_path: Path):
    blob, trace = bomb(tmp_path)
    pickle.loads(blob)
    assert trace.exists()


@pytest.mark.parametrize("kind", FORMATS)
def test_no_importer_unpickles(tmp_path: Path, kind: str):
    blob, trace = bomb(tmp_path)
    path = written(kind, tmp_path)
    path.write_bytes(blob)
    with pytest.raises(StoreError):
        pv.import_vectors(path, kind)
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["vectors/a.safetensors", "scores/a/en.nc", "pairs.parquet", "activations/a/en.fit.nc"]
)
def test_no_loader_of_artefacts_unpickles(tmp_path: Path, name: str):
    blob, trace = bomb(tmp_path)
    store = Store(tmp_path / "study")
    store.write(name, blob)
    with pytest.raises(CorruptArtifact):
        store.get(name, ConceptVectors)
    assert not trace.exists()


def test_no_model_is_unpickled(tmp_path: Path):
    blob, trace = bomb(tmp_path)
    folder = write_tiny_model(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(blob)
    with pytest.raises(ModelLoadError, match="pickles"):
        load_model(ModelSpec(id=str(folder), device="cpu"))
    assert not trace.exists()


def test_a_models_own_code_does_not_run_unless_asked(tmp_path: Path):
    folder = write_tiny_model(tmp_path / "model")
    (folder / "modeling_x.py").write_text(f"open({str(tmp_path / 'it ran')!r}, 'w')")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "x", "auto_map": {"AutoConfig": "modeling_x.X", "AutoModelForCausalLM": "modeling_x.X"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelLoadError):
        load_model(ModelSpec(id=str(folder), device="cpu"))
    assert not (tmp_path / "it ran").exists()


def test_a_linked_folder_inside_a_study_is_not_followed(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    store = Store(tmp_path / "study")
    store.root.mkdir()
    (store.root / "tables").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link inside a study folder"):
        store.write("tables/a.csv", "x")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_linked_study_folder_is_fine(tmp_path: Path):
    (tmp_path / "large disk").mkdir()
    (tmp_path / "study").symlink_to(tmp_path / "large disk")
    Store(tmp_path / "study").write("a/b.csv", "x")
    assert (tmp_path / "large disk" / "a" / "b.csv").read_text() == "x"


@pytest.mark.parametrize("name", ["report.html", ".report.html.partial"])
def test_a_linked_file_is_replaced_not_written_through(tmp_path: Path, name: str):
    mine = tmp_path / "mine"
    mine.write_text("precious")
    store = Store(tmp_path / "study")
    store.root.mkdir()
    (store.root / name).symlink_to(mine)
    store.write("report.html", "page")
    assert mine.read_text() == "precious"
    assert (store.root / "report.html").read_text() == "page"


def test_a_linked_array_is_not_written_through(tmp_path: Path):
    mine = tmp_path / "mine"
    mine.write_text("precious")
    store = Store(tmp_path / "study")
    store.root.mkdir()
    (store.root / ".a.npy.partial").symlink_to(mine)
    with store.array("a.npy", (2, 3, 4), "float32") as out:
        out[:] = 1
    assert mine.read_text() == "precious"
    assert np.load(store.root / "a.npy").sum() == 24


@pytest.mark.parametrize("kind", FORMATS)
def test_what_has_no_end_is_not_read(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch):
    path = written(kind, tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StoreError, match="is not a regular file"):
        pv.import_vectors(path, kind)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(StoreError, match="is not a regular file"):
        pv.import_vectors(path, kind)
    path.unlink()
    written(kind, tmp_path)
    monkeypatch.setattr("polyvalues.steering.formats.layer_vectors.LARGEST", 10)
    with pytest.raises(StoreError, match="vectors have at most 10"):
        pv.import_vectors(path, kind)


@pytest.mark.parametrize("length", [2**62, 2**32, 10**9])
def test_headers_that_claim_to_be_huge_are_refused(tmp_path: Path, length: int):
    path = tmp_path / "vector.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b'{"layer_1": {}}')
    with pytest.raises(StoreError):
        pv.import_vectors(path, "saklas")
    store = Store(tmp_path / "study")
    store.write("moments/a.safetensors", path.read_bytes())
    with pytest.raises(CorruptArtifact):
        store.get("moments/a.safetensors", Moments)


def test_arrays_that_claim_to_be_huge_are_refused(tmp_path: Path):
    tensor = {"layer_1": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    header = json.dumps(tensor).encode()
    path = tmp_path / "vector.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 16)
    with pytest.raises(StoreError):
        pv.import_vectors(path, "saklas")


@pytest.mark.parametrize("concept", ["../up", "a/../../b", "/etc", ".hidden", "a\0b", "a b", "con:1"])
def test_a_concept_is_never_a_path(tmp_path: Path, concept: str):
    store = Store(tmp_path / "study")
    with pytest.raises(PolyvaluesError):
        store.write(f"moments/{concept}/en.csv", "x")
    assert not (tmp_path / "up").exists()


def test_keys_are_not_written_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A judge behind an endpoint needs a key: it must be in no artefact, no message and no log."""
    secret = "sk-very-secret-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    caplog.set_level("DEBUG")
    store = Store(tmp_path / "study", {"polyvalues": "0"})
    refused = (401, json.dumps({"error": {"message": f"no such key {secret[:5]}"}}))
    taken = (200, completion('{"verdict": true}'))
    with server(lambda _body, number: taken if number < 3 else refused) as (url, seen):
        judge = EndpointJudge("m", base_url=url, cache=KeptVerdicts(store))
        with pytest.raises(JudgeError) as caught:
            judge(generations(*({"answer": f"Answer {number}."} for number in range(4))))
    store.write("notes.txt", f"{caught.value} {judge!r}")
    assert seen[0]["key"] == f"Bearer {secret}"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert not [path for path in files if secret.encode() in path.read_bytes()]
    assert secret not in caplog.text
