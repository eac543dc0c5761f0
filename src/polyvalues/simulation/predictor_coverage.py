"""Coverage of the predictors of steerability, with truths in closed form.

Pair differences  d = a e + sqrt(2 / w) z,  z normal with a part common to a group, w = 2 (normal) or chi-squared with
4 degrees of freedom (multivariate t4, variance 1 per coordinate). The direction of d depends on a sqrt(w / 2) alone,
and for x ~ N(mu, I) in D dimensions (the expected direction of a normal vector)

    |E x / |x|| = Gamma((D + 1)/2) / (sqrt(2) Gamma(D/2 + 1)) |mu| 1F1(1/2; D/2 + 1; -|mu|^2 / 2) = m(|mu|)

    among        E m(a sqrt(w / 2))^2
    along        the root of that times m(a / s), s^2 the variance of the vector's error per coordinate
    separation   a / sqrt(5/4)           sides: b + d/2 and b - d/2, b of variance 1, along the vector
    against      Phi(-a)
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64, Int
from scipy import special, stats

from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.scoring import cross_scores
from polyvalues.analysis.steerability_predictors import predictors
from polyvalues.artifacts import Activations, Scores
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.config.simulation import PlantedSpec
from polyvalues.dimensions import BOUNDS, CONTROL, CONTROLS, INTERVAL, SIDES
from polyvalues.simulation.planted_states import plant, planted_activations
from polyvalues.simulation.simulated_scores import CHOICE, CONCEPT_NAME, Simulation
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors
from polyvalues.vectors.similarity.difference_coherence import coherence

HIDDEN: Final = 32
PAIRS: Final = 120
TAILS: Final = 4
SHARE: Final = 0.5
GROUPS: Final = (1, 1, 2, 4)
"""Sizes of unequal groups, over and over."""

Covered = Mapping[str, tuple[float, float, float, float]]


def expected_direction(length: Float64[np.ndarray, "*cell"], hidden: int) -> Float64[np.ndarray, "*cell"]:
    """`m` of the module's formula."""
    ratio = np.exp(special.gammaln((hidden + 1) / 2) - special.gammaln(hidden / 2 + 1)) / np.sqrt(2)
    return np.asarray(ratio * length * special.hyp1f1(0.5, hidden / 2 + 1, -(np.asarray(length) ** 2) / 2))


def true_cosines(strength: float, *, heavy: bool, grouped: bool) -> tuple[float, float]:
    """`among` and `along`, the latter of vectors from nine tenths of the pairs."""
    w = stats.chi2.ppf((np.arange(4000) + 0.5) / 4000, TAILS) if heavy else np.array([2.0])
    mean = float(expected_direction(strength * np.sqrt(w / 2), HIDDEN).mean())
    sizes = np.array(GROUPS if grouped else (1,))
    excess = SHARE * (float((sizes**2).sum() / sizes.sum()) - 1) if grouped else 0.0
    error = np.sqrt((1 + excess) / (0.9 * PAIRS))
    return mean**2, mean * float(expected_direction(np.array(strength / error), HIDDEN))


def _groups(grouped: bool) -> Int[np.ndarray, " pair"]:
    sizes = np.resize(GROUPS if grouped else (1,), PAIRS)
    return np.repeat(np.arange(PAIRS), sizes)[:PAIRS]


def _noise(rng: np.random.Generator, group: np.ndarray, hidden: int, *, heavy: bool, grouped: bool) -> np.ndarray:
    share = SHARE if grouped else 0.0
    common = rng.standard_normal((len(group), hidden))[group]
    noise = np.sqrt(share) * common + np.sqrt(1 - share) * rng.standard_normal((len(group), hidden))
    return noise * np.sqrt(2 / rng.chisquare(TAILS, (len(group), 1))) if heavy else noise


def unseen(strength: float, *, heavy: bool, grouped: bool) -> Callable[[np.random.Generator], Covered]:
    """All four, with a vector fitted on other pairs than those that are scored."""
    name = ", ".join(filter(None, ("t4 noise" if heavy else "", "unequal groups" if grouped else "")))
    label = f" ({name})" if name else "" if strength else " (nothing there)"

    def replication(rng: np.random.Generator) -> Covered:
        group = _groups(grouped)
        differences = _noise(rng, group, HIDDEN, heavy=heavy, grouped=grouped)
        differences[:, 0] += strength
        gap = strength + _noise(rng, group, 1, heavy=heavy, grouped=grouped)[:, 0]
        middle = rng.standard_normal(PAIRS)
        spec = StatisticsSpec(draws=400, seed=int(rng.integers(2**31)))
        part = coherence({"en": _activations(differences, group)}, "mean-difference")
        found = predictors([part], [_scores(middle, gap, group)], [CHOICE], spec)["chosen"]
        among, along = true_cosines(strength, heavy=heavy, grouped=grouped)
        law = stats.t(TAILS, scale=np.sqrt(0.5)) if heavy else stats.norm()
        truth = {
            "among": among,
            "along": along,
            "separation": strength / np.sqrt(1.25),
            "against": float(law.cdf(-strength)),
        }
        words = {"among": "cosine between differences", "along": "cosine with the vector"}
        words |= {"separation": "separation", "against": "pairs the wrong way round"}
        return {f"{words[key]}{label}": _cell(found.sel(predictor=key), value) for key, value in truth.items()}

    return replication


