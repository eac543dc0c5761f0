"""Conditional steering: which prompts a vector holds for violating, read before anything is steered.

    suspicion = h . v where v points to the violation, -h . v where it points away
    passes      suspicion > threshold

`h` is the prompt as the study reads texts, at one layer, chosen on the choosing items alone: the one at which the
languages' own vectors tell their sides apart best, on average. A threshold is set for each vector and target on the
choosing items: the smallest at which at most a given share of the *upholding* prompts passes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Float64

from polyvalues.config import ReadingSpec
from polyvalues.dimensions import Language
from polyvalues.experiments.steering.directions import Directions
from polyvalues.experiments.steering.prompts import CHOOSE, Prompt
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle


@dataclass(frozen=True, eq=False)
class Gates:
    """Suspicion of every prompt.

    Attributes:
        prompts: what was read.
        suspicion: by source, float64 `[prompt]`.
        layer: block it was read at.
    """

    prompts: tuple[Prompt, ...]
    suspicion: Mapping[Language, Float64[np.ndarray, " prompt"]]
    layer: int

    def passes(self, source: Language, gate: float, target: Language) -> Bool[np.ndarray, " prompt"]:
        """Which prompts of a target are steered when `gate` is the share of upholding ones let through; NaN: all."""
        here = self._targets == target
        if np.isnan(gate):
            return here
        own = self.suspicion[source]
        return here & (own > threshold(own[here & self._benign], gate))

    @cached_property
    def _targets(self) -> np.ndarray:
        return np.array([prompt.target for prompt in self.prompts])

    @cached_property
    def _benign(self) -> np.ndarray:
        return np.array([prompt.part == CHOOSE and prompt.side == "positive" for prompt in self.prompts])


def threshold(benign: Float64[np.ndarray, " prompt"], gate: float) -> float:
    """The smallest value that at most a share `gate` of these exceeds."""
    allowed = int(gate * len(benign) + 1e-9)
    return float(np.sort(benign)[::-1][allowed])


def read_gates(
    handle: ModelHandle, directions: Directions, prompts: Sequence[Prompt], reading: ReadingSpec, layer: int
) -> Gates:
    """Read every prompt once, unsteered."""
    spec = reading.model_copy(update={"layers": (layer,)})
    states = np.empty((len(prompts), handle.hidden), dtype=np.float32)
    for part in record(handle, [(prompt.prefix, prompt.text) for prompt in prompts], spec):
        states[part.index] = part.states[0]
    sign = 1.0 if directions.flipped else -1.0
    return Gates(
        tuple(prompts),
        {source: sign * _along(states, directions, source, layer, prompts) for source in directions.sources},
        layer,
    )


def gate_layer(handle: ModelHandle, directions: Directions, prompts: Sequence[Prompt], reading: ReadingSpec) -> int:
    """The layer to read gates at: best mean accuracy of own vectors on choosing pairs (ties 1/2), the first of equals.

    `prompts` hold both sides of each pair, one after the other. Languages without a vector do not count.
    """
    mine = [prompt for prompt in prompts if prompt.part == CHOOSE and prompt.target in directions.sources]
    spec = reading.model_copy(update={"layers": directions.layers})
    states = np.empty((len(directions.layers), len(mine), handle.hidden), dtype=np.float32)
    for part in record(handle, [(prompt.prefix, prompt.text) for prompt in mine], spec):
        states[:, part.index] = part.states
    targets = np.array([prompt.target for prompt in mine[::2]])
    sign = -1.0 if directions.flipped else 1.0
    accuracy = []
    for at, layer in enumerate(directions.layers):
        vectors = np.stack([directions.reading(prompt.target, layer, prompt) for prompt in mine[::2]])
        score = sign * np.einsum("ph,ph->p", states[at, ::2].astype(np.float64) - states[at, 1::2], vectors)
        right = (score > 0) + 0.5 * (score == 0)
        accuracy.append(np.mean([right[targets == target].mean() for target in dict.fromkeys(targets.tolist())]))
    return directions.layers[int(np.argmax(accuracy))]


def _along(
    states: Float32[np.ndarray, "prompt hidden"],
    directions: Directions,
    source: Language,
    layer: int,
    prompts: Sequence[Prompt],
) -> Float64[np.ndarray, " prompt"]:
    vectors = np.stack([directions.reading(source, layer, prompt) for prompt in prompts])
    return np.einsum("ph,ph->p", states.astype(np.float64), vectors)
