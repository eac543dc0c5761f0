"""What is read equals `output_hidden_states` at batch size 1, for every layer, architecture, padding and batch.

Tolerance: 2e-5 of the largest value of the layer, in float32. Observed differences are below 1e-6.
"""

import gc
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.errors import ArchitectureError, ReadingError, SpecError
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle, load_model
from reference.hidden_states import one_by_one, padded
from tiny_models import ARCHITECTURES, ENCODERS, tiny_tokenizer, write_tiny_model

TOLERANCE = 2e-5
TEXTS = (
    ("", "Share."),
    ("Question: is it fair? Answer: ", "Yes, to everybody at the table, and to the neighbour too."),
    ("", "She told the truth about it."),
    ("", "公平地分享面包是正确的。"),
    ("Ni haki ", "kugawana mkate."),
    ("", "She told a lie about it."),
    ("", "x"),
)
PLAIN = tuple(prefix + side for prefix, side in TEXTS)
CAUSAL = [name for name in ARCHITECTURES if name not in ENCODERS]


def read(handle: ModelHandle, texts: Sequence[tuple[str, str]] = TEXTS, **settings: Any) -> np.ndarray:
    """All states, in the order of the texts; checks that each text comes exactly once."""
    post_norm = settings.pop("post_norm", False)
    seen, parts = [], []
    for reading in record(handle, texts, ReadingSpec(**settings), post_norm=post_norm):
        assert reading.states.dtype == np.float32
        seen.extend(reading.index.tolist())
        parts.append(reading.states)
    assert sorted(seen) == list(range(len(texts)))
    return np.concatenate(parts, axis=1)[:, np.argsort(seen)]


