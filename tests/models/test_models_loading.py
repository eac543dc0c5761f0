"""Loading: every foreseen failure is a ModelLoadError that says what to do, and nothing else is printed."""

import importlib.metadata
import importlib.util
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.utils import logging as transformers_logging

from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.errors import MissingExtra, ModelLoadError, SpecError
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import load_model
from tiny_models import ARCHITECTURES, ENCODERS, edit_config, write_tiny_model


def spec(folder: Path, **settings: Any) -> ModelSpec:
    return ModelSpec.model_validate({"id": str(folder), "device": "cpu"} | settings)


@pytest.fixture
def folder(tmp_path: Path, loaded: Callable[[str], Any]) -> Path:
    """A copy of the Llama folder, to be damaged at will."""
    return shutil.copytree(loaded("llama").folder, tmp_path / "copy")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_arrive_whole_and_without_a_head(loaded: Callable[[str], Any], name: str):
    model = loaded(name)
    wanted = {key: value for key, value in model.reference.base_model.named_parameters() if "pooler" not in key}
    if name == "gemma3" and not wanted.keys() & dict(model.handle.model.named_parameters()).keys():
        wanted = dict(model.reference.model.named_parameters())  # transformers 4 names the base model otherwise
    found = {key: value for key, value in model.handle.model.named_parameters() if "pooler" not in key}
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    assert not any("lm_head" in key or "embed_out" in key for key in found)
    assert not model.handle.model.training
    assert not any(parameter.requires_grad for parameter in found.values())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_handle_describes_the_model(loaded: Callable[[str], Any], name: str):
    model = loaded(name)
    handle = model.handle
    assert (handle.n_layers, handle.hidden, len(handle.blocks)) == (3, 32, 3)
    assert handle.encoder == (name in ENCODERS)
    assert handle.token_limit == (None if name in ("bloom", "falcon_alibi") else 96)
    assert (handle.final_norm is None) == (name in ENCODERS)
    assert next(iter(handle.description)) == "name"
    assert handle.description["architecture"] == type(handle.model).__name__
    assert handle.description["layers"] == "3"
    assert handle.description["dtype"] == "float32"
    assert handle.description["fingerprint"] == handle.fingerprint
    assert handle.description["template"] == "raw"
    assert (dict(handle.shares), handle.dominant) == ({}, ())


def test_the_head_never_runs(loaded: Callable[[str], Any]):
    """The wrapper with the head is gone: no module of the handle maps to the vocabulary."""
    handle = loaded("llama").handle
    assert not [m for m in handle.model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 320]


def test_loading_is_silent_and_leaves_logging_alone(folder: Path, capfd: pytest.CaptureFixture[str]):
    before = (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled())
    load_model(spec(folder))
    assert capfd.readouterr() == ("", "")
    assert (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()) == before
    with pytest.raises(ModelLoadError):
        load_model(spec(folder / "missing"))
    assert (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()) == before


def test_reading_is_silent(folder: Path, capfd: pytest.CaptureFixture[str]):
    handle = load_model(spec(folder))
    list(record(handle, [("", "a text"), ("", "another, longer text")], ReadingSpec()))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("device_map", ["auto", "cpu"])
def test_device_map_reads_the_same(folder: Path, loaded: Callable[[str], Any], device_map: str):
    handle = load_model(spec(folder, device=None, device_map=device_map))
    texts = [("", "She told the truth.")]
    (found,) = record(handle, texts, ReadingSpec())
    (wanted,) = record(loaded("llama").handle, texts, ReadingSpec())
    torch.testing.assert_close(torch.from_numpy(found.states), torch.from_numpy(wanted.states), rtol=1e-5, atol=1e-5)


def test_a_missing_folder(tmp_path: Path):
    with pytest.raises(ModelLoadError, match=r"nowhere: no such folder; give a folder with config\.json, or a Hub id"):
        load_model(spec(tmp_path / "nowhere"))


def test_a_file_instead_of_a_folder(folder: Path):
    with pytest.raises(ModelLoadError, match="is a file; give the folder"):
        load_model(spec(folder / "config.json"))


def test_no_config(folder: Path):
    (folder / "config.json").unlink()
    with pytest.raises(ModelLoadError, match=r"has no config\.json"):
        load_model(spec(folder))


def test_no_weights(folder: Path):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelLoadError, match=r"has no \*\.safetensors file"):
        load_model(spec(folder))


def test_pickles_are_never_opened(folder: Path):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(ModelLoadError, match=r"weights are pickles.*convert them once to safetensors"):
        load_model(spec(folder))


