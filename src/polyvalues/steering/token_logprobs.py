"""Probabilities a model gives to continuations of prompts, steered or not, in batches padded on the right."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from polyvalues.errors import ReadingError, SteeringError
from polyvalues.models.batching import shown
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.prompt_templates import Template
from polyvalues.steering.hooks import apply_plan
from polyvalues.steering.plan import Plan, plan_for


def continuation_logprobs(
    handle: ModelHandle,
    template: Template,
    texts: Sequence[tuple[str, str]],
    *,
    plan: Plan | None = None,
    batch_rows: int = 64,
) -> list[Float64[np.ndarray, " token"]]:
    """Log p of every token of a continuation, given its prompt and the tokens before it.

    Args:
        handle: a model loaded with its head.
        template: how prompts are wrapped; a continuation follows what it gives, without special tokens.
        texts: `(prompt, continuation)`.
        plan: for one row or one per text; None: unsteered.
        batch_rows: texts per batch.

    Returns:
        One array per text, empty where the continuation has no tokens.

    Raises:
        SteeringError: the model has no head, or the plan does not fit.
        ReadingError: a text is longer than the model's positions.
    """
    ids = _encode(handle, template, texts)
    found: list[Float64[np.ndarray, " token"]] = [np.empty(0)] * len(texts)
    for rows, logits in _forward(handle, ids, plan, batch_rows):
        for at, row in enumerate(rows):
            prompt, continuation = ids[row]
            first, wanted = len(prompt), torch.tensor(continuation, dtype=torch.long, device=logits.device)
            own = torch.log_softmax(logits[at, first - 1 : first - 1 + len(continuation)].float(), dim=-1)
            found[row] = own.gather(1, wanted[:, None])[:, 0].double().cpu().numpy()
    return found


def token_divergence(
    handle: ModelHandle, texts: Sequence[str], plan: Plan, *, batch_rows: int = 64
) -> Float64[np.ndarray, " text"]:
    """Mean over the tokens of each text of KL(next token unsteered || next token steered), in nats.

    Args:
        handle: a model loaded with its head.
        texts: read in the handle's own template, as one piece.
        plan: for one row or one per text.
        batch_rows: texts per batch.
    """
    ids = _encode(handle, handle.template, [(text, "") for text in texts])
    found = np.empty(len(texts))
    pairs = zip(_forward(handle, ids, None, batch_rows), _forward(handle, ids, plan, batch_rows), strict=True)
    for (rows, plain), (_, steered) in pairs:
        base, moved = (torch.log_softmax(part.float(), dim=-1) for part in (plain, steered))
        kl = (base.exp() * (base - moved)).sum(dim=-1)
        for at, row in enumerate(rows):
            found[row] = float(kl[at, : len(ids[row][0])].mean())
    return found


def _encode(
    handle: ModelHandle, template: Template, texts: Sequence[tuple[str, str]]
) -> list[tuple[list[int], list[int]]]:
    """Token ids of prompts and continuations."""
    bare = Template("raw", handle.tokenizer, add_special_tokens=False)
    prompts = template.encode([("", prompt) for prompt, _ in texts])
    ids = list(zip(prompts, bare.encode([("", continuation) for _, continuation in texts]), strict=True))
    for (prompt, continuation), (first, then) in zip(texts, ids, strict=True):
        size = len(first) + len(then)
        if handle.token_limit is not None and size > handle.token_limit:
            raise ReadingError(
                f"text {shown(prompt + continuation)} has {size} tokens, the model takes {handle.token_limit}"
            )
        if not first:
            raise ReadingError(f"prompt {shown(prompt)} has no tokens, so nothing can follow it")
    return ids


@torch.inference_mode()
def _forward(
    handle: ModelHandle, ids: Sequence[tuple[list[int], list[int]]], plan: Plan | None, batch_rows: int
) -> Iterator[tuple[list[int], Float32[Tensor, "row token vocabulary"] | Tensor]]:
    """Rows of each batch, longest texts first, and their logits."""
    causal: Any = handle.causal
    if causal is None:
        raise SteeringError("this model was loaded for reading; load it with head=True")
    sizes = np.array([len(first) + len(then) for first, then in ids], dtype=np.int64)
    for rows in handle.trials.batches(sizes, batch_rows):
        handle.trials.refresh()
        whole = [torch.tensor(ids[row][0] + ids[row][1], dtype=torch.long) for row in rows]
        batch = torch.full((len(rows), len(whole[0])), handle.pad)
        mask = torch.zeros_like(batch)
        for at, tokens in enumerate(whole):
            batch[at, : len(tokens)], mask[at, : len(tokens)] = tokens, 1
        chosen = plan_for(plan, rows)
        lengths = [len(ids[row][0]) for row in rows]
        with nullcontext() if chosen is None else apply_plan(handle, chosen, prompt_lengths=lengths):
            out = causal(input_ids=batch.to(handle.device), attention_mask=mask.to(handle.device), use_cache=False)
        yield rows, out.logits
