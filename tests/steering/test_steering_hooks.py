"""Hooks: batch = single, cached = uncached, left = right padding, in every architecture; always removed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from polyvalues.errors import ArchitectureError, SteeringError
from polyvalues.models.model_handle import ModelHandle
from polyvalues.steering.hooks import apply_plan
from polyvalues.steering.plan import Condition, Intervention, Plan
from tiny_models import ARCHITECTURES, ENCODERS

CAUSAL = [name for name in ARCHITECTURES if name not in ENCODERS]
TEXTS = ("It is fair.", "She told her neighbour the truth.", "Es justo")
SteeringVectors = Callable[[str], ModelHandle]


def unit(*seeds: int) -> Tensor:
    rows = [torch.randn(32, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.nn.functional.normalize(torch.stack(rows), dim=-1)


def plan(layer: int = 1, strengths: tuple[float, ...] = (4.0, -3.0, 6.0), positions: Any = "all", **more: Any) -> Plan:
    return Plan((Intervention(layer, unit(*range(len(strengths))), torch.tensor(strengths), **more),), positions)


def encode(handle: ModelHandle, side: str = "left", texts: tuple[str, ...] = TEXTS) -> dict[str, Tensor]:
    rows = [torch.tensor(handle.tokenizer(text)["input_ids"]) for text in texts]
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), handle.pad)
    mask = torch.zeros_like(ids)
    for at, row in enumerate(rows):
        place = slice(longest - len(row), None) if side == "left" else slice(len(row))
        ids[at, place], mask[at, place] = row, 1
    return {"input_ids": ids, "attention_mask": mask}


def positioned(batch: dict[str, Tensor], handle: ModelHandle) -> dict[str, Tensor]:
    """With position ids, where the model takes them: left padding without them is wrong whatever is steered."""
    if handle.description["architecture"] in ("BloomModel", "OPTModel") or handle.encoder:
        return batch
    return batch | {"position_ids": (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)}


@torch.inference_mode()
def logits(handle: ModelHandle, batch: dict[str, Tensor]) -> Tensor:
    assert handle.causal is not None
    return handle.causal(**positioned(batch, handle)).logits


@torch.inference_mode()
def generated(handle: ModelHandle, batch: dict[str, Tensor], **settings: Any) -> Tensor:
    assert handle.causal is not None
    generate: Any = handle.causal.generate
    settings = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False, "pad_token_id": handle.pad} | settings
    return generate(**batch, **settings)[:, batch["input_ids"].shape[1] :]


def real(values: Tensor, batch: dict[str, Tensor]) -> list[Tensor]:
    return [row[mask.bool()] for row, mask in zip(values, batch["attention_mask"], strict=True)]


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("kind", ["add", "clamp"])
def test_what_a_block_returns_is_changed_as_the_formula_says(steerable: SteeringVectors, name: str, kind: str) -> None:
    handle, found = steerable(name), []
    batch = encode(handle, "right")

    def keep(_m: Any, _i: Any, output: Any) -> None:
        found.append((output[0] if isinstance(output, tuple | list) else output).clone())

    for steered in (False, True):
        with apply_plan(handle, plan(kind=kind)) if steered else nothing():
            hook = handle.blocks[1].register_forward_hook(keep)  # behind the steering hook
            logits(handle, batch)
            hook.remove()
    before, after = found
    v, s, mask = unit(0, 1, 2)[:, None], torch.tensor([4.0, -3.0, 6.0])[:, None, None], batch["attention_mask"].bool()
    expected = before + s * v if kind == "add" else before + (s - (before * v).sum(-1, keepdim=True)) * v
    if kind == "clamp":  # of the first token, the attention sink, a projection may be larger than all else
        expected[:, 0] = before[:, 0]
    torch.testing.assert_close(after[mask], expected[mask])
    assert torch.equal(after[~mask], before[~mask])


@pytest.mark.parametrize("kind", ["ablate", "clamp"])
def test_what_removes_a_projection_spares_the_first_token(steerable: SteeringVectors, kind: str) -> None:
    """Padded on either side, generated with a cache and without; of encoders no token is spared."""
    handle, whole = steerable("llama"), plan(kind=kind)
    rest = plan(kind=kind, positions="from:1")
    for side in ("left", "right"):
        batch = encode(handle, side)
        with apply_plan(handle, whole):
            ours = real(logits(handle, batch), batch)
        with apply_plan(handle, rest):
            wanted = real(logits(handle, batch), batch)
        assert all(torch.equal(a, b) for a, b in zip(ours, wanted, strict=True))
    texts = []
    for cache in (True, False):
        for own in (whole, rest):
            with apply_plan(handle, own):
                texts.append(generated(handle, encode(handle), use_cache=cache))
    assert all(torch.equal(text, texts[0]) for text in texts)
    encoder, found = steerable("bert"), []
    with apply_plan(encoder, plan(kind=kind)):
        hook = encoder.blocks[1].register_forward_hook(lambda _m, _i, output: found.append(output))
        encoder.model(**encode(encoder, "right"))
        hook.remove()
    states = found[0][0] if isinstance(found[0], tuple) else found[0]
    wanted = torch.tensor([4.0, -3.0, 6.0]) if kind == "clamp" else torch.zeros(3)
    torch.testing.assert_close((states[:, 0] * unit(0, 1, 2)).sum(-1), wanted, atol=1e-4, rtol=1e-4)


@contextmanager
def nothing() -> Iterator[None]:
    yield


@pytest.mark.parametrize("name", CAUSAL)
def test_left_is_right_and_batch_is_single(steerable: SteeringVectors, name: str) -> None:
    handle = steerable(name)
    for positions in ("all", "prompt", "from:2", "from:-1"):
        whole = plan(positions=positions)
        rows = []
        for side in ("left", "right"):
            batch = encode(handle, side)
            with apply_plan(handle, whole):
                rows.append(real(logits(handle, batch), batch))
        plain = real(logits(handle, encode(handle, "right")), encode(handle, "right"))
        for at, text in enumerate(TEXTS):
            batch = encode(handle, texts=(text,))
            with apply_plan(handle, whole.take([at])):
                single = logits(handle, batch)[0]
            torch.testing.assert_close(rows[1][at], single, atol=2e-4, rtol=1e-4)
            if name != "opt" and name != "bloom":  # wrong under left padding without position ids, steered or not
                torch.testing.assert_close(rows[0][at], single, atol=2e-4, rtol=1e-4)
            assert not torch.allclose(single, plain[at], atol=1e-2)


@pytest.mark.parametrize("name", CAUSAL)
def test_generation_is_the_same_cached_or_not_alone_or_together(steerable: SteeringVectors, name: str) -> None:
    handle = steerable(name)
    batch = encode(handle)
    for positions in ("all", "prompt", "generated", "from:-1", "from:3"):
        whole = plan(positions=positions)
        with apply_plan(handle, whole):
            cached = generated(handle, batch)
        with apply_plan(handle, whole):
            assert torch.equal(generated(handle, batch, use_cache=False), cached), positions
        for at, text in enumerate(TEXTS):
            with apply_plan(handle, whole.take([at])):
                assert torch.equal(generated(handle, encode(handle, texts=(text,)))[0], cached[at]), (positions, text)
    assert not torch.equal(generated(handle, batch), cached)


def test_generated_positions_leave_the_first_token_alone_and_change_later_ones(steerable: SteeringVectors) -> None:
    handle = steerable("llama")
    batch = encode(handle)
    plain = generated(handle, batch)
    with apply_plan(handle, plan(strengths=(50.0, 50.0, 50.0), positions="generated")):
        later = generated(handle, batch)
    with apply_plan(handle, plan(strengths=(50.0, 50.0, 50.0), positions="prompt")):
        prompt = generated(handle, batch)
    assert torch.equal(later[:, 0], plain[:, 0])
    assert not torch.equal(later, plain)
    assert not torch.equal(prompt[:, 0], plain[:, 0])


@pytest.mark.parametrize("name", CAUSAL)
def test_beams_and_samples_follow_their_prompt(steerable: SteeringVectors, name: str) -> None:
    handle = steerable(name)
    batch = encode(handle)
    for settings in ({"num_beams": 3}, {"num_beams": 3, "num_return_sequences": 2}):
        with apply_plan(handle, plan()):
            together = generated(handle, batch, **settings)
        each = len(together) // 3
        for at, text in enumerate(TEXTS):
            with apply_plan(handle, plan().take([at])):
                alone = generated(handle, encode(handle, texts=(text,)), **settings)
            assert torch.equal(alone, together[at * each : (at + 1) * each])
    with apply_plan(handle, plan()):
        greedy = generated(handle, batch)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        with apply_plan(handle, plan()):  # so cold that sampling is greedy
            sampled = generated(handle, batch, do_sample=True, temperature=1e-5, num_return_sequences=4)
        with apply_plan(handle, plan()):
            warm = generated(handle, batch, do_sample=True, num_return_sequences=4)
    assert torch.equal(sampled, greedy.repeat_interleave(4, dim=0))
    assert not torch.equal(warm, sampled)


@pytest.mark.parametrize("name", CAUSAL)
def test_strength_zero_is_the_unsteered_model_bit_for_bit(steerable: SteeringVectors, name: str) -> None:
    handle, batch = steerable(name), encode(steerable(name))
    plain = logits(handle, batch)
    with apply_plan(handle, plan(strengths=(0.0, 0.0, 0.0))):
        assert torch.equal(logits(handle, batch), plain)
    with apply_plan(handle, plan(strengths=(0.0, 5.0, 0.0))):
        mixed = logits(handle, batch)
    assert torch.equal(mixed[0], plain[0])
    assert torch.equal(mixed[2], plain[2])
    assert not torch.equal(mixed[1], plain[1])


def test_swapping_vector_and_strength_is_the_same(steerable: SteeringVectors) -> None:
    handle, batch = steerable("llama"), encode(steerable("llama"))
    (part,) = plan().interventions
    with apply_plan(handle, plan()):
        one = logits(handle, batch)
    with apply_plan(handle, Plan((Intervention(1, -part.directions, -part.strengths),))):
        torch.testing.assert_close(logits(handle, batch), one)


def test_several_layers_and_vectors_compose_in_order(steerable: SteeringVectors) -> None:
    handle, batch = steerable("llama"), encode(steerable("llama"))
    first, second = Intervention(1, unit(1), torch.tensor([3.0])), Intervention(1, unit(2), torch.tensor([5.0]))
    both = 3.0 * unit(1) + 5.0 * unit(2)
    summed = Intervention(1, both / both.norm(), both.norm().reshape(1))
    with apply_plan(handle, Plan((first, second))):
        one = logits(handle, batch)
    with apply_plan(handle, Plan((summed,))):
        torch.testing.assert_close(logits(handle, batch), one, atol=1e-4, rtol=1e-4)
    ablated = Intervention(1, unit(1), torch.ones(1), kind="ablate")
    results = []
    for parts in ((first, ablated), (ablated, first), (ablated,)):
        with apply_plan(handle, Plan(parts, "from:1")):  # ablation spares the first token, which the sum would not
            results.append(logits(handle, batch))
    torch.testing.assert_close(results[0], results[2], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(results[1], results[2], atol=1e-2)
    with apply_plan(handle, Plan((first, Intervention(2, unit(3), torch.tensor([4.0]))))):
        assert not torch.allclose(logits(handle, batch), one)


@pytest.mark.parametrize("layer", [0, 2])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_condition_lets_single_rows_through(steerable: SteeringVectors, layer: int, side: str) -> None:
    """Read at the prompt's last token, unsteered, on any layer, before, at or behind the one that is steered."""
    handle = steerable("llama")
    batch = encode(handle, side)
    found: list[Tensor] = []
    hook = handle.blocks[layer].register_forward_hook(lambda _m, _i, out: found.append(out.clone()))
    plain = logits(handle, batch)
    hook.remove()
    last = torch.stack([rows[-1] for rows in real(found[0], batch)])
    direction = unit(9)
    projections = (last * direction).sum(-1)
    between = projections.sort().values[1:].mean().reshape(1)
    conditional = Plan(plan(strengths=(5.0,)).interventions, condition=Condition(layer, direction, between))
    with apply_plan(handle, conditional):
        steered = logits(handle, batch)
    for at in range(3):
        assert torch.equal(steered[at], plain[at]) == bool(projections[at] >= between), at
    assert {bool(value) for value in projections < between} == {True, False}
    tokens = generated(handle, encode(handle))
    with apply_plan(handle, conditional):
        conditionally = generated(handle, encode(handle))
    for at in range(3):
        if projections[at] >= between:
            assert torch.equal(conditionally[at], tokens[at])


