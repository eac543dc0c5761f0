"""How long hidden states are: the unit in which steering strengths are given.

    norm[l] = mean over the tokens of neutral texts of |h(l)|

The first token of a text is left out when there are others: many models park attention there, and its states are tens
of times longer than all others.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from polyvalues.errors import ReadingError
from polyvalues.model.batching import Tokens, tokenise
from polyvalues.model.blocks import block_states
from polyvalues.model.handle import ModelHandle
from polyvalues.model.parallel import Order, give, leads
from polyvalues.model.runtime import prompt_norms


@torch.inference_mode()
def residual_norms(handle: ModelHandle, texts: Sequence[str]) -> Float64[np.ndarray, " layer"]:
    """Mean length of the hidden states at the output of every block, over texts read one at a time.

    Raises:
        ReadingError: no texts, or lengths that are not finite.
    """
    if not texts:
        raise ReadingError("there is no neutral text to measure the lengths of hidden states on")
    tokens = tokenise([("", text) for text in texts], handle.template, handle.token_limit)
    sizes = tokens.lengths(np.arange(len(texts)))
    count = int(np.maximum(sizes - 1, 1).sum())
    if handle.runtime is not None:
        total = prompt_norms(handle.runtime, tokens.listed(np.arange(len(texts))), handle.n_layers).sum(axis=1)
    else:
        total = sum((_length(handle, tokens, row) for row in range(len(texts))), np.zeros(handle.n_layers))
    if not np.isfinite(total).all():
        raise ReadingError("hidden states of neutral text are not finite; load the model as 'bfloat16' or 'float32'")
    return total / count


def _length(handle: ModelHandle, tokens: Tokens, row: int) -> Float64[np.ndarray, " layer"]:
    """Sum over the counted tokens of a text."""
    ids, _ = tokens.padded(np.array([row]), handle.pad)
    first = min(1, ids.shape[1] - 1)
    return _lengths(handle, torch.from_numpy(ids).to(handle.device))[:, first:].sum(axis=1)


def _lengths(handle: ModelHandle, ids: Tensor) -> Float64[np.ndarray, "layer token"]:
    found: list[Tensor] = []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        found.append(block_states(output)[0].float().norm(dim=-1).cpu())

    if leads() or not handle.divided:
        handle.trials.refresh()
    with ExitStack() as stack:
        if handle.divided and leads():
            alone = Order(
                ids.cpu().numpy(), np.array([ids.shape[1]]), packs=False, last=handle.n_layers - 1, through=True
            )
            give(alone, handle.device)
        for block in handle.blocks:
            stack.callback(block.register_forward_hook(keep).remove)
        handle.model(input_ids=ids)
    return torch.stack(found).double().numpy()
