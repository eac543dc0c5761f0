"""Cross-fitted accuracy on planted mirrored data: related items in one fold, and what happens when they are not.

    gap_i = strength u + sqrt(share) m_g(i) s_i + sqrt(1 - share) e_i      s = +1, -1 in the two items of a group

`m` is normal, one direction per group of two. With nothing to find (strength 0) the truth is one half; with folds
that part the groups the sum of the rest points away from every held-out item.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.analysis.hypothesis_tests.chance_test import chance
from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.scoring import cross_scores
from polyvalues.artifacts import Activations, LayerChoice, Scores
from polyvalues.artifacts.related_items import merge_groups
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.dimensions import BOUNDS, INTERVAL
from polyvalues.simulation.simulated_scores import Simulation, true_accuracy
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors
from polyvalues.vectors.related_pairs import related_by_states

ITEMS: Final = 60
HIDDEN: Final = 32
FOLDS: Final = 10
SHARE: Final = 0.8
"""Of the variance of a mirrored item's difference, what it has in common with its mirror image."""
_DRAWS: Final = 400


def mirrored_states(rng: np.random.Generator, strength: float, mirrored: int = ITEMS // 2) -> Activations:
    """Kept states of one language; the first `mirrored` pairs of neighbouring items mirror each other."""
    noise = rng.standard_normal((ITEMS, HIDDEN))
    common = np.repeat(rng.standard_normal((mirrored, HIDDEN)), 2, axis=0) * np.tile([1.0, -1.0], mirrored)[:, None]
    first = slice(0, 2 * mirrored)
    noise[first] = np.sqrt(SHARE) * common + np.sqrt(1 - SHARE) * noise[first]
    noise[:, 0] += strength
    states = np.stack([noise / 2, -noise / 2], axis=1).reshape(1, 2 * ITEMS, HIDDEN).astype(np.float32)
    names = np.array([f"i{at:03}" for at in range(ITEMS)])
    data = xr.Dataset(
        {"states": (("layer", "text", "hidden"), states),
         "index": (("pair", "side"), np.arange(2 * ITEMS).reshape(-1, 2))},
        coords={"layer": [0], "item": ("pair", names), "group": ("pair", names),
                "split": ("pair", np.full(ITEMS, "cross")), "fold": ("pair", np.zeros(ITEMS, np.int32))},
        attrs={"concept": "planted", "language": "en"},
    )  # fmt: skip
    return folded(Activations(data), {name: name for name in names.tolist()}, rng)


def folded(states: Activations, group: Mapping[str, str], rng: np.random.Generator) -> Activations:
    """The states with these groups, dealt to folds at random, each to the one with the fewest items so far."""
    names = np.array([group[item] for item in states.data["item"].values.tolist()])
    held, fold = np.zeros(FOLDS, np.int64), {}
    sizes = {name: int(np.sum(names == name)) for name in rng.permutation(np.unique(names)).tolist()}
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        fold[name] = int(held.argmin())
        held[fold[name]] += sizes[name]
    along = {
        "group": ("pair", names),
        "content": ("pair", names),
        "fold": ("pair", np.array([fold[name] for name in names.tolist()], np.int32)),
    }
    return Activations(states.data.assign_coords(along))


def grouped(states: Activations, rng: np.random.Generator) -> Activations:
    """As a study does it: items related by their states share a fold."""
    rows = related_by_states({"en": states}, rng).to_pylist()
    own = {item: item for item in states.data["item"].values.tolist()}
    return folded(states, merge_groups(own, [(row["item"], row["other"]) for row in rows], FOLDS)[0], rng)


def scored(states: Activations, seed: int) -> tuple[Scores, LayerChoice, np.ndarray]:
    """Cross-fitted scores, the layer (the only one), and the vectors by the fold they leave out."""
    vectors = VectorSpec(seed=seed)
    crossed = cross_vectors({"en": states}, vectors)
    scores = cross_scores(states, crossed, nested_vectors(states, vectors, folds=FOLDS))
    return scores, choose_layers({"en": scores}), crossed.data["vector"].values[0, :, 0].astype(np.float64)


def covered(strength: float) -> Callable[[np.random.Generator], Mapping[str, tuple[float, float, float, float]]]:
    """Coverage of own-language accuracy; the truth is the mean over items of what their fold's vector reaches."""

    def replication(rng: np.random.Generator) -> Mapping[str, tuple[float, float, float, float]]:
        states = grouped(mirrored_states(rng, strength), rng)
        scores, choice, vectors = scored(states, int(rng.integers(2**31)))
        spec = StatisticsSpec(draws=_DRAWS, seed=int(rng.integers(2**31)))
        cell = recognition([scores], [choice], spec)["chosen"].sel(
            {"concept": "planted", "source": "en", "target": "en", INTERVAL: list(BOUNDS)}
        )
        estimate, lower, upper = (float(value) for value in cell.values)
        along = strength * vectors[:, 0] / np.linalg.norm(vectors, axis=1)
        truth = float(np.mean(true_accuracy(along)[states.data["fold"].values]))
        name = "mirrored items, cross-fitted accuracy" + ("" if strength else ", nothing there")
        return {name: (estimate, lower, upper, truth)}

    return replication


def nothing_there(rng: np.random.Generator) -> Mapping[str, float]:
    """Chance where half of the items, or all, mirror each other and nothing else is there."""
    found = {}
    for name, mirrored in (("half of the items mirrored", ITEMS // 4), ("all items mirrored", ITEMS // 2)):
        scores, choice, _ = scored(grouped(mirrored_states(rng, 0.0, mirrored), rng), int(rng.integers(2**31)))
        p = chance([scores], [choice])["p"].sel(concept="planted", source="en", target="en")
        found[f"chance, {name}"] = float(p)
    return found


MIRRORED: Final[tuple[Simulation, ...]] = (
    Simulation("mirrored items", "coverage", covered(1.0)),
    Simulation("mirrored items, nothing there", "coverage", covered(0.0), quick=False),
    Simulation("mirrored items", "size", nothing_there),
)
