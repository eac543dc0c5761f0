"""Embeddings: batches and padding change nothing, and the pooling is what it says."""

from pathlib import Path

import numpy as np
import pytest
import torch

from polyvalues.config import ModelSpec
from polyvalues.models.loading import load_parts
from polyvalues.models.sentence_embeddings import load_embedder
from tiny_models import write_tiny_model

TEXTS = ("It was kind.", "公平地分享面包是正确的。", "A", "She told her neighbour the truth about the window.")


@pytest.mark.parametrize("architecture", ["bert", "roberta", "llama"])
def test_one_by_one_in_plain_torch_gives_the_same(tmp_path: Path, architecture: str) -> None:
    spec = ModelSpec(id=str(write_tiny_model(tmp_path, architecture)), device="cpu")
    found = load_embedder(spec)(TEXTS)
    parts = load_parts(spec)
    with torch.inference_mode():
        for text, row in zip(TEXTS, found, strict=True):
            ids = torch.tensor([parts.tokenizer(text)["input_ids"]])
            states = parts.base(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
            np.testing.assert_allclose(row, states.mean(dim=0).numpy(), atol=2e-5)


def test_first_token_and_prefix(tmp_path: Path) -> None:
    spec = ModelSpec(id=str(write_tiny_model(tmp_path, "bert")), device="cpu")
    mean, first = load_embedder(spec), load_embedder(spec, pooling="first")
    assert not np.allclose(mean(TEXTS), first(TEXTS), atol=1e-3)
    np.testing.assert_allclose(
        load_embedder(spec, prefix="query: ")(TEXTS), mean([f"query: {text}" for text in TEXTS]), atol=2e-5
    )
