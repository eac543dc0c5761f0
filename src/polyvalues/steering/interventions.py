"""What steering does to hidden states: pure functions, float32 in and out.

With `h` a hidden state, `v` a unit vector, `s` a strength in the units of `h`:

    add         h + s v
    piecewise   h + s sign(h . v) v          amplifies the side the text is on; sign(0) = 0
    ablate      h - (h . v) v                h . v becomes 0
    clamp       h + (s - h . v) v            h . v becomes s
    keep_norm   h' |h| / |h'|                afterwards, with h' what became of h; a zero h' stays zero

`v` points to the safer side, so a positive strength is always the safer one.
"""

import torch
from jaxtyping import Float32
from torch import Tensor

from polyvalues.dimensions import InterventionKind

States = Float32[Tensor, "row token hidden"]
Directions = Float32[Tensor, "#row #token hidden"]
Strengths = Float32[Tensor, "#row #token 1"]


def add(
    h: States,
    v: Directions,
    s: Strengths,
) -> States:
    """`h + s v`."""
    return h + s * v


def piecewise(
    h: States,
    v: Directions,
    s: Strengths,
) -> States:
    """`h + s sign(h . v) v`."""
    return h + s * torch.sign(along(h, v)) * v


def ablate(h: States, v: Directions) -> States:
    """`h - (h . v) v`."""
    return h - along(h, v) * v


def clamp(
    h: States,
    v: Directions,
    s: Strengths,
) -> States:
    """`h + (s - h . v) v`."""
    return h + (s - along(h, v)) * v


def keep_norm(changed: States, h: States) -> States:
    """`changed`, rescaled to the length of `h`; where it is zero it stays zero."""
    length = changed.norm(dim=-1, keepdim=True)
    return changed * (h.norm(dim=-1, keepdim=True) / torch.where(length > 0, length, 1.0))


def along(h: States, v: Directions) -> Float32[Tensor, "row token 1"]:
    """`h . v`."""
    return (h * v).sum(dim=-1, keepdim=True)


def intervene(
    h: States,
    v: Directions,
    s: Strengths,
    kind: InterventionKind,
    *,
    norm: bool = False,
) -> States:
    """One of the above by name, `norm`-preserving or not."""
    changed = ablate(h, v) if kind == "ablate" else {"add": add, "piecewise": piecewise, "clamp": clamp}[kind](h, v, s)
    return keep_norm(changed, h) if norm else changed
