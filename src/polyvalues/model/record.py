"""The stream of hidden states: every text goes through the base model once.

Forward hooks on the wanted blocks copy the read position into one float32 buffer `[layer, text, hidden]` on the
device; one copy per batch brings it to the host. The pass stops after the last wanted block. Batches run from the
longest texts to the shortest, cut by a budget of padded tokens, padded on the right; the attention mask is passed
whenever a batch has padding (it costs one or two percent and is right for every architecture).

Position `last` is the last token the tokenizer gives, its own special tokens included: a tokenizer that ends texts
with EOS or [SEP] is read there. `mean` is the mean over all tokens of the text, special tokens included, summed in
float32. When memory runs out the batch is halved, and later batches are no larger; the log says so once per call.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from polyvalues.axes import Position
from polyvalues.errors import ArchitectureError, ReadingError, SpecError
from polyvalues.model.batching import Tokens, next_batch, shown, tokenise
from polyvalues.model.handle import ModelHandle
from polyvalues.specs import ReadingSpec

logger = logging.getLogger("polyvalues")


@dataclass(frozen=True, eq=False)
class Reading:
    """Hidden states of one batch.

    Attributes:
        index: rows of the texts that were given to `record`.
        states: float32 `[layer, text, hidden]` on the host, `text` in the order of `index`.
    """

    index: Int[np.ndarray, " text"]
    states: Float[np.ndarray, "layer text hidden"]


class _Enough(Exception):
    """Raised behind the last wanted block to end the pass."""


def record(
    handle: ModelHandle, texts: Sequence[tuple[str, str]], spec: ReadingSpec, *, post_norm: bool = False
) -> Iterator[Reading]:
    """Read texts; each appears in exactly one `Reading`, and nothing is kept in between.

    Args:
        handle: the model.
        texts: `(prefix, side)`; the handle's template is applied to their concatenation.
        spec: position, layers, budget and limit.
        post_norm: the last layer's states are the model's last hidden state, after the final norm (the paper's
            numbering); all other layers are unchanged.

    Returns:
        An iterator of readings, longest texts first. The texts are tokenised when `record` is called.

    Raises:
        SpecError: `spec.layers` names a block the model does not have.
        ReadingError: a text has no tokens or too many, a single text does not fit into memory, or hidden states are
            not finite.
        ArchitectureError: a block returns something that holds no hidden states.
    """
    layers = tuple(range(handle.n_layers)) if spec.layers is None else spec.layers
    if layers[-1] >= handle.n_layers:
        raise SpecError(
            f"reading.layers names block {layers[-1]}; the model has {handle.n_layers}, numbered from 0 to "
            f"{handle.n_layers - 1}"
        )
    limits = [limit for limit in (spec.max_tokens, handle.token_limit) if limit is not None]
    tokens = tokenise(texts, handle.template, min(limits, default=None))
    if tokens.ids.size and int(tokens.ids.max()) >= handle.vocabulary:
        raise ReadingError(
            f"token id {int(tokens.ids.max())} is beyond the model's {handle.vocabulary} embeddings: the tokenizer "
            "does not belong to this model"
        )
    return _stream(_Pass(handle, layers, spec.position, post_norm), tokens, texts, spec.batch_tokens)


@torch.inference_mode()
def after_norm(handle: ModelHandle, states: Float[np.ndarray, "text hidden"]) -> Float[np.ndarray, "text hidden"]:
    """States of the last block after the model's final norm, as the paper's code reads its last layer.

    Args:
        handle: a model whose final norm was found.
        states: the last block's output at the read position.

    Raises:
        ArchitectureError: the final norm was not found.
    """
    if handle.final_norm is None:
        raise ArchitectureError(f"{type(handle.model).__name__}: the norm after the last block was not found")
    tensor = torch.from_numpy(np.array(states)).to(handle.device, handle.model.dtype)
    return handle.final_norm(tensor).float().cpu().numpy()


def _stream(run: "_Pass", tokens: Tokens, texts: Sequence[tuple[str, str]], budget: int) -> Iterator[Reading]:
    """Batches in order, each as large as the budget allows; the budget shrinks when memory runs out."""
    first, warned = 0, False
    while first < len(texts):
        rows = next_batch(tokens, first, budget)
        states = run.read(tokens, rows)
        if states is None:
            longest = int(tokens.lengths(rows).max())
            if len(rows) == 1:
                text = shown("".join(texts[int(rows[0])]))
                raise ReadingError(
                    f"out of memory on the single text {text} ({longest} tokens); load the model in a smaller dtype, "
                    "quantised or with device_map, or lower reading.max_tokens"
                )
            budget = (len(rows) // 2) * longest
            if not warned:
                logger.warning(
                    "Out of memory on a batch of %d texts of up to %d tokens: it is halved and reading goes on with at "
                    "most %d padded tokens per batch (reading.batch_tokens)",
                    len(rows),
                    longest,
                    budget,
                )
                warned = True
            continue
        _check_finite(run, states, rows, texts)
        yield Reading(rows, states)
        first += len(rows)


@dataclass(frozen=True, eq=False)
class _Pass:
    """One forward pass over a batch, with hooks that are on only while it runs."""

    handle: ModelHandle
    layers: tuple[int, ...]
    position: Position
    post_norm: bool

    def read(self, tokens: Tokens, rows: Int[np.ndarray, " text"]) -> Float[np.ndarray, "layer text hidden"] | None:
        """States of these texts, None when memory ran out."""
        try:
            return self._forward(tokens, rows)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        # Outside the except clause, so that the traceback no longer holds the tensors of the failed pass.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    @torch.inference_mode()
    def _forward(self, tokens: Tokens, rows: Int[np.ndarray, " text"]) -> Float[np.ndarray, "layer text hidden"]:
        handle = self.handle
        device = handle.device
        ids, lengths = tokens.padded(rows, handle.pad)
        real = np.arange(ids.shape[1])[None, :] < lengths[:, None]
        buffer = torch.empty((len(self.layers), len(rows), handle.hidden), dtype=torch.float32, device=device)
        gather = _Gather(self.position, real, lengths, device)
        normed = self.post_norm and self.layers[-1] == handle.n_layers - 1
        inputs: dict[str, Any] = {"input_ids": torch.from_numpy(ids).to(device)}
        if handle.encoder or not real.all():
            inputs["attention_mask"] = gather.real.long()
        if not handle.encoder:
            inputs["use_cache"] = False
        with self._hooks(buffer, gather, stop=not normed):
            try:
                output = handle.model(**inputs)
            except _Enough:
                output = None
        if normed:
            buffer[-1].copy_(gather(_states(output, (*ids.shape, handle.hidden), type(handle.model).__name__)))
        return buffer.cpu().numpy()

    @contextmanager
    def _hooks(self, buffer: Tensor, gather: "_Gather", *, stop: bool) -> Iterator[None]:
        """Hooks on the wanted blocks; they come off however the pass ends."""
        handles = []
        try:
            for slot, layer in enumerate(self.layers):
                last = stop and slot == len(self.layers) - 1
                block = self.handle.blocks[layer]
                handles.append(block.register_forward_hook(_hook(buffer, slot, gather, last=last)))
            yield
        finally:
            for handle in handles:
                handle.remove()


class _Gather:
    """Takes the read position out of a block's output, on whatever device that is."""

    def __init__(
        self,
        position: Position,
        real: Bool[np.ndarray, "text token"],
        lengths: Int[np.ndarray, " text"],
        device: torch.device,
    ):
        self.position = position
        self.real = torch.from_numpy(real).to(device)
        self.lengths = torch.from_numpy(np.ascontiguousarray(lengths)).to(device)

    def __call__(self, states: Tensor) -> Tensor:
        """`[text, token, hidden]` to `[text, hidden]`."""
        lengths = self.lengths.to(states.device)
        if self.position == "last":
            return states[torch.arange(len(lengths), device=states.device), lengths - 1]
        real = self.real.to(states.device)[..., None]
        # masked_fill, not a product: a pad token's inf times 0 would be nan.
        return states.float().masked_fill(~real, 0.0).sum(dim=1) / lengths[:, None]


