"""The stream of hidden states: every text goes through the base model once.

Forward hooks on the wanted blocks copy the read position into one float32 buffer `[layer, text, hidden]` on the
device; one copy per batch brings it to the host. The pass stops after the last wanted block.

Which texts are read together, and how, is tried at their lengths (`trial`). Packed (`models.packing`): texts in the
order of their tokens, a batch is one row of tokens without padding, and what neighbouring texts begin with is computed
once. Padded: from the longest texts to the shortest, padded on the right; the attention mask is passed whenever a batch
has padding. Where padding is not right: texts of one length, or one at a time. Batches are cut by a budget of tokens,
counted as they are computed.

Position `last` is the last token the tokenizer gives, its own special tokens included: a tokenizer that ends texts
with EOS or [SEP] is read there. `mean` is the mean over the text's own tokens, attention sinks left out
(`models.attention_sinks`), summed in float32. When memory runs out the batch is halved, and later batches are no
larger; the log says so once per call.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from polyvalues.config import ReadingSpec
from polyvalues.dimensions import Position
from polyvalues.errors import ArchitectureError, ReadingError, SpecError
from polyvalues.models.attention_sinks import own_spans, own_tokens, token_weights, weighted_mean
from polyvalues.models.batch_boundaries import Cuts
from polyvalues.models.batching import Tokens, shown, tokenise
from polyvalues.models.batching_trial import Way
from polyvalues.models.hidden_states import Reading, after_norm, finite
from polyvalues.models.language_model import ModelHandle
from polyvalues.models.packed_attention import packed_attention
from polyvalues.models.packing import Packed, pack
from polyvalues.models.pass_failures import FAILURES, out_of_memory
from polyvalues.models.runtime import Runtime, portions, prompt_states
from polyvalues.models.tensor_parallel import Order, give, leads, take

logger = logging.getLogger("polyvalues")


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
        An iterator of readings. The texts are tokenised when `record` is called.

    Raises:
        SpecError: `spec.layers` names a block the model does not have, or a runtime cannot read as asked.
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
    spans = _spans(handle, tokens) if spec.position == "mean" else None
    if handle.runtime is not None:
        return _elsewhere(_Pass(handle, layers, spans, post_norm, "padded"), handle.runtime, tokens, texts)
    return _parts(_Pass(handle, layers, spans, post_norm, "padded"), tokens, texts, spec)


def _parts(run: "_Pass", tokens: Tokens, texts: Sequence[tuple[str, str]], spec: ReadingSpec) -> Iterator[Reading]:
    """Texts that are read in one way after those that are read in another."""
    lengths = tokens.lengths(np.arange(len(texts)))
    best: Way = "packed" if spec.packing == "auto" else "padded"
    for part in run.handle.trials.parts(lengths, best=best, budget=spec.batch_tokens):
        rows = part.rows
        some = tokens if len(rows) == len(texts) else tokens.part(rows)
        own = replace(run, way=part.way, spans=None if run.spans is None else run.spans[rows])
        for reading in _stream(own, some, [texts[row] for row in rows], part.budget):
            yield Reading(rows[reading.index], reading.states)


def follow(handle: ModelHandle) -> None:
    """Run the passes that the leading process runs, until it says that there are no more (`dismiss`)."""
    while (order := take(handle.device)) is not None:
        flat = order.ids[np.arange(order.ids.shape[1]) < order.lengths[:, None]].astype(np.int32)
        tokens = Tokens(flat, np.concatenate([[0], np.cumsum(order.lengths)]), np.arange(len(order.lengths)))
        run = _Pass(handle, (order.last,), None, order.through, "packed" if order.packs else "padded")
        with suppress(*FAILURES) if order.trial else nullcontext():
            run.read(tokens, tokens.order)


def dismiss(handle: ModelHandle) -> None:
    """Tell processes that follow that there is nothing more to read; without any, nothing happens."""
    if handle.divided and leads():
        give(None, handle.device)


def _spans(handle: ModelHandle, tokens: Tokens) -> Int[np.ndarray, "text 2"]:
    prompts = tokens.listed(np.arange(len(tokens.order)))
    return own_spans(prompts, [handle.template], causal=not handle.encoder)


def _elsewhere(run: "_Pass", runtime: Runtime, tokens: Tokens, texts: Sequence[tuple[str, str]]) -> Iterator[Reading]:
    """Texts that another library reads, from the longest to the shortest."""
    handle, layers = run.handle, run.layers
    normed = run.post_norm and layers[-1] == handle.n_layers - 1
    if normed and run.spans is not None:
        raise SpecError(
            f"reading.position = 'mean' after the final norm (protocol 'paper') is not read by {runtime.name}, where "
            "what was read is normed afterwards; use position 'last' or engine 'local'"
        )
    for places in portions(len(texts)):
        rows = tokens.order[places.start : places.stop]
        spans = None if run.spans is None else run.spans[rows]
        position: Position = "last" if spans is None else "mean"
        states = prompt_states(runtime, tokens.listed(rows), layers, position, handle.hidden, spans)
        if normed:
            states[-1] = after_norm(handle, states[-1])
        yield finite(handle, layers, Reading(rows, states), texts)


def _stream(run: "_Pass", tokens: Tokens, texts: Sequence[tuple[str, str]], budget: int) -> Iterator[Reading]:
    """Batches in order, each as large as the budget allows; the budget shrinks when memory runs out.

    On an accelerator the next batch is under way while the states of the last one are handed out.
    """
    cuts = Cuts(tokens, run.way, budget)
    before: _Copy | None = None
    first, warned = 0, False
    while first < len(texts):
        rows = cuts.batch(first)
        copy = run.read(tokens, rows)
        if copy is None:
            longest = int(tokens.lengths(rows).max())
            if len(rows) == 1:
                text = shown("".join(texts[int(rows[0])]))
                raise ReadingError(
                    f"out of memory on the single text {text} ({longest} tokens); load the model in a smaller dtype, "
                    "quantised or with device_map, or lower reading.max_tokens"
                )
            cuts.halve(first, len(rows))
            if not warned:
                logger.warning(
                    "Out of memory on a batch of %d texts of up to %d tokens: it is halved and reading goes on with at "
                    "most %d tokens per batch (reading.batch_tokens)",
                    len(rows),
                    longest,
                    cuts.budget,
                )
                warned = True
            continue
        first += len(rows)
        if before is not None:
            yield finite(run.handle, run.layers, before.reading(), texts)
        before = copy
        if not copy.under_way:
            yield finite(run.handle, run.layers, copy.reading(), texts)
            before = None
    if before is not None:
        yield finite(run.handle, run.layers, before.reading(), texts)


@dataclass(frozen=True, eq=False)
class _Copy:
    """States of one batch on their way to the host."""

    rows: Int[np.ndarray, " text"]
    states: Float[Tensor, "layer text hidden"]
    arrived: torch.cuda.Event | None

    @property
    def under_way(self) -> bool:
        return self.arrived is not None

    @classmethod
    def of(cls, rows: Int[np.ndarray, " text"], buffer: Tensor) -> "_Copy":
        """Begin the copy; on an accelerator it runs behind the pass that fills the buffer."""
        if buffer.device.type != "cuda":
            return cls(rows, buffer.cpu(), None)
        host = torch.empty(buffer.shape, dtype=buffer.dtype, pin_memory=True)
        host.copy_(buffer, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()
        return cls(rows, host, arrived)

    def reading(self) -> Reading:
        if self.arrived is not None:
            self.arrived.synchronize()
        return Reading(self.rows, self.states.numpy())


@dataclass(frozen=True, eq=False)
class _Pass:
    """One forward pass over a batch, with hooks that are on only while it runs.

    Attributes:
        handle: the model.
        layers: blocks that are read.
        spans: of every text, the tokens that are averaged; None: the last token is read.
        post_norm: see `record`.
        packs: whether batches are packed.
    """

    handle: ModelHandle
    layers: tuple[int, ...]
    spans: Int[np.ndarray, "text 2"] | None
    post_norm: bool
    way: Way

    def read(self, tokens: Tokens, rows: Int[np.ndarray, " text"]) -> _Copy | None:
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
    def _forward(self, tokens: Tokens, rows: Int[np.ndarray, " text"]) -> _Copy:
        handle = self.handle
        device = handle.device
        if leads() or not handle.divided:
            handle.trials.refresh()
        packs = self.way == "packed"
        if handle.divided and leads():
            ids, lengths = tokens.padded(rows, handle.pad)
            give(Order(ids, lengths, packs, self.layers[-1], self.post_norm), device)
        packed = pack(tokens, rows) if packs else None
        ids, inputs, gather = self._inputs(tokens, rows, packed)
        buffer = torch.empty((len(self.layers), len(rows), handle.hidden), dtype=torch.float32, device=device)
        normed = self.post_norm and self.layers[-1] == handle.n_layers - 1
        attention = nullcontext() if packed is None else packed_attention(handle.model, packed)
        with self._hooks(buffer, gather, stop=not normed), attention:
            try:
                output = handle.model(**inputs)
            except _Enough:
                output = None
        if normed:
            last = _states(output, (*ids.shape, handle.hidden), type(handle.model).__name__)
            buffer[-1].copy_(gather(last, as_before=True))
        return _Copy.of(rows, buffer)

    def _inputs(
        self, tokens: Tokens, rows: Int[np.ndarray, " text"], packed: Packed | None
    ) -> tuple[Tensor, dict[str, Any], "_Gather"]:
        """What the model is called with, and who takes the read position out of what it returns."""
        handle, device = self.handle, self.handle.device
        spans = None if self.spans is None else self.spans[rows]
        if packed is not None:
            ids = torch.from_numpy(packed.ids)[None].to(device)
            positions = torch.from_numpy(packed.positions)[None].to(device)
            gather = _Gather(spans, tuple(ids.shape), packed.lengths, device, packed.paths)
            return ids, {"input_ids": ids, "position_ids": positions, "use_cache": False}, gather
        padded, lengths = tokens.padded(rows, handle.pad)
        ids = torch.from_numpy(padded).to(device)
        gather = _Gather(spans, padded.shape, lengths, device)
        inputs: dict[str, Any] = {"input_ids": ids}
        if handle.encoder or lengths.min() < padded.shape[1]:
            inputs["attention_mask"] = gather.real.long()
        if not handle.encoder:
            inputs["use_cache"] = False
        return ids, inputs, gather

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
    """Takes the read position out of a block's output, on whatever device that is.

    Args:
        spans: of each text, the tokens that are averaged; None: the last one is read.
        shape: `[text, token]` of a padded batch, `[1, token]` of a packed one.
        lengths: tokens of each text.
        device: where the states usually are.
        paths: indices of each text's tokens in the row of a packed batch.
    """

    def __init__(
        self,
        spans: Int[np.ndarray, "text 2"] | None,
        shape: tuple[int, ...],
        lengths: Int[np.ndarray, " text"],
        device: torch.device,
        paths: Int[np.ndarray, "text place"] | None = None,
    ):
        self.shape = shape
        width = shape[1] if paths is None else paths.shape[1]
        self.real = torch.from_numpy(np.arange(width) < lengths[:, None]).to(device)
        self.own = None if spans is None else torch.from_numpy(own_tokens(spans, width)).to(device)
        self.weights: Tensor | None = None
        self.paths = None if paths is None else torch.from_numpy(paths).to(device)
        texts = np.arange(len(lengths))
        place = texts * shape[1] + lengths - 1 if paths is None else paths[texts, lengths - 1]
        self.last = torch.from_numpy(place).to(device)

    def __call__(self, states: Tensor, *, as_before: bool = False) -> Tensor:
        """`[text, token, hidden]` (packed: `[1, token, hidden]`) to `[text, hidden]`.

        Args:
            states: of a block.
            as_before: weigh tokens as in the block before: `states` are those after the final norm, all of one length.
        """
        flat = states.reshape(-1, states.shape[-1])
        if self.own is None:
            return flat.index_select(0, self.last.to(states.device))
        if self.paths is not None:
            states = flat[self.paths.to(states.device)]
        own = self.own.to(states.device)
        if self.weights is None or not as_before:
            self.weights = token_weights(states, own)
        return weighted_mean(states, own, self.weights.to(states.device))


def _hook(buffer: Tensor, slot: int, gather: _Gather, *, last: bool) -> Any:
    def hook(module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        shape = (*gather.shape, buffer.shape[-1])
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