@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_damaged_weights(folder: Path, damage: str):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes({"truncated": content[: len(content) // 2], "garbage": b"\xff" * 4096, "empty": b""}[damage])
    with pytest.raises(ModelLoadError, match=r"cannot be loaded: .*download the model again"):
        load_model(spec(folder))


def test_weights_the_checkpoint_lacks_are_not_made_up(folder: Path):
    path = folder / "model.safetensors"
    weights = {key: value for key, value in load_file(path).items() if "layers.1.mlp" not in key}
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(
        ModelLoadError, match=r"3 weights are not in the checkpoint and would be random .*layers\.1\.mlp"
    ):
        load_model(spec(folder))


def test_a_config_of_another_size(folder: Path):
    edit_config(folder, hidden_size=64)
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        load_model(spec(folder))


def test_a_config_that_is_not_json(folder: Path):
    (folder / "config.json").write_text("{ not json")
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        load_model(spec(folder))


def test_a_config_with_values_of_the_wrong_type(folder: Path):
    edit_config(folder, num_hidden_layers="three")
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        load_model(spec(folder))


def test_an_unknown_model_type(folder: Path):
    edit_config(folder, model_type="zebra")
    with pytest.raises(ModelLoadError, match=r"zebra.*unknown to this release of transformers"):
        load_model(spec(folder))


def test_remote_code_is_refused_unless_asked_for(folder: Path):
    edit_config(folder, model_type="zebra", auto_map={"AutoConfig": "zebra.ZebraConfig"})
    (folder / "zebra.py").write_text("raise SystemExit('this code must not run')\n")
    with pytest.raises(ModelLoadError, match="set trust_remote_code = true"):
        load_model(spec(folder))


def test_an_encoder_decoder_is_refused(tmp_path: Path):
    config = transformers.T5Config(vocab_size=320, d_model=32, d_kv=8, d_ff=32, num_layers=2, num_heads=4)
    write_tiny_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    with pytest.raises(ModelLoadError, match="t5 is an encoder-decoder model"):
        load_model(spec(tmp_path))


def test_no_tokenizer(folder: Path):
    for path in folder.glob("*token*"):
        path.unlink()
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        load_model(spec(folder))


@pytest.mark.parametrize("name", ["someone/some-model", "some-model"])
def test_a_hub_id_without_a_network(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    if hasattr(transformers.utils.hub, "_is_offline_mode"):
        monkeypatch.setattr(transformers.utils.hub, "_is_offline_mode", True)
    with pytest.raises(ModelLoadError, match=f"{name}: cannot be loaded: .*give a local folder"):
        load_model(ModelSpec(id=name))


@pytest.mark.parametrize("device", ["cuda:99", "warp-drive"])
def test_a_device_that_is_not_there(folder: Path, device: str):
    with pytest.raises(ModelLoadError, match=f"model.device = '{device}' cannot be used here"):
        load_model(spec(folder, device=device))


def without(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    find: Any = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == library else find(name, *rest))


def test_device_map_without_accelerate(folder: Path, monkeypatch: pytest.MonkeyPatch):
    without(monkeypatch, "accelerate")
    with pytest.raises(MissingExtra, match=r"device_map = 'auto' needs accelerate.*polyvalues\[big\]"):
        load_model(spec(folder, device=None, device_map="auto"))


@pytest.mark.parametrize("quantisation", ["int8", "int4"])
def test_quantisation_without_bitsandbytes(folder: Path, monkeypatch: pytest.MonkeyPatch, quantisation: str):
    without(monkeypatch, "bitsandbytes")
    with pytest.raises(MissingExtra, match=f"quantisation = '{quantisation}' needs bitsandbytes.*pip install"):
        load_model(spec(folder, quantisation=quantisation))


@pytest.mark.parametrize(("quantisation", "eight"), [("int8", True), ("int4", False)])
def test_quantisation_is_passed_through(folder: Path, monkeypatch: pytest.MonkeyPatch, quantisation: str, eight: bool):
    find: Any = importlib.util.find_spec
    version = importlib.metadata.version
    there = {"bitsandbytes": "json"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: find(there.get(name, name), *rest))
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0" if name in there else version(name))
    seen: dict[str, Any] = {}

    def refuse(*_: Any, **settings: Any) -> None:
        seen.update(settings)
        raise ValueError("far enough")

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", refuse)
    with pytest.raises(ModelLoadError, match="far enough"):
        load_model(spec(folder, quantisation=quantisation))
    assert seen["quantization_config"].load_in_8bit is eight
    assert seen["quantization_config"].load_in_4bit is not eight
    assert seen["device_map"] == {"": "cpu"}
    assert seen["use_safetensors"] is True
    assert seen["trust_remote_code"] is False


def test_the_preset_brings_template_shares_and_languages(folder: Path):
    handle = load_model(spec(folder, preset="llama2-chat-7b"))
    assert handle.template.render("", "Share {this}.") == ("[INST] Share {this}. [/INST] ", True)
    assert handle.shares["en"] == 89.70
    assert handle.dominant == ("en",)
    assert handle.description["preset"] == "llama2-chat-7b"
    assert "Table 10" in handle.description["training shares"]
    assert load_model(spec(folder, preset="llama2-chat-7b", template="raw")).template.name == "raw"


def test_an_unknown_preset_lists_the_known(folder: Path):
    with pytest.raises(SpecError, match=r"preset = 'gpt-9' is unknown; known: .*bloomz-560m"):
        load_model(spec(folder, preset="gpt-9"))


def test_a_preset_that_needs_remote_code_says_how(folder: Path):
    with pytest.raises(ModelLoadError, match=r"qwen-chat-7b runs modelling code .*trust_remote_code = true"):
        load_model(ModelSpec(id="Qwen/Qwen-7B-Chat"))
    assert load_model(spec(folder, preset="qwen-chat-7b", trust_remote_code=True)).shares == {}


def test_sharded_weights_load(tmp_path: Path, loaded: Callable[[str], Any]):
    model = loaded("llama")
    model.reference.save_pretrained(tmp_path, max_shard_size="40KB")
    model.handle.tokenizer.save_pretrained(tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    assert load_model(spec(tmp_path)).fingerprint == model.handle.fingerprint


def test_a_header_length_that_lies(folder: Path):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(ModelLoadError, match="cannot be loaded"):
        load_model(spec(folder))
