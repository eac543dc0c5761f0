"""The rounding error of a reading is that of its dtype and batches, and the weights are put back bit for bit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.errors import ReadingError
from polyvalues.models import rounding_error as module
from polyvalues.models.blocks import find_blocks
from polyvalues.models.extraction import record
from polyvalues.models.fingerprint import fingerprint
from polyvalues.models.float32_context import obstacle, quantised_modules, single_precision
from polyvalues.models.language_model import ModelHandle, load_model
from polyvalues.models.residual_norms import residual_lengths
from polyvalues.models.rounding_error import rounding
from tiny_models import write_tiny_model

TEXTS = ["It is fair to share.", "She told the truth about the window.", "Es justo", "a table and a chair", "x"]
ALONE = ReadingSpec(batch_tokens=1, packing="off")


def load(folder: Path, dtype: Any) -> ModelHandle:
    return load_model(ModelSpec(id=str(folder), device="cpu", dtype=dtype))


def states(handle: ModelHandle) -> np.ndarray:
    out = np.empty((handle.n_layers, len(TEXTS), handle.hidden), dtype=np.float32)
    for part in record(handle, [("", text) for text in TEXTS], ALONE):
        out[:, part.index] = part.states
    return out


def bits(handle: ModelHandle) -> list[tuple[Any, ...]]:
    """Every tensor: dtype, place in memory, bytes."""
    tensors = [*handle.model.parameters(), *handle.model.buffers()]
    return [
        (own.dtype, own.data_ptr(), own.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        for own in tensors
    ]


def test_half_precision_moves_states_more_than_single(loaded: Callable[[str], Any]) -> None:
    model = loaded("llama")
    found = {}
    for dtype in ("float32", "bfloat16", "float16"):
        handle = load(model.folder, dtype)
        before = bits(handle), fingerprint(handle.model, [1])
        norm = residual_lengths(handle, TEXTS).norm
        for position in ("last", "mean"):
            reading = ReadingSpec(position=position, layers=(1,))
            found[dtype, position] = rounding(handle, TEXTS, reading, norm)
            assert found[dtype, position].batches.shape == found[dtype, position].dtype.shape == (3,)
            assert found[dtype, position].skipped == ""
        np.testing.assert_array_equal(rounding(handle, TEXTS, ALONE, norm).batches, np.zeros(3))
        assert (bits(handle), fingerprint(handle.model, [1])) == before
    for position in ("last", "mean"):
        single, half, coarse = (found[dtype, position] for dtype in ("float32", "float16", "bfloat16"))
        assert (single.batches < 1e-5).all()
        assert (single.dtype == 0).all()
        assert coarse.batches.max() > 20 * single.batches.max()
        assert (coarse.dtype > 2e-3).all()
        assert (coarse.dtype < 0.1).all()
        assert (coarse.dtype > 3 * half.dtype).all()
        assert (half.dtype > 0).all()


def test_the_dtypes_error_is_that_against_the_same_weights_in_float32(tmp_path: Path) -> None:
    """Against a model loaded in float32 from weights that were rounded to bfloat16 before."""
    coarse = load(write_tiny_model(tmp_path / "fine"), "bfloat16")
    rounded = load(tmp_path / "fine", "float32")
    with torch.no_grad():
        for own in rounded.model.parameters():
            own.copy_(own.bfloat16().float())
    error = states(coarse) - states(rounded)
    found = rounding(coarse, TEXTS, ALONE, np.ones(3))
    np.testing.assert_array_equal(found.moved, error)
    np.testing.assert_allclose(found.dtype, np.sqrt((error.astype(np.float64) ** 2).sum(2).mean(1)), rtol=1e-12)


def test_buffers_of_the_model_are_narrow_again(loaded: Callable[[str], Any]) -> None:
    handle = load(loaded("llama").folder, "bfloat16")
    handle.model.register_buffer("narrow", torch.ones(3, dtype=torch.float16))
    before = bits(handle)
    assert {torch.float32, torch.float16, torch.bfloat16} <= {own[0] for own in before}
    with single_precision(handle.model):
        assert {own[0] for own in bits(handle)} == {torch.float32}
    assert bits(handle) == before


@pytest.mark.parametrize("error", [ReadingError("no room"), RuntimeError("no kernel"), KeyboardInterrupt()])
def test_a_failure_in_the_middle_puts_the_weights_back(
    loaded: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    handle = load(loaded("llama").folder, "bfloat16")
    before = bits(handle)

    def fails(given: ModelHandle, *rest: Any) -> Any:
        if next(given.model.parameters()).dtype == torch.float32:
            raise error
        return record(given, *rest)

    monkeypatch.setattr(module, "record", fails)
    if isinstance(error, Exception):
        found = rounding(handle, TEXTS, ALONE, np.ones(3))
        assert str(error) in found.skipped
        assert np.isnan(found.dtype).all()
        np.testing.assert_array_equal(found.moved, 0)
    else:
        with pytest.raises(KeyboardInterrupt):
            rounding(handle, TEXTS, ALONE, np.ones(3))
    assert bits(handle) == before


def test_what_cannot_be_widened_is_said(loaded: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = loaded("llama").folder
    half = load(folder, "bfloat16")
    assert obstacle(half) == ""
    quantised = replace(half, description={"quantisation": "int8"})
    assert np.isnan(rounding(quantised, TEXTS, ALONE, np.ones(3)).dtype).all()
    assert len({obstacle(quantised), obstacle(replace(half, divided=True)), ""}) == 3
    monkeypatch.setattr("polyvalues.models.float32_context.available", lambda _: 1000)
    assert obstacle(half)
    assert obstacle(load(folder, "float32")) == ""  # nothing is widened
    found = rounding(half, TEXTS, ALONE, np.ones(3))
    assert found.skipped == obstacle(half)
    assert np.isnan(found.dtype).all()
    monkeypatch.setattr("polyvalues.models.float32_context.available", lambda _: None)
    assert obstacle(half)
    half.blocks[0].to("meta")
    assert obstacle(half)


@pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_packed_weights_are_seen_where_parameters_are_float32(loaded: Callable[[str], Any]) -> None:
    """torch's dynamic int8 layers: every parameter is float32, the weights are elsewhere."""
    whole = load(loaded("llama").folder, "float32")
    assert quantised_modules(whole.model) == ()
    assert obstacle(whole) == ""
    library: Any = torch.ao.quantization
    small = library.quantize_dynamic(whole.model, {torch.nn.Linear}, dtype=torch.qint8)
    assert {parameter.dtype for parameter in small.parameters()} == {torch.float32}
    handle = replace(whole, model=small, blocks=find_blocks(small).modules)
    assert "DynamicQuantizedLinear" in quantised_modules(small) or "Linear" in quantised_modules(small)
    found = rounding(handle, TEXTS, ALONE, np.ones(3))
    assert found.skipped == obstacle(handle) != ""
    assert np.isnan(found.dtype).all()
    assert np.abs(states(handle) - states(whole)).max() > 1e-4  # the error that would have come out as 0
