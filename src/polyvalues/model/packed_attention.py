"""Attention over packed texts, for every model that computes it through transformers' attention interface.

    out(q) = softmax(q . K[path up to q] * scaling) V[path up to q]         per text, head and query token q

Linear layers see one long row of tokens; here the queries and keys of texts of like length are gathered, padded, given
to `scaled_dot_product_attention` in one call, and laid back. Whether a model can be read this way is not looked up but
tried (`can_pack`): states of packed token ids must be those of the plain pass. Models with ALiBi, recurrent layers,
attention sinks or capped scores fail it, and are read padded.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel

from polyvalues.errors import ArchitectureError
from polyvalues.model.batching import Tokens
from polyvalues.model.blocks import block_states, text_config
from polyvalues.model.packing import Bucket, Packed, neighbours, pack

NAME: Final = "polyvalues_packed"
_LOG = logging.getLogger("polyvalues")
_HARMLESS: Final = frozenset(
    {
        "scaling",
        "dropout",
        "is_causal",
        "sliding_window",
        "position_ids",
        "use_cache",
        "output_attentions",
        "cache_position",
    }
)
"""Options that are honoured, or do not change what attention computes."""

_FAILURES: Final = (
    RuntimeError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    AssertionError,
    ArchitectureError,
)
_CLOSE: Final = {torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 0.2}
"""Half precision loses a few per cent over 32 blocks whichever way it is summed; what tells is the other context."""

_PROBE_TOKENS: Final = 12


@dataclass(frozen=True, eq=False)
class _Placed:
    """A bucket on the device, with the masks that were asked for."""

    bucket: Bucket
    queries: Tensor
    keys: Tensor
    masks: dict[int | None, Tensor | None] = field(default_factory=dict)

    def mask(self, window: int | None) -> Tensor | None:
        """Which keys a query sees through a window; None: those not to its right."""
        if window is not None and window >= self.keys.shape[1]:
            window = None
        if window not in self.masks:
            if window is None and self.bucket.causal:
                self.masks[None] = None
            else:
                allowed = self.bucket.allowed
                if window is not None:
                    # the last key a query sees is itself, so the number of keys it sees is its place + 1
                    at = allowed.sum(axis=2, keepdims=True) - 1
                    allowed = allowed & (np.arange(allowed.shape[2]) > at - window)
                self.masks[window] = torch.from_numpy(allowed[:, None]).to(self.queries.device)
        return self.masks[window]


@dataclass(frozen=True, eq=False)
class Plan:
    """A packed batch on one device."""

    buckets: tuple[_Placed, ...]
    origin: Tensor

    @classmethod
    def of(cls, packed: Packed, device: torch.device) -> "Plan":
        """The batch's indices, moved once."""
        place = tuple(
            _Placed(bucket, torch.from_numpy(bucket.queries).to(device), torch.from_numpy(bucket.keys).to(device))
            for bucket in packed.buckets
        )
        return cls(place, torch.from_numpy(packed.origin).to(device))


@dataclass(frozen=True, eq=False)
class _Batch:
    """The packed batch that is being read, with its plans by device (blocks may lie on several)."""

    packed: Packed
    plans: dict[torch.device, Plan] = field(default_factory=dict)

    def plan(self, device: torch.device) -> Plan:
        if device not in self.plans:
            self.plans[device] = Plan.of(self.packed, device)
        return self.plans[device]


_BATCH: ContextVar[_Batch | None] = ContextVar("batch", default=None)


@contextmanager
def packed_attention(model: PreTrainedModel, packed: Packed) -> Iterator[None]:
    """Inside, the model's attention is that of `packed`; its own comes back however the block ends."""
    config = text_config(model.config)
    own = config._attn_implementation
    token = _BATCH.set(_Batch(packed))
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = own
        _BATCH.reset(token)


