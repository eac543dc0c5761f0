"""A model in memory gives the states of the model from its folder, and is left as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from line_examples import build_model
from polyvalues.errors import ModelLoadError, ReadingError, SpecError
from polyvalues.models.language_model import LanguageModel

TEXTS = ["The cat was kind.", "The dog", "kissa oli julma", "The cat was kind."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("model"))


def test_states_are_those_of_transformers(folder: Path) -> None:
    model = LanguageModel.load(str(folder))
    states = model.hidden_states(TEXTS, layers=[1, 4])
    assert states.dims == ("layer", "text", "hidden")
    assert states.shape == (2, 4, 64)
    plain = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for row, text in enumerate(TEXTS):
        with torch.inference_mode():
            out = plain(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states
        for layer in (1, 4):
            np.testing.assert_allclose(
                states.sel(layer=layer)[row], out[layer + 1][0, -1].numpy(), rtol=1e-4, atol=1e-5
            )


def test_a_stream_gives_the_same_states_once(folder: Path) -> None:
    model = LanguageModel.load(str(folder))
    whole = model.hidden_states(TEXTS, position="mean")
    seen = []
    for part in model.stream_hidden_states(TEXTS, position="mean", batch_tokens=8):
        np.testing.assert_allclose(part.values, whole.values[:, part["row"].values], rtol=1e-4, atol=1e-5)
        seen += part["row"].values.tolist()
    assert sorted(seen) == [0, 1, 2, 3]


def test_a_model_from_memory_is_read_without_dropout_and_left_as_it_was(folder: Path) -> None:
    loaded = LanguageModel.load(str(folder))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    theirs = AutoModelForCausalLM.from_pretrained(folder, attention_dropout=0.5)
    theirs.train()
    theirs.model.layers[0].eval()
    model = LanguageModel.from_transformers(theirs, tokenizer)
    first, again = model.hidden_states(TEXTS), model.hidden_states(TEXTS)
    assert np.array_equal(first, again)
    np.testing.assert_allclose(first, loaded.hidden_states(TEXTS), rtol=1e-5, atol=1e-6)
    assert theirs.training
    assert not theirs.model.layers[0].training
    assert all(parameter.requires_grad for parameter in theirs.parameters())
    assert not model.changed()
    with torch.no_grad():
        theirs.model.norm.weight.mul_(2.0)
    assert model.changed()


def test_what_cannot_be_is_refused(folder: Path) -> None:
    model = LanguageModel.load(str(folder))
    with pytest.raises(SpecError, match="dtype"):
        LanguageModel.load(str(folder), dtyp="float32")
    with pytest.raises(ModelLoadError, match="dtype"):
        LanguageModel.from_transformers(model.causal, model.tokenizer, dtype="float32")  # type: ignore[arg-type]
    with pytest.raises(ReadingError):
        model.hidden_states("one text")
    with pytest.raises(SpecError):
        model.hidden_states(TEXTS, layers=[6])


def test_it_says_what_it_is(folder: Path) -> None:
    model = LanguageModel.load(str(folder))
    assert "layers 0 to 5" in repr(model)
    assert model.fingerprint in model._repr_html_()
