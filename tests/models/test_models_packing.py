"""Packed batches: every distinct beginning once, each token in its place, attention along its own text only."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.dimensions import Position
from polyvalues.errors import ArchitectureError
from polyvalues.models.batching import Tokens
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import load_model
from polyvalues.models.packed_attention import packed_attention
from polyvalues.models.packing import PATHS, neighbours, next_pack, pack
from reference.trie import trie_nodes
from tiny_models import ARCHITECTURES, ENCODERS, write_tiny_model

UNPACKED = {"gemma2", "bloom", "falcon", "falcon_alibi", *ENCODERS}
"""Capped scores, ALiBi, attention of their own, attention both ways."""

token_lists = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=9), min_size=1, max_size=30)


def tokens_of(texts: list[list[int]]) -> Tokens:
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    flat = np.array([token for text in texts for token in text], dtype=np.int32)
    return Tokens(flat, np.concatenate([[0], np.cumsum(lengths)]), np.argsort(-lengths, kind="stable"))


@settings(max_examples=200, deadline=None)
@given(token_lists)
def test_a_pack_is_the_trie_of_its_texts(texts: list[list[int]]):
    tokens = tokens_of(texts)
    order, shared = neighbours(tokens)
    ordered = [texts[row] for row in order]
    assert ordered == sorted(texts)
    packed = pack(tokens, order)
    nodes, paths = trie_nodes(ordered)
    assert len(packed.ids) == len(nodes) == sum(map(len, texts)) - int(shared.sum())
    assert packed.ids.tolist() == [node[-1] for node in nodes]
    assert packed.positions.tolist() == [len(node) - 1 for node in nodes]
    for row, path in enumerate(paths):
        assert packed.paths[row, : packed.lengths[row]].tolist() == [nodes[node] for node in path]


@settings(max_examples=200, deadline=None)
@given(token_lists)
def test_every_token_asks_once_and_sees_its_own_beginning(texts: list[list[int]]):
    tokens = tokens_of(texts)
    order, _ = neighbours(tokens)
    packed = pack(tokens, order)
    nodes, _ = trie_nodes([texts[row] for row in order])
    seen: dict[int, list[int]] = {}
    flat: list[int] = []
    for bucket in packed.buckets:
        flat += bucket.queries.ravel().tolist()
        for row in range(len(bucket.queries)):
            for at in range(bucket.queries.shape[1]):
                keys = bucket.keys[row][bucket.allowed[row, at]].tolist()
                place = len(flat) - bucket.queries.size + row * bucket.queries.shape[1] + at
                if packed.origin[bucket.queries[row, at]] == place:
                    seen[int(bucket.queries[row, at])] = keys
        if bucket.causal:
            square = np.tril(np.ones(bucket.allowed.shape[1:], dtype=bool))
            real = np.arange(bucket.allowed.shape[1]) < bucket.allowed.any(axis=1).sum(axis=1)[:, None]
            np.testing.assert_array_equal(bucket.allowed[real], np.broadcast_to(square, bucket.allowed.shape)[real])
    assert [flat[place] for place in packed.origin] == list(range(len(nodes)))
    for node, index in nodes.items():
        assert seen[index] == [nodes[node[: end + 1]] for end in range(len(node))]


@settings(max_examples=200, deadline=None)
@given(token_lists, st.integers(1, 40))
def test_batches_are_as_large_as_the_budget_allows(texts: list[list[int]], budget: int):
    tokens = tokens_of(texts)
    order, shared = neighbours(tokens)
    first = 0
    while first < len(order):
        count = next_pack(tokens, order[first:], shared[first:], budget)
        rows = order[first : first + count]
        used = len(pack(tokens, rows).ids)
        along = int(tokens.lengths(rows).sum())
        assert count == 1 or (used <= budget and along <= PATHS * budget)
        more = order[first : first + count + 1]
        if len(more) > count and count < budget:
            assert len(pack(tokens, more).ids) > budget or tokens.lengths(more).sum() > PATHS * budget
        first += count


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_which_models_can_be_read_packed_is_found_by_trying(loaded: Callable[[str], Any], name: str):
    handle = loaded(name).handle
    best = handle.trials.parts(np.array([12]), best="packed", budget=64)
    assert [part.way for part in best] == ["padded" if name in UNPACKED else "packed"]


def test_a_model_whose_tokens_meet_outside_attention_is_not_packed(tmp_path: Path):
    handle = load_model(ModelSpec(id=str(write_tiny_model(tmp_path)), template="raw", device="cpu"))
    assert handle.trials.way(16) == "packed"

    def mix(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return output + 0.05 * torch.cumsum(output, dim=1)

    handle.blocks[1].get_submodule("mlp").register_forward_hook(mix)
    assert replace(handle).trials.way(16) != "packed"


@pytest.mark.parametrize("position", ["last", "mean"])
@pytest.mark.parametrize("name", ["llama", "mistral", "gemma3", "gpt2", "mixtral"])
def test_shared_beginnings_give_the_padded_states(loaded: Callable[[str], Any], name: str, position: Position):
    handle = loaded(name).handle
    packings: tuple[Literal["auto", "off"], ...] = ("auto", "off")
    texts = [(f"Question {n % 5}: is it fair? ", f"Answer {n}.{'!' * (n % 4)}") for n in range(40)]
    found = {}
    for packing in packings:
        spec = ReadingSpec(position=position, packing=packing, batch_tokens=200)
        found[packing] = np.empty((3, len(texts), 32), np.float32)
        for reading in record(handle, texts, spec):
            found[packing][:, reading.index] = reading.states
    np.testing.assert_allclose(found["auto"], found["off"], atol=2e-5 * np.abs(found["off"]).max(), rtol=0)
    assert np.abs(found["off"] - np.roll(found["off"], 1, axis=1)).max() > 0.05


def test_shared_beginnings_are_computed_once(loaded: Callable[[str], Any]):
    handle = loaded("llama").handle
    texts = [("She told the truth about the broken window. ", side) for side in ("Good.", "Bad.", "Fair.", "Unfair.")]
    list(record(handle, texts, ReadingSpec()))  # the trial comes first
    shapes = []
    hook = handle.blocks[0].register_forward_pre_hook(lambda _, args: shapes.append(tuple(args[0].shape[:2])))
    try:
        list(record(handle, texts, ReadingSpec()))
    finally:
        hook.remove()
    ids = [handle.tokenizer(prefix + side)["input_ids"] for prefix, side in texts]
    assert shapes == [(1, len(trie_nodes(ids)[0]))]
    assert shapes[0][1] < sum(map(len, ids)) / 2


def test_the_models_own_attention_comes_back(loaded: Callable[[str], Any]):
    model = loaded("llama").handle.model
    own = model.config._attn_implementation
    packed = pack(tokens_of([[1, 2]]), np.array([0]))
    context = packed_attention(model, packed)
    context.__enter__()
    assert model.config._attn_implementation != own
    assert not context.__exit__(None, None, None)
    with pytest.raises(TypeError), packed_attention(model, packed):
        model(input_ids="not tokens")
    assert model.config._attn_implementation == own


def test_packed_attention_refuses_what_it_does_not_know(loaded: Callable[[str], Any]):
    model = loaded("llama").handle.model
    packed = pack(tokens_of([[1, 2]]), np.array([0]))
    ids = torch.tensor([[1, 2]])
    refused = pytest.raises(ArchitectureError, match="packed attention with softcap")
    with packed_attention(model, packed), refused:
        model(input_ids=ids, softcap=30.0)