@torch.compiler.disable
def _attend(
    module: nn.Module,
    query: Float[Tensor, "1 head token size"],
    key: Float[Tensor, "1 key_head token size"],
    value: Float[Tensor, "1 key_head token value_size"],
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """`[1, token, head, value size]`; called by the model's attention modules.

    Raises:
        ArchitectureError: the model asks for something that packed texts do not have.
    """
    batch = _BATCH.get()
    unknown = sorted(name for name, value in options.items() if value is not None and name not in _HARMLESS)
    if batch is None or unknown or attention_mask is not None:
        raise ArchitectureError(f"{type(module).__name__}: packed attention with {', '.join(unknown) or 'a mask'}")
    plan = batch.plan(query.device)
    parts = [_bucket(query[0], key[0], value[0], placed, options) for placed in plan.buckets]
    return torch.cat(parts).index_select(0, plan.origin)[None], None


def _bucket(query: Tensor, key: Tensor, value: Tensor, placed: _Placed, options: dict[str, Any]) -> Tensor:
    """Attention of one bucket, `[row * query, head, value size]`."""
    repeats = query.shape[0] // key.shape[0]
    asked = _gathered(query, placed.queries, 1)
    mask = placed.mask(options.get("sliding_window"))
    out = scaled_dot_product_attention(
        asked,
        _gathered(key, placed.keys, repeats),
        _gathered(value, placed.keys, repeats),
        attn_mask=mask,
        is_causal=mask is None,
        scale=options.get("scaling"),
    )
    return out.transpose(1, 2).reshape(-1, out.shape[1], out.shape[3])


def _gathered(states: Float[Tensor, "head token size"], index: Tensor, repeats: int) -> Tensor:
    """`[row, head, place, size]` of the tokens in `index` `[row, place]`."""
    rows, places = index.shape
    # Models lay queries out token by token and hand over a transposed view: taken back, no copy is made of all of it.
    by_token = states.transpose(0, 1)
    taken = by_token.index_select(0, index.reshape(-1)).view(rows, places, *by_token.shape[1:]).transpose(1, 2)
    return taken if repeats == 1 else taken.repeat_interleave(repeats, dim=1)


AttentionInterface.register(NAME, _attend)


@torch.inference_mode()
def can_pack(model: PreTrainedModel, blocks: tuple[nn.Module, ...]) -> bool:
    """Whether packed texts give the states of the plain pass, tried on a few made-up texts.

    The difference must be no more than rounding, and far less than what another context would make.
    """
    embeddings: Any = model.get_input_embeddings()
    vocabulary = int(embeddings.weight.shape[0])
    rng = np.random.default_rng(0)
    texts = rng.integers(0, vocabulary, (4, _PROBE_TOKENS)).astype(np.int32)
    texts[1, : _PROBE_TOKENS // 2] = texts[0, : _PROBE_TOKENS // 2]
    texts[3, -1] = texts[2, -1]
    lengths = np.full(4, _PROBE_TOKENS)
    tokens = Tokens(texts.ravel(), np.concatenate([[0], np.cumsum(lengths)]), np.arange(4))
    order, _ = neighbours(tokens)
    packed = pack(tokens, order)
    try:
        plain = _states(model, blocks, torch.from_numpy(texts[order].astype(np.int64)))[:, :, -1]
        with packed_attention(model, packed):
            row = _states(model, blocks, torch.from_numpy(packed.ids.astype(np.int64))[None], packed.positions)
    except _FAILURES as error:
        _LOG.debug("%s cannot be read packed: %s", type(model).__name__, error)
        return False
    last = torch.from_numpy(packed.paths[:, -1])
    difference = (row[:, 0, last] - plain).abs().amax(dim=(1, 2))
    scale = plain.abs().amax(dim=(1, 2))
    where = np.argsort(order)
    context = (plain[:, where[2]] - plain[:, where[3]]).abs().amax(dim=1)
    close = difference <= _CLOSE.get(model.dtype, 0.0) * scale
    apart = difference <= 0.2 * context
    return bool(close.all() and apart.all() and torch.isfinite(row).all())


def _states(
    model: PreTrainedModel, blocks: tuple[nn.Module, ...], ids: Tensor, positions: np.ndarray | None = None
) -> Float[Tensor, "layer text token hidden"]:
    """All blocks' outputs, on the CPU in float32."""
    device = next((p.device for p in model.parameters() if p.device.type != "meta"), torch.device("cpu"))
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        kept.append(block_states(output).float().cpu())

    hooks = [block.register_forward_hook(keep) for block in blocks]
    inputs: dict[str, Any] = {"input_ids": ids.to(device), "use_cache": False}
    if positions is not None:
        inputs["position_ids"] = torch.from_numpy(positions)[None].to(device)
    try:
        model(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(kept)
