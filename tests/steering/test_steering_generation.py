"""Answers depend on prompt, plan and seed alone; greedy and sampled; in any batches."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from test_steering_steering_vectors import TEXTS, make_vectors

from polyvalues.config import GenerationSpec, ModelSpec, build
from polyvalues.errors import ReadingError, SpecError, SteeringError
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.steering.generation import answering, chat_template, generate
from polyvalues.steering.plan import Intervention, Plan
from tiny_models import ARCHITECTURES, ENCODERS, tiny_tokenizer, write_tiny_model

SPEC = GenerationSpec(max_new_tokens=8)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in ENCODERS])
def test_batches_of_any_size_give_the_same_answers(steerable: Callable[[str], ModelHandle], name: str) -> None:
    handle = steerable(name)
    vectors = make_vectors(handle).sel(concept="care", language="en", layer=1)
    together = generate(handle, TEXTS, SPEC, plan=vectors.plan(1.0))
    alone = generate(handle, TEXTS, SPEC.model_copy(update={"batch_rows": 1}), plan=vectors.plan(1.0))
    assert together == alone
    assert together != generate(handle, TEXTS, SPEC)
    assert all(1 <= answer.tokens <= 8 for answer in together)


def test_greedy_is_the_argmax_of_a_plain_loop(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    assert handle.causal is not None
    ids = handle.tokenizer(TEXTS[0], return_tensors="pt")["input_ids"]
    first = ids.shape[1]
    for _ in range(8):
        with torch.inference_mode():
            ids = torch.cat([ids, handle.causal(ids).logits[:, -1].argmax(-1)[:, None]], dim=1)
    (answer,) = generate(handle, TEXTS[:1], SPEC)
    expected = ids[0, first:].tolist()
    stop = expected.index(1) + 1 if 1 in expected else 8
    assert answer.text == str(handle.tokenizer.decode(expected[:stop], skip_special_tokens=True)).strip()


def test_samples_follow_their_seed_whatever_else_is_in_the_batch(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    warm = GenerationSpec(max_new_tokens=8, temperature=1.0)
    state = torch.random.get_rng_state()
    one = generate(handle, TEXTS, warm, seeds=[1, 1, 1])
    assert torch.equal(torch.random.get_rng_state(), state)  # no global seed is touched
    assert one == generate(handle, TEXTS, warm, seeds=[1, 1, 1])
    assert one[2] == generate(handle, TEXTS[2:], warm, seeds=[1])[0]
    assert one != generate(handle, TEXTS, warm, seeds=[2, 2, 2])
    cold = GenerationSpec(max_new_tokens=8, temperature=1e-4)
    assert generate(handle, TEXTS, cold) == generate(handle, TEXTS, SPEC)
    narrow = GenerationSpec(max_new_tokens=8, temperature=1.0, top_p=1e-6)
    assert generate(handle, TEXTS, narrow) == generate(handle, TEXTS, SPEC)


def test_the_gumbel_trick_draws_from_the_models_distribution(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    assert handle.causal is not None
    spec = GenerationSpec(max_new_tokens=1, temperature=0.7, batch_rows=1000)
    drawn = [answer.text for answer in generate(handle, [TEXTS[0]] * 1000, spec, seeds=range(1000))]
    with torch.inference_mode():
        logits = handle.causal(**handle.tokenizer(TEXTS[0], return_tensors="pt")).logits[0, -1]
    probability = torch.softmax(logits / 0.7, -1)
    for token in probability.argsort(descending=True)[:5].tolist():
        text = str(handle.tokenizer.decode([token], skip_special_tokens=True)).strip()
        if text and sum(str(handle.tokenizer.decode([other])).strip() == text for other in range(320)) == 1:
            share = drawn.count(text) / 1000
            spread = 4 * (float(probability[token]) * (1 - float(probability[token])) / 1000) ** 0.5
            assert abs(share - float(probability[token])) < spread + 1e-9


@pytest.mark.parametrize("fits", [1, 0])
def test_a_batch_that_does_not_fit_is_halved(
    steerable: Callable[[str], ModelHandle],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fits: int,
) -> None:
    handle = steerable("llama")
    plain: Any = generate(handle, TEXTS, SPEC)
    own: Any = handle.causal
    real = own.generate

    def tight(**given: Any) -> Any:
        if len(given["input_ids"]) > fits:
            raise RuntimeError("CUDA error: out of memory")
        return real(**given)

    monkeypatch.setattr(own, "generate", tight)
    if fits:
        assert generate(handle, TEXTS, SPEC) == plain
        assert "at most 1" in caplog.text
    else:
        with pytest.raises(ReadingError, match="out of memory on the single prompt"):
            generate(handle, TEXTS, SPEC)


def test_a_chat_template_is_used_where_there_is_one(tmp_path) -> None:
    plain = load_model(ModelSpec(id=str(write_tiny_model(tmp_path / "plain"))), head=True)
    assert chat_template(plain, SPEC).name == "raw"
    tokenizer = tiny_tokenizer("bos", chat_template="<s>Q: {{ messages[0].content }} A:")
    chatty = load_model(ModelSpec(id=str(write_tiny_model(tmp_path / "chat", tokenizer=tokenizer))), head=True)
    assert chat_template(chatty, SPEC).name == "chat"
    assert chat_template(chatty, GenerationSpec(template="raw")).name == "raw"
    assert generate(chatty, ["Hi"], SPEC) != generate(chatty, ["Hi"], GenerationSpec(max_new_tokens=8, template="raw"))


def test_the_models_own_habits_of_drawing_are_set_aside(steerable: Callable[[str], ModelHandle]) -> None:
    """A checkpoint's generation config may sample, punish repetition, forbid tokens."""
    handle = steerable("llama")
    plain = generate(handle, TEXTS, SPEC)
    own: Any = handle.causal
    first = [int(handle.tokenizer(answer.text, add_special_tokens=False)["input_ids"][0]) for answer in plain]
    habits = {
        "do_sample": True,
        "temperature": 3.0,
        "repetition_penalty": 5.0,
        "suppress_tokens": first,
        "min_length": 90,
    }
    before = own.generation_config
    own.generation_config = type(before)(**(before.to_dict() | habits))
    try:
        kept = own.generation_config.to_dict()
        assert generate(handle, TEXTS, SPEC) == plain
        assert own.generation_config.to_dict() == kept
        assert answering(handle, SPEC)["ends"] == (1,)
        own.generation_config.eos_token_id = [1, 2]
        assert answering(handle, SPEC)["ends"] == (1, 2)
    finally:
        own.generation_config = before


def test_what_cannot_be_generated_is_refused(steerable: Callable[[str], ModelHandle], tmp_path) -> None:
    handle = steerable("llama")
    with pytest.raises(ReadingError, match="leaves no room"):
        generate(handle, TEXTS, GenerationSpec(max_new_tokens=96))
    (part,) = make_vectors(handle).sel(concept="care", language="en", layer=1).plan(1.0).interventions
    double = Plan((Intervention(1, part.directions.repeat(2, 1), part.strengths.repeat(2)),))
    with pytest.raises(SteeringError, match="2 rows, there are 3"):
        generate(handle, TEXTS, SPEC, plan=double)
    reading = load_model(ModelSpec(id=str(write_tiny_model(tmp_path / "m"))))
    with pytest.raises(SteeringError, match="head=True"):
        generate(reading, TEXTS, SPEC)
    with pytest.raises(SpecError, match="several seeds at temperature 0"):
        build(GenerationSpec, {"seeds": 3})
