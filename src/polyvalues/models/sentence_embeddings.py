"""Sentences to vectors, by any model that transformers loads as an encoder or a causal model.

    embedding = mean over the text's tokens of the last hidden state   (pooling `mean`)
    embedding = the last hidden state of the first token            (pooling `first`, for BERT-like models)

float32, not normalised. Some models were trained with words in front of every sentence (`query: `): give them as the
prefix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32

from polyvalues.config import ModelSpec
from polyvalues.models.batching import next_batch, token_limit, tokenise
from polyvalues.models.loading import Parts, load_parts
from polyvalues.models.prompt_templates import make_template

Pooling = Literal["mean", "first"]


@dataclass(frozen=True, eq=False)
class Embedder:
    """A model that embeds sentences.

    Attributes:
        parts: model and tokenizer.
        prefix: put in front of every sentence.
        pooling: how tokens become one vector.
        batch_tokens: tokens per batch, padding included.
    """

    parts: Parts
    prefix: str = ""
    pooling: Pooling = "mean"
    batch_tokens: int = 4096

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Float32[np.ndarray, "text hidden"]:
        """One row per text.

        Raises:
            ReadingError: a text has no tokens or more than the model reads.
        """
        base, tokenizer = self.parts.base, self.parts.tokenizer
        template = make_template(None, tokenizer, front=self.parts.front)
        tokens = tokenise([("", self.prefix + text) for text in texts], template, token_limit(base))
        pad = tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else 0
        found: list[np.ndarray | None] = [None] * len(texts)
        first = 0
        while first < len(texts):
            rows = next_batch(tokens, first, self.batch_tokens)
            block, lengths = tokens.padded(rows, pad)
            real = torch.from_numpy(np.arange(block.shape[1]) < lengths[:, None]).to(base.device)
            given = {"input_ids": torch.from_numpy(block).to(base.device), "attention_mask": real.long()}
            states = base(**given).last_hidden_state.float()
            if self.pooling == "first":
                pooled = states[:, 0]
            else:
                pooled = (states * real[..., None]).sum(dim=1) / real.sum(dim=1, keepdim=True)
            for row, vector in zip(rows.tolist(), pooled.cpu().numpy(), strict=True):
                found[row] = vector
            first += len(rows)
        return np.stack([vector for vector in found if vector is not None])


def load_embedder(spec: ModelSpec, *, prefix: str = "", pooling: Pooling = "mean") -> Embedder:
    """Load an embedding model.

    Raises:
        ModelLoadError: it cannot be loaded.
    """
    return Embedder(load_parts(spec), prefix, pooling)
