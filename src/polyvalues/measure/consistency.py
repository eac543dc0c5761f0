"""Consistency: do languages share a direction, and what does noise hide of it?

    cosine          c_st = cos(v_s, v_t); 1 on the diagonal
    reliability     r_s = 2 m / (1 + m), m = mean cosine between vectors of random halves of the folds (Spearman-Brown)
    disattenuated   c_st / sqrt(r_s r_t), not clipped at 1; 1 on the diagonal, where both share their noise
    control         mean cosine between meaningless directions of the two languages

Intervals: grouped jackknife over folds; cosines and half-cosines on Fisher's scale (the reliability's bounds are the
stepped-up bounds of `m`), disattenuated cosines as they are. Controls: Student's t over draws. Where a reliability is
at most `MIN_RELIABILITY` on all folds or with any one left out, the disattenuated cosine is not known: NaN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64, Int

from polyvalues.artifacts import LayerChoice, Replicates
from polyvalues.axes import BOUNDS, CONCEPT, CONTROL, CONTROLS, INTERVAL, LAYER, SOURCE, TARGET
from polyvalues.errors import MeasureError
from polyvalues.measure.kernels import MIN_RELIABILITY, disattenuate, spearman_brown
from polyvalues.measure.resample import jackknife_interval, mean_interval
from polyvalues.specs import StatisticsSpec


@dataclass(frozen=True, eq=False)
class Block:
    """One concept: estimate, lower and upper of everything, by layer."""

    cosine: Float64[np.ndarray, "source source layer interval"]
    reliability: Float64[np.ndarray, "source layer interval"]
    disattenuated: Float64[np.ndarray, "source source layer interval"]
    control: Float64[np.ndarray, "source source layer control interval"]


Pick = Callable[[str, tuple[int, ...], Float64[np.ndarray, "*cell layer"]], Int[np.ndarray, "*cell"]]
"""From concept, layers and estimates to the position of the layer each cell is reported at."""


def consistency(replicates: Sequence[Replicates], choices: Sequence[LayerChoice], spec: StatisticsSpec) -> xr.Dataset:
    """Consistency of every concept and pair of languages, strict protocol.

    Args:
        replicates: one per concept.
        choices: one per concept; gives the layer of what ends in `chosen`.
        spec: confidence.

    Returns:
        As `Findings.consistency`; labels in order of first appearance, NaN where nothing is known.

    Raises:
        MeasureError: no replicates, a concept twice, without a choice, or chosen at a layer it lacks.
    """
    return tabulate(replicates, chosen_pick(choices), spec).assign_attrs(protocol="strict", layer_numbering="block")


def chosen_pick(choices: Sequence[LayerChoice]) -> Pick:
    """Every cell at the concept's chosen layer."""
    by_concept: Mapping[str, LayerChoice] = {choice.concept: choice for choice in choices}

    def pick(concept: str, layers: tuple[int, ...], estimates: np.ndarray) -> np.ndarray:
        if concept not in by_concept:
            raise MeasureError(f"concept {concept!r}: no layer was chosen for it")
        layer = by_concept[concept].layer
        if layer not in layers:
            raise MeasureError(f"concept {concept!r}: the chosen layer {layer} is not among those of its vectors")
        return np.full(estimates.shape[:-1], layers.index(layer))

    return pick


def best_pick(concept: str, layers: tuple[int, ...], estimates: np.ndarray) -> np.ndarray:
    """Every cell at the layer where it is highest (the first of equals), as the paper does."""
    del concept, layers
    return np.where(np.isnan(estimates), -np.inf, estimates).argmax(axis=-1)


def layers_of(replicates: Replicates) -> tuple[int, ...]:
    """Layer coordinates."""
    return tuple(int(layer) for layer in replicates.data[LAYER].values)


def languages_of(replicates: Replicates) -> tuple[str, ...]:
    """Languages, the same on both axes.

    Raises:
        MeasureError: the two axes differ.
    """
    sources, targets = (tuple(str(name) for name in replicates.data[dim].values) for dim in (SOURCE, TARGET))
    if sources != targets:
        raise MeasureError(f"concept {replicates.data.attrs['concept']!r}: cosines of {sources} with {targets}")
    return sources


def half_agreement(replicates: Replicates) -> Float64[np.ndarray, "source layer replicate"]:
    """Mean cosine between the vectors of two halves, over half-splits."""
    return replicates.data["half_cosine"].values.astype(np.float64).mean(axis=-1)


def unreliable(replicates: Replicates) -> Bool[np.ndarray, "source layer"]:
    """Where a language's vector is too noisy (or undefined) for a disattenuated cosine."""
    return np.asarray(~(spearman_brown(half_agreement(replicates)) > MIN_RELIABILITY).all(axis=-1))


def disattenuated(replicates: Replicates) -> Float64[np.ndarray, "source source layer replicate"]:
    """Disattenuated cosines in every replicate; NaN in all of them where one language is unreliable."""
    cosine = replicates.data["cosine"].values.astype(np.float64)
    reliability = spearman_brown(half_agreement(replicates))
    reliability[unreliable(replicates)] = np.nan
    first, second = np.broadcast_arrays(reliability[:, None], reliability[None])
    return disattenuate(cosine, first, second)