def cross_fitted(strength: float) -> Callable[[np.random.Generator], Covered]:
    """Separation along cross-fitted vectors; the truth is the mean over folds of what each fold's vector reaches."""

    def replication(rng: np.random.Generator) -> Covered:
        planted = plant(
            PlantedSpec(
                languages=("en",), pairs=80, layers=1, hidden=32, strength=strength, seed=int(rng.integers(2**31))
            )
        )
        inputs = {"en": planted_activations(planted, "morality", "en")}
        vectors = VectorSpec(seed=int(rng.integers(2**31)))
        crossed = cross_vectors(inputs, vectors)
        scores = [cross_scores(inputs["en"], crossed, nested_vectors(inputs["en"], vectors, folds=10))]
        choice = choose_layers({"en": scores[0]})
        spec = StatisticsSpec(draws=400, seed=int(rng.integers(2**31)))
        found = predictors([coherence(inputs, "mean-difference")], scores, [choice], spec)["chosen"]
        fitted = crossed.data["vector"].isel(layer=0, source=0).transpose("fold", "hidden").values
        unit = fitted / np.linalg.norm(fitted, axis=1, keepdims=True)
        truth = float(np.mean(unit @ planted.truth["direction"].values[0, 0, 0])) * strength / np.sqrt(1.25)
        label = "cross-fitted" if strength else "cross-fitted, nothing there"
        return {f"separation ({label})": _cell(found.sel(predictor="separation"), truth)}

    return replication


def _cell(values: xr.DataArray, truth: float) -> tuple[float, float, float, float]:
    estimate, lower, upper = values.sel({INTERVAL: list(BOUNDS)}).values.ravel().tolist()
    return estimate, lower, upper, truth


def _labels(group: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    return {
        "item": ("pair", np.array([f"i{row:04d}" for row in range(len(group))])),
        "group": ("pair", np.array([f"g{number:04d}" for number in group])),
    }


def _activations(differences: np.ndarray, group: np.ndarray) -> Activations:
    states = np.stack([differences / 2, -differences / 2], axis=1).reshape(1, -1, differences.shape[1])
    fold = {"fold": ("pair", (group % 10).astype(np.int32)), "split": ("pair", np.full(len(group), "fit"))}
    data = xr.Dataset(
        {
            "states": (("layer", "text", "hidden"), states.astype(np.float32)),
            "index": (("pair", "side"), np.arange(2 * len(group)).reshape(-1, 2)),
        },
        coords={"layer": [0], **_labels(group), **fold},
        attrs={"concept": CONCEPT_NAME, "language": "en"},
    )
    return Activations(data)


def _scores(middle: np.ndarray, gap: np.ndarray, group: np.ndarray) -> Scores:
    sides = np.stack([middle + gap / 2, middle - gap / 2], axis=1)[:, :, None, None].astype(np.float32)
    split = {"split": ("pair", np.full(len(gap), "test")), "fold": ("pair", np.full(len(gap), -1, np.int32))}
    data = xr.Dataset(
        {
            "projection": (("pair", "side", "layer", "source"), sides),
            "control": (("pair", "layer", CONTROL, "draw"), np.zeros((len(gap), 1, len(CONTROLS), 2), np.float32)),
        },
        coords={
            "side": list(SIDES), "layer": np.array([0], np.int32), "source": ["en"], CONTROL: list(CONTROLS),
            **_labels(group), **split,
        },
        attrs={"concept": CONCEPT_NAME, "target": "en", "protocol": "strict", "layer_numbering": "block"},
    )  # fmt: skip
    return Scores(data)


PREDICTORS: Final[tuple[Simulation, ...]] = (
    Simulation("predictors", "coverage", unseen(1.0, heavy=False, grouped=False), quick=False),
    Simulation("predictors, t4, groups", "coverage", unseen(1.0, heavy=True, grouped=True)),
    Simulation("predictors, nothing there", "coverage", unseen(0.0, heavy=False, grouped=False), quick=False),
    Simulation("predictors, t4", "coverage", unseen(1.0, heavy=True, grouped=False), quick=False),
    Simulation("predictors, groups", "coverage", unseen(1.0, heavy=False, grouped=True), quick=False),
    Simulation("predictors, cross-fitted", "coverage", cross_fitted(1.0), quick=False),
    Simulation("predictors, cross-fitted, nothing there", "coverage", cross_fitted(0.0), quick=False),
)
"""Simulations of this topic."""
