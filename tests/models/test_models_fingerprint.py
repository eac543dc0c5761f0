"""The fingerprint follows what a model computes, not where or when it was loaded."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from polyvalues.config import ModelSpec
from polyvalues.models.fingerprint import fingerprint
from polyvalues.models.model_handle import load_model
from tiny_models import ARCHITECTURES, edit_config, tiny_tokenizer, write_tiny_model


def load(folder: Path, **settings: Any) -> str:
    return load_model(ModelSpec(id=str(folder), device="cpu", **settings)).fingerprint


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_same_model_has_the_same_name(tmp_path: Path, loaded: Callable[[str], Any], name: str):
    model = loaded(name)
    wanted = model.handle.fingerprint
    assert len(wanted) == 16
    assert int(wanted, 16) >= 0
    assert load(model.folder) == wanted
    copy = shutil.copytree(model.folder, tmp_path / "elsewhere")
    edit_config(copy, transformers_version="4.0.0", _name_or_path="/somewhere/else")
    assert load(copy) == wanted
    assert load(copy, template="Q: {input}") == wanted


def test_all_tiny_models_differ(loaded: Callable[[str], Any]):
    assert len({loaded(name).handle.fingerprint for name in ARCHITECTURES}) == len(ARCHITECTURES)


def test_other_weights_precision_tokenizer_or_config_change_it(tmp_path: Path, loaded: Callable[[str], Any]):
    folder = loaded("llama").folder
    wanted = load(folder)
    changed = [
        load(folder, dtype="bfloat16"),
        load(write_tiny_model(tmp_path / "seed", seed=1)),
        load(write_tiny_model(tmp_path / "tokenizer", tokenizer=tiny_tokenizer("both"))),
    ]
    edited = shutil.copytree(folder, tmp_path / "config")
    edit_config(edited, rms_norm_eps=0.01)
    changed.append(load(edited))
    assert len({wanted, *changed}) == 5


def test_a_change_in_a_sampled_parameter_changes_it(llama: Any):
    probe = [1, 2, 3]
    before = fingerprint(llama.model, probe)
    assert fingerprint(llama.model, probe) == before
    with torch.no_grad():
        sorted(llama.model.named_parameters(), key=lambda pair: pair[0])[0][1].view(-1)[0] += 1e-3
    assert fingerprint(llama.model, probe) != before
