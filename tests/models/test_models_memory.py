"""Out of memory: the batch is halved, reading goes on, the log says so once; a single text is an error."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pytest
import torch

from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.errors import ReadingError
from polyvalues.models.extraction import record
from polyvalues.models.language_model import ModelHandle, load_model

TEXTS = [("", f"{i}: She told the truth. " * (1 + i % 3)) for i in range(20)]
Packing = Literal["auto", "off"]
FAILURES = [
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: not enough memory: you tried to allocate"),
    MemoryError(),
]


@contextmanager
def room_for(handle: ModelHandle, places: int, failure: BaseException) -> Iterator[list[tuple[int, ...]]]:
    """The second block fails when a batch has more padded tokens; gives the shapes that passed."""
    passed: list[tuple[int, ...]] = []
    for packing in ("auto", "off"):
        list(record(handle, TEXTS, ReadingSpec(packing=packing)))  # trials come first

    def check(_module: Any, args: Any) -> None:
        shape = tuple(args[0].shape[:2])
        if shape[0] * shape[1] > places:
            raise failure
        passed.append(shape)

    hook = handle.blocks[1].register_forward_pre_hook(check)
    try:
        yield passed
    finally:
        hook.remove()


@pytest.mark.parametrize("packing", ["auto", "off"])
@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: type(f).__name__)
def test_a_batch_too_large_is_halved_and_said_once(
    loaded: Callable[[str], Any], caplog: pytest.LogCaptureFixture, failure: BaseException, packing: Packing
):
    spec = ReadingSpec(packing=packing)
    handle = loaded("llama").handle
    plain = {int(i): r.states[:, k] for r in record(handle, TEXTS, spec) for k, i in enumerate(r.index)}
    with caplog.at_level(logging.WARNING, logger="polyvalues"), room_for(handle, 70, failure) as passed:
        halved = {int(i): r.states[:, k] for r in record(handle, TEXTS, spec) for k, i in enumerate(r.index)}
    assert sorted(halved) == list(range(len(TEXTS)))
    assert len(passed) > 1
    for i, states in plain.items():
        np.testing.assert_allclose(halved[i], states, rtol=1e-4, atol=2e-5)
    assert len(caplog.records) == 1
    assert "Out of memory on a batch of 20 texts" in caplog.text
    assert not any(module._forward_hooks for module in handle.model.modules())


@pytest.mark.parametrize("packing", ["auto", "off"])
def test_later_batches_stay_within_what_fitted(loaded: Callable[[str], Any], packing: Packing):
    handle = loaded("llama").handle
    tries: list[int] = []
    counter = handle.blocks[0].register_forward_pre_hook(lambda _, args: tries.append(args[0].shape[1]))
    try:
        with room_for(handle, 70, FAILURES[0]) as passed:
            tries.clear()
            readings = list(record(handle, TEXTS, ReadingSpec(packing=packing)))
    finally:
        counter.remove()
    assert len(readings) == len(passed)
    # 20 texts of at most about 30 tokens: three or four halvings, never one per batch.
    assert len(tries) - len(passed) <= 4


def test_a_single_text_that_does_not_fit_is_named(loaded: Callable[[str], Any]):
    handle = loaded("llama").handle
    with room_for(handle, 3, FAILURES[0]), pytest.raises(ReadingError, match="single text '"):
        list(record(handle, TEXTS, ReadingSpec()))
    assert not any(module._forward_hooks for module in handle.model.modules())


def test_other_failures_are_not_taken_for_memory(loaded: Callable[[str], Any]):
    handle = loaded("llama").handle
    with room_for(handle, 3, RuntimeError("shape mismatch")), pytest.raises(RuntimeError, match="shape mismatch"):
        list(record(handle, TEXTS, ReadingSpec()))


@contextmanager
def no_room_for_packing(handle: ModelHandle, failure: BaseException) -> Iterator[None]:
    """A packed row of more than one text (one row, positions that fall) fails in the second block."""

    def check(_module: Any, args: Any, given: dict[str, Any]) -> None:
        positions = given.get("position_ids")
        if positions is not None and bool((positions.diff(dim=-1) < 1).any()):
            raise failure

    hook = handle.blocks[1].register_forward_pre_hook(check, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: type(f).__name__)
def test_a_trial_without_memory_is_said_and_finds_nothing_out(
    loaded: Callable[[str], Any], caplog: pytest.LogCaptureFixture, failure: BaseException
):
    handle = load_model(ModelSpec(id=str(loaded("llama").folder), device="cpu"))
    lengths = np.array([20, 60, 9])
    assert handle.record == handle.description
    with caplog.at_level(logging.WARNING, logger="polyvalues"), no_room_for_packing(handle, failure):
        for _ in range(2):
            assert {part.way for part in handle.trials.parts(lengths, best="packed", budget=256)} <= {"padded", "equal"}
    assert len(caplog.records) == 1
    assert set(handle.record) - set(handle.description) == {"ways not tried"}
    # With memory again, the packed way is tried and taken; the record keeps what happened.
    assert {part.way for part in handle.trials.parts(lengths, best="packed", budget=256)} == {"packed"}
    assert handle.record != handle.description


def test_a_way_that_is_wrong_is_no_lack_of_memory(loaded: Callable[[str], Any], caplog: pytest.LogCaptureFixture):
    handle = load_model(ModelSpec(id=str(loaded("llama").folder), device="cpu"))
    lengths = np.array([20, 60, 9])
    with caplog.at_level(logging.WARNING, logger="polyvalues"), no_room_for_packing(handle, RuntimeError("no kernel")):
        assert "packed" not in {part.way for part in handle.trials.parts(lengths, best="packed", budget=256)}
    assert not caplog.records
    assert handle.record == handle.description
    assert "packed" not in {part.way for part in handle.trials.parts(lengths, best="packed", budget=256)}
