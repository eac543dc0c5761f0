"""A model that another library runs is read and steered as one that runs here; `tests/vllm_real.py` does so in vLLM."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_steering_steering_vectors import TEXTS, make_vectors

from polyvalues.config import EngineSpec, GenerationSpec, ModelSpec, ReadingSpec, StudySpec, build
from polyvalues.dimensions import INTERVENTIONS
from polyvalues.errors import MissingExtra, ModelLoadError, SpecError, SteeringError
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.models.residual_norms import residual_lengths
from polyvalues.steering.generation import generate
from polyvalues.steering.plan import Condition, Intervention, Plan
from polyvalues.study.cache_dependencies import Dependencies
from reference.plain_runtime import PlainRuntime
from tiny_models import write_tiny_model

SPEC = GenerationSpec(max_new_tokens=6)
PAIRS = [("", text) for text in TEXTS]


@pytest.fixture
def both(steerable: Callable[[str], ModelHandle]) -> tuple[ModelHandle, ModelHandle]:
    """The same model, here and by a runtime."""
    here = steerable("llama")
    return here, replace(here, runtime=PlainRuntime(here))


def states(handle: ModelHandle, spec: ReadingSpec, *, post_norm: bool = False) -> np.ndarray:
    found: dict[int, np.ndarray] = {}
    for reading in record(handle, PAIRS, spec, post_norm=post_norm):
        found |= {int(row): reading.states[:, at] for at, row in enumerate(reading.index)}
    return np.stack([found[row] for row in range(len(PAIRS))], axis=1)


@pytest.mark.parametrize("position", ["last", "mean"])
@pytest.mark.parametrize("layers", [None, (1,)])
@pytest.mark.parametrize("post_norm", [False, True])
def test_states_are_the_same(both: Any, position: Any, layers: Any, post_norm: bool) -> None:
    here, there = both
    spec = ReadingSpec(position=position, layers=layers)
    if position == "mean" and post_norm and layers is None:
        with pytest.raises(SpecError, match="not read by plain"):  # the mean of normed states is not a normed mean
            states(there, spec, post_norm=True)
        return
    ours = states(here, spec, post_norm=post_norm)
    np.testing.assert_allclose(states(there, spec, post_norm=post_norm), ours, rtol=1e-4, atol=1e-4)


def test_norms_are_the_same(both: Any) -> None:
    here, there = both
    texts = [*TEXTS, "a"]
    np.testing.assert_allclose(residual_lengths(there, texts).norm, residual_lengths(here, texts).norm, rtol=1e-5)


@pytest.mark.parametrize("kind", INTERVENTIONS)
@pytest.mark.parametrize("positions", ["all", "prompt", "generated", "from:2", "from:-1"])
def test_steered_answers_are_the_same(both: Any, kind: Any, positions: str) -> None:
    here, there = both
    vectors = make_vectors(here).sel(concept="care", language="en", layer=(0, 1))
    plan = vectors.plan(1.5, kind=kind, positions=positions)
    answers = generate(here, TEXTS, SPEC, plan=plan)
    assert generate(there, TEXTS, SPEC, plan=plan) == answers
    assert generate(there, TEXTS, SPEC) == generate(here, TEXTS, SPEC)


def test_every_prompt_has_its_own_vector(both: Any) -> None:
    here, there = both
    generator = torch.Generator().manual_seed(3)
    directions = torch.nn.functional.normalize(torch.randn((3, here.hidden), generator=generator), dim=-1)
    strengths = torch.tensor([4.0, 0.0, -4.0])
    parts = (Intervention(1, directions, strengths), Intervention(2, directions.flip(0), strengths, keep_norm=True))
    plan = Plan(parts, positions=("all", "all", "from:-1"))
    answers = generate(there, TEXTS, SPEC, plan=plan)
    assert answers == generate(here, TEXTS, SPEC, plan=plan)
    plain = generate(here, TEXTS, SPEC)
    assert answers[1] == plain[1]
    assert answers[0] != plain[0]
    assert answers[2] != plain[2]


def test_a_condition_reads_what_the_vectors_were_read_at(both: Any) -> None:
    """Mean over the prompt's own tokens: as `record` reads it, here (padded on the left) and by a runtime."""
    here, there = both
    read = states(here, ReadingSpec(position="mean"))[1]
    direction = torch.nn.functional.normalize(torch.from_numpy(read[:1] - read[1:2]), dim=-1)
    along = (torch.from_numpy(read) @ direction[0]).sort().values
    part = Intervention(1, direction, torch.tensor([30.0]))
    plain = generate(here, TEXTS, SPEC)
    always = generate(here, TEXTS, SPEC, plan=Plan((part,)))
    assert all(a != b for a, b in zip(plain, always, strict=True))
    for at in range(len(TEXTS) - 1):
        middle = (along[at : at + 1] + along[at + 1 : at + 2]) / 2
        condition = Condition(1, direction, middle, position="mean")
        wanted = [
            always[row] if float(read[row] @ direction[0].numpy()) < float(middle) else plain[row]
            for row in range(len(TEXTS))
        ]
        for handle in (here, there):
            assert list(generate(handle, TEXTS, SPEC, plan=Plan((part,), condition=condition))) == wanted


def test_a_condition_is_read_unsteered(both: Any) -> None:
    here, there = both
    direction = torch.nn.functional.normalize(torch.ones((1, here.hidden)), dim=-1)
    along = states(here, ReadingSpec(layers=(1,)))[0] @ direction[0].numpy()
    middle = torch.tensor([float(np.median(along))])
    part = Intervention(0, direction, torch.tensor([6.0]))
    for below in (True, False):
        plan = Plan((part,), condition=Condition(1, direction, middle, below))
        answers = generate(there, TEXTS, SPEC, plan=plan)
        assert answers == generate(here, TEXTS, SPEC, plan=plan)
        assert answers != generate(here, TEXTS, SPEC, plan=Plan((part,)))


def test_a_plan_that_does_not_fit_is_named(both: Any) -> None:
    _, there = both
    wrong = Plan((Intervention(9, torch.eye(there.hidden)[:1], torch.ones(1)),))
    with pytest.raises(SteeringError, match="layer 9"):
        generate(there, TEXTS, SPEC, plan=wrong)


def test_artefacts_are_kept_apart(both: Any) -> None:
    here, there = both
    assert here.identity == here.fingerprint
    assert there.identity == f"{here.fingerprint} plain"
    spec = build(StudySpec, {"model": {"id": "babel"}})
    keys = {Dependencies(spec, {}, handle.identity, "raw").vectors("fairness").key for handle in both}
    assert len(keys) == 2


def test_vllm_that_is_not_installed_or_cannot_place_the_model(tmp_path: Any) -> None:
    folder = write_tiny_model(tmp_path / "model")
    spec = EngineSpec(name="vllm").model(ModelSpec(id=str(folder)))
    assert spec.runtime == "vllm"
    with pytest.raises(MissingExtra, match="environment of its own"):
        load_model(spec)
    with pytest.raises(SpecError, match="vLLM places the model"):
        EngineSpec(name="vllm").model(ModelSpec(id=str(folder), device_map="auto"))
    with pytest.raises(SpecError, match="choose one"):
        EngineSpec(name="ray").model(spec)
    with pytest.raises(SpecError, match="only engine 'ray'"):
        build(EngineSpec, {"name": "vllm", "workers": 2})
    with pytest.raises(ModelLoadError):
        load_model(EngineSpec(name="vllm").model(ModelSpec(id="./nowhere")))
