"""What the rounding error of a reading may do to signs of scores, accuracies, layers and tests against chance.

    error[s, l] = sqrt(2) sd over neutral texts of (moved . v_s / |v_s|)      both sides of a pair, root mean square
    share       = share of a cell's pairs with |score| <= error
    change      = the larger of the shares of right and of wrong pairs among them

`moved` is a state as the study reads it, less the same state read alone in float32 (`models.rounding_error`). Neutral
texts stand for the study's own: `error` is typical and no bound, and single scores move further.

Layers are chosen on all scores together. So normal noise of this size is added to every score, independently at every
layer, and layers, accuracies and tests are made anew, `DRAWS` times; nested scores, whose signs alone are kept, turn
turn where the score under the own vector does. Vectors are left as they are.

A vector that is the mean of n differences moves by the mean of n differences of errors. To first order, with errors
of different texts independent, c the cosine and hats for unit length, the cosine of s and t moves by

    cosine_error[s, t] = sqrt(2 / n_s) sd(moved . (t^ - c s^)) / |s|  +  sqrt(2 / n_t) sd(moved . (s^ - c t^)) / |t|

one standard deviation. The sum, not the root of the sum of squares: errors of translations may go together.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float32, Float64

from polyvalues.analysis.hypothesis_tests.chance_test import chance
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.pair_outcomes import ConceptOutcomes, labels_of, strict_outcomes
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.dimensions import BOUNDS, CONCEPT, FOLD, INTERVAL, LAYER, PAIR, SIDE, SOURCE, TARGET

DRAWS: Final = 40
LEVEL: Final = 0.05
"""Of q-values against chance."""
_FURTHEST: Final = 6.0
"""Standard deviations at which the noise ends."""


def score_error(
    moved: Float32[np.ndarray, "layer text hidden"], vectors: Float32[np.ndarray, "source layer hidden"]
) -> Float64[np.ndarray, "source layer"]:
    """Root mean square error of a score under each vector, from how far states of at least two texts moved."""
    length = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0)
    along = np.einsum("lth,slh->slt", moved.astype(np.float64), unit)
    return np.sqrt(2) * along.std(axis=-1, ddof=1)


def cosine_error(
    moved: Float32[np.ndarray, "layer text hidden"],
    vectors: Float32[np.ndarray, "source layer hidden"],
    pairs: Sequence[float],
) -> Float64[np.ndarray, "source source layer"]:
    """Standard deviation of the cosine of two vectors, each the mean of so many `pairs`; NaN without a direction."""
    length = np.linalg.norm(vectors.astype(np.float64), axis=-1)
    length[length == 0] = np.nan
    unit = vectors / length[..., None]
    along = np.einsum("lth,slh->slt", moved.astype(np.float64), unit)
    cosine = np.einsum("slh,tlh->stl", unit, unit)
    across = (along[None] - cosine[..., None] * along[:, None]).std(axis=-1, ddof=1)
    own = across * np.sqrt(2 / np.asarray(pairs, dtype=np.float64))[:, None, None] / length[:, None]
    return own + own.swapaxes(0, 1)


def vector_errors(
    moved: Float32[np.ndarray, "layer text hidden"], data: xr.Dataset, pairs: Sequence[float]
) -> xr.Dataset:
    """Errors of scores and cosines of one concept.

    Args:
        moved: how far states of neutral texts moved, at every block of the model.
        data: of `ConceptVectors`.
        pairs: that each vector was fitted on.

    Returns:
        `score_error` `[source, layer]`, `cosine_error` `[source, target, layer]`; NaN for cosines of vectors that are
        no mean differences.
    """
    layers = [int(layer) for layer in data[LAYER].values]
    names, vectors = data[SOURCE].values, data["vector"].transpose(SOURCE, LAYER, "hidden").values
    cosines = cosine_error(moved[layers], vectors, pairs)
    if data.attrs["estimator"] != "mean-difference":
        cosines[:] = np.nan
    scores = score_error(moved[layers], vectors)
    values = {"score_error": ((SOURCE, LAYER), scores), "cosine_error": ((SOURCE, TARGET, LAYER), cosines)}
    return xr.Dataset(values, coords={SOURCE: names, TARGET: names, LAYER: layers})


def cosine_effect(error: xr.DataArray, choices: Sequence[LayerChoice], chosen: xr.DataArray) -> xr.Dataset:
    """The error of cosines beside their intervals.

    Args:
        error: `cosine_error` `[concept, source, target, layer]`.
        choices: one per concept.
        chosen: intervals of cosines at the chosen layers, of `consistency`.

    Returns:
        `cosine_error` and `cosine_half_width` `[concept, source, target]`, NaN on the diagonal.
    """
    parts = [error.sel({CONCEPT: choice.concept, LAYER: choice.layer}).drop_vars(LAYER) for choice in choices]
    found = xr.concat(parts, dim=CONCEPT).transpose(CONCEPT, SOURCE, TARGET)
    lower, upper = (chosen.sel({INTERVAL: name}).drop_vars(INTERVAL) for name in BOUNDS[1:])
    data = xr.Dataset({"cosine_error": found, "cosine_half_width": (upper - lower) / 2})
    return data.where(data[SOURCE] != data[TARGET]).transpose(CONCEPT, SOURCE, TARGET)


@dataclass(frozen=True, eq=False)
class _Tested:
    """Everything that may change, on the labels of a study."""

    accuracy: Float64[np.ndarray, "concept source target"]
    significant: np.ndarray
    choices: Mapping[str, LayerChoice]


def precision(
    scores: Sequence[Scores], choices: Sequence[LayerChoice], error: xr.DataArray, recognition: xr.Dataset, seed: int
) -> xr.Dataset:
    """Say what the rounding error may change.

    Args:
        scores: one per concept and target.
        choices: one per concept.
        error: of a score, `[concept, source, layer]`.
        recognition: `chosen`, for the half-widths of its intervals.
        seed: of the noise.

    Returns:
        `share`, `change`, `redrawn` (95 % quantile of the absolute change of accuracy over the draws), `half_width`
        (of the accuracy's interval), `verdict` (share of draws in which q falls on the other side of `LEVEL`) float64
        `[concept, source, target]`; `error` and `spread` (standard deviation of own scores) `[concept, target]`;
        `layer` and `folds` (share of draws, and of draws and folds, with another layer) `[concept]`.
    """
    labels = labels_of(scores)
    known = {str(concept): error.sel({CONCEPT: concept}) for concept in error[CONCEPT].values}
    cells = (len(labels.concepts), len(labels.sources), len(labels.targets))
    share, change = np.full(cells, np.nan), np.full(cells, np.nan)
    own = np.full((2, cells[0], cells[2]), np.nan)
    for row, concept in enumerate(strict_outcomes(scores, {choice.concept: choice for choice in choices})):
        for target in concept.targets:
            column = labels.targets.index(target.target)
            sides = target.picked_sides()
            difference = (sides[:, 0] - sides[:, 1]).astype(np.float64)
            sizes = _sizes(known[concept.concept], target.sources, target.layers)
            bound = np.take_along_axis(sizes, target.picked, axis=0)
            small, right = np.abs(difference) <= bound, target.picked_correct()
            at = [labels.sources.index(name) for name in target.sources]
            if len(difference):
                share[row, at, column] = small.mean(axis=0)
                change[row, at, column] = np.maximum((small * right).mean(axis=0), (small * (1 - right)).mean(axis=0))
            if target.target in target.sources and len(difference) > 1:
                mine = target.sources.index(target.target)
                own[:, row, column] = np.sqrt((bound[:, mine] ** 2).mean()), difference[:, mine].std(ddof=1)
    interval = recognition["chosen"].transpose(CONCEPT, SOURCE, TARGET, INTERVAL)
    places = {CONCEPT: list(labels.concepts), SOURCE: list(labels.sources), TARGET: list(labels.targets)}
    lower, upper = (interval.sel({INTERVAL: name}).sel(places).values for name in BOUNDS[1:])
    dims = (CONCEPT, SOURCE, TARGET)
    values = {"share": (dims, share), "change": (dims, change), "half_width": (dims, (upper - lower) / 2)}
    values |= {"error": ((CONCEPT, TARGET), own[0]), "spread": ((CONCEPT, TARGET), own[1])}
    return xr.Dataset(values | _drawn(scores, choices, known, seed), coords=places, attrs={"draws": DRAWS})


def _sizes(error: xr.DataArray, sources: Sequence[str], layers: Sequence[int]) -> Float64[np.ndarray, "layer source"]:
    return error.sel({SOURCE: list(sources), LAYER: list(layers)}).transpose(LAYER, SOURCE).values


def _drawn(
    scores: Sequence[Scores], choices: Sequence[LayerChoice], error: Mapping[str, xr.DataArray], seed: int
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """What the noise changes; nothing is drawn where it cannot turn any score."""
    before = _tested(scores, choices)
    moved = np.zeros((DRAWS, *before.accuracy.shape))
    turned = np.zeros(before.accuracy.shape)
    layer, folds = np.zeros(len(choices)), np.zeros(len(choices))
    noisy = [_Noisy(unit, error[str(unit.data.attrs["concept"])], seed) for unit in scores]
    for draw in range(DRAWS if any(unit.turns for unit in noisy) else 0):
        found = [unit.draw() for unit in noisy]
        after = _tested(found, [choose_layers(parts) for parts in _by_concept(found).values()])
        moved[draw] = np.abs(after.accuracy - before.accuracy)
        turned += (after.significant != before.significant) / DRAWS
        for row, choice in enumerate(choices):
            other = after.choices[choice.concept]
            layer[row] += (other.layer != choice.layer) / DRAWS
            different = other.fold_layer != choice.fold_layer
            folds[row] += (different.mean() if len(different) else other.layer != choice.layer) / DRAWS
    dims = (CONCEPT, SOURCE, TARGET)
    absent = np.isnan(before.accuracy)
    return {
        "redrawn": (dims, np.where(absent, np.nan, np.quantile(np.nan_to_num(moved), 0.95, axis=0, method="higher"))),
        "verdict": (dims, np.where(absent, np.nan, turned)),
        "layer": ((CONCEPT,), layer),
        "folds": ((CONCEPT,), folds),
    }


def _tested(scores: Sequence[Scores], choices: Sequence[LayerChoice]) -> _Tested:
    labels, known = labels_of(scores), {choice.concept: choice for choice in choices}
    tested = chance(scores, choices)
    accuracy = np.full(tested["q"].shape, np.nan)
    for row, concept in enumerate(strict_outcomes(scores, known)):
        _fill(accuracy[row], concept, labels.sources, labels.targets)
    return _Tested(accuracy, tested["q"].values < LEVEL, known)


def _fill(
    accuracy: Float64[np.ndarray, "source target"],
    concept: ConceptOutcomes,
    sources: Sequence[str],
    targets: Sequence[str],
) -> None:
    for target in concept.targets:
        if len(target.group):
            at = [sources.index(name) for name in target.sources]
            accuracy[at, targets.index(target.target)] = target.picked_correct().mean(axis=0, dtype=np.float64)


def _by_concept(scores: Sequence[Scores]) -> dict[str, dict[str, Scores]]:
    parts: dict[str, dict[str, Scores]] = {}
    for unit in scores:
        parts.setdefault(str(unit.data.attrs["concept"]), {})[str(unit.data.attrs["target"])] = unit
    return parts


class _Noisy:
    """Scores of one concept and target, to be read again with noise; the seed follows from the scores."""

    def __init__(self, scores: Scores, error: xr.DataArray, seed: int) -> None:
        self._data = scores.data
        self._sides = scores.data["projection"].transpose(PAIR, SIDE, LAYER, SOURCE).values
        sources = [str(name) for name in scores.data[SOURCE].values]
        layers = [int(layer) for layer in scores.data[LAYER].values]
        self._size = _sizes(error, sources, layers)
        self._before = self._sides[:, 0].astype(np.float64) - self._sides[:, 1]
        self._own = sources.index(str(scores.data.attrs["target"]))
        content = hashlib.sha256(np.ascontiguousarray(self._sides).tobytes()).digest()
        self._rng = np.random.default_rng([seed, int.from_bytes(content[:8], "little")])
        self.turns = bool((np.abs(self._before) < _FURTHEST * self._size).any())

    def draw(self) -> Scores:
        """The same pairs with other rounding errors."""
        noise = self._rng.standard_normal(self._before.shape, dtype=np.float32).clip(-_FURTHEST, _FURTHEST)
        after = self._before + noise * self._size
        sides = np.stack([after, np.zeros_like(after)], axis=1).astype(np.float32)
        found = self._data.assign(projection=((PAIR, SIDE, LAYER, SOURCE), sides))
        if "selection" in found:
            nested = self._data["selection"].transpose(PAIR, FOLD, LAYER).values
            turned = (np.sign(after) != np.sign(self._before))[:, None, :, self._own]
            found = found.assign(selection=((PAIR, FOLD, LAYER), np.where(turned, 1 - nested, nested)))
        return Scores(found)
