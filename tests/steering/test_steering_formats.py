"""Every format: what is written is what the format says (byte for byte where it is fixed), and comes back the same."""

import hashlib
import json
import logging
import pickle
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import safetensors.numpy
import torch
import xarray as xr

import polyvalues as pv
from polyvalues.artifacts import VectorTable
from polyvalues.dimensions import VECTOR_FORMATS
from polyvalues.errors import SpecError, StoreError
from polyvalues.steering.formats import registry
from polyvalues.steering.formats.layer_vectors import bake
from polyvalues.steering.formats.torch_files import load
from polyvalues.steering.steering_vectors import SteeringVectors

GOLDEN = Path(__file__).parents[1] / "fixtures" / "interop"
SUFFIX = {"gguf": ".gguf", "easysteer": ".gguf", "lm-eval": ".pt", "svec-ibm": ".svec", "svec-aisteer": ".svec",
          "saklas": ".safetensors", "easyedit": "", "hub": ""}  # fmt: skip


def vectors(layers: tuple[int, ...] = (1, 2), concepts: tuple[str, ...] = ("care",)) -> SteeringVectors:
    shape = (len(concepts), 1, len(layers), 4)
    values = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    dims = ("concept", "source", "layer", "hidden")
    data = xr.Dataset(
        {
            "vector": (dims, values),
            "midpoint": (dims, 0 * values),
            "norm": ("layer", np.full(len(layers), 10.0, np.float32)),
            "flipped": ("concept", [name == "harmfulness" for name in concepts]),
        },
        coords={"concept": list(concepts), "source": ["fi"], "layer": list(layers)},
        attrs={"fingerprint": "0123456789abcdef", "model": "example/model", "model_type": "llama", "blocks": "layers",
               "hidden": 4, "layers": 4, "dtype": "float32", "template": "raw", "position": "last", "estimator": "pca"},
    )  # fmt: skip
    return SteeringVectors(VectorTable(data))


def written(kind: str, folder: Path, own: SteeringVectors | None = None, strength: float = 0.5) -> Path:
    path = folder / f"care{SUFFIX[kind]}"
    pv.export_vectors(own or vectors(), path, kind, strength)
    return path


def added(steerable: Any, strength: float) -> dict[int, np.ndarray]:
    """What each block's output gets."""
    plan = steerable.plan(strength)
    return {part.layer: (part.directions * part.strengths[:, None])[0].numpy() for part in plan.interventions}


@pytest.mark.parametrize("kind", VECTOR_FORMATS)
def test_what_was_exported_steers_the_same_when_it_comes_back(kind: str, tmp_path: Path) -> None:
    back = pv.import_vectors(written(kind, tmp_path), kind)
    expected = added(vectors(), 0.5)
    found = added(back, 0.5 if kind == "hub" else 1.0)
    assert found.keys() == expected.keys()
    for layer, value in expected.items():
        np.testing.assert_allclose(found[layer], value, rtol=1e-6)
        assert np.linalg.norm(value) == pytest.approx(5.0, rel=1e-6)


@pytest.mark.parametrize("kind", VECTOR_FORMATS)
def test_the_same_vectors_are_the_same_bytes(kind: str, tmp_path: Path) -> None:
    one, other = written(kind, tmp_path / "a"), written(kind, tmp_path / "b")
    files = {path.relative_to(one.parent): path.read_bytes() for path in one.parent.rglob("*") if path.is_file()}
    again = {path.relative_to(other.parent): path.read_bytes() for path in other.parent.rglob("*") if path.is_file()}
    assert files == again != {}


@pytest.mark.parametrize("name", ["care.gguf", "care-ibm.svec", "care-aisteer.svec", "care.safetensors", "care.json"])
def test_golden_files(name: str, tmp_path: Path) -> None:
    kind = {"care.gguf": "gguf", "care-ibm.svec": "svec-ibm", "care-aisteer.svec": "svec-aisteer"}.get(name, "saklas")
    path = written(kind, tmp_path)
    path = path.with_suffix(".json") if name == "care.json" else path
    assert path.read_bytes() == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("kind", VECTOR_FORMATS)
