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

from polyvalues.dimensions import Position
from polyvalues.models.attention_sinks import own_tokens, token_weights, weighted_mean

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
    runtime: Runtime,
    prompts: Sequence[Sequence[int]],
    layers: Sequence[int],
    position: Position,
    hidden: int,
    spans: Int[np.ndarray, "text 2"] | None = None,
) -> Float[np.ndarray, "layer text hidden"]:
    """States at the read position of every prompt, float32.

    Args:
        runtime: runs the model.
        prompts: token ids.
        layers: blocks that are read.
        position: `last` or `mean`.
        hidden: size of the residual stream.
        spans: tokens of the prompts' own, for `mean` (`attention_sinks.own_spans`).
    """
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    states = torch.zeros((len(layers), len(prompts), hidden))

    def last(slot: int, found: Tensor, places: Places) -> None:
        ends = places.position == lengths.to(places.position.device)[places.request] - 1
        states[slot, places.request[ends].cpu()] = found[ends].float().cpu()

    if position == "last":
        runtime.run(prompts, {layer: _looking(last, slot) for slot, layer in enumerate(layers)})
        return states.numpy()
    assert spans is not None

    def mean(slot: int, row: int, found: Float[Tensor, "token hidden"]) -> None:
        own = torch.from_numpy(own_tokens(spans[row : row + 1], len(found))).to(found.device)
        weights = token_weights(found[None], own)
        states[slot, row] = weighted_mean(found[None], own, weights)[0].cpu()

    runtime.run(prompts, _by_prompt(prompts, layers, mean))
    return states.numpy()


def prompt_lengths(
    runtime: Runtime, prompts: Sequence[Sequence[int]], spans: Int[np.ndarray, "text 2"], layers: int
) -> list[tuple[Float64[np.ndarray, "layer token"], Float64[np.ndarray, "layer token"]]]:
    """Lengths of every prompt's states at every block, and how much each token counts in a mean."""
    found = [np.zeros((2, layers, len(prompt))) for prompt in prompts]

    def measure(slot: int, row: int, states: Float[Tensor, "token hidden"]) -> None:
        own = torch.from_numpy(own_tokens(spans[row : row + 1], len(states))).to(states.device)
        found[row][0, slot] = states.norm(dim=-1).double().cpu().numpy()
        found[row][1, slot] = token_weights(states[None], own)[0].double().cpu().numpy()

    runtime.run(prompts, _by_prompt(prompts, range(layers), measure))
    return [(own[0], own[1]) for own in found]


def portions(count: int) -> list[range]:
    """Prompts that are given to a runtime at once, so that progress is seen and states stay few."""
    return [range(first, min(first + _PROMPTS, count)) for first in range(0, count, _PROMPTS)]


def _by_prompt(
    prompts: Sequence[Sequence[int]],
    layers: Sequence[int],
    done: Callable[[int, int, Float[Tensor, "token hidden"]], None],
) -> dict[int, Tap]:
    """Taps that call `done(slot, prompt, float32 states)` when all tokens of a prompt have passed a block.

    A pass may hold a part of a prompt, and its tokens in any order; what waits for the rest is kept.
    """
    waiting: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def look(slot: int, found: Tensor, places: Places) -> None:
        for row in places.request.unique().tolist():
            length = len(prompts[row])
            mine = (places.request == row) & (places.position < length)
            states, there = waiting.pop((slot, row), None) or (
                torch.zeros((length, found.shape[-1]), device=found.device),
                torch.zeros(length, dtype=torch.bool, device=found.device),
            )
            states[places.position[mine]] = found[mine].float()
            there[places.position[mine]] = True
            if bool(there.all()):
                done(slot, row, states)
            else:
                waiting[slot, row] = (states, there)

    return {layer: _looking(look, slot) for slot, layer in enumerate(layers)}


def _looking(look: Callable[[int, Tensor, Places], Any], slot: int) -> Tap:
    def tap(found: Tensor, places: Places) -> None:
        look(slot, found, places)

    return tap
