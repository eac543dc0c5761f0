"""Steering baked into biases is an ordinary model with the steered logits; the other side has no such form."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from test_steering_hooks import encode, logits
from test_steering_steering_vectors import make_vectors

from polyvalues.config import ModelSpec
from polyvalues.errors import ArchitectureError, SteeringError, StorageFull
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.steering.weight_baking import bake_model

BAKEABLE = ("llama", "gpt2", "gpt_neox", "opt", "bloom")


@pytest.mark.parametrize("name", BAKEABLE)
def test_logits_are_those_of_the_hooks(steerable: Callable[[str], ModelHandle], name: str, tmp_path: Path) -> None:
    handle = steerable(name)
    assert handle.causal is not None
    weights = {key: value.clone() for key, value in handle.causal.state_dict().items()}
    vectors = make_vectors(handle).sel(concept="care", language="en", layer=[0, 2])
    bake_model(handle, vectors, 0.7, tmp_path / "baked")
    batch = encode(handle, "right")
    mask = batch["attention_mask"].bool()
    plain = logits(handle, batch)
    with vectors.steer(handle, 0.7):
        steered = logits(handle, batch)
    baked = load_model(ModelSpec(id=str(tmp_path / "baked"), device="cpu"), head=True)
    torch.testing.assert_close(logits(baked, batch)[mask], steered[mask], atol=2e-4, rtol=1e-4)
    assert not torch.allclose(steered[mask], plain[mask], atol=1e-2)
    after = handle.causal.state_dict()
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[key], value) for key, value in weights.items())
    assert (tmp_path / "baked" / "polyvalues.json").is_file()


@pytest.mark.parametrize("name", ["mistral", "qwen2", "gemma2", "mixtral"])
def test_a_model_without_such_a_bias_is_refused_and_left_as_it_was(
    steerable: Callable[[str], ModelHandle], name: str, tmp_path: Path
) -> None:
    handle = steerable(name)
    before = logits(handle, encode(handle))
    vectors = make_vectors(handle).sel(concept="care", language="en", layer=1)
    with pytest.raises(ArchitectureError, match="cannot be made permanent"):
        bake_model(handle, vectors, 0.7, tmp_path / "baked")
    assert torch.equal(logits(handle, encode(handle)), before)
    assert not (tmp_path / "baked").exists()


@pytest.mark.parametrize("strength", [0.0, -0.5, float("nan")])
def test_only_the_safer_side(steerable: Callable[[str], ModelHandle], strength: float, tmp_path: Path) -> None:
    vectors = make_vectors(steerable("llama")).sel(concept="care", language="en", layer=1)
    with pytest.raises(SteeringError, match="must be positive"):
        bake_model(steerable("llama"), vectors, strength, tmp_path / "baked")


def test_nothing_is_overwritten_and_other_models_are_refused(
    steerable: Callable[[str], ModelHandle], tmp_path: Path
) -> None:
    handle = steerable("llama")
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    vectors = make_vectors(handle).sel(concept="care", language="en", layer=1)
    with pytest.raises(StorageFull, match="not empty"):
        bake_model(handle, vectors, 0.5, tmp_path)
    with pytest.raises(SteeringError, match="fingerprint"):
        bake_model(steerable("gpt2"), vectors, 0.5, tmp_path / "baked")
