"""Correlation of cosines with similarity: coverage of its interval over items, for weak to near-perfect kinship.

Six languages at random places of the plane, cosines exp(-d^2 / 8) of their distances, and a distance table that is
theirs up to an error: true correlations of about 0.4, 0.7 and 0.97. 160 pairs, 48 dimensions, half of the noise common
to all languages. `kinship` is of the disattenuated cosines, whose true correlation is known under every law.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy import stats

from polyvalues.analysis.hypothesis_tests.distance_correlation import kinship
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.config.simulation import PlantedSpec
from polyvalues.dimensions import BOUNDS, INTERVAL
from polyvalues.simulation.planted_states import expected_cosine, plant, planted_activations
from polyvalues.simulation.simulated_scores import CHOICE, Simulation
from polyvalues.vectors.fit import fit_vectors
from polyvalues.vectors.leave_fold_out import replicates

NAMES: Final = ("en", "fr", "es", "fi", "hu", "sw")
ERRORS: Final = {"weak": 1.0, "middling": 0.5, "near perfect": 0.1}
LAWS: Final[Mapping[str, Mapping[str, Any]]] = {
    "normal": {"language_share": 0.5},
    "t4, unequal groups": {
        "language_share": 0.5, "tails": 4.0, "group_sizes": (1, 1, 1, 2, 2, 3, 5), "group_share": 0.5,
    },
}  # fmt: skip
_CHOICE: Final = replace(CHOICE, concept="morality")


def correlated(
    strength: str, law: str, given: Mapping[str, Any]
) -> Callable[[np.random.Generator], Mapping[str, tuple[float, float, float, float]]]:
    """Intervals of both correlations under one law; languages and distances stay, the items are drawn again."""

    def replication(rng: np.random.Generator) -> Mapping[str, tuple[float, float, float, float]]:
        fixed = np.random.default_rng(0)
        points = fixed.normal(size=(len(NAMES), 2))
        others = points + ERRORS[strength] * fixed.normal(size=points.shape)
        apart, distance = (((part[:, None] - part[None]) ** 2).sum(axis=-1) for part in (points, others))
        cosine = np.exp(-apart / 8)
        cosine = (cosine + cosine.T) / 2
        spec = PlantedSpec(
            languages=NAMES, pairs=160, layers=1, hidden=48, strength=2.0, seed=int(rng.integers(2**31)),
            cosine=tuple(tuple(float(value) for value in row) for row in cosine), **given,
        )  # fmt: skip
        planted = plant(spec)
        inputs = {name: planted_activations(planted, "morality", name) for name in NAMES}
        vectors = VectorSpec(seed=int(rng.integers(2**31)), control_draws=2)
        parts = replicates(inputs, fit_vectors(inputs, vectors), vectors)
        table = xr.Dataset(
            {"planted": (("source", "target"), distance / distance.max())},
            coords={"source": list(NAMES), "target": list(NAMES)},
            attrs={"distances": "planted"},
        )
        found = kinship([parts], [_CHOICE], table, StatisticsSpec(), permutations=1)["items"]
        upper = np.triu_indices(len(NAMES), 1)
        truth = float(np.corrcoef(cosine[upper], -distance[upper])[0, 1])
        where = {"concept": "morality", "kind": "planted", "coefficient": "pearson", "form": "direct"}
        cells = {"disattenuated": truth}
        if "group_sizes" not in given:
            fidelity = expected_cosine(planted, spec.pairs).isel(layer=0).values
            attenuated = cosine * np.outer(fidelity, fidelity)
            cells["cosine"] = float(np.corrcoef(attenuated[upper], -distance[upper])[0, 1])
        out = {}
        for of, true in cells.items():
            estimate, lower, upper_bound = found.sel({**where, "of": of, INTERVAL: list(BOUNDS)}).values.tolist()
            out[f"kinship, {of}, {strength}, {law}"] = estimate, lower, upper_bound, true
        where |= {"of": "disattenuated", "coefficient": "spearman"}
        estimate, lower, upper_bound = found.sel({**where, INTERVAL: list(BOUNDS)}).values.tolist()
        ranks = np.corrcoef(stats.rankdata(cosine[upper]), stats.rankdata(-distance[upper]))[0, 1]
        out[f"kinship, ranks, {strength}, {law}"] = estimate, lower, upper_bound, float(ranks)
        return out

    return replication


SIMULATIONS: Final = tuple(
    Simulation(f"kinship, {strength}, {law}", "coverage", correlated(strength, law, given), 0.3, strength == "middling")
    for law, given in LAWS.items()
    for strength in ERRORS
)
