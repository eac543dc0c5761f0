"""Cosines of translated pairs: coverage and size when languages share the noise of an item, under many laws.

Two languages with true cosine c and noise of which a share is the same in both; 64 dimensions, strength 1.5, so that 60
pairs give a reliability of about 0.7. `disattenuated cosine` is held against c, `cosine` against c times the expected
root reliabilities, `reliability` against its expectation.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from polyvalues.analysis.consistency import consistency
from polyvalues.analysis.hypothesis_tests.consistency_verdicts import agreement
from polyvalues.artifacts import Replicates
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.config.simulation import PlantedSpec
from polyvalues.dimensions import BOUNDS, INTERVAL
from polyvalues.simulation.planted_states import expected_cosine, plant, planted_activations
from polyvalues.simulation.simulated_scores import CHOICE, Simulation
from polyvalues.vectors.fit import fit_vectors
from polyvalues.vectors.leave_fold_out import replicates

SHARES: Final = (0.0, 0.25, 0.5, 0.75)
COSINES: Final = (0.0, 0.5, 0.9)
SIZES: Final = (20, 160, 400)
UNEQUAL: Final = (1, 1, 1, 2, 2, 3, 5)
LAWS: Final[Mapping[str, Mapping[str, Any]]] = {
    "t4": {"tails": 4.0},
    "skewed": {"skew": 1},
    "unequal groups": {"group_sizes": UNEQUAL, "group_share": 0.5},
    "missing items": {"missing": (0.0, 0.3)},
    "t4, unequal groups, missing items": {
        "tails": 4.0, "group_sizes": UNEQUAL, "group_share": 0.5, "missing": (0.0, 0.3),
    },
}  # fmt: skip
_CHOICE: Final = replace(CHOICE, concept="morality")
_ON: Final = {"concept": "morality", "source": "en", "target": "sw"}


def _planted(rng: np.random.Generator, given: Mapping[str, Any]) -> tuple[PlantedSpec, Replicates]:
    spec = PlantedSpec(
        languages=("en", "sw"), layers=1, hidden=64, strength=1.5, seed=int(rng.integers(2**31)), **given
    )
    planted = plant(spec)
    inputs = {name: planted_activations(planted, "morality", name) for name in spec.languages}
    vectors = VectorSpec(seed=int(rng.integers(2**31)), control_draws=2)
    return spec, replicates(inputs, fit_vectors(inputs, vectors), vectors)


def covered(name: str, given: Mapping[str, Any]) -> Callable[[np.random.Generator], Mapping[str, Any]]:
    """Cosine, reliability and disattenuated cosine under one law."""

    def replication(rng: np.random.Generator) -> Mapping[str, Any]:
        spec, parts = _planted(rng, given)
        found = consistency([parts], [_CHOICE], StatisticsSpec())
        fidelity = expected_cosine(plant(spec), spec.pairs).isel(layer=0).values
        cells = {
            "disattenuated cosine": (found["disattenuated_chosen"].sel(_ON), given["cosine"]),
            "cosine": (found["chosen"].sel(_ON), given["cosine"] * float(fidelity.prod())),
            "reliability": (found["reliability_chosen"].sel(concept="morality", source="sw"), float(fidelity[1] ** 2)),
        }
        if spec.group_sizes or spec.missing:
            cells = {"disattenuated cosine": cells["disattenuated cosine"]}  # the others' truths are not in closed form
        return {
            f"{quantity}, {name}": (*(float(value) for value in cell.sel({INTERVAL: list(BOUNDS)}).values), truth)
            for quantity, (cell, truth) in cells.items()
        }

    return replication


def orthogonal(name: str, given: Mapping[str, Any]) -> Callable[[np.random.Generator], Mapping[str, float]]:
    """Probability value of orthogonal vectors under one law."""

    def replication(rng: np.random.Generator) -> Mapping[str, float]:
        _, parts = _planted(rng, {**given, "cosine": 0.0})
        p = float(agreement([parts], [_CHOICE], StatisticsSpec())["p"].sel(_ON))
        return {f"cosine of orthogonal vectors, {name}": p}

    return replication


def _simulations() -> tuple[Simulation, ...]:
    laws: dict[str, dict[str, Any]] = {}
    for share in SHARES:
        for cosine in COSINES:
            laws[f"share {share:g}, cosine {cosine:g}, 60 pairs"] = {
                "pairs": 60, "cosine": cosine, "language_share": share,
            }  # fmt: skip
    for pairs in SIZES:
        for cosine in COSINES:
            laws[f"share 0.5, cosine {cosine:g}, {pairs} pairs"] = {
                "pairs": pairs, "cosine": cosine, "language_share": 0.5,
            }  # fmt: skip
    for law, given in LAWS.items():
        for cosine in COSINES:
            laws[f"share 0.5, cosine {cosine:g}, 100 pairs, {law}"] = {
                "pairs": 100, "cosine": cosine, "language_share": 0.5, **given,
            }  # fmt: skip
    quick = {"share 0.5, cosine 0, 60 pairs", "share 0.5, cosine 0.9, 100 pairs, t4"}
    out = [
        Simulation(f"cosines, {name}", "coverage", covered(name, given), 0.5, name in quick)
        for name, given in laws.items()
    ]
    out += [
        Simulation(f"cosines, {name}", "size", orthogonal(name, given), 0.5, name in quick)
        for name, given in laws.items()
        if given["cosine"] == 0.0
    ]
    out.append(
        Simulation(
            "cosines, no value", "size", orthogonal("share 0.5, no value in either language", {
                "pairs": 60, "language_share": 0.5, "noise": 3.0,
            }), 0.5, False,
        )
    )  # fmt: skip
    return tuple(out)


SIMULATIONS: Final = _simulations()
