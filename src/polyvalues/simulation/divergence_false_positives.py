"""Divergence where nothing diverges, under noise that is heavy-tailed, skewed, shared, grouped, unequal or missing.

Each replication plants six languages whose values do not differ and asks whether any item of one of them is named a
candidate. Should be so in at most 5 of 100; the upper limit of a tail is used, so it is less where tails are light.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from polyvalues.analysis.followups.item_divergence import divergence
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.scoring import cross_scores
from polyvalues.config import VectorSpec
from polyvalues.simulation.planted_states import PlantedSpec, plant, planted_activations
from polyvalues.simulation.simulated_scores import Simulation
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors

LANGUAGES: Final = ("en", "fr", "es", "fi", "sw", "ta")
SCALES: Final = (1.0, 0.5, 2.0, 1.0, 3.0, 0.7)

Law = Mapping[str, Any]

LAWS: Final[Mapping[str, Law]] = {
    "t3": {"tails": 3.0},
    "t4": {"tails": 4.0},
    "long tail upwards": {"skew": 1},
    "long tail downwards": {"skew": -1},
    "t4, skewed": {"tails": 4.0, "skew": -1, "missing": 0.1},
    "groups": {"group_sizes": (1, 2, 4, 8), "group_share": 0.7},
    "t4, a quarter shared": {"tails": 4.0, "language_share": 0.25},
    "half shared": {"language_share": 0.5},
    "t3, three quarters shared": {"tails": 3.0, "language_share": 0.75},
    "noise and strength differ": {"noise": SCALES, "strength": (3.0, 3.0, 1.5, 6.0, 3.0, 3.0)},
    "missing items": {"missing": 0.3},
    "t4, half shared, groups, scales, missing": {
        "tails": 4.0, "language_share": 0.5, "group_sizes": (1, 2, 4), "group_share": 0.5, "noise": SCALES,
        "missing": 0.2,
    },
}  # fmt: skip


def named(law: Law, pairs: int, seed: int) -> bool:
    """Whether an item of one language is called a candidate, in one planted study."""
    spec = PlantedSpec(
        **{"languages": LANGUAGES, "pairs": pairs, "layers": 1, "hidden": 32, "cosine": 0.9, "strength": 3.0, **law},
        seed=seed,
    )
    planted = plant(spec)
    inputs = {tag: planted_activations(planted, "morality", tag) for tag in LANGUAGES}
    vectors = VectorSpec(control_draws=2)
    crossed = cross_vectors(inputs, vectors)
    scores = [cross_scores(part, crossed, nested_vectors(part, vectors, folds=10)) for part in inputs.values()]
    choice = choose_layers({str(item.data.attrs["target"]): item for item in scores})
    rows = divergence(scores, [choice]).to_pylist()
    return any(row["status"] == "candidate" for row in rows if row["target"] == "sw")


def _under(laws: Mapping[str, Law], pairs: int) -> Callable[[np.random.Generator], Mapping[str, float]]:
    def run(rng: np.random.Generator) -> Mapping[str, float]:
        return {
            f"divergence, {name}, {pairs} items": 0.0 if named(law, pairs, int(rng.integers(2**31))) else 1.0
            for name, law in laws.items()
        }

    return run


OUTLYING: Final[tuple[Simulation, ...]] = (
    Simulation("divergence, t4", "size", _under({"t4": LAWS["t4"]}, 60), weight=0.5),
    Simulation(
        "divergence, laws", "size", _under({n: law for n, law in LAWS.items() if n != "t4"}, 60), 0.5, quick=False
    ),
    Simulation("divergence, more items", "size", _under(LAWS, 400), 0.1, quick=False),
)
