"""One replication of each analysis: its interval and the truth it should hold 95 times in 100."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.analysis.consistency import consistency
from polyvalues.analysis.followups.noise_robustness import noise
from polyvalues.analysis.hypothesis_tests.paired_differences import languages_difference, models_difference
from polyvalues.analysis.hypothesis_tests.transfer_direction import direction, slope
from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.scoring import cross_scores
from polyvalues.analysis.transfer import transfer
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.dimensions import BOUNDS, INTERVAL
from polyvalues.simulation.planted_states import PlantedSpec, expected_cosine, plant, planted_activations
from polyvalues.simulation.simulated_scores import (
    CHOICE,
    CONCEPT_NAME,
    Simulation,
    simulated_scores,
    true_accuracy,
    true_auroc,
)
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors
from polyvalues.vectors.fit import fit_vectors
from polyvalues.vectors.leave_fold_out import replicates

LANGUAGES: Final = ("en", "es", "sw")
SHARES: Final = {"en": 60.0, "es": 5.0, "sw": 0.5}
MU: Final = np.array([[1.2, 0.7, 0.3], [0.9, 0.8, 0.2], [0.5, 0.3, 0.4]])
WORSE: Final = MU - 0.25
ITEMS: Final = 120
DRAWS: Final = 400

Covered = Mapping[str, tuple[float, float, float, float]]
"""By quantity: estimate, lower and upper bound, truth."""


def _cell(array: xr.DataArray, truth: float, **where: str) -> tuple[float, float, float, float]:
    estimate, lower, upper = (float(value) for value in array.sel({**where, INTERVAL: list(BOUNDS)}).values)
    return estimate, lower, upper, float(truth)


def from_scores(rng: np.random.Generator) -> Covered:
    """Accuracy, AUROC, transfer, asymmetry, paired differences, direction of transfer, noise."""
    spec = StatisticsSpec(draws=DRAWS, seed=int(rng.integers(2**31)))
    scores = simulated_scores(MU, LANGUAGES, ITEMS, rng)
    second = simulated_scores(WORSE, LANGUAGES, ITEMS, rng)
    truth, worse = true_accuracy(MU), true_accuracy(WORSE)
    gain = truth - np.diag(truth)[None]
    found = recognition(scores, [CHOICE], spec)
    carried = transfer(scores, [CHOICE], spec)
    between = languages_difference(scores, [CHOICE], spec)
    models = models_difference((scores, [CHOICE]), (second, [CHOICE]), spec)
    way = direction(scores, [CHOICE], SHARES, spec, permutations=1)
    damaged = noise({"drop": {0.0: scores, 0.5: second}}, [CHOICE], spec, shares=SHARES)
    logs = np.log10(list(SHARES.values()))
    off = np.where(np.eye(3, dtype=bool), np.nan, gain)
    here = {"concept": CONCEPT_NAME}
    on = {**here, "source": "en", "target": "es"}
    down, up = float(off[np.triu_indices(3, 1)].mean()), float(off[np.tril_indices(3, -1)].mean())
    return {
        "accuracy": _cell(found["chosen"], truth[0, 1], **on),
        "accuracy near 1": _cell(found["chosen"], truth[0, 0], **here, source="en", target="en"),
        "AUROC": _cell(found["auroc"], float(true_auroc(MU)[0, 1]), **on),
        "transfer": _cell(carried["transfer"], gain[0, 1], **on),
        "asymmetry": _cell(carried["asymmetry"], gain[0, 1] - gain[1, 0], **on),
        "difference of languages": _cell(
            between["difference"], truth[0, 0] - truth[2, 2], **here, target="en", other="sw"
        ),
        "difference of models": _cell(models["difference"], truth[0, 1] - worse[0, 1], **on),
        "slope of the asymmetry": _cell(way["slope"], float(slope(off, logs)), **here),
        "high minus low": _cell(way["high_minus_low"], down - up, **here),
        "gain": _cell(way["gain"], gain[0, 2], **here, target="sw"),
        "loss by noise": _cell(
            damaged["value"].sel(damage="drop", dose=0.5, conclusion="above_chance"),
            float(np.mean(np.diag(worse))) - 0.5, **here,
        ),
    }  # fmt: skip


def from_vectors(rng: np.random.Generator) -> Covered:
    """Cosine, reliability and disattenuated cosine; the first two are of vectors from so many pairs."""
    planted = plant(
        PlantedSpec(
            languages=("en", "sw"), pairs=160, layers=1, hidden=48, cosine=0.6, strength=(2.0, 1.2),
            seed=int(rng.integers(2**31)),
        )
    )  # fmt: skip
    inputs = {name: planted_activations(planted, "morality", name) for name in ("en", "sw")}
    vectors = VectorSpec(half_splits=16, seed=int(rng.integers(2**31)))
    parts = replicates(inputs, fit_vectors(inputs, vectors), vectors)
    choice = replace(CHOICE, concept="morality")
    found = consistency([parts], [choice], StatisticsSpec())
    fidelity = expected_cosine(planted, 160).isel(layer=0)
    en, sw = (float(fidelity.sel(language=name)) for name in ("en", "sw"))
    on = {"concept": "morality", "source": "en", "target": "sw"}
    return {
        "cosine": _cell(found["chosen"], 0.6 * en * sw, **on),
        "reliability": _cell(found["reliability_chosen"], sw**2, concept="morality", source="sw"),
        "disattenuated cosine": _cell(found["disattenuated_chosen"], 0.6, **on),
    }


def cross_fitted(strength: float) -> Callable[[np.random.Generator], Covered]:
    """Accuracy of cross-fitted vectors; the truth is the mean over folds of what each fold's vector reaches."""

    def replication(rng: np.random.Generator) -> Covered:
        planted = plant(
            PlantedSpec(
                languages=("en", "sw"), pairs=60, layers=1, hidden=32, cosine=0.8, strength=strength,
                seed=int(rng.integers(2**31)),
            )
        )  # fmt: skip
        inputs = {name: planted_activations(planted, "morality", name) for name in ("en", "sw")}
        vectors = VectorSpec(seed=int(rng.integers(2**31)))
        crossed = cross_vectors(inputs, vectors)
        scores = [cross_scores(part, crossed, nested_vectors(part, vectors, folds=10)) for part in inputs.values()]
        choice = choose_layers({str(item.data.attrs["target"]): item for item in scores})
        spec = StatisticsSpec(draws=DRAWS, seed=int(rng.integers(2**31)))
        found = recognition(scores, [choice], spec)
        fitted = crossed.data["vector"].sel(source="en").isel(layer=0).transpose("fold", "hidden").values
        unit = fitted / np.linalg.norm(fitted, axis=1, keepdims=True)
        along = unit @ planted.truth["direction"].values[0, 0, 0] * strength
        truth = float(np.mean(true_accuracy(along)))
        name = "cross-fitted accuracy" if strength else "cross-fitted accuracy, nothing there"
        return {name: _cell(found["chosen"], truth, concept="morality", source="en", target="en")}

    return replication


COVERAGE: Final[tuple[Simulation, ...]] = (
    Simulation("scores", "coverage", from_scores),
    Simulation("vectors", "coverage", from_vectors),
    Simulation("cross-fitted", "coverage", cross_fitted(1.0)),
    Simulation("cross-fitted, nothing there", "coverage", cross_fitted(0.0)),
)
