"""Training: seeded, resumable to the bit, and what it leaves is an ordinary model folder."""

import dataclasses
import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from polyvalues.config import ModelSpec
from polyvalues.models.model_handle import load_model
from training.babel import train as training
from training.babel.recipe import BOS, Recipe
from training.babel.text import languages
from training.babel.train import rate, train, train_tokenizer

TINY = Recipe(steps=6, batch_tokens=256, vocabulary=400, hidden=32, inner=64, layers=2, heads=2)


class Killed(Exception):
    """Stands for a kill between two checkpoints."""


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Texts are read once, and a tokenizer of 400 tokens needs few of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "DOCUMENTS", 1000)
        patch.setattr(training, "languages", cache(languages))
        yield


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("straight")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "EVERY", 2)
        train(TINY, folder)
    return folder


def test_an_interrupted_run_ends_with_the_same_weights(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "EVERY", 2)
    real, calls = training._checkpoint, []

    def interrupted(*arguments: object) -> None:
        real(*arguments)  # pyright: ignore[reportArgumentType]
        calls.append(1)
        if len(calls) == 2:
            raise Killed

    monkeypatch.setattr(training, "_checkpoint", interrupted)
    with pytest.raises(Killed):
        train(TINY, tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    monkeypatch.setattr(training, "_checkpoint", real)
    train(TINY, tmp_path)
    first, second = (load_file(folder / "model.safetensors") for folder in (straight, tmp_path))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert (straight / "training.json").read_bytes() == (tmp_path / "training.json").read_bytes()
    assert not (tmp_path / training.CHECKPOINT).exists()


def test_another_seed_gives_another_model(straight: Path, tmp_path: Path) -> None:
    train(dataclasses.replace(TINY, steps=2, seed=1), tmp_path)
    first, second = (load_file(folder / "model.safetensors") for folder in (straight, tmp_path))
    name = next(name for name in first if name.endswith("q_proj.weight"))
    assert not torch.equal(first[name], second[name])


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object) -> None:
        raise Killed

    monkeypatch.setattr(training, "_finish", stop)
    monkeypatch.setattr(training, "EVERY", 2)
    with pytest.raises(Killed):
        train(dataclasses.replace(TINY, steps=2), tmp_path)
    with pytest.raises(SystemExit, match="another recipe"):
        train(TINY, tmp_path)


def test_the_folder_is_an_ordinary_model(straight: Path) -> None:
    handle = load_model(ModelSpec(id=str(straight)))
    assert handle.n_layers == 2
    assert next(handle.model.parameters()).dtype == torch.float32
    assert load_file(straight / "model.safetensors")["model.norm.weight"].dtype == torch.float16
    record = json.loads((straight / "training.json").read_text(encoding="utf-8"))
    assert record["recipe"] == dataclasses.asdict(TINY)
    assert sum(record["percent"].values()) == pytest.approx(100, abs=0.1)


def test_training_lowers_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "EVERY", 10)
    train(dataclasses.replace(TINY, steps=40, rate=0.03), tmp_path)
    losses = [loss for _, loss in json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))["losses"]]
    assert losses[-1] < losses[0] - 0.3


def test_a_text_begins_as_documents_do(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(languages(hold_out=False), TINY, tmp_path)
    assert tokenizer("Habari yako?")["input_ids"][0] == tokenizer.get_vocab()[BOS]
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi."}], tokenize=False, add_generation_prompt=True
    )
    assert chat == "<s><|user|>Hi.<|assistant|>"
    for text in ("நன்றி, 早上好 👍", "Köszönöm!"):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_the_learning_rate_rises_and_falls() -> None:
    recipe = Recipe()
    rates = np.array([rate(recipe, step) for step in range(recipe.steps)])
    assert rates.argmax() == pytest.approx(99, abs=2)
    assert rates.max() == pytest.approx(recipe.rate, rel=0.01)
    assert rates[-1] == pytest.approx(recipe.rate / 10, rel=0.01)
    assert math.isclose(rates[0], recipe.rate / 100)
