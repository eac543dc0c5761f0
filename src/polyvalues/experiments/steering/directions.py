"""Directions for a control experiment, none of which has seen a test item.

For test prompts, and to steer with anywhere: the vector fitted on everything there is to fit on (of a cross-fitted
concept: the choosing half). To read a choosing prompt of a cross-fitted concept: the vector fitted on that half without
the prompt's fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from polyvalues.artifacts import Activations
from polyvalues.data.concepts import concept_info
from polyvalues.dimensions import LAYER, SOURCE, Concept, Language
from polyvalues.errors import SpecError
from polyvalues.experiments.steering.prompts import CHOOSE, Prompt
from polyvalues.storage.store import Store
from polyvalues.study.study import Study
from polyvalues.vectors.baseline_directions import random_directions
from polyvalues.vectors.fit import fit_language_subsets
from polyvalues.vectors.fitting_data import layer_coordinates


@dataclass(frozen=True, eq=False)
class Directions:
    """Unit vectors to the safer side.

    Attributes:
        concept: whose.
        sources: languages.
        layers: blocks.
        whole: float32 `[source, layer, hidden]`, to steer with and to read test prompts with.
        without: float32 `[source, fold, layer, hidden]`, to read choosing prompts with; empty along `fold` where the
            concept was split, whose `whole` has seen no choosing prompt either.
        flipped: whether the concept's vectors were turned round.
    """

    concept: Concept
    sources: tuple[Language, ...]
    layers: tuple[int, ...]
    whole: Float32[np.ndarray, "source layer hidden"]
    without: Float32[np.ndarray, "source fold layer hidden"]
    flipped: bool

    def at(self, source: Language, layer: int) -> Float32[np.ndarray, " hidden"]:
        """The vector to steer with."""
        return self.whole[self.sources.index(source), self.layers.index(layer)]

    def reading(self, source: Language, layer: int, prompt: Prompt) -> Float32[np.ndarray, " hidden"]:
        """The vector to read a prompt with."""
        if prompt.part == CHOOSE and prompt.fold >= 0:
            return self.without[self.sources.index(source), prompt.fold, self.layers.index(layer)]
        return self.at(source, layer)

    def random(self, draw: int, seed: int) -> Mapping[int, Float32[np.ndarray, " hidden"]]:
        """Random unit vectors by layer, the same for all targets: those of the baseline of recognition."""
        drawn = random_directions(self.layers, (draw + 1, self.whole.shape[-1]), seed)[draw]
        return {layer: _unit(vector) for layer, vector in zip(self.layers, drawn, strict=True)}


def control_directions(study: Study, concept: Concept, prompts: Sequence[Prompt]) -> Directions:
    """Directions of a concept, from what a study has kept.

    Raises:
        SpecError: a vector cannot be fitted on the choosing half: too few items there.
    """
    vectors = study.vectors(concept).data
    sources = tuple(map(str, vectors[SOURCE].values))
    flipped = concept_info(concept).safer == "negative"
    sign = -1.0 if flipped else 1.0
    if all(prompt.fold < 0 for prompt in prompts):
        layers = tuple(map(int, vectors[LAYER].values))
        whole = _unit(sign * vectors["vector"].values)
        return Directions(concept, sources, layers, whole, whole[:, None][:, :0], flipped)
    folds = sorted({prompt.fold for prompt in prompts if prompt.part == CHOOSE})
    count = max(prompt.fold for prompt in prompts) + 1
    subsets = np.zeros((1 + max(folds) + 1, count), dtype=bool)
    subsets[:, folds] = True
    for fold in folds:
        subsets[1 + fold, fold] = False
    fitted = [_fit(study.store, study.spec.vectors.estimator, concept, source, subsets) for source in sources]
    layers = fitted[0][0]
    stacked = np.stack([vector for _, vector in fitted])  # source subset layer hidden
    if not np.isfinite(stacked).all():
        raise SpecError(f"concept {concept!r}: too few items in the choosing half to fit a vector in every language")
    units = _unit(sign * stacked)
    return Directions(concept, sources, layers, units[:, 0], units[:, 1:], flipped)


def _fit(
    store: Store, estimator: str, concept: Concept, source: Language, subsets: np.ndarray
) -> tuple[tuple[int, ...], np.ndarray]:
    """Layers, and vectors `[subset, layer, hidden]`."""
    unit = store.get(f"activations/{concept}/{source}.fit.nc", Activations)
    layers = layer_coordinates(unit)
    vectors = [fit_language_subsets(unit, estimator, subsets, at) for at in range(len(layers))]
    return layers, np.stack(vectors, axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
