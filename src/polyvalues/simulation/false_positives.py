"""One replication of each test with nothing to find: its p, which should be at most 0.05 five times in 100."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from polyvalues.analysis.followups.item_divergence import divergence
from polyvalues.analysis.hypothesis_tests.chance_test import chance
from polyvalues.analysis.hypothesis_tests.consistency_verdicts import agreement
from polyvalues.analysis.hypothesis_tests.paired_differences import languages_difference, models_difference
from polyvalues.analysis.hypothesis_tests.transfer_direction import direction
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.scoring import cross_scores
from polyvalues.analysis.statistics.mantel import mantel
from polyvalues.analysis.statistics.rank_correlation import rank_test
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.simulation.planted_states import PlantedSpec, plant, planted_activations
from polyvalues.simulation.simulated_scores import CHOICE, CONCEPT_NAME, Simulation, simulated_scores
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors
from polyvalues.vectors.fit import fit_vectors
from polyvalues.vectors.leave_fold_out import replicates

LANGUAGES: Final = ("en", "es", "sw", "fi", "ta")
SHARES: Final = {"en": 60.0, "es": 5.0, "sw": 0.5, "fi": 1.0, "ta": 0.8}
ITEMS: Final = 200

Tested = Mapping[str, float]
"""By test: p; for divergence 0 where a candidate is named and 1 where none is (q-values are per language)."""


def from_scores(rng: np.random.Generator) -> Tested:
    """Chance, paired differences, direction of transfer."""
    spec = StatisticsSpec(draws=20, seed=0)
    nothing = simulated_scores(np.zeros((5, 5)), LANGUAGES, ITEMS, rng)
    alike = np.full((5, 5), 0.6)
    first, second = (simulated_scores(alike, LANGUAGES, ITEMS, rng) for _ in range(2))
    own = 0.3 + 0.5 * rng.random((5, 1)) + 0.3 * rng.random((5, 5))  # languages differ, shares have no part in it
    on: dict[str, Any] = {"concept": CONCEPT_NAME}
    return {
        "chance": float(chance(nothing, [CHOICE])["p"].sel(**on, source="en", target="es")),
        "difference of languages": float(
            languages_difference(first, [CHOICE], spec)["p"].sel(**on, target="en", other="sw")
        ),
        "difference of models": float(
            models_difference((first, [CHOICE]), (second, [CHOICE]), spec)["p"].sel(**on, source="en", target="es")
        ),
        "direction of transfer": float(
            direction(simulated_scores(own, LANGUAGES, ITEMS, rng), [CHOICE], SHARES, spec)["p"].sel(**on)
        ),
    }


def from_matrices(rng: np.random.Generator) -> Tested:
    """Mantel and partial Mantel over 10 languages; ranks over 6 models."""

    def distances() -> np.ndarray:
        points = rng.standard_normal((10, 4))
        return np.linalg.norm(points[:, None] - points[None], axis=-1)

    x, y, z = distances(), distances(), distances()
    return {
        "Mantel": mantel(x, y, permutations=499, rng=rng)[1],
        "Mantel, Spearman": mantel(x, y, method="spearman", permutations=499, rng=rng)[1],
        "partial Mantel": mantel(x, y, z, permutations=499, rng=rng)[1],
        "rank test over models": rank_test(rng.standard_normal(6), rng.standard_normal(6), "verify", 0)[1],
    }


def cross_fitted(rng: np.random.Generator) -> Tested:
    """Chance without a value in cross-fitted data, divergence where nothing diverges, cosine of unrelated vectors."""
    seed = int(rng.integers(2**31))
    nothing = PlantedSpec(languages=("en", "sw"), pairs=60, layers=1, hidden=32, cosine=0.0, strength=0.0, seed=seed)
    alike = PlantedSpec(
        languages=("en", "es", "sw"), pairs=60, layers=1, hidden=32, cosine=0.9, strength=3.0, seed=seed
    )
    found: dict[str, float] = {}
    for name, spec in (("nothing", nothing), ("alike", alike)):
        planted = plant(spec)
        inputs = {tag: planted_activations(planted, "morality", tag) for tag in spec.languages}
        vectors = VectorSpec(seed=seed, control_draws=32)
        crossed = cross_vectors(inputs, vectors)
        scores = [cross_scores(part, crossed, nested_vectors(part, vectors, folds=10)) for part in inputs.values()]
        choice = choose_layers({str(item.data.attrs["target"]): item for item in scores})
        if name == "nothing":
            p = chance(scores, [choice])["p"].sel(concept="morality")
            found["chance, cross-fitted, own vector"] = float(p.sel(source="en", target="en"))
            found["chance, cross-fitted, foreign vector"] = float(p.sel(source="en", target="sw"))
            found["difference of languages, cross-fitted"] = float(
                languages_difference(scores, [choice], StatisticsSpec(draws=20))["p"].sel(
                    concept="morality", target="en", other="sw"
                )
            )
            parts = replicates(inputs, fit_vectors(inputs, vectors), vectors)
            table = agreement([parts], [choice], StatisticsSpec())
            found["cosine of unrelated vectors"] = float(table["p"].sel(concept="morality", source="en", target="sw"))
        else:
            rows = divergence(scores, [choice]).to_pylist()
            named = any(row["status"] == "candidate" for row in rows if row["target"] == "es")
            found["divergence, any candidate in a language"] = 0.0 if named else 1.0
    return found


def shared_noise(rng: np.random.Generator) -> Tested:
    """Chance without a value in cross-fitted data whose translations have nearly all of their noise in common."""
    seed = int(rng.integers(2**31))
    spec = PlantedSpec(
        languages=("en", "sw"), pairs=100, layers=1, hidden=32, cosine=0.0, strength=0.0, language_share=0.95, seed=seed
    )
    planted = plant(spec)
    inputs = {tag: planted_activations(planted, "morality", tag) for tag in spec.languages}
    vectors = VectorSpec(seed=seed, control_draws=2)
    crossed = cross_vectors(inputs, vectors)
    scores = [cross_scores(part, crossed, nested_vectors(part, vectors, folds=10)) for part in inputs.values()]
    choice = choose_layers({str(item.data.attrs["target"]): item for item in scores})
    p = chance(scores, [choice])["p"].sel(concept="morality")
    return {"chance, cross-fitted, foreign vector, shared noise": float(p.sel(source="en", target="sw"))}


SIZE: Final[tuple[Simulation, ...]] = (
    Simulation("scores", "size", from_scores),
    Simulation("matrices", "size", from_matrices),
    Simulation("cross-fitted", "size", cross_fitted),
    Simulation("cross-fitted, shared noise", "size", shared_noise),
)