def test_rows_may_have_positions_of_their_own(steerable: SteeringVectors) -> None:
    handle, batch = steerable("llama"), encode(steerable("llama"))
    mixed = plan(positions=("all", "from:2", "generated"))
    with apply_plan(handle, mixed):
        together = logits(handle, batch)
    for at, positions in enumerate(("all", "from:2", "generated")):
        with apply_plan(handle, plan(positions=positions)):
            assert torch.equal(logits(handle, batch)[at], together[at])
    assert torch.equal(together[2], logits(handle, batch)[2])  # nothing is generated in a single pass


def test_prompt_lengths_can_be_said(steerable: SteeringVectors) -> None:
    handle = steerable("llama")
    batch = encode(handle, "right")
    lengths = (batch["attention_mask"].sum(1) - 2).tolist()
    with apply_plan(handle, plan(positions="generated"), prompt_lengths=lengths):
        said = logits(handle, batch)
    plain = logits(handle, batch)
    for at, length in enumerate(lengths):
        assert torch.equal(said[at, :length], plain[at, :length])
        assert not torch.equal(said[at, length], plain[at, length])


def break_down(handle: ModelHandle, whole: Plan) -> None:
    with apply_plan(handle, whole):
        logits(handle, encode(handle))
        raise RuntimeError("the body")


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(steerable: SteeringVectors, fails: bool) -> None:
    handle = steerable("llama")
    assert handle.causal is not None
    batch, whole = encode(handle), plan()
    weights = {name: value.clone() for name, value in handle.causal.state_dict().items()}
    directions, plain = whole.interventions[0].directions.clone(), logits(handle, batch)
    if fails:
        with pytest.raises(RuntimeError, match="the body"):
            break_down(handle, whole)
    else:
        with apply_plan(handle, whole):
            assert not torch.equal(logits(handle, batch), plain)
    assert torch.equal(logits(handle, batch), plain)
    assert all(torch.equal(value, weights[name]) for name, value in handle.causal.state_dict().items())
    assert torch.equal(whole.interventions[0].directions, directions)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in handle.causal.modules())


