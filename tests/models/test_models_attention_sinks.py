"""Means leave attention sinks out: planted massive activations, at the first token and elsewhere, do not reach them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.models.attention_sinks import (
    NOTHING,
    WHOLE,
    own_spans,
    own_tokens,
    surroundings,
    token_weights,
    weighted_mean,
)
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.models.prompt_templates import make_template
from polyvalues.models.residual_norms import residual_lengths
from reference.sink_mean import sink_mean, sink_weights
from tiny_models import tiny_model, tiny_tokenizer, write_tiny_model

CHAT = "{% for m in messages %}<s>user: {{ m['content'] }}</s>{% endfor %}<s>"
WORDS = ("bread", "table", "window", "share", "truth", "told", "fair", "neighbour")
MASSIVE = 8000.0


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ModelHandle]:
    """A tiny model in which some tokens have massive activations at every layer, because their embeddings are long."""

    def build(*tokens: str, architecture: str = "llama", kind: str = "bos", template: str | None = None) -> ModelHandle:
        folder = tmp_path_factory.mktemp("planted")
        tokenizer = tiny_tokenizer(kind, chat_template=CHAT)
        write_tiny_model(folder, architecture, tokenizer=tokenizer)
        model = tiny_model(architecture)
        table = model.get_input_embeddings().weight
        with torch.no_grad():
            vocabulary = tokenizer.get_vocab()
            for place in (vocabulary[token] for token in tokens):
                table[place] *= MASSIVE / table.shape[1] ** 0.5
        model.save_pretrained(folder)
        return load_model(ModelSpec(id=str(folder), device="cpu", template=template))

    return build


def nonsense(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Words in any order, 3 to 14 of them."""
    rng = np.random.default_rng(seed)
    return [("", " ".join(rng.choice(WORDS, rng.integers(3, 15)))) for _ in range(count)]


def read(handle: ModelHandle, texts: list[tuple[str, str]], **settings: Any) -> np.ndarray:
    """`[layer, text, hidden]`."""
    out = np.empty((handle.n_layers, len(texts), handle.hidden), dtype=np.float32)
    for part in record(handle, texts, ReadingSpec(position="mean", **settings)):
        out[:, part.index] = part.states
    return out


def every_token(handle: ModelHandle, text: str) -> np.ndarray:
    """`[layer, token, hidden]` by the model alone."""
    ids = torch.tensor([handle.tokenizer(handle.template.render("", text)[0])["input_ids"]])
    found: list[Any] = []
    hooks = [block.register_forward_hook(lambda *given: found.append(given[2])) for block in handle.blocks]
    with torch.inference_mode():
        handle.model(input_ids=ids)
    for hook in hooks:
        hook.remove()
    return torch.stack([out[0] if isinstance(out, tuple) else out for out in found])[:, 0].numpy()


