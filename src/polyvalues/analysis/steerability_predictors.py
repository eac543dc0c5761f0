"""Predictors of steerability: what published work found to go with how well a vector steers, with intervals.

    among        mean cosine between the differences of two items
    (`polyvalues.vectors.similarity.difference_coherence`)
    along        mean cosine of a difference with the vector                 (likewise)
    separation   d' = mean(x+ - x-) / sqrt((var x+ + var x-) / 2), x the projections of the two sides on the vector
    against      share of pairs whose positive side lies behind the negative one

All of a language's own vector; the last two on unseen pairs. Intervals: cosines by the jackknife over folds with
Student's t; separation and share by the bootstrap over groups.

Cross-fitted pairs share their vectors' data. For a mean of projections with m pairs, noise of variance a along the
vector and b in all directions together, two pairs of different folds have the covariance a b / (m^2 |v|^2), which over
m partners adds up to a (1 - r), r the vector's reliability: the variance of the mean is 2 - r times that of independent
pairs. The resamples of the separation are spread by the root of that; those of the share as those of accuracies, so
that it is one minus the accuracy, with the same interval.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float, Float64, Int, Int32
from scipy import stats

from polyvalues.analysis.scoring.pair_outcomes import ConceptOutcomes, Outcomes, strict_outcomes
from polyvalues.analysis.statistics.bootstrap import (
    GroupCount,
    bootstrap_interval,
    bounded,
    group_sums,
    resampled_ratio,
    widened,
)
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, LANGUAGE, LAYER
from polyvalues.errors import MeasureError

PREDICTOR: Final = "predictor"
PREDICTORS: Final = ("among", "along", "separation", "against")
"""Labels of the dimension `predictor`, in order."""


def predictors(
    parts: Sequence[xr.Dataset], scores: Sequence[Scores], choices: Sequence[LayerChoice], spec: StatisticsSpec
) -> xr.Dataset:
    """Predictors of every concept and language, by layer and at the chosen layer, strict protocol.

    Args:
        parts: one per concept, from `polyvalues.vectors.similarity.difference_coherence.coherence`.
        scores: one per concept and target; only tested pairs count.
        choices: one per concept.
        spec: confidence, draws, seed.

    Returns:
        `value` `[concept, predictor, language, layer, interval]`, `chosen` `[concept, predictor, language, interval]`,
        `pairs` int32 `[concept, language]` behind the cosines; NaN where nothing was measured or no interval is known.
        attrs: confidence.

    Raises:
        MeasureError: no parts, or a concept twice, without a choice, or chosen at a layer it lacks.
    """
    concepts = [str(part.attrs["concept"]) for part in parts]
    if not parts or len(set(concepts)) < len(concepts):
        raise MeasureError(f"predictors of steerability: each concept once, but given {concepts}")
    languages = list(dict.fromkeys(str(name) for part in parts for name in part[LANGUAGE].values))
    layers = sorted({int(layer) for part in parts for layer in part[LAYER].values})
    value = np.full((len(parts), len(PREDICTORS), len(languages), len(layers), 3), np.nan)
    chosen = np.full((len(parts), len(PREDICTORS), len(languages), 3), np.nan)
    pairs = np.zeros((len(parts), len(languages)), np.int32)
    by_concept = {choice.concept: choice for choice in choices}
    for row, part in enumerate(parts):
        at = np.array([languages.index(str(name)) for name in part[LANGUAGE].values])
        depth = np.array([layers.index(int(layer)) for layer in part[LAYER].values])
        pairs[row, at] = part["pairs"].values
        for column in (0, 1):
            value[row, column, at[:, None], depth] = _cosines(part, PREDICTORS[column], spec.confidence)
        if concepts[row] not in by_concept or by_concept[concepts[row]].layer not in layers:
            raise MeasureError(f"concept {concepts[row]!r}: no layer was chosen for it, or one that was not read")
        chosen[row, :2] = value[row, :2, :, layers.index(by_concept[concepts[row]].layer)]
    for concept in strict_outcomes(scores, by_concept):
        row, layer = concepts.index(concept.concept), by_concept[concept.concept].layer
        weights = concept.weights(spec.draws, spec.seed)
        for target in (target for target in concept.targets if target.target in target.sources):
            place, depth = languages.index(target.target), [layers.index(layer) for layer in target.layers]
            found = _own(concept, parts[row], target, weights, (layer, spec.confidence))
            value[row, 2:, place, depth], chosen[row, 2:, place] = found
    return xr.Dataset(
        {
            "value": ((CONCEPT, PREDICTOR, LANGUAGE, LAYER, INTERVAL), value),
            "chosen": ((CONCEPT, PREDICTOR, LANGUAGE, INTERVAL), chosen),
            "pairs": ((CONCEPT, LANGUAGE), pairs),
        },
        coords={
            CONCEPT: concepts,
            PREDICTOR: list(PREDICTORS),
            LANGUAGE: languages,
            LAYER: np.array(layers, np.int32),
            INTERVAL: list(BOUNDS),
        },
        attrs={"confidence": spec.confidence},
    )


def separation(
    sides: Float[np.ndarray, "pair side layer"],
    group: Int[np.ndarray, " pair"],
    weights: Int32[np.ndarray, "resample group"],
) -> Float64[np.ndarray, "layer resample"]:
    """Separation in every resample; NaN where one side has no spread or fewer than two pairs are drawn."""
    centred = sides - sides.mean(axis=(0, 1), keepdims=True)
    powers = np.concatenate([np.ones_like(centred[:, :1]), centred, centred**2], axis=1)  # pair, power, layer
    sums = np.einsum("rg,gpl->prl", weights.astype(np.float64), group_sums(powers, group, weights.shape[1]))
    count = sums[0]
    known = count > 1
    safe = np.where(known, count, 2.0)
    means = sums[1:] / safe
    spread = (means[2] - means[0] ** 2 + means[3] - means[1] ** 2) / 2 * safe / (safe - 1)
    known &= spread > 0
    return np.where(known, (means[0] - means[1]) / np.sqrt(np.where(known, spread, 1.0)), np.nan).T


def _cosines(part: xr.Dataset, name: str, confidence: float) -> Float64[np.ndarray, "language layer interval"]:
    """Jackknife intervals, within [-1, 1]."""
    values, folds = part[name].values, int(part.attrs["folds"])
    left_out = values[..., 1:]
    variance = (folds - 1) / folds * ((left_out - left_out.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    reach = stats.t.ppf((1 + confidence) / 2, folds - 1) * np.sqrt(variance)
    return np.clip(bounded(values[..., 0], values[..., 0] - reach, values[..., 0] + reach), -1.0, 1.0)


def _own(
    concept: ConceptOutcomes,
    part: xr.Dataset,
    target: Outcomes,
    weights: Int32[np.ndarray, "resample group"],
    how: tuple[int, float],
) -> tuple[Float64[np.ndarray, "layer predictor interval"], Float64[np.ndarray, "predictor interval"]]:
    """Separation and share against of one language: by layer, and as picked; `how` is chosen layer and confidence."""
    layer, confidence = how
    at = target.sources.index(target.target)
    own = target.projection[..., at].astype(np.float64)
    picked = np.take_along_axis(own, target.picked[:, at][:, None, None], axis=2)
    reliable = _reliable(concept, part, target)
    one = reliable[[target.layers.index(layer)]]
    return (
        _unseen(concept, target, own, reliable, weights, confidence),
        _unseen(concept, target, picked, one, weights, confidence)[0],
    )


def _reliable(concept: ConceptOutcomes, part: xr.Dataset, target: Outcomes) -> Float64[np.ndarray, " layer"]:
    """Reliability of the vectors of a cross-fitted language; 1 of those fitted on other pairs, which share nothing."""
    if not concept.crossed:
        return np.ones(len(target.layers))
    found = part["reliability"].sel({LANGUAGE: target.target, LAYER: list(target.layers)}).values
    return np.nan_to_num(found)


def _unseen(
    concept: ConceptOutcomes,
    target: Outcomes,
    sides: Float64[np.ndarray, "pair side layer"],
    reliable: Float64[np.ndarray, " layer"],
    weights: Int32[np.ndarray, "resample group"],
    confidence: float,
) -> Float64[np.ndarray, "layer predictor interval"]:
    """Separation and share against, on the tested pairs."""
    counts = concept.counts(target)
    groups = GroupCount.of(counts)
    apart = separation(sides, target.group, weights)
    apart = apart[:, :1] + np.sqrt(2 - reliable)[:, None] * (apart - apart[:, :1])
    against = (sides[:, 0] < sides[:, 1]).astype(np.float64)
    share = resampled_ratio(group_sums(against, target.group, len(counts)), counts, weights)
    share = widened(share) if concept.crossed else share
    first = bootstrap_interval(apart, groups, confidence, (-np.inf, np.inf))
    first[~np.isfinite(first).all(axis=-1)] = np.nan
    return np.stack([first, bootstrap_interval(share, groups, confidence)], axis=1)
