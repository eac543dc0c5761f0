"""Attention over packed texts, for every model that computes it through transformers' attention interface.

    out(q) = softmax(q . K[path up to q] * scaling) V[path up to q]         per text, head and query token q

Linear layers see one long row of tokens; here the queries and keys of texts of like length are gathered, padded, given
to `scaled_dot_product_attention` in one call, and laid back. Whether a model can be read this way is not looked up but
tried (`polyvalues.models.batching_trial`): states of packed token ids must be those of one text at a time. Models
with ALiBi, recurrent layers, attention sinks or capped scores fail it, and are read padded.
"""

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
from polyvalues.models.blocks import text_config
from polyvalues.models.packing import Bucket, Packed

NAME: Final = "polyvalues_packed"
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