def follows_length(states: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Median over random directions of |r| between projections and 1/length, `[layer]`."""
    directions = np.random.default_rng(5).standard_normal((states.shape[-1], 100))
    x = 1 / lengths
    x = (x - x.mean()) / x.std()
    along = states @ directions
    along = (along - along.mean(axis=1, keepdims=True)) / along.std(axis=1, keepdims=True)
    return np.median(np.abs(np.einsum("t,ltd->ld", x, along)) / len(x), axis=1)


@pytest.mark.parametrize(("architecture", "sink", "kind"), [("llama", "<s>", "bos"), ("gpt2", "<s>", "both")])
def test_projections_of_nonsense_do_not_follow_length(planted: Any, architecture: str, sink: str, kind: str) -> None:
    handle = planted(sink, architecture=architecture, kind=kind)
    texts = nonsense(60)
    whole = [every_token(handle, text) for _, text in texts]
    lengths = np.array([states.shape[1] for states in whole])
    assert all((np.linalg.norm(states[:, 0], axis=-1) > 30).all() for states in whole)
    naive = np.stack([states.mean(axis=1) for states in whole], axis=1)
    assert (follows_length(naive, lengths) > 0.95).all()
    assert (follows_length(read(handle, texts), lengths) < 0.35).all()


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "bert"])
def test_packed_padded_and_alone_are_the_same(planted: Any, architecture: str) -> None:
    handle = planted("<s>", ".", architecture=architecture)
    texts = [("It is. ", text) for _, text in nonsense(20, seed=1)]
    alone = np.concatenate([read(handle, [text]) for text in texts], axis=1)
    scale = np.abs(alone).max()
    for packing in ("auto", "off"):
        for budget in (1, 60, 10_000):
            np.testing.assert_allclose(
                read(handle, texts, packing=packing, batch_tokens=budget), alone, atol=2e-5 * scale, rtol=0
            )


def test_sinks_inside_a_text_are_found_by_their_length(planted: Any) -> None:
    """The oracle averages token by token; a mean that kept them would be nearly the sink's own."""
    handle = planted(".", kind="plain")
    texts = [("", f"{text}. Share") for _, text in nonsense(8, seed=2)]
    found = read(handle, texts)
    for at, (_, text) in enumerate(texts):
        states = every_token(handle, text)
        own = list(range(1, states.shape[1]))
        for layer in range(handle.n_layers):
            np.testing.assert_allclose(found[layer, at], sink_mean(states[layer], own), rtol=1e-3, atol=1e-3)
            assert 0.0 in sink_weights(states[layer], own)
            assert np.linalg.norm(states[layer][1:].mean(axis=0)) > 5 * np.linalg.norm(found[layer, at])


def test_planted_concept_is_found_under_a_sink(planted: Any) -> None:
    """Upholding sides hold one word, violating ones another; sides differ in length by chance."""
    handle = planted("<s>", kind="both")
    rng = np.random.default_rng(3)

    def side(word: str) -> tuple[str, str]:
        words = list(rng.choice(WORDS, rng.integers(4, 15)))
        for place in rng.integers(0, len(words), 4):
            words[place] = word
        return "", " ".join(words)

    texts = [side(word) for _ in range(80) for word in ("truth", "window")]

    def accuracy(states: np.ndarray) -> np.ndarray:
        gaps = states[:, ::2] - states[:, 1::2]
        vector = gaps[:, :40].mean(axis=1)
        return (np.einsum("lpd,ld->lp", gaps[:, 40:], vector) > 0).mean(axis=1)

    naive = np.stack([every_token(handle, text).mean(axis=1) for _, text in texts], axis=1)
    assert (accuracy(naive) < 0.6).all()
    assert (accuracy(read(handle, texts)) > 0.75).all()


def test_lengths_are_those_of_ordinary_tokens(planted: Any) -> None:
    texts = [f"{text}. Share." for _, text in nonsense(10, seed=4)]
    handle = planted("<s>", ".")
    found = residual_lengths(handle, texts)
    lengths, weights, first, last = [], [], [], []
    for text in texts:
        states = every_token(handle, text)[1]
        own = list(range(1, len(states)))
        size = np.linalg.norm(states, axis=-1)
        lengths += size[1:].tolist()
        weights += sink_weights(states, own)
        first.append(size[0])
        last.append(size[-1])
    norm = float(np.average(lengths, weights=weights))
    assert found.norm[1] == pytest.approx(norm, rel=1e-4)
    assert found.first[1] == pytest.approx(np.median(first) / norm, rel=1e-4)
    assert found.last[1] == pytest.approx(np.median(last) / norm, rel=1e-4)
    assert found.sink[1] == pytest.approx(1 - np.mean(weights), abs=1e-6)
    assert found.sink[1] > 0.02
    assert float(np.mean(lengths)) > 3 * norm
    assert np.isnan(residual_lengths(planted("a", kind="plain"), ["b"]).first).all()


def random_tokens(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """States with some long tokens, and which tokens are own."""
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn((5, 9, 16), generator=generator)
    factor = torch.tensor([1.0, 2.5, 4.0, 5.0, 8.0, 100.0])
    states *= factor[torch.randint(0, len(factor), (5, 9, 1), generator=generator)]
    ends = torch.randint(3, 10, (5, 1), generator=generator)
    place = torch.arange(9)
    return states, (place >= 1) & (place < ends)


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_those_of_the_slow_oracle(seed: int) -> None:
    states, own = random_tokens(seed)
    weights = token_weights(states, own)
    means = weighted_mean(states, own, weights)
    for row in range(len(states)):
        places = own[row].nonzero()[:, 0].tolist()
        np.testing.assert_allclose(weights[row, places], sink_weights(states[row].numpy(), places), atol=1e-5)
        assert not weights[row][~own[row]].any()
        np.testing.assert_allclose(means[row], sink_mean(states[row].numpy(), places), rtol=1e-4, atol=1e-5)


def test_weights_do_not_jump_and_do_not_know_the_unit() -> None:
    states, own = random_tokens(7)
    torch.testing.assert_close(token_weights(1000 * states, own), token_weights(states, own), rtol=1e-4, atol=1e-4)
    ratios = torch.linspace(0.5, 8, 400)
    ladder = torch.ones((400, 4, 1))
    ladder[:, 3, 0] = ratios
    weights = token_weights(ladder, torch.ones((400, 4), dtype=torch.bool))
    assert (weights[:, :3] == 1).all()
    assert weights[:, 3].diff().abs().max() <= (ratios[1] - ratios[0]) / (NOTHING - WHOLE) + 1e-6
    assert (weights[ratios <= WHOLE, 3] == 1).all()
    assert (weights[ratios >= NOTHING, 3] == 0).all()


def test_what_is_not_finite_shows_only_in_own_tokens() -> None:
    states, own = random_tokens(2)
    states[:, 0] = float("inf")  # no text's own
    assert torch.isfinite(weighted_mean(states, own, token_weights(states, own))).all()
    states[1, 1] = float("inf")
    means = weighted_mean(states, own, token_weights(states, own))
    assert torch.isfinite(means).all(dim=1).tolist() == [True, False, True, True, True]
    assert torch.isfinite(token_weights(torch.zeros((1, 2, 4)), torch.ones((1, 2), dtype=torch.bool))).all()


@pytest.mark.parametrize(
    ("kind", "template", "own"),
    [
        ("plain", None, "fair to share"),
        ("bos", None, "It is fair to share"),
        ("eos", None, "fair to share"),
        ("both", None, "It is fair to share"),
        ("both", "Q: {input} A:", "It is fair to share"),
        ("plain", "chat", "It is fair to share"),
    ],
)
def test_own_tokens_are_the_texts_alone(kind: str, template: str | None, own: str) -> None:
    """A causal model's first token is left out where nothing stands in front of it."""
    tokenizer = tiny_tokenizer(kind, chat_template=CHAT)
    made = make_template(template, tokenizer)
    rendered, special = made.render("It is ", "fair to share")
    ids = tokenizer(rendered, add_special_tokens=special)["input_ids"]
    ((first, end),) = own_spans([ids], [made], causal=True)
    found = str(tokenizer.decode(ids[first:end]))
    assert found.strip() == own if kind not in ("plain", "eos") or template else found.endswith(own)
    assert own_tokens(np.array([[first, end]]), len(ids)).sum() == end - first
    if kind == "plain" and template is None:
        assert first == 1
        assert own_spans([ids], [made], causal=False).tolist() == [[0, len(ids)]]


def test_a_text_without_tokens_of_its_own_is_averaged_whole() -> None:
    tokenizer = tiny_tokenizer("both")
    made = make_template(None, tokenizer)
    assert own_spans([[0, 1], [0, 5, 1], [0]], [made], causal=True).tolist() == [[0, 2], [1, 2], [0, 1]]
    plain = make_template(None, tiny_tokenizer("plain"))
    assert own_spans([[5]], [plain], causal=True).tolist() == [[0, 1]]
    assert own_spans([[5, 6]], [plain], causal=True).tolist() == [[1, 2]]


def test_words_nobody_knows_are_not_taken_for_the_template() -> None:
    from_unknown = tiny_tokenizer("bos")
    assert surroundings(make_template(None, from_unknown)) == ((0,), ())
    both = make_template("<s>Q: {input} A</s>", tiny_tokenizer("plain"))
    head, tail = surroundings(both)
    assert head[0] == 0
    assert tail[-1] == 1


def test_of_several_templates_the_one_that_fits_counts() -> None:
    tokenizer = tiny_tokenizer("plain", chat_template=CHAT)
    chat, raw = make_template("chat", tokenizer), make_template(None, tokenizer)
    ids = tokenizer(chat.render("", "It is fair")[0], add_special_tokens=False)["input_ids"]
    assert own_spans([ids], [raw, chat], causal=True).tolist() == own_spans([ids], [chat], causal=True).tolist()
    bare = tokenizer("It is fair")["input_ids"]
    assert own_spans([bare], [raw, chat], causal=True).tolist() == [[1, len(bare)]]


def test_encoders_leave_out_what_stands_around_a_text(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path, "bert", tokenizer=tiny_tokenizer("both"))
    handle = load_model(ModelSpec(id=str(folder), device="cpu"))
    states = every_token(handle, "It is fair")
    own = list(range(1, states.shape[1] - 1))
    found = read(handle, [("", "It is fair")])[:, 0]
    for layer in range(handle.n_layers):
        np.testing.assert_allclose(found[layer], sink_mean(states[layer], own), rtol=1e-4, atol=1e-5)


def test_a_handle_in_a_chat_template_averages_the_message(planted: Any) -> None:
    handle = planted("<s>", kind="plain", template="chat")
    states = every_token(handle, "It is fair")
    ids = handle.tokenizer(handle.template.render("", "It is fair")[0])["input_ids"]
    ((first, end),) = own_spans([ids], [handle.template], causal=True)
    wanted = np.stack([sink_mean(layer, range(first, end)) for layer in states])
    np.testing.assert_allclose(read(handle, [("", "It is fair")])[:, 0], wanted, rtol=1e-4, atol=1e-4)
    raw = replace(handle, template=make_template(None, handle.tokenizer))
    assert np.abs(read(raw, [("", "It is fair")])[:, 0] - wanted).max() > 0.05
