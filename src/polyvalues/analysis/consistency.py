"""Consistency: do languages share a direction, and what does noise hide of it?

    cosine          c_st = product[s, t] / sqrt(square[s] square[t]); 1 on the diagonal
    reliability     r_s = product[s, s] / square[s]
    disattenuated   product[s, t] / sqrt(product[s, s] product[t, t]) = c_st / sqrt(r_s r_t), not clipped at 1
    plain           cosine of the vectors as they are
    control         mean plain cosine between baseline directions of the two languages

Products never multiply an item with itself (`polyvalues.vectors.similarity.cross_validated_products`). So c_st is
what the cosine of two vectors
from this many *different* items would be on average, r_s the cosine of two such vectors of one language, and their
quotient the cosine without noise, also when translations of an item share their noise. The plain cosine has it in it.

Intervals: jackknife over folds, of ratios by Fieller's method (`polyvalues.analysis.statistics.jackknife`).
Baselines: Student's t
over draws. Where a reliability is at most `MIN_RELIABILITY` the disattenuated cosine is not known: NaN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64, Int

from polyvalues.analysis.statistics.bootstrap import mean_interval
from polyvalues.analysis.statistics.formulas import MIN_RELIABILITY
from polyvalues.analysis.statistics.jackknife import jackknife_interval, ratio_interval
from polyvalues.artifacts import LayerChoice, Replicates
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, CONTROL, CONTROLS, INTERVAL, LAYER, SOURCE, TARGET
from polyvalues.errors import MeasureError


@dataclass(frozen=True, eq=False)
class Block:
    """One concept: estimate, lower and upper of everything, by layer."""

    cosine: Float64[np.ndarray, "source source layer interval"]
    reliability: Float64[np.ndarray, "source layer interval"]
    disattenuated: Float64[np.ndarray, "source source layer interval"]
    plain: Float64[np.ndarray, "source source layer"]
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


def folds_of(replicates: Replicates) -> int:
    """Number of folds."""
    return int(replicates.data.attrs["folds"])


def cosines(replicates: Replicates, *, plain: bool = False) -> Float64[np.ndarray, "source source layer replicate"]:
    """Cosines in every replicate; `plain` ones are those of the vectors as they are (paper protocol)."""
    if plain:
        return replicates.data["plain"].values.astype(np.float64)
    product, scale = _products(replicates), _squares(replicates)
    return _ratio(product, np.sqrt(scale[:, None] * scale[None]))


def reliabilities(replicates: Replicates) -> Float64[np.ndarray, "source layer replicate"]:
    """Reliability of each language's vector in every replicate, within [-1, 1].

    Below zero means that folds point away from one another, as where items mirror each other; how far says no more.
    """
    return np.clip(_ratio(_own(_products(replicates)), _squares(replicates)), -1.0, 1.0)


def unreliable(replicates: Replicates) -> Bool[np.ndarray, "source layer"]:
    """Where a language's vector is too noisy (or undefined) for a disattenuated cosine."""
    return np.asarray(~(reliabilities(replicates)[..., 0] > MIN_RELIABILITY))


def noise_free(replicates: Replicates) -> Float64[np.ndarray, "source source layer replicate"]:
    """Product of the lengths without noise, sqrt(product[s, s] product[t, t]), zero where one is negative.

    NaN in all replicates where one of the two languages is unreliable.
    """
    own = np.maximum(_own(_products(replicates)), 0.0)
    own[unreliable(replicates)] = np.nan
    return np.sqrt(own[:, None] * own[None])


def disattenuated(replicates: Replicates) -> Float64[np.ndarray, "source source layer replicate"]:
    """Disattenuated cosines in every replicate; NaN where a language is unreliable, or a refit has no length."""
    return _ratio(_products(replicates), noise_free(replicates))


def _products(replicates: Replicates) -> Float64[np.ndarray, "source source layer replicate"]:
    return replicates.data["product"].values.astype(np.float64)


def _squares(replicates: Replicates) -> Float64[np.ndarray, "source layer replicate"]:
    return replicates.data["square"].values.astype(np.float64)


def _own(
    product: Float64[np.ndarray, "source source layer replicate"],
) -> Float64[np.ndarray, "source layer replicate"]:
    return np.einsum("sslr->slr", product).copy()


def _ratio(above: Float64[np.ndarray, "*cell"], below: Float64[np.ndarray, "*cell"]) -> Float64[np.ndarray, "*cell"]:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def block(replicates: Replicates, spec: StatisticsSpec, *, plain: bool = False) -> Block:
    """All intervals of one concept; `plain` puts the plain cosines in place of the cross-validated ones."""
    own, folds = np.arange(len(languages_of(replicates))), folds_of(replicates)
    product, square = _products(replicates), _squares(replicates)
    control = mean_interval(replicates.data["control"].values.astype(np.float64), spec.confidence, (-1.0, 1.0))
    scale = np.sqrt(square[:, None] * square[None])
    crossed = np.clip(ratio_interval(product, scale, folds, spec.confidence), -1.0, 1.0)
    result = Block(
        jackknife_interval(cosines(replicates, plain=True), folds, spec.confidence, "fisher") if plain else crossed,
        np.clip(ratio_interval(_own(product), square, folds, spec.confidence), -1.0, 1.0),
        ratio_interval(product, noise_free(replicates), folds, spec.confidence),
        replicates.data["plain"].values[..., 0].astype(np.float64),
        control,
    )
    known = np.asarray(~np.isnan(product[own, own]).any(axis=-1))
    for values in (result.cosine, result.disattenuated):
        values[own, own] = np.where(known[..., None], 1.0, np.nan)
    control[own, own] = np.where(np.isnan(control[own, own]), np.nan, 1.0)
    return result


def tabulate(replicates: Sequence[Replicates], pick: Pick, spec: StatisticsSpec, *, plain: bool = False) -> xr.Dataset:
    """Everything in `Findings.consistency`, each cell's `chosen` at the layer `pick` says; `plain` as in `block`."""
    concepts, languages, layers = _labels(replicates)
    c, n, m, k = len(concepts), len(languages), len(layers), len(CONTROLS)
    shapes = {
        "cosine": ((c, n, n, m, 3), (CONCEPT, SOURCE, TARGET, LAYER, INTERVAL)),
        "reliability": ((c, n, m, 3), (CONCEPT, SOURCE, LAYER, INTERVAL)),
        "disattenuated": ((c, n, n, m, 3), (CONCEPT, SOURCE, TARGET, LAYER, INTERVAL)),
        "plain": ((c, n, n, m), (CONCEPT, SOURCE, TARGET, LAYER)),
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
        found, first, second = block(part, spec, plain=plain), at[:, None], at[None]
        arrays["cosine"][row, first[..., None], second[..., None], depth] = found.cosine
        arrays["disattenuated"][row, first[..., None], second[..., None], depth] = found.disattenuated
        arrays["control"][row, first[..., None], second[..., None], depth] = found.control
        arrays["plain"][row, first[..., None], second[..., None], depth] = found.plain
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
