"""Which ways of reading texts together give the states of one text at a time.

    packed    one row of tokens, shared beginnings once          padded    a batch, padded on the right
    equal     batches of texts of one length, no padding          alone     one text at a time
    left      a batch, padded on the left, to go on writing

The way is tried, not looked up, and at the lengths that the given texts have: made-up texts of the longest length L,
L/2, L/4 and so on go through the model alone and then together, and the states at up to 160 places of each are compared
at every block. What differs beyond a length shows there: a sliding window, a chunk of attention, a scale by position;
frequencies of positions that depend on the longest text of a batch (dynamic and long rope). The first way in the order
above that agrees is taken. Where the best one fails, shorter texts still go that way, up to the longest of L/2, L/4 and
so on for which it agrees. L is rounded up to a quarter of an octave, so a choice depends on the texts of a unit alone
and not on what was read before. Some models count a token's place in the row, not in its text (Llama 4 scales queries
by it), so rows are tried too, as long as those that will be read (a power of two), with made-up texts at their end;
where such a row fails, rows are cut to half, a quarter and so on.

A trial that runs out of memory finds nothing out: the way is not taken then, is tried again for the next texts, and the
log and the model's record say so (`Trials.remark`).

Some models also remember the longest text that they have seen (dynamic rope). `Trials.refresh` runs a single token
when their buffers are not what they were, after which they read like a model just loaded.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from polyvalues.models.batching import Tokens
from polyvalues.models.blocks import block_states
from polyvalues.models.packed_attention import packed_attention
from polyvalues.models.packing import Packed, neighbours, pack
from polyvalues.models.pass_failures import FAILURES, out_of_memory
from polyvalues.models.tensor_parallel import Order, give, leads

Way = Literal["packed", "padded", "left", "equal", "alone"]
_INSTEAD: Final[Mapping[Way, tuple[Way, ...]]] = {
    "packed": ("packed", "padded", "equal"),
    "padded": ("padded", "equal"),
    "left": ("left", "equal"),
}

_LOG = logging.getLogger("polyvalues")
_CLOSE: Final = {torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 0.2}
"""Largest difference as a share of the state; half precision loses a few per cent over 32 blocks, however summed."""

_OF_CONTEXT: Final = 0.3
"""Largest difference as a share of what another context makes of the same token."""

_LEAST: Final = 16
_SHORTEST: Final = 8
_PLACES: Final = 128
_ENDS: Final = 16
_STEPS: Final = 4


@dataclass(frozen=True, eq=False)
class Part:
    """Texts that are read in one way.

    Attributes:
        way: how.
        rows: which.
        budget: most tokens of a batch.
    """

    way: Way
    rows: Int[np.ndarray, " row"]
    budget: int


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials of one model.

    Attributes:
        model: the base model.
        blocks: its blocks.
        encoder: attention looks both ways.
        ids: token ids that stand for ordinary text.
        pad: what stands at padded places.
        limit: most tokens of a text, None: no end.
        divided: the model is divided over processes, which are told of every pass.
    """

    model: PreTrainedModel
    blocks: tuple[nn.Module, ...]
    encoder: bool
    ids: Int[np.ndarray, " id"]
    pad: int
    limit: int | None
    divided: bool
    _found: dict[tuple[int, str], bool] = field(default_factory=dict)
    _alone: dict[int, tuple[Tensor, ...]] = field(default_factory=dict)
    _buffers: dict[str, Tensor] = field(default_factory=dict)
    _untried: dict[tuple[int, str], None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._buffers.update(self.model.named_buffers())

    def parts(self, lengths: Int[np.ndarray, " text"], *, best: Way, budget: int) -> list[Part]:
        """How texts of these lengths are read, the longer ones first.

        Args:
            lengths: tokens of each text.
            best: how they are read if that is right.
            budget: most tokens of a batch.
        """
        if not len(lengths):
            return []
        if self.encoder and best == "packed":
            best = "padded"
        longest = self.rounded(int(lengths.max()))
        row = self._row(min(budget, int(lengths.sum())), budget) if best == "packed" else budget
        bound = longest if row == budget else row  # texts that are longer do not fit into a row that is right
        way = self.way(longest, best if bound >= longest else "padded")
        if way == best:
            return [Part(way, np.arange(len(lengths)), row)]
        shorter = longest // 2
        while shorter >= _SHORTEST and (shorter > bound or self.way(shorter, best) != best):
            shorter //= 2
        short = lengths <= (shorter if shorter >= _SHORTEST else 0)
        parts = [Part(way, np.flatnonzero(~short), budget), Part(best, np.flatnonzero(short), row)]
        return [part for part in parts if len(part.rows)]

    def way(self, longest: int, best: Way = "packed") -> Way:
        """The first way, from `best` on, that is right for texts of up to `longest` tokens; at last one at a time."""
        for way in _INSTEAD[best]:
            if self._agrees(longest, way):
                return way
        return "alone"

    def batches(self, lengths: Int[np.ndarray, " text"], most: int, *, new: int = 0) -> list[list[int]]:
        """Rows of batches of at most `most` texts, each batch from its longest text to its shortest.

        Args:
            lengths: tokens of each text.
            most: texts in a batch.
            new: tokens that may be written behind each; 0: texts are padded on the right.
        """
        batches = []
        for part in self.parts(lengths + new, best="left" if new else "padded", budget=most):
            longest = part.rows[np.argsort(-lengths[part.rows], kind="stable")].tolist()
            while longest:
                like = longest[: 1 if part.way == "alone" else most]
                if part.way == "equal":
                    like = [row for row in like if lengths[row] == lengths[like[0]]]
                batches.append(like)
                longest = longest[len(like) :]
        return batches

    def rounded(self, longest: int) -> int:
        """The length that is tried for texts of up to `longest` tokens."""
        step = max(1, 2 ** max(0, (longest - 1).bit_length() - 1) // _STEPS)
        length = max(_LEAST, -(-longest // step) * step)
        return length if self.limit is None else max(longest, min(length, self.limit))

    @torch.inference_mode()
    def refresh(self) -> None:
        """Let the model forget the lengths of texts that it has read."""
        if all(buffer is self._buffers.get(name) for name, buffer in self.model.named_buffers()):
            return
        self._pass(np.array([[int(self.ids[0])]]), np.array([1]), [np.array([0])])
        self._buffers.clear()
        self._buffers.update(self.model.named_buffers())

    def _row(self, needed: int, budget: int) -> int:
        """Most tokens of a packed row: `budget` if rows of up to `needed` are right; 0: none is."""
        row = max(_LEAST, 2 ** (needed - 1).bit_length())
        if self._agrees(row, "row"):
            return budget
        while row >= _LEAST and not self._agrees(row, "row"):
            row //= 2
        return row if row >= _LEAST else 0

    def _agrees(self, longest: int, way: Way | Literal["row"]) -> bool:
        key = (longest, way)
        if key in self._found:
            return self._found[key]
        try:
            self._found[key] = self._row_tried(longest) if way == "row" else self._tried(longest, way)
            return self._found[key]
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        # Outside the except clause, so that the traceback no longer holds the tensors of the failed pass.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        first = not self._untried
        self._untried[key] = None
        if first:
            _LOG.warning(
                "%s: %s; these texts are read in a slower way, with the same states. Free memory, or lower "
                "reading.batch_tokens or reading.max_tokens",
                type(self.model).__name__,
                self.remark,
            )
        return False

    @property
    def remark(self) -> str:
        """Which ways could not be tried because memory ran out, in words; empty: none."""
        tried = [f"{'packed rows' if way == 'row' else way} at {longest} tokens" for longest, way in self._untried]
        return f"memory ran out when a way of reading was tried ({', '.join(tried)})" if tried else ""

    @torch.inference_mode()
    def _row_tried(self, row: int) -> bool:
        """Whether a text at the end of a packed row gives the states that it gives alone."""
        size = _LEAST if self.limit is None else min(_LEAST, self.limit)
        texts = list(np.random.default_rng(1).choice(self.ids, (max(2, row // size), size)))
        places = [np.arange(0)] * (len(texts) - 1) + [np.arange(size)]
        try:
            alone = self._by_itself(texts[-1])
            last = self._pass(np.stack(texts), np.full(len(texts), size), places, "packed")
        except FAILURES as error:
            if out_of_memory(error):
                raise
            _LOG.debug("%s cannot be read packed: %s", type(self.model).__name__, error)
            return False
        return _same(alone, last, _CLOSE.get(self.model.dtype, 0.0), None)

    @torch.inference_mode()
    def _tried(self, longest: int, way: Way) -> bool:
        texts = _texts(longest, self.ids)
        try:
            if longest not in self._alone:
                self._alone.clear()
                self._alone[longest] = tuple(self._by_itself(text) for text in texts)
            together = self._together(texts, way)
        except FAILURES as error:
            if out_of_memory(error):
                raise
            _LOG.debug("%s cannot be read %s: %s", type(self.model).__name__, way, error)
            return False
        finally:
            self.refresh()
        alone = self._alone[longest]
        context = _context(alone[0], alone[1], texts[0], texts[1]) if len(texts) > 2 and not self.encoder else None
        close = _CLOSE.get(self.model.dtype, 0.0)
        return all(_same(alone[row], found, close, context) for row, found in together.items())

    def _by_itself(self, text: Int[np.ndarray, " token"]) -> Float[Tensor, "layer place hidden"]:
        self.refresh()
        return self._pass(text[None], np.array([len(text)]), [_places(len(text))])

    def _together(self, texts: Sequence[np.ndarray], way: Way) -> Mapping[int, Float[Tensor, "layer place hidden"]]:
        """States of texts read in one batch."""
        lengths = np.array([len(text) for text in texts])
        rows = np.arange(len(texts))
        if way == "equal":
            rows = np.flatnonzero(lengths == lengths[-1])
        elif way != "packed":
            rows = np.unique(np.minimum([0, 1, 2, len(texts) - 1], len(texts) - 1))
        tokens = _tokens([texts[row] for row in rows.tolist()])
        order = neighbours(tokens)[0] if way == "packed" else np.arange(len(rows))
        rows = rows[order]
        self.refresh()
        places = [_places(int(length)) for length in lengths[rows]]
        states = self._pass(*tokens.padded(order, self.pad), places, way)
        ends = np.cumsum([len(own) for own in places])
        parts = np.split(np.arange(ends[-1]), ends[:-1])
        return {int(row): states[:, own] for row, own in zip(rows, parts, strict=True)}

    def _pass(
        self,
        ids: Int[np.ndarray, "text token"],
        lengths: Int[np.ndarray, " text"],
        places: Sequence[np.ndarray],
        way: Way = "padded",
    ) -> Float[Tensor, "layer place hidden"]:
        """All blocks' outputs at places of each text, one text after the other, on the CPU in float32."""
        device = next((p.device for p in self.model.parameters() if p.device.type != "meta"), torch.device("cpu"))
        if self.divided and leads():
            give(Order(ids, lengths, way == "packed", len(self.blocks) - 1, through=True, trial=True), device)
        inputs, where = _inputs(ids, lengths, way)
        wanted = torch.from_numpy(np.concatenate([own[at] for own, at in zip(where, places, strict=True)]))
        kept: list[Tensor] = []

        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            states = block_states(output)
            kept.append(states.reshape(-1, states.shape[-1])[wanted.to(states.device)].float().cpu())

        hooks = [block.register_forward_hook(keep) for block in self.blocks]
        given: dict[str, Any] = {name: torch.from_numpy(value).to(device) for name, value in inputs.items()}
        if self.encoder:
            given["attention_mask"] = given.get("attention_mask", torch.ones_like(given["input_ids"]))
        else:
            given["use_cache"] = False
        packed = packed_attention(self.model, _packed(ids, lengths)) if way == "packed" else nullcontext()
        try:
            with packed:
                self.model(**given)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack(kept)


def _inputs(
    ids: Int[np.ndarray, "text token"], lengths: Int[np.ndarray, " text"], way: Way
) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """What the model is given, and where each text's tokens are among all tokens of the batch."""
    width = ids.shape[1]
    real = np.arange(width) < lengths[:, None]
    if way == "packed":
        batch = _packed(ids, lengths)
        where = [path[:length] for path, length in zip(batch.paths, lengths, strict=True)]
        return {"input_ids": batch.ids.astype(np.int64)[None], "position_ids": batch.positions[None]}, where
    if way == "left":
        moved = [np.roll(row, width - length) for row, length in zip(ids, lengths, strict=True)]
        ids, real = np.stack(moved), real[:, ::-1]
    inputs = {"input_ids": ids.astype(np.int64)}
    if not real.all():
        inputs["attention_mask"] = real.astype(np.int64)
    if way == "left":
        inputs["position_ids"] = np.maximum(real.cumsum(axis=1) - 1, 0)
    return inputs, [row * width + np.flatnonzero(own) for row, own in enumerate(real)]


def _packed(ids: Int[np.ndarray, "text token"], lengths: Int[np.ndarray, " text"]) -> Packed:
    texts = [row[:length] for row, length in zip(ids, lengths, strict=True)]
    return pack(_tokens(texts), np.arange(len(texts)))


def _tokens(texts: Sequence[np.ndarray]) -> Tokens:
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    flat = np.concatenate(texts).astype(np.int32)
    return Tokens(flat, np.concatenate([[0], np.cumsum(lengths)]), np.arange(len(texts)))


def _texts(longest: int, ids: Int[np.ndarray, " id"]) -> list[np.ndarray]:
    """Made-up texts of `longest` tokens, half of it and so on, the shortest twice.

    Every text begins like the first one, up to half of its length. In the second half of the second text, every other
    token is that of the first: the same tokens at the same places in another context.
    """
    rng = np.random.default_rng(0)
    texts = [rng.choice(ids, longest)]
    while len(texts[-1]) // 2 >= _SHORTEST:
        length = len(texts[-1]) // 2
        text = rng.choice(ids, length)
        text[: length // 2] = texts[0][: length // 2]
        if len(texts) == 1:
            text[length // 2 + 1 :: 2] = texts[0][length // 2 + 1 : length : 2]
        texts.append(text)
    twin = texts[-1].copy()
    twin[-1] = ids[(int(np.flatnonzero(ids == twin[-1])[0]) + 1) % len(ids)]
    return [*texts, twin]


def _places(length: int) -> Int[np.ndarray, " place"]:
    """The first and last places and some between them."""
    if length <= _PLACES + 2 * _ENDS:
        return np.arange(length)
    between = np.linspace(_ENDS, length - _ENDS, _PLACES, endpoint=False).astype(int)
    return np.unique(np.concatenate([np.arange(_ENDS), between, np.arange(length - _ENDS, length)]))


def _context(
    first: Float[Tensor, "layer place hidden"],
    second: Float[Tensor, "layer other_place hidden"],
    one: Int[np.ndarray, " token"],
    other: Int[np.ndarray, " other_token"],
) -> Float[Tensor, " layer"]:
    """What another context makes of the same tokens at the same places, by block: the median distance."""
    ours, theirs = _places(len(one)), _places(len(other))
    shared = [place for place in theirs if place in ours and place > len(other) // 2 and one[place] == other[place]]
    apart = first[:, np.searchsorted(ours, shared)] - second[:, np.searchsorted(theirs, shared)]
    return apart.norm(dim=-1).median(dim=1).values


def _same(
    alone: Float[Tensor, "layer place hidden"],
    together: Float[Tensor, "layer place hidden"],
    close: float,
    context: Float[Tensor, " layer"] | None,
) -> bool:
    """Whether states differ by rounding only. The first token, whose states can be very long, counts by its own."""
    if not bool(torch.isfinite(together).all()):
        return False
    distance, size = (together - alone).norm(dim=-1), alone.norm(dim=-1)
    if not bool((distance <= close * size).all()):
        return False
    if context is None:
        return True
    ordinary = size <= 10 * size.median(dim=1, keepdim=True).values
    return bool((distance[ordinary] <= (_OF_CONTEXT * context[:, None]).expand_as(distance)[ordinary]).all())
