"""Texts below and above every length at which a model changes are read as one at a time by a model just loaded."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from polyvalues.config import GenerationSpec, ModelSpec, ReadingSpec
from polyvalues.models.blocks import block_states
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.models.residual_norms import residual_lengths
from polyvalues.steering.generation import generate
from polyvalues.steering.token_logprobs import continuation_logprobs
from tiny_models import VOCABULARY, draw_weights, edit_config, tiny_tokenizer

_COMMON: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
}
LIBRARY: Any = transformers


def llama4() -> Any:
    return LIBRARY.Llama4TextConfig(
        **_COMMON,
        head_dim=8,
        intermediate_size_mlp=48,
        num_local_experts=2,
        num_experts_per_tok=1,
        attention_chunk_size=64,
        no_rope_layers=[1, 1, 0],
        floor_scale=128,
        attn_scale=1.0,
    )


def gemma3() -> Any:
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    return LIBRARY.Gemma3TextConfig(
        **_COMMON, head_dim=8, query_pre_attn_scalar=8, sliding_window=48, layer_types=kinds
    )


def mistral() -> Any:
    return LIBRARY.MistralConfig(**_COMMON, sliding_window=48)


def longrope() -> Any:
    scaling = {"type": "longrope", "short_factor": [1.0] * 4, "long_factor": [1.5, 2.0, 3.0, 6.0]}
    return LIBRARY.Phi3Config(**_COMMON, original_max_position_embeddings=48, rope_scaling=scaling)


def dynamic() -> Any:
    own = {**_COMMON, "max_position_embeddings": 48}
    return LIBRARY.LlamaConfig(**own, rope_scaling={"rope_type": "dynamic", "factor": 4.0})


def modernbert() -> Any:
    own = {k: v for k, v in _COMMON.items() if k != "num_key_value_heads"}
    return LIBRARY.ModernBertConfig(
        **own, cls_token_id=0, sep_token_id=1, local_attention=48, global_attn_every_n_layers=2
    )


CHANGES = {"llama4": 64, "gemma3": 48, "mistral": 48, "longrope": 48, "dynamic": 48, "modernbert": 48}
MADE: dict[str, Callable[[], Any]] = {
    "llama4": llama4,
    "gemma3": gemma3,
    "mistral": mistral,
    "longrope": longrope,
    "dynamic": dynamic,
    "modernbert": modernbert,
}
TOLERANCE = 2e-5


def handle_of(folder: Path, name: str, *, head: bool = False) -> ModelHandle:
    if not (folder / "config.json").exists():
        config = MADE[name]()
        kind: Any = transformers.AutoModelForMaskedLM if name == "modernbert" else transformers.AutoModelForCausalLM
        model = kind.from_config(config)
        draw_weights(model, 0)
        model.save_pretrained(folder)
        tiny_tokenizer("bos").save_pretrained(folder)
    handle = load_model(ModelSpec(id=str(folder), device="cpu", template="raw"), head=head)
    return replace(handle, token_limit=200)  # dynamic rope goes on beyond its positions


def text_of(tokens: int, seed: int, *, start: str = "") -> str:
    digits = np.random.default_rng(seed).choice(list("0123456789"), tokens - 1 - len(start))
    return start + "".join(digits)


def texts_around(change: int) -> list[tuple[str, str]]:
    lengths = [5, change // 2, change - 1, change, change + 1, change + 9, 2 * change - 3, 2 * change + 20]
    shared = [text_of(length, 7, start="0123456789" * 6) for length in (change + 14, change + 30)]
    return [("", text) for text in [*(text_of(length, length) for length in lengths), *shared]]


def oracle(handle: ModelHandle, texts: list[tuple[str, str]]) -> np.ndarray:
    """Each text alone, as its model, which forgets by reading one token, reads it."""
    rows = []
    for ids in handle.template.encode(texts):
        with torch.inference_mode():
            handle.model(input_ids=torch.tensor([[5]]))
            rows.append(last_states(handle, ids))
    return np.stack(rows, axis=1)


def last_states(handle: ModelHandle, ids: list[int]) -> np.ndarray:
    kept: list[torch.Tensor] = []
    hooks = [b.register_forward_hook(lambda _m, _i, out: kept.append(block_states(out))) for b in handle.blocks]
    handle.model(input_ids=torch.tensor([ids]))
    for hook in hooks:
        hook.remove()
    return torch.stack([state[0, -1] for state in kept]).numpy()


def read(handle: ModelHandle, texts: list[tuple[str, str]], **spec: Any) -> np.ndarray:
    found = np.empty((handle.n_layers, len(texts), handle.hidden), np.float32)
    for reading in record(handle, texts, ReadingSpec(**spec)):
        found[:, reading.index] = reading.states
    return found


@pytest.mark.parametrize("packing", ["auto", "off"])
@pytest.mark.parametrize("name", MADE)
def test_every_length_is_read_as_if_it_were_alone(tmp_path: Path, name: str, packing: str):
    handle = handle_of(tmp_path, name)
    texts = texts_around(CHANGES[name])
    wanted = oracle(handle, texts)
    size = np.linalg.norm(wanted, axis=-1)
    for some in (texts, texts[:3], texts[::-1], texts):  # a model may remember the longest text that it has seen
        rows = [texts.index(text) for text in some]
        apart = np.linalg.norm(read(handle, some, packing=packing, batch_tokens=400) - wanted[:, rows], axis=-1)
        assert (apart / size[:, rows]).max() < TOLERANCE
    np.testing.assert_allclose(oracle(handle, texts), wanted, atol=1e-6)


def test_what_the_short_trial_let_pass_is_a_large_error(tmp_path: Path):
    """Packed, a chunked model looks beyond its chunk: right up to the chunk, wrong behind it."""
    handle_of(tmp_path, "llama4")
    edit_config(tmp_path, floor_scale=4096)
    handle, always = handle_of(tmp_path, "llama4"), handle_of(tmp_path, "llama4")
    texts = texts_around(64)
    wanted = oracle(handle, texts)
    found: dict[Any, bool] = {(length, way): True for length in range(600) for way in ("packed", "row")}
    object.__setattr__(always.trials, "_found", found)
    apart = np.linalg.norm(read(always, texts) - wanted, axis=-1) / np.linalg.norm(wanted, axis=-1)
    lengths = np.array([len(text) + 1 for _, text in texts])
    assert apart[:, lengths <= 64].max() < TOLERANCE
    assert apart[:, lengths > 66].max() > 0.1


def test_a_padded_batch_of_unlike_lengths_would_be_wrong_under_rope_that_looks_at_the_longest(tmp_path: Path):
    handle = handle_of(tmp_path, "longrope")
    texts = texts_around(48)
    wanted = oracle(handle, texts)
    object.__setattr__(handle.trials, "_found", {(length, "padded"): True for length in range(400)})
    apart = np.linalg.norm(read(handle, texts, packing="off") - wanted, axis=-1) / np.linalg.norm(wanted, axis=-1)
    assert apart[-1, 1] > 0.01


def test_rows_are_no_longer_than_is_right(tmp_path: Path):
    """Llama 4 scales queries by their place in the row: short texts far behind in it would be wrong."""
    handle = handle_of(tmp_path, "llama4")
    (part,) = handle.trials.parts(np.full(40, 20), best="packed", budget=4096)
    assert (part.way, part.budget) == ("packed", 64)
    texts = [("", text_of(20, seed)) for seed in range(40)]
    wanted = oracle(handle, texts)
    size = np.linalg.norm(wanted, axis=-1)
    assert (np.linalg.norm(read(handle, texts) - wanted, axis=-1) / size).max() < TOLERANCE
    object.__setattr__(handle.trials, "_found", dict.fromkeys([(20, "packed"), (1024, "row")], True))
    assert (np.linalg.norm(read(handle, texts) - wanted, axis=-1) / size).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "short", "long"),
    [
        ("llama4", "packed", "padded"),
        ("gemma3", "packed", "packed"),
        ("mistral", "packed", "packed"),
        ("longrope", "packed", "equal"),
        ("dynamic", "packed", "equal"),
    ],
)
def test_the_way_depends_on_the_length(tmp_path: Path, name: str, short: str, long: str):
    trials = handle_of(tmp_path, name).trials
    change = CHANGES[name]
    assert trials.way(change) == short
    assert trials.way(2 * change) == long
    parts = trials.parts(np.array([change // 2, 2 * change, 3]), best="packed", budget=4096)
    if short == long:
        assert [(part.way, part.rows.tolist()) for part in parts] == [("packed", [0, 1, 2])]
    else:
        assert [(part.way, part.rows.tolist()) for part in parts] == [(long, [1]), ("packed", [0, 2])]


def test_the_choice_depends_on_the_texts_and_not_on_what_was_read_before(tmp_path: Path):
    lengths = [np.array(own) for own in ([20, 30], [20, 130], [60], [64, 65], [3])]
    fresh = [handle_of(tmp_path, "llama4").trials.parts(own, best="packed", budget=64) for own in lengths]
    trials = handle_of(tmp_path, "llama4").trials
    for place in (4, 1, 0, 3, 2, 1):
        again = trials.parts(lengths[place], best="packed", budget=64)
        assert [(part.way, part.budget) for part in again] == [(part.way, part.budget) for part in fresh[place]]


def test_a_trial_covers_its_texts_at_little_cost(tmp_path: Path):
    trials = replace(handle_of(tmp_path, "mistral").trials, limit=150)
    for longest in range(1, 200):
        length = trials.rounded(longest)
        assert longest <= length <= max(16, longest + longest // 4 + 1)
        assert length <= 150 or length == longest
        assert trials.rounded(length) == length


def test_lengths_are_forgotten_before_norms_scores_and_answers(tmp_path: Path):
    """Dynamic rope: a long text leaves its frequencies behind."""
    handle, untouched = (handle_of(tmp_path, "dynamic", head=True) for _ in range(2))
    texts, long = [text_of(60, 1), text_of(70, 2)], [("", text_of(150, 3))]
    prompts = [text_of(50, 4), text_of(62, 5)]
    spec = GenerationSpec(max_new_tokens=6, batch_rows=4, template="raw")
    wanted = (
        residual_lengths(untouched, texts).norm,
        continuation_logprobs(handle_of(tmp_path, "dynamic", head=True), handle.template, [(prompts[0], "12")])[0],
        [generate(handle_of(tmp_path, "dynamic", head=True), [prompt], spec)[0].text for prompt in prompts],
    )
    read(handle, long)
    np.testing.assert_allclose(residual_lengths(handle, texts).norm, wanted[0], rtol=1e-6)
    np.testing.assert_allclose(residual_lengths(handle, texts[::-1]).norm, wanted[0], rtol=1e-6)
    read(handle, long)
    both = continuation_logprobs(handle, handle.template, [(prompts[0], "12"), (prompts[1], "1")])
    np.testing.assert_allclose(both[0], wanted[1], rtol=1e-5)
    read(handle, long)
    assert [answer.text for answer in generate(handle, prompts, spec)] == wanted[2]


@pytest.mark.parametrize("name", ["llama4", "longrope"])
def test_an_answer_does_not_depend_on_its_batch(tmp_path: Path, name: str):
    handle = handle_of(tmp_path, name, head=True)
    prompts = [text_of(length, length) for length in (20, 45, 61, 70, 100)]
    spec = GenerationSpec(max_new_tokens=8, batch_rows=8, template="raw")
    alone = [generate(handle, [prompt], spec)[0].text for prompt in prompts]
    assert [answer.text for answer in generate(handle, prompts, spec)] == alone
