"""Compiled blocks: the same states, one compilation for all blocks, trouble explained."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaConfig

from polyvalues.config import ModelSpec, ReadingSpec, build
from polyvalues.errors import ModelLoadError, SpecError
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import load_model
from tiny_models import ARCHITECTURES, write_tiny_model


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # torch's compiler uses what torch deprecates
def test_compiled_blocks_give_the_same_and_are_compiled_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Graphs are captured and run as they are; turning them into machine code takes most of a minute.
    graphs: list[Any] = []

    def backend(graph: Any, _inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    deep = ARCHITECTURES["llama"]().to_dict() | {"num_hidden_layers": 12}  # more than torch compiles one by one
    monkeypatch.setitem(ARCHITECTURES, "llama", lambda: LlamaConfig(**deep))
    folder = write_tiny_model(tmp_path / "model")
    plain = load_model(ModelSpec(id=str(folder), template="raw", device="cpu"))
    texts = [("It is ", "fair."), ("It is ", "not fair at all."), ("", "Share.")]
    wanted = np.concatenate([r.states for r in record(plain, texts, ReadingSpec())], axis=1)
    compiled = load_model(ModelSpec(id=str(folder), template="raw", device="cpu", compile=True))
    assert compiled.trials.way(16) == "packed"
    assert compiled.identity == f"{plain.identity} compiled"
    found = np.concatenate([r.states for r in record(compiled, texts, ReadingSpec())], axis=1)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert 0 < len(graphs) < 12  # fewer than there are blocks
    assert not load_model(ModelSpec(id=str(folder), template="raw", device="cpu", compile=True), head=True).compiled


def test_blocks_that_do_not_compile_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(_call: Any, **_options: Any) -> Any:
        def call(*_args: Any, **_kwargs: Any) -> Any:
            raise RuntimeError("no C++ compiler found")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(ModelLoadError, match=r"model.compile = true, .* no C\+\+ compiler found.*leave it out"):
        load_model(ModelSpec(id=str(write_tiny_model(tmp_path)), template="raw", device="cpu", compile=True))
    with pytest.raises(SpecError, match="'compile' is for a model on one device"):
        build(ModelSpec, {"id": "x", "compile": True, "runtime": "vllm"})
