"""Vectors to steer with: chosen by label, in units of mean norms, and refused by other models."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from polyvalues.artifacts import VectorTable
from polyvalues.config import GenerationSpec
from polyvalues.errors import SteeringError
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.residual_norms import residual_lengths
from polyvalues.steering.generation import generate
from polyvalues.steering.steering_vectors import SteeringVectors

TEXTS = ("It is fair to share.", "She told the truth.", "Es justo")


def make_vectors(handle: ModelHandle, **attrs: Any) -> SteeringVectors:
    """Two concepts in two languages at every layer of a tiny model, of random directions."""
    rng = np.random.default_rng(7)
    shape = (2, 2, handle.n_layers, handle.hidden)
    known = {
        "fingerprint": handle.fingerprint, "model": "tiny", "model_type": handle.description["model type"],
        "blocks": handle.description["blocks"], "hidden": handle.hidden, "layers": handle.n_layers, "dtype": "float32",
    }  # fmt: skip
    dims = ("concept", "source", "layer", "hidden")
    return SteeringVectors(
        VectorTable(
            xr.Dataset(
                {
                    "vector": (dims, rng.standard_normal(shape).astype(np.float32)),
                    "midpoint": (dims, np.zeros(shape, np.float32)),
                    "norm": ("layer", residual_lengths(handle, TEXTS).norm.astype(np.float32)),
                    "flipped": ("concept", [False, True]),
                },
                coords={"concept": ["care", "harmfulness"], "source": ["en", "fi"], "layer": range(handle.n_layers)},
                attrs=known | attrs,
            )
        )
    )


def test_norms_are_means_over_the_texts_own_tokens(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    lengths = []
    for text in TEXTS:
        found: list[torch.Tensor] = []
        hook = handle.blocks[2].register_forward_hook(lambda *given, keep=found: keep.append(given[2][0].norm(dim=-1)))
        with torch.inference_mode():
            handle.model(**handle.tokenizer(text, return_tensors="pt"))
        hook.remove()
        lengths += found[0][1:].tolist()
    assert residual_lengths(handle, TEXTS).norm[2] == pytest.approx(np.mean(lengths), rel=1e-5)


def test_a_strength_of_one_is_the_mean_length_to_the_vectors_side(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    vectors = make_vectors(handle).sel(concept="care", language="fi", layer=1)
    (part,) = vectors.plan(0.5).interventions
    vector = vectors.artefact.data["vector"].values.reshape(-1)
    np.testing.assert_allclose(part.directions[0], vector / np.linalg.norm(vector), rtol=1e-5)
    assert float(part.strengths) == pytest.approx(0.5 * residual_lengths(handle, TEXTS).norm[1], rel=1e-5)


def test_several_concepts_have_strengths_of_their_own(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    vectors = make_vectors(handle).sel(language="en", layer=[0, 2])
    plan = vectors.plan([0.5, 0.25])
    assert [part.layer for part in plan.interventions] == [0, 2, 0, 2]
    norms = residual_lengths(handle, TEXTS).norm
    assert [float(part.strengths) for part in plan.interventions] == pytest.approx(
        [0.5 * norms[0], 0.5 * norms[2], 0.25 * norms[0], 0.25 * norms[2]], rel=1e-5
    )
    with pytest.raises(SteeringError, match="3 strengths for 2 concepts"):
        vectors.plan([1.0, 2.0, 3.0])


def test_steering_in_a_block_is_steering_by_plan(
    steerable: Callable[[str], ModelHandle], caplog: pytest.LogCaptureFixture
) -> None:
    handle = steerable("llama")
    vectors = make_vectors(handle).sel(concept="care", language="en", layer=1)
    spec = GenerationSpec(max_new_tokens=8)
    by_plan = generate(handle, TEXTS, spec, plan=vectors.plan(1.0))
    with vectors.steer(handle, 1.0):
        inside = generate(handle, TEXTS, spec)
    assert inside == by_plan != generate(handle, TEXTS, spec)
    assert not caplog.records
    vectors.plan(-1.0)
    assert "red-teaming" in caplog.text


def test_conditions_look_at_the_far_side_from_safety(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    vectors = make_vectors(handle)
    care, harm = (vectors.condition(name, "en", 1, 0.5) for name in ("care", "harmfulness"))
    assert care.below
    assert not harm.below
    norm = residual_lengths(handle, TEXTS).norm[1]
    assert float(care.thresholds) == pytest.approx(0.5 * norm, rel=1e-4)
    assert float(harm.thresholds) == pytest.approx(-0.5 * norm, rel=1e-4)
    assert care.position == "last"
    assert make_vectors(handle, position="mean").condition("care", "en", 1).position == "mean"


def test_what_is_not_there_is_named(steerable: Callable[[str], ModelHandle]) -> None:
    vectors = make_vectors(steerable("llama"))
    for wanted, said in (
        ({"concept": "honesty"}, "care, harmfulness"), ({"language": "sw"}, "en, fi"), ({"layer": 9}, "0, 1, 2"),
    ):  # fmt: skip
        with pytest.raises(SteeringError, match=said):
            vectors.sel(**wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attrs", "said"),
    [
        ({"fingerprint": "feedfacefeedface"}, "feedfacefeedface"),
        ({"layers": 24}, "layers 24 against 3"),
        ({"dtype": "bfloat16"}, "dtype bfloat16 against float32"),
        ({"fingerprint": ""}, "unknown"),
    ],
)
def test_vectors_of_another_model_are_refused_with_both_fingerprints(
    steerable: Callable[[str], ModelHandle], attrs: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    handle = steerable("llama")
    vectors = make_vectors(handle, **attrs).sel(concept="care", language="en", layer=1)
    with pytest.raises(SteeringError, match=said) as error, vectors.steer(handle, 1.0):
        pass
    assert handle.fingerprint in str(error.value)
    assert "force" in str(error.value)
    with vectors.steer(handle, 1.0, force=True):
        pass
    assert "all the same" in caplog.text


def test_another_hidden_size_cannot_be_forced(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    data = make_vectors(handle).artefact.data.isel(hidden=slice(16))
    vectors = SteeringVectors(VectorTable(data)).sel(concept="care", language="en", layer=1)
    with pytest.raises(SteeringError, match=r"hidden size 16 against 32.*cannot be used"):
        vectors.check(handle, force=True)