def _hook(buffer: Tensor, slot: int, gather: _Gather, *, last: bool) -> Any:
    def hook(module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        shape = (*gather.real.shape, buffer.shape[-1])
        buffer[slot].copy_(gather(_states(output, shape, type(module).__name__)))
        if last:
            raise _Enough

    return hook


def _states(output: Any, shape: tuple[int, ...], name: str) -> Tensor:
    """The hidden states in what a block or a model returns: a tensor, or the first entry of a tuple."""
    found = output if isinstance(output, Tensor) else getattr(output, "last_hidden_state", None)
    if found is None and isinstance(output, tuple | list) and output:
        found = output[0]
    if not isinstance(found, Tensor) or tuple(found.shape) != shape:
        raise ArchitectureError(
            f"{name} returned {type(output).__name__} without a tensor [text, token, hidden] of shape {list(shape)} in "
            "front; its hidden states cannot be read"
        )
    return found


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return any(sign in text for sign in ("not enough memory", "out of memory", "can't allocate memory"))


def _check_finite(
    run: _Pass,
    states: Float[np.ndarray, "layer text hidden"],
    rows: Int[np.ndarray, " text"],
    texts: Sequence[tuple[str, str]],
) -> None:
    finite = np.isfinite(states).all(axis=2)
    if finite.all():
        return
    slot, place = (int(i) for i in np.argwhere(~finite)[0])
    description = run.handle.description
    raise ReadingError(
        f"{description['id']} ({description['dtype']}): hidden states of layer {run.layers[slot]} are not finite for "
        f"text {shown(''.join(texts[int(rows[place])]))}; load the model with dtype 'bfloat16' or 'float32'"
    )
