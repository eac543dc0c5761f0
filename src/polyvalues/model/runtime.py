"""A model that another library runs: what reading and steering ask of it.

Such a library keeps its own batches, so it is given whole prompts, and functions (*taps*) that it calls behind a block
with the states of all tokens of a pass and where each token stands. A tap looks, or returns what the states become.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from polyvalues.axes import Position

_PROMPTS: Final = 256


@dataclass(frozen=True, eq=False)
class Places:
    """Where the tokens of a pass stand.

    Attributes:
        request: int64 `[token]`, which prompt.
        position: int64 `[token]`, from 0, generated tokens included.
    """

    request: Int[Tensor, " token"]
    position: Int[Tensor, " token"]


Tap = Callable[[Float[Tensor, "token hidden"], Places], Tensor | None]


@dataclass(frozen=True)
class Decoding:
    """How prompts are gone on with.

    Attributes:
        new_tokens: most tokens of an answer; 1 is the least that such libraries do.
        temperature: 0 is greedy.
        top_p: draw among the most probable tokens with this mass.
        ends: tokens that end an answer.
        seeds: one per prompt, used above temperature 0; empty: 0 for all.
    """

    new_tokens: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    ends: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()


ONE_TOKEN: Final = Decoding()


@runtime_checkable
class Runtime(Protocol):
    """Runs a model."""

    name: str

    def run(
        self, prompts: Sequence[Sequence[int]], taps: Mapping[int, Tap], decoding: Decoding = ..., /
    ) -> list[list[int]]:
        """Go on with prompts, given as token ids, with taps behind blocks; tokens written, an end token included."""
        ...


def prompt_states(
    runtime: Runtime, prompts: Sequence[Sequence[int]], layers: Sequence[int], position: Position, hidden: int
) -> Float[np.ndarray, "layer text hidden"]:
    """States at the read position of every prompt, float32.

    Args:
        runtime: runs the model.
        prompts: token ids.
        layers: blocks that are read.
        position: `last` or `mean`.
        hidden: size of the residual stream.
    """
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    states = torch.zeros((len(layers), len(prompts), hidden))

    def last(slot: int, found: Tensor, places: Places) -> None:
        ends = places.position == lengths.to(places.position.device)[places.request] - 1
        states[slot, places.request[ends].cpu()] = found[ends].float().cpu()

    def mean(slot: int, found: Tensor, places: Places) -> None:
        states[slot].index_add_(0, places.request.cpu(), found.float().cpu())

    look = last if position == "last" else mean
    runtime.run(prompts, {layer: _looking(look, slot) for slot, layer in enumerate(layers)})
    return (states if position == "last" else states / lengths[:, None]).numpy()


def prompt_norms(runtime: Runtime, prompts: Sequence[Sequence[int]], layers: int) -> Float64[np.ndarray, "layer text"]:
    """Sums of the lengths of a prompt's states at every block, its first token left out where there are others."""
    alone = torch.tensor([len(prompt) == 1 for prompt in prompts])
    sums = torch.zeros((layers, len(prompts)), dtype=torch.float64)

    def add(slot: int, found: Tensor, places: Places) -> None:
        request = places.request.cpu()
        counted = (places.position.cpu() > 0) | alone[request]
        sums[slot].index_add_(0, request, found.float().norm(dim=-1).double().cpu() * counted)

    runtime.run(prompts, {layer: _looking(add, layer) for layer in range(layers)})
    return sums.numpy()


def portions(count: int) -> list[range]:
    """Prompts that are given to a runtime at once, so that progress is seen and states stay few."""
    return [range(first, min(first + _PROMPTS, count)) for first in range(0, count, _PROMPTS)]


def _looking(look: Callable[[int, Tensor, Places], Any], slot: int) -> Tap:
    def tap(found: Tensor, places: Places) -> None:
        look(slot, found, places)

    return tap