def error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference relative to the largest value, the worst layer."""
    axes = tuple(range(1, wanted.ndim))
    return float((np.abs(found - wanted).max(axis=axes) / np.abs(wanted).max(axis=axes)).max())


@pytest.mark.parametrize("position", ["last", "mean"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_layer_equals_the_model_at_batch_size_one(loaded: Callable[[str], Any], name: str, position: str):
    model = loaded(name)
    before, after = one_by_one(model.reference, name, model.handle.tokenizer, PLAIN, position)
    found = read(model.handle, position=position)
    assert found.shape == (3, len(TEXTS), 32)
    assert error(found, before) < TOLERANCE
    # The same comparison sees a layer that is one off, a text that is one off, and the norm.
    assert error(found[:-1], before[1:]) > 0.05
    assert error(np.roll(found, 1, axis=1), before) > 0.05
    if name not in ENCODERS:
        assert error(found[-1:], after[None]) > 0.05


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_another_position_would_be_noticed(loaded: Callable[[str], Any], name: str):
    model = loaded(name)
    before, _ = one_by_one(model.reference, name, model.handle.tokenizer, PLAIN, "mean")
    assert error(read(model.handle, position="last"), before) > 0.05


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_models_own_padding_on_either_side_gives_the_same(loaded: Callable[[str], Any], name: str, side: str):
    model = loaded(name)
    wanted = padded(model.reference, name, model.handle.tokenizer, PLAIN, side)
    assert error(read(model.handle, batch_tokens=10_000), wanted) < TOLERANCE


@pytest.mark.parametrize("position", ["last", "mean"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_text_reads_the_same_alone_and_in_any_batch(loaded: Callable[[str], Any], name: str, position: str):
    handle = loaded(name).handle
    alone = np.concatenate([read(handle, [text], position=position) for text in TEXTS], axis=1)
    for budget in (1, 90, 150, 10_000):
        assert error(read(handle, position=position, batch_tokens=budget), alone) < TOLERANCE
    reversed_ = read(handle, TEXTS[::-1], position=position, batch_tokens=10_000)[:, ::-1]
    assert error(reversed_, alone) < TOLERANCE


@pytest.mark.parametrize("position", ["last", "mean"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_after_the_norm_only_the_last_layer_changes(loaded: Callable[[str], Any], name: str, position: str):
    model = loaded(name)
    _, after = one_by_one(model.reference, name, model.handle.tokenizer, PLAIN, position)
    found = read(model.handle, position=position, post_norm=True)
    assert error(found[-1:], after[None]) < TOLERANCE
    np.testing.assert_array_equal(found[:-1], read(model.handle, position=position)[:-1])


@pytest.mark.parametrize("name", CAUSAL)
def test_the_final_norm_is_found(loaded: Callable[[str], Any], name: str):
    handle = loaded(name).handle
    with torch.no_grad():
        normed = handle.final_norm(torch.from_numpy(read(handle)[-1])).numpy()
    assert error(normed[None], read(handle, post_norm=True)[-1:]) < TOLERANCE


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_pass_stops_after_the_last_wanted_block(loaded: Callable[[str], Any], name: str):
    handle = loaded(name).handle
    everything = read(handle)
    ran: list[int] = []
    hooks = [b.register_forward_hook(lambda *_, i=i: ran.append(i)) for i, b in enumerate(handle.blocks)]
    try:
        some = read(handle, layers=(1,), batch_tokens=10_000)
    finally:
        for hook in hooks:
            hook.remove()
    assert ran == [0, 1]
    assert error(some, everything[1:2]) < TOLERANCE
    np.testing.assert_array_equal(read(handle, layers=(0, 2)), everything[[0, 2]])


def test_the_norm_after_an_early_layer_is_not_applied(loaded: Callable[[str], Any]):
    handle = loaded("llama").handle
    np.testing.assert_array_equal(read(handle, layers=(0, 1), post_norm=True), read(handle)[:2])


def test_encoders_need_the_mask(loaded: Callable[[str], Any]):
    """Without it padding reaches real tokens: the tests above would see that."""
    model = loaded("bert")
    handle = model.handle
    rows = [handle.tokenizer(text)["input_ids"] for text in PLAIN]
    ids = torch.full((len(rows), max(map(len, rows))), 3)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
    with torch.no_grad():
        states = handle.model(input_ids=ids).last_hidden_state
    wrong = states[torch.arange(len(rows)), torch.tensor([len(row) - 1 for row in rows])].numpy()
    assert error(wrong[None], read(handle)[-1:]) > 0.05


@pytest.mark.parametrize("kind", ["plain", "bos", "eos", "both"])
def test_the_last_token_is_the_last_the_tokenizer_gives(tmp_path: Any, loaded: Callable[[str], Any], kind: str):
    folder = write_tiny_model(tmp_path, "gpt2", tokenizer=tiny_tokenizer(kind))
    handle = load_model(ModelSpec(id=str(folder), device="cpu"))
    ids = handle.tokenizer(PLAIN[1])["input_ids"]
    assert (ids[0] == 0) == (kind in ("bos", "both"))
    assert (ids[-1] == 1) == (kind in ("eos", "both"))
    before, _ = one_by_one(loaded("gpt2").reference, "gpt2", handle.tokenizer, PLAIN, "last")
    assert error(read(handle), before) < TOLERANCE


@pytest.mark.parametrize(("dtype", "tolerance"), [("bfloat16", 0.05), ("float16", 0.01)])
def test_half_precision_is_read_into_float32(loaded: Callable[[str], Any], dtype: Any, tolerance: float):
    model = loaded("llama")
    handle = load_model(ModelSpec(id=str(model.folder), dtype=dtype, device="cpu"))
    assert handle.description["dtype"] == dtype
    exact = read(model.handle)
    assert 1e-6 < error(read(handle), exact) < tolerance


def test_reading_changes_nothing(loaded: Callable[[str], Any]):
    handle = loaded("llama").handle
    before = {name: parameter.clone() for name, parameter in handle.model.named_parameters()}
    first, second = read(handle), read(handle)
    np.testing.assert_array_equal(first, second)
    assert all(torch.equal(parameter, before[name]) for name, parameter in handle.model.named_parameters())


def hooks(handle: ModelHandle) -> int:
    return sum(len(module._forward_hooks) for module in handle.model.modules())


def test_hooks_are_off_between_batches_and_after_any_end(loaded: Callable[[str], Any]):
    handle = loaded("llama").handle
    stream = record(handle, TEXTS, ReadingSpec(batch_tokens=1))
    next(stream)
    assert hooks(handle) == 0
    stream.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert hooks(handle) == 0

    def broken(*_: Any) -> None:
        raise ValueError("broken block")

    hook = handle.blocks[2].register_forward_pre_hook(broken)
    try:
        with pytest.raises(ValueError, match="broken block"):
            read(handle)
    finally:
        hook.remove()
    assert hooks(handle) == 0


def test_nothing_is_kept_between_batches(loaded: Callable[[str], Any]):
    stream = record(loaded("llama").handle, TEXTS, ReadingSpec(batch_tokens=1))
    old = [weakref.ref(next(stream).states) for _ in range(3)]
    next(stream)
    gc.collect()
    assert [ref() for ref in old] == [None, None, None]


def test_readings_do_not_share_memory(loaded: Callable[[str], Any]):
    first, second, *_ = record(loaded("llama").handle, TEXTS, ReadingSpec(batch_tokens=1))
    assert not np.shares_memory(first.states, second.states)


def test_longest_texts_come_first_when_padded(loaded: Callable[[str], Any]):
    handle = loaded("llama").handle
    lengths = np.array([len(handle.tokenizer(text)["input_ids"]) for text in PLAIN])
    order = [int(r.index[0]) for r in record(handle, TEXTS, ReadingSpec(batch_tokens=1, packing="off"))]
    assert (np.diff(lengths[order]) <= 0).all()


def test_no_texts_give_no_readings(loaded: Callable[[str], Any]):
    assert list(record(loaded("llama").handle, [], ReadingSpec())) == []


def test_a_layer_the_model_lacks_is_named(loaded: Callable[[str], Any]):
    with pytest.raises(SpecError, match="names block 3; the model has 3, numbered from 0 to 2"):
        record(loaded("llama").handle, TEXTS, ReadingSpec(layers=(0, 3)))


def test_infinite_states_name_model_layer_and_text(llama: ModelHandle):
    with torch.no_grad():
        llama.blocks[1].get_submodule("mlp.down_proj").weight.fill_(float("inf"))  # pyright: ignore
    with pytest.raises(ReadingError, match=r"llama.*float32.*layer 1 are not finite.*'x'.*bfloat16") as caught:
        read(llama, [("", "x")])
    assert caught.value.__cause__ is None
    assert hooks(llama) == 0


def test_a_tokenizer_of_another_model_is_noticed(llama: ModelHandle):
    llama.tokenizer.add_tokens(["zebra"])
    with pytest.raises(ReadingError, match="token id 320 is beyond the model's 320 embeddings"):
        record(llama, [("", "a zebra")], ReadingSpec())


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda _: {"states": 1}, "dict"),
        (lambda output: output.transpose(0, 1), "Tensor"),
        (lambda output: output[:, ::2], "Tensor"),
        (lambda output: (output[..., :1],), "tuple"),
    ],
)
def test_blocks_that_return_something_else_are_named(llama: ModelHandle, change: Callable[[Any], Any], kind: str):
    """A block that puts tokens before texts, or shortens the text, must not be read at the wrong place."""
    llama.blocks[0].register_forward_hook(lambda _module, _inputs, output: change(output))
    with pytest.raises(ArchitectureError, match=rf"LlamaDecoderLayer returned {kind} without a tensor \[text, token"):
        read(llama)


def test_blocks_may_return_tuples(loaded: Callable[[str], Any], llama: ModelHandle):
    """As most blocks did before transformers 5. The pass stops behind block 0, so that nothing else sees the tuple."""
    assert len(read(llama))  # tried before the block is changed
    llama.blocks[0].register_forward_hook(lambda _m, _i, output: (output, "cache"))
    np.testing.assert_array_equal(read(llama, layers=(0,)), read(loaded("llama").handle, layers=(0,)))


def test_a_model_that_overflows_in_float16_is_named(tmp_path: Path):
    """Finite weights, states beyond 65,504: read in float32, refused in float16 with the advice to leave it."""
    folder = write_tiny_model(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.mlp.down_proj.weight"] *= 1e5
    assert all(bool(weight.isfinite().all()) for weight in weights.values())
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    wide = load_model(ModelSpec(id=str(folder), device="cpu", dtype="float32"))
    assert np.isfinite(read(wide, [("", "x")])).all()
    weights["model.layers.1.mlp.down_proj.weight"].clamp_(-6e4, 6e4)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    narrow = load_model(ModelSpec(id=str(folder), device="cpu", dtype="float16"))
    assert all(bool(parameter.isfinite().all()) for parameter in narrow.model.parameters())
    with pytest.raises(ReadingError, match=r"float16.*layer 2 are not finite.*'x'.*'bfloat16' or 'float32'"):
        read(narrow, [("", "x")])
