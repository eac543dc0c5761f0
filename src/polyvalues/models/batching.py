"""Tokenising texts and cutting them into batches by a budget of padded tokens.

Token ids are kept as one flat int32 array (4 bytes per token, far less than the texts). Batches run from the longest
text to the shortest, so that the first batch shows whether memory suffices; texts of equal length keep their order.
A batch of n texts whose longest has L tokens costs n * L; n is the largest with n * L <= budget, at least 1.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int, Int32
from torch import nn

from polyvalues.errors import ReadingError
from polyvalues.models.blocks import text_config
from polyvalues.models.prompt_templates import Template

_CHUNK: Final = 512
_SHOWN: Final = 60
_LIMITS: Final = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")


@dataclass(frozen=True, eq=False)
class Tokens:
    """Token ids of many texts, without padding.

    Attributes:
        ids: int32, all texts one after the other.
        starts: int64, where text i begins; one more entry for the end.
        order: int64, texts from longest to shortest.
    """

    ids: Int32[np.ndarray, " token"]
    starts: Int[np.ndarray, " text_and_end"]
    order: Int[np.ndarray, " text"]

    def lengths(self, rows: Int[np.ndarray, " row"]) -> Int[np.ndarray, " row"]:
        """Number of tokens of each of these texts."""
        return self.starts[rows + 1] - self.starts[rows]

    def part(self, rows: Int[np.ndarray, " row"]) -> "Tokens":
        """These texts alone, in this order."""
        lengths = self.lengths(rows)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        flat = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Tokens(self.ids[flat], starts, np.argsort(-lengths, kind="stable"))

    def listed(self, rows: Int[np.ndarray, " row"]) -> list[list[int]]:
        """Token ids of these texts."""
        return [self.ids[self.starts[row] : self.starts[row + 1]].tolist() for row in rows]

    def padded(
        self, rows: Int[np.ndarray, " row"], pad: int
    ) -> tuple[Int[np.ndarray, "row token"], Int[np.ndarray, " row"]]:
        """Token ids of these texts, padded on the right, and their lengths."""
        lengths = self.lengths(rows)
        block = np.full((len(rows), int(lengths.max())), pad, dtype=np.int64)
        places = np.arange(block.shape[1])
        real = places < lengths[:, None]
        block[real] = self.ids[(self.starts[rows][:, None] + places)[real]]
        return block, lengths


def tokenise(texts: Sequence[tuple[str, str]], template: Template, limit: int | None) -> Tokens:
    """Render and tokenise texts; nothing is ever cut off.

    Args:
        texts: `(prefix, side)`.
        template: how they are wrapped.
        limit: most tokens a text may have, special tokens included; None: no limit.

    Raises:
        ReadingError: a text has no tokens, more than `limit`, or control tokens that cannot be read as characters.
    """
    flat, lengths = array("i"), np.zeros(len(texts), dtype=np.int64)
    for first in range(0, len(texts), _CHUNK):
        some = texts[first : first + _CHUNK]
        for place, ((prefix, side), ids) in enumerate(zip(some, template.encode(some), strict=True)):
            text = prefix + side
            if not ids:
                raise ReadingError(f"text {shown(text)} has no tokens, so there is nothing to read; drop it")
            if limit is not None and len(ids) > limit:
                raise ReadingError(
                    f"text {shown(text)} has {len(ids)} tokens, the limit is {limit}; drop it, shorten it, or raise "
                    "reading.max_tokens if the model can take more"
                )
            flat.extend(ids)
            lengths[first + place] = len(ids)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Tokens(np.array(flat, dtype=np.int32), starts, np.argsort(-lengths, kind="stable"))


def next_batch(tokens: Tokens, first: int, budget: int) -> Int[np.ndarray, " row"]:
    """The rows of the batch that begins at place `first` of the order."""
    longest = int(tokens.lengths(tokens.order[first : first + 1])[0])
    return tokens.order[first : first + max(1, budget // longest)]


def token_limit(model: nn.Module) -> int | None:
    """Most tokens a text may have by the model's positions; None for ALiBi and other position-free models."""
    config = text_config(model.config)
    if getattr(config, "alibi", False):
        return None
    values = (getattr(config, name, None) for name in _LIMITS)
    limit = next((value for value in values if isinstance(value, int) and value > 0), None)
    if limit is None or getattr(config, "model_type", "") in ("bloom", "mpt"):
        return None
    for name, module in model.named_modules():
        # RoBERTa counts positions from padding_idx + 1, so that many rows of the table are out of reach.
        offset = getattr(module, "padding_idx", None)
        if name.endswith("position_embeddings") and isinstance(offset, int):
            return limit - offset - 1
    return limit


def shown(text: str) -> str:
    """The first 60 characters of a text, escaped, for a message."""
    return repr(text[:_SHOWN]) + ("..." if len(text) > _SHOWN else "")