def test_golden_files_steer_as_they_did(kind: str) -> None:
    name = {"svec-ibm": "care-ibm.svec", "svec-aisteer": "care-aisteer.svec", "easyedit": "easyedit", "hub": "hub"}
    back = pv.import_vectors(GOLDEN / name.get(kind, f"care{SUFFIX[kind]}"), kind)
    found = added(back, 0.5 if kind == "hub" else 1.0)
    for layer, value in added(vectors(), 0.5).items():
        np.testing.assert_allclose(found[layer], value, rtol=1e-6)


def test_gguf_is_a_control_vector_without_block_0(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        path = written("gguf", tmp_path, vectors((0, 1, 3)))
    assert "block 0 is left out" in caplog.text
    reader = gguf.GGUFReader(path)
    fields = {name: reader.get_field(name) for name in ("general.architecture", "controlvector.model_hint")}
    assert [field.contents() for field in fields.values() if field] == ["controlvector", "llama"]
    count = reader.get_field("controlvector.layer_count")
    assert count is not None
    assert count.contents() == 2
    assert [tensor.name for tensor in reader.tensors] == ["direction.1", "direction.3"]
    assert all(tensor.tensor_type == gguf.GGMLQuantizationType.F32 for tensor in reader.tensors)
    with pytest.raises(StoreError, match="cannot hold block 0"):
        written("gguf", tmp_path, vectors((0,)))


def test_lm_eval_names_modules_under_the_base_model(tmp_path: Path) -> None:
    content = load(written("lm-eval", tmp_path))
    assert set(content) == {"layers.1", "layers.2"}
    entry = content["layers.1"]
    assert {key: value for key, value in entry.items() if key != "steering_vector"} == {
        "steering_coefficient": 1.0, "action": "add", "bias": None, "head_index": None,
    }  # fmt: skip
    np.testing.assert_allclose(entry["steering_vector"], bake(vectors().artefact, 0.5).directions[1])
    with pytest.raises(SpecError, match=r"\.pt"):
        pv.export_vectors(vectors(), tmp_path / "x.bin", "lm-eval")
    data = vectors().artefact.data.assign_attrs(blocks="")
    with pytest.raises(SpecError, match="path of the model's blocks"):
        pv.export_vectors(SteeringVectors(VectorTable(data)), tmp_path / "x.pt", "lm-eval")
    scaled = {"h.3": {"steering_vector": torch.ones(4), "steering_coefficient": -2.0, "action": "add"}}
    torch.save(scaled, tmp_path / "own.pt")
    back = pv.import_vectors(tmp_path / "own.pt", "lm-eval")
    np.testing.assert_allclose(added(back, 1.0)[3], -2 * np.ones(4), rtol=1e-6)
    torch.save({"h.3": scaled["h.3"] | {"action": "clamp"}}, tmp_path / "clamp.pt")
    with pytest.raises(StoreError, match="added to whole hidden states"):
        pv.import_vectors(tmp_path / "clamp.pt", "lm-eval")


def test_svec_dialects_differ_by_one_block_and_are_told_apart(tmp_path: Path) -> None:
    ibm, aisteer = (json.loads(written(kind, tmp_path / kind).read_text()) for kind in ("svec-ibm", "svec-aisteer"))
    assert list(ibm["directions"]) == ["2", "3"]  # the input of block b + 1 is the output of block b
    assert list(aisteer["directions"]) == ["1", "2"]
    assert np.shape(ibm["directions"]["2"]) == (4,)
    assert np.shape(aisteer["directions"]["1"]) == (1, 4)
    assert ibm["model_type"] == aisteer["model_type"] == "llama"
    assert set(ibm["explained_variances"]) == set(ibm["directions"])
    for kind in ("svec-ibm", "svec-aisteer"):
        assert set(added(pv.import_vectors(tmp_path / kind / "care.svec", "svec-ibm"), 1.0)) == {1, 2}
    with pytest.raises(StoreError, match="the last one"):
        written("svec-ibm", tmp_path, vectors((3,)))


def test_saklas_seals_its_tensors(tmp_path: Path) -> None:
    path = written("saklas", tmp_path)
    assert set(safetensors.numpy.load(path.read_bytes())) == {"layer_1", "layer_2"}
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["tensor_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sidecar["provenance"]["fingerprint"] == "0123456789abcdef"
    assert pv.import_vectors(path, "saklas").artefact.data.attrs["fingerprint"] == "0123456789abcdef"
    path.with_suffix(".json").write_text(json.dumps(sidecar | {"tensor_sha256": "0" * 64}))
    with pytest.raises(StoreError, match="of other tensors"):
        pv.import_vectors(path, "saklas")


def test_easyedit_is_a_folder_of_tensors(tmp_path: Path) -> None:
    folder = written("easyedit", tmp_path)
    assert sorted(file.name for file in folder.iterdir()) == ["layer_1.pt", "layer_2.pt"]
    with pytest.raises(StoreError, match="layer_L"):
        pv.import_vectors(tmp_path, "easyedit")


def test_a_hub_folder_keeps_everything_and_explains_itself(tmp_path: Path) -> None:
    whole = vectors(concepts=("care", "harmfulness"))
    folder = written("hub", tmp_path, whole)
    back = pv.import_vectors(folder, "hub")
    xr.testing.assert_identical(back.artefact.data, whole.artefact.data)
    card = (folder / "README.md").read_text()
    for said in ("library_name: polyvalues", "example/model", "0123456789abcdef", "- fi", "care, harmfulness",
                 "*violating* end", "Limits", "| 1 | 10.00 |"):  # fmt: skip
        assert said in card
    code = card.split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    blob = bytearray((folder / "vectors.safetensors").read_bytes())
    (folder / "vectors.safetensors").write_bytes(blob[:40])
    with pytest.raises(StoreError, match="cannot be read"):
        pv.import_vectors(folder, "hub")


def test_pushing_and_fetching_go_through_the_hub_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written("hub", tmp_path)
    sent: dict[str, Any] = {}
    monkeypatch.setattr(
        "polyvalues.steering.formats.hub.upload_folder", lambda **given: sent.update(given) or "address"
    )
    assert pv.push_hub(folder, "me/vectors") == "address"
    assert sent == {"repo_id": "me/vectors", "folder_path": str(folder), "repo_type": "model"}
    monkeypatch.setattr("polyvalues.steering.formats.hub.snapshot_download", lambda *_, **__: str(folder))
    assert pv.import_vectors("me/vectors", "hub").concepts == ("care",)
    monkeypatch.undo()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(StoreError, match="neither a folder nor a repository"):
        pv.import_vectors("not a valid/id/at all", "hub")


class Harmful:
    """Runs a command when it is unpickled freely."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('ran')",)


@pytest.mark.parametrize("kind", ["lm-eval", "easyedit"])
def test_a_file_that_would_run_code_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("evil.pt" if kind == "lm-eval" else "layer_1.pt")
    torch.save({"layers.1": Harmful()}, path)
    with pytest.raises(StoreError, match="tensors and plain values"):
        pv.import_vectors(path if kind == "lm-eval" else tmp_path, kind)
    path.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(StoreError, match="tensors and plain values"):
        pv.import_vectors(path if kind == "lm-eval" else tmp_path, kind)


@pytest.mark.parametrize("kind", [kind for kind in VECTOR_FORMATS if kind != "hub"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "noise"])
def test_damaged_files_are_refused_in_words(kind: str, damage: str, tmp_path: Path) -> None:
    path = written(kind, tmp_path)
    files = [path] if path.is_file() else sorted(path.iterdir())
    for file in files:
        blob = file.read_bytes()
        new = {"empty": b"", "cut": blob[: len(blob) // 2], "noise": bytes(range(256)) * 4}
        file.unlink() if damage == "missing" else file.write_bytes(new[damage])
    with pytest.raises(StoreError):
        pv.import_vectors(path, kind)


def test_one_vector_per_block_or_a_message(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="one concept; choose one of: care, duty"):
        pv.export_vectors(vectors(concepts=("care", "duty")), tmp_path / "x.gguf", "gguf")
    with pytest.raises(SpecError, match="unknown; formats: gguf"):
        pv.export_vectors(vectors(), tmp_path / "x", "word")
    with pytest.raises(SpecError, match="unknown; formats: gguf"):
        pv.import_vectors(tmp_path / "x", "word")
    (tmp_path / "zero.svec").write_text(json.dumps({"model_type": "x", "directions": {"1": [[0.0, 0.0]]}}))
    with pytest.raises(StoreError, match="zero"):
        pv.import_vectors(tmp_path / "zero.svec", "svec-aisteer")


def test_the_table_of_formats_is_whole() -> None:
    assert set(registry._EXPORTS) == set(registry._IMPORTS) == set(VECTOR_FORMATS) - {"hub"}
