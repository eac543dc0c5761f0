"""How long hidden states are: the unit in which steering strengths are given, and what attention sinks are beside it.

    norm[l] = sum over the tokens of neutral texts of w |h(l)| / sum of w,      w of `models.attention_sinks`

What tokenizer and template put around a text, the first token of all, and attention sinks elsewhere do not count: their
states may be hundreds of times as long as all others, and a mean that holds one makes every strength too large.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int
from torch import Tensor

from polyvalues.errors import ReadingError
from polyvalues.models.attention_sinks import own_spans, own_tokens, token_weights
from polyvalues.models.batching import tokenise
from polyvalues.models.blocks import block_states
from polyvalues.models.evaluation_mode import evaluating
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.runtime import prompt_lengths
from polyvalues.models.tensor_parallel import Order, give, leads


@dataclass(frozen=True, eq=False)
class Lengths:
    """Lengths of hidden states at the output of every block.

    Attributes:
        norm: mean length over the texts' own tokens.
        first: median over texts of the first token's length, in `norm`; NaN where every text is one token.
        last: the same of the last token, which position `last` reads.
        sink: share of the texts' own tokens that do not count, because they are attention sinks.
    """

    norm: Float64[np.ndarray, " layer"]
    first: Float64[np.ndarray, " layer"]
    last: Float64[np.ndarray, " layer"]
    sink: Float64[np.ndarray, " layer"]


@torch.inference_mode()
def residual_lengths(handle: ModelHandle, texts: Sequence[str]) -> Lengths:
    """Lengths of hidden states over texts read one at a time.

    Raises:
        ReadingError: no texts, or lengths that are not finite.
    """
    if not texts:
        raise ReadingError("there is no neutral text to measure the lengths of hidden states on")
    tokens = tokenise([("", text) for text in texts], handle.template, handle.token_limit)
    prompts = tokens.listed(np.arange(len(texts)))
    spans = own_spans(prompts, [handle.template], causal=not handle.encoder)
    if handle.runtime is not None:
        found = prompt_lengths(handle.runtime, prompts, spans, handle.n_layers)
    else:
        found = [_lengths(handle, ids, spans[row : row + 1]) for row, ids in enumerate(prompts)]
    total = sum(((length * weight).sum(axis=1) for length, weight in found), np.zeros(handle.n_layers))
    count = sum((weight.sum(axis=1) for _, weight in found), np.zeros(handle.n_layers))
    norm = total / count
    if not np.isfinite(norm).all():
        raise ReadingError("hidden states of neutral text are not finite; load the model as 'bfloat16' or 'float32'")
    first, last = (
        _median([length[:, at] / norm for length, _ in found if length.shape[1] > 1], norm) for at in (0, -1)
    )
    own = int((spans[:, 1] - spans[:, 0]).sum())
    return Lengths(norm, first, last, 1 - count / own)


def _median(
    ratios: Sequence[Float64[np.ndarray, " layer"]], like: Float64[np.ndarray, " layer"]
) -> Float64[np.ndarray, " layer"]:
    return np.median(ratios, axis=0) if ratios else np.full_like(like, np.nan)


def _lengths(
    handle: ModelHandle, ids: Sequence[int], span: Int[np.ndarray, "1 2"]
) -> tuple[Float64[np.ndarray, "layer token"], Float64[np.ndarray, "layer token"]]:
    """Lengths of one text's states, and how much each token counts."""
    own = torch.from_numpy(own_tokens(span, len(ids)))
    lengths: list[Tensor] = []
    weights: list[Tensor] = []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        states = block_states(output)
        lengths.append(states[0].float().norm(dim=-1).cpu())
        weights.append(token_weights(states, own.to(states.device))[0].cpu())

    if leads() or not handle.divided:
        handle.trials.refresh()
    with ExitStack() as stack:
        if handle.divided and leads():
            alone = Order(np.array([ids]), np.array([len(ids)]), packs=False, last=handle.n_layers - 1, through=True)
            give(alone, handle.device)
        stack.enter_context(evaluating(handle.model))
        for block in handle.blocks:
            stack.callback(block.register_forward_hook(keep).remove)
        handle.model(input_ids=torch.tensor([list(ids)], device=handle.device))
    return torch.stack(lengths).double().numpy(), torch.stack(weights).double().numpy()