def block(replicates: Replicates, spec: StatisticsSpec) -> Block:
    """All intervals of one concept."""
    own = np.arange(len(languages_of(replicates)))
    cosine = replicates.data["cosine"].values.astype(np.float64)
    agreement = jackknife_interval(half_agreement(replicates), spec.confidence, "fisher")
    control = mean_interval(replicates.data["control"].values.astype(np.float64), spec.confidence, (-1.0, 1.0))
    result = Block(
        jackknife_interval(cosine, spec.confidence, "fisher"),
        spearman_brown(agreement),
        jackknife_interval(disattenuated(replicates), spec.confidence, "plain"),
        control,
    )
    known = np.asarray(~np.isnan(cosine[own, own]).any(axis=-1))
    for values in (result.cosine, result.disattenuated):
        values[own, own] = np.where(known[..., None], 1.0, np.nan)
    control[own, own] = np.where(np.isnan(control[own, own]), np.nan, 1.0)
    return result


def tabulate(replicates: Sequence[Replicates], pick: Pick, spec: StatisticsSpec) -> xr.Dataset:
    """Everything in `Findings.consistency`, each cell's `chosen` at the layer `pick` says."""
    concepts, languages, layers = _labels(replicates)
    c, n, m, k = len(concepts), len(languages), len(layers), len(CONTROLS)
    shapes = {
        "cosine": ((c, n, n, m, 3), (CONCEPT, SOURCE, TARGET, LAYER, INTERVAL)),
        "reliability": ((c, n, m, 3), (CONCEPT, SOURCE, LAYER, INTERVAL)),
        "disattenuated": ((c, n, n, m, 3), (CONCEPT, SOURCE, TARGET, LAYER, INTERVAL)),
        "control": ((c, n, n, m, k, 3), (CONCEPT, SOURCE, TARGET, LAYER, CONTROL, INTERVAL)),
        "chosen": ((c, n, n, 3), (CONCEPT, SOURCE, TARGET, INTERVAL)),
        "reliability_chosen": ((c, n, 3), (CONCEPT, SOURCE, INTERVAL)),
        "disattenuated_chosen": ((c, n, n, 3), (CONCEPT, SOURCE, TARGET, INTERVAL)),
        "control_chosen": ((c, n, n, k, 3), (CONCEPT, SOURCE, TARGET, CONTROL, INTERVAL)),
    }
    arrays = {name: np.full(shape, np.nan) for name, (shape, _) in shapes.items()}
    for row, part in enumerate(replicates):
        at = np.array([languages.index(name) for name in languages_of(part)])
        depth = np.array([layers.index(layer) for layer in layers_of(part)])
        found, first, second = block(part, spec), at[:, None], at[None]
        arrays["cosine"][row, first[..., None], second[..., None], depth] = found.cosine
        arrays["disattenuated"][row, first[..., None], second[..., None], depth] = found.disattenuated
        arrays["control"][row, first[..., None], second[..., None], depth] = found.control
        arrays["reliability"][row, first, depth] = found.reliability
        chosen = _chosen(found, concepts[row], layers_of(part), pick)
        for name in ("chosen", "disattenuated_chosen", "control_chosen"):
            arrays[name][row, first, second] = chosen[name]
        arrays["reliability_chosen"][row, at] = chosen["reliability_chosen"]
    return xr.Dataset(
        {name: (shapes[name][1], values) for name, values in arrays.items()},
        coords={
            CONCEPT: list(concepts),
            SOURCE: list(languages),
            TARGET: list(languages),
            LAYER: np.array(layers, np.int32),
            CONTROL: list(CONTROLS),
            INTERVAL: list(BOUNDS),
        },
        attrs={"confidence": spec.confidence},
    )


def _chosen(found: Block, concept: str, layers: tuple[int, ...], pick: Pick) -> dict[str, np.ndarray]:
    """Everything at its reported layer; disattenuated cosines at the layer of the plain ones."""
    control = np.moveaxis(found.control, 2, 3)  # source source control layer interval
    at = pick(concept, layers, found.cosine[..., 0])
    return {
        "chosen": take_layer(found.cosine, at),
        "disattenuated_chosen": take_layer(found.disattenuated, at),
        "reliability_chosen": take_layer(found.reliability, pick(concept, layers, found.reliability[..., 0])),
        "control_chosen": take_layer(control, pick(concept, layers, control[..., 0])),
    }


def take_layer(
    values: Float64[np.ndarray, "*cell layer last"], at: Int[np.ndarray, "*cell"]
) -> Float64[np.ndarray, "*cell last"]:
    """The values at each cell's layer (a position)."""
    return np.take_along_axis(values, at[..., None, None], axis=-2)[..., 0, :]


def _labels(replicates: Sequence[Replicates]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    """Concepts and languages in order of first appearance, layers ascending."""
    if not replicates:
        raise MeasureError("no cosines to measure consistency on")
    concepts = tuple(str(part.data.attrs["concept"]) for part in replicates)
    if len(set(concepts)) < len(concepts):
        raise MeasureError(f"a concept's cosines were given twice ({', '.join(concepts)})")
    languages = tuple(dict.fromkeys(name for part in replicates for name in languages_of(part)))
    layers = tuple(sorted({layer for part in replicates for layer in layers_of(part)}))
    return concepts, languages, layers