def test_nesting_is_refused_and_does_not_break_the_outer_block(steerable: SteeringVectors) -> None:
    handle, batch = steerable("llama"), encode(steerable("llama"))
    with apply_plan(handle, plan()):
        outer = logits(handle, batch)
        with pytest.raises(SteeringError, match="steered already"), apply_plan(handle, plan()):
            pass
        assert torch.equal(logits(handle, batch), outer)
    with apply_plan(handle, plan()):
        assert torch.equal(logits(handle, batch), outer)


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_is_steered_as_a_whole(steerable: SteeringVectors, name: str) -> None:
    handle = steerable(name)
    batch = encode(handle, "right")
    with torch.inference_mode():
        plain = handle.model(**batch).last_hidden_state
        with apply_plan(handle, plan()):
            assert not torch.allclose(handle.model(**batch).last_hidden_state, plain)
    with pytest.raises(SteeringError, match="encoder"), apply_plan(handle, plan(positions="generated")):
        pass


def test_half_precision_is_computed_in_float32(steerable: SteeringVectors) -> None:
    handle = steerable("qwen2")
    assert handle.causal is not None
    batch = encode(handle)
    found = []
    handle.causal.bfloat16()
    try:
        for steered in (False, True):
            with apply_plan(handle, plan()) if steered else nothing():
                hook = handle.blocks[1].register_forward_hook(lambda _m, _i, out: found.append(out.clone()))
                logits(handle, batch)
                hook.remove()
    finally:
        handle.causal.float()
    before, after = found
    expected = (before.float() + torch.tensor([4.0, -3.0, 6.0])[:, None, None] * unit(0, 1, 2)[:, None]).bfloat16()
    mask = batch["attention_mask"].bool()
    assert after.dtype == torch.bfloat16
    assert torch.equal(after[mask], expected[mask])


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: plan(layer=3), "layer 3 is not in the model"),
        (lambda: Plan((Intervention(1, torch.eye(5)[:1], torch.ones(1)),)), "5 dimensions"),
        (lambda: plan(positions="from:x"), "from:K"),
        (lambda: Intervention(1, 2 * unit(1), torch.ones(1)), "unit vector"),
        (lambda: Intervention(1, torch.nan * unit(1), torch.ones(1)), "not finite"),
        (lambda: Intervention(1, unit(1, 2), torch.ones(3)), "2 directions and 3 strengths"),
        (lambda: Plan((*plan().interventions, *plan(strengths=(1.0, 2.0)).interventions)), "different numbers of rows"),
    ],
)
def test_what_cannot_be_is_refused(steerable: SteeringVectors, build: Callable[[], Any], said: str) -> None:
    with pytest.raises(SteeringError, match=said):
        apply_plan(steerable("llama"), build()).__enter__()


def test_batches_that_do_not_fit_are_refused(steerable: SteeringVectors) -> None:
    handle = steerable("llama")
    with pytest.raises(SteeringError, match="3 rows and the batch has 2"), apply_plan(handle, plan()):
        logits(handle, encode(handle, texts=TEXTS[:2]))
    batch = encode(handle)
    assert handle.causal is not None
    with torch.inference_mode():
        cache = handle.causal(**batch, use_cache=True).past_key_values
    more = {
        "input_ids": batch["input_ids"][:, :2],
        "attention_mask": torch.cat([batch["attention_mask"], torch.ones(3, 2, dtype=torch.long)], dim=1),
        "past_key_values": cache,
    }
    with pytest.raises(SteeringError, match="prompt_lengths"), apply_plan(handle, plan(positions="prompt")):
        handle.causal(**more)
    square = torch.ones(3, 1, 4, 4, dtype=torch.bool)
    with pytest.raises(ArchitectureError, match="two-dimensional"), apply_plan(handle, plan()):
        handle.causal(input_ids=batch["input_ids"][:, :4], attention_mask=square)
