"""What is planted is what was asked for, and the vectors stage recovers it within the bounds theory gives."""

import math
from itertools import combinations

import numpy as np
import pytest

from polyvalues.analysis.consistency import cosines, reliabilities
from polyvalues.artifacts import Activations
from polyvalues.config import VectorSpec
from polyvalues.errors import SpecError
from polyvalues.simulation.planted_states import (
    Planted,
    PlantedSpec,
    expected_cosine,
    plant,
    planted_activations,
    planted_pairs,
    planted_states,
    planted_table,
)
from polyvalues.vectors.accumulators.moments import MomentsReducer
from polyvalues.vectors.baselines import baselines
from polyvalues.vectors.cross_fitting import cross_vectors
from polyvalues.vectors.fit import ESTIMATORS, fit_vectors
from polyvalues.vectors.leave_fold_out import replicates

COSINES = ((1.0, 0.8, 0.2), (0.8, 1.0, 0.4), (0.2, 0.4, 1.0))
SPEC = PlantedSpec(
    pairs=600,
    layers=2,
    hidden=96,
    cosine=COSINES,
    strength=(2.0, 1.5, 1.0),
    noise=(1.0, 1.0, 1.5),
    layer_profile=(0.5, 1.0),
    seed=3,
)
PLANTED = plant(SPEC)
VECTORS = VectorSpec(control_draws=8, half_splits=16, seed=1)


def activations(planted: Planted = PLANTED, concept: str = "morality") -> dict[str, Activations]:
    return {language: planted_activations(planted, concept, language) for language in planted.spec.languages}


def differences(given: Activations, layer: int) -> np.ndarray:
    states, index = given.data["states"].values[layer].astype(np.float64), given.data["index"].values
    return states[index[:, 0]] - states[index[:, 1]]


def accuracy(given: Activations, vector: np.ndarray, layer: int) -> float:
    projected = differences(given, layer) @ vector
    return float(np.mean((projected > 0) + 0.5 * (projected == 0)))


def test_directions_have_exactly_the_cosines_asked_for() -> None:
    direction = PLANTED.truth["direction"].values
    for layer in range(2):
        np.testing.assert_allclose(direction[0, :, layer] @ direction[0, :, layer].T, COSINES, atol=1e-12)
    np.testing.assert_allclose(PLANTED.truth["cosine"], COSINES, atol=1e-12)
    np.testing.assert_allclose(PLANTED.truth["length"], [[1.0, 2.0], [0.75, 1.5], [0.5, 1.0]])
    assert abs(direction[0, 0, 0] @ direction[0, 0, 1]) < 0.5  # layers have directions of their own


@pytest.mark.parametrize("cosine", [1.0, 0.0, -0.5, 0.99])
def test_one_cosine_for_all_languages(cosine: float) -> None:
    direction = plant(PlantedSpec(cosine=cosine)).truth["direction"].values[0, :, 0]
    np.testing.assert_allclose(direction @ direction.T, np.where(np.eye(3), 1.0, cosine), atol=1e-12)


def test_states_are_float32_and_determined_by_the_seed() -> None:
    table = planted_table(PLANTED, "morality", "sw")
    states = planted_states(PLANTED, table)
    assert states.dtype == np.float32
    assert np.array_equal(states, planted_states(plant(SPEC), table))
    other = plant(PlantedSpec(**{**vars(SPEC), "seed": 4}))
    assert not np.array_equal(states, planted_states(other, table))


def test_noise_is_independent_between_languages_and_topics_are_shared() -> None:
    english, swahili = (
        planted_activations(PLANTED, "morality", name).data["states"].values[0].astype(float) for name in ("en", "sw")
    )
    truth = PLANTED.truth["direction"].values[0, :, 0] * PLANTED.truth["length"].values[:, [0]]
    left, right = (states[::2] - states[1::2] - truth[row] for row, states in ((0, english), (2, swahili)))
    size = left.size
    assert np.corrcoef(left.ravel(), right.ravel())[0, 1] == pytest.approx(0, abs=5 / math.sqrt(size))
    assert left.std() == pytest.approx(1.0, rel=5 / math.sqrt(2 * size))
    assert right.std() == pytest.approx(1.5, rel=5 / math.sqrt(2 * size))
    middles = [(states[::2] + states[1::2]).ravel() / 2 for states in (english, swahili)]
    np.testing.assert_allclose(middles[0], middles[1], atol=1e-5)


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_every_estimator_recovers_the_direction(name: str) -> None:
    given = activations()
    spec = VECTORS.model_copy(update={"estimator": name})
    found = fit_vectors({"en": given["en"]}, spec).data["vector"].values[0, 1].astype(float)
    truth = PLANTED.truth["direction"].values[0, 0, 1]
    assert found @ truth / np.linalg.norm(found) > 0.95


def test_mean_difference_recovers_the_direction_as_well_as_theory_says() -> None:
    """cos = 1 / sqrt(1 + hidden noise^2 / (n strength^2)), within 5 standard deviations of its chance part."""
    found = fit_vectors(activations(), VECTORS).data["vector"].values.astype(float)
    truth = PLANTED.truth["direction"].values[0]
    cosines = np.einsum("slh,slh->sl", found, truth) / np.linalg.norm(found, axis=-1)
    expected = expected_cosine(PLANTED, 600).values
    literal = 1 / math.sqrt(1 + 96 * 1.5**2 / (600 * 1.0**2))
    assert expected[2, 1] == pytest.approx(literal)
    # Spread of the squared noise, a chi-square of 96 degrees of freedom, and of its part along the truth.
    slack = 5 * (1 - expected**2) * (math.sqrt(2 / 96) + 2 / math.sqrt(96))
    assert (np.abs(cosines - expected) < slack).all()
    assert (expected[:, 1] > expected[:, 0]).all()


def test_theory_holds_with_massive_dimensions_and_groups() -> None:
    spec = PlantedSpec(
        pairs=800,
        layers=1,
        hidden=200,
        strength=2.0,
        massive=2,
        massive_scale=5.0,
        group_size=4,
        group_share=0.5,
        seed=1,
    )
    planted = plant(spec)
    truth = planted.truth["direction"].values[0, :, 0]
    found = fit_vectors(activations(planted), VECTORS).data["vector"].values[:, 0].astype(float)
    cosines = np.einsum("sh,sh->s", found, truth) / np.linalg.norm(found, axis=-1)
    literal = 1 / math.sqrt(1 + 2.5 * (198 + 2 * 25) / (800 * 4))
    expected = expected_cosine(planted, 800).values[:, 0]
    np.testing.assert_allclose(expected, literal)
    np.testing.assert_allclose(cosines, literal, atol=0.03)
    naive = 1 / math.sqrt(1 + 200 / (800 * 4))
    assert abs(naive - literal) > 0.05  # the tolerance above tells them apart


def test_accuracy_of_the_true_direction_is_the_closed_form() -> None:
    given = activations()
    truth, length = PLANTED.truth, PLANTED.truth["length"].values
    for source, target, layer in np.ndindex(3, 3, 2):
        expected = truth["accuracy"].values[0, source, target, layer]
        gap = length[target, layer] * COSINES[source][target] / SPEC.noise[target]  # type: ignore[index]
        assert expected == pytest.approx(0.5 * (1 + math.erf(gap / math.sqrt(2))), abs=1e-9)
        direction = truth["direction"].values[0, source, layer]
        found = accuracy(list(given.values())[target], direction, layer)
        assert abs(found - expected) < 5 * math.sqrt(expected * (1 - expected) / 600)
    assert truth["accuracy"].values.max() > 0.95
    assert truth["accuracy"].values.min() < 0.6


def test_accuracy_with_massive_dimensions() -> None:
    planted = plant(PlantedSpec(pairs=2000, layers=1, hidden=16, massive=1, massive_scale=8.0, strength=1.5, seed=5))
    for row, given in enumerate(activations(planted).values()):
        expected = planted.truth["accuracy"].values[0, row, row, 0]
        found = accuracy(given, planted.truth["direction"].values[0, row, 0], 0)
        assert abs(found - expected) < 5 * math.sqrt(expected * (1 - expected) / 2000)


def test_accuracy_without_noise_is_certain() -> None:
    planted = plant(PlantedSpec(noise=0.0, cosine=((1.0, 0.0, -0.5), (0.0, 1.0, 0.0), (-0.5, 0.0, 1.0))))
    np.testing.assert_array_equal(
        planted.truth["accuracy"].values[0, :, :, 0].round(12)[[0, 0], [0, 2]], np.array([1.0, 0.0])
    )


def test_known_cosines_come_back_after_disattenuation_and_not_before() -> None:
    """Cosine over the root of both reliabilities is the planted cosine.

    By chance the cosine of two noisy vectors is off by about 1 / sqrt(hidden), and disattenuation magnifies that.
    """
    planted = plant(
        PlantedSpec(pairs=200, layers=1, hidden=2000, cosine=COSINES, strength=(3.0, 3.0, 2.0), topic=0.0, seed=6)
    )
    given = activations(planted)
    found = replicates(given, fit_vectors(given, VECTORS), VECTORS)
    reliability, cosine_table = reliabilities(found)[:, 0, 0], cosines(found)[:, :, 0, 0]
    expected = expected_cosine(planted, 200).values[:, 0] ** 2
    chance = 1 / math.sqrt(2000)
    np.testing.assert_allclose(expected, [9 / 19, 9 / 19, 4 / 14])
    np.testing.assert_allclose(reliability, expected, atol=4 * chance)
    for source, target in combinations(range(3), 2):
        truth, attenuation = COSINES[source][target], math.sqrt(expected[source] * expected[target])
        cosine = cosine_table[source, target]
        assert cosine == pytest.approx(truth * attenuation, abs=4 * chance)
        mended = cosine / math.sqrt(reliability[source] * reliability[target])
        assert mended == pytest.approx(truth, abs=4 * chance / attenuation)
    assert cosine_table[0, 1] < 0.8 - 0.3


def test_controls_of_unseen_pairs_are_near_chance_and_unrelated_between_languages() -> None:
    """Permuted and random directions, fitted on one half of the planted concepts' pairs, tested on the other."""
    spec = PlantedSpec(pairs=1000, layers=1, hidden=200, strength=1.0, split=True, cosine=1.0, seed=8)
    planted = plant(spec)
    given = activations(planted)
    vectors = fit_vectors(given, VECTORS)
    rates = {0: [], 1: []}
    for row, language in enumerate(given.values()):
        unseen = differences(language, 0)[language.data["split"].values == "test"]
        for kind, drawn in enumerate(baselines(language, VECTORS)[:, :, 0].astype(float)):
            for direction in drawn:
                rates[kind].append(float(np.mean(unseen @ direction > 0)))
        real = float(np.mean(unseen @ vectors.data["vector"].values[row, 0].astype(float) > 0))
        assert real > 0.75
    for kind in (0, 1):
        # The part of a random direction along the truth moves a rate by phi(0) * strength / sqrt(hidden) about.
        spread = math.sqrt(0.25 / 200 + (0.4 / math.sqrt(200)) ** 2)
        assert np.mean(rates[kind]) == pytest.approx(0.5, abs=5 * spread / math.sqrt(len(rates[kind])))
    control = replicates(given, vectors, VECTORS).data["control"].values[:, :, 0]
    off = control[~np.eye(3, dtype=bool)][:, 1]
    assert np.abs(off).max() < 5 / math.sqrt(200)


def test_cross_fitting_scores_unseen_pairs_and_fitting_on_them_flatters() -> None:
    planted = plant(PlantedSpec(pairs=60, layers=1, hidden=300, strength=0.0, noise=1.0, seed=2))
    given = activations(planted)
    cross = cross_vectors(given, VECTORS).data["vector"].values[:, :, 0].astype(float)
    whole = fit_vectors(given, VECTORS).data["vector"].values[:, 0].astype(float)
    honest, flattered = [], []
    for row, language in enumerate(given.values()):
        rows, fold = differences(language, 0), language.data["fold"].values
        honest.append(np.mean(np.einsum("ph,ph->p", rows, cross[row][fold]) > 0))
        flattered.append(np.mean(rows @ whole[row] > 0))
    assert np.mean(honest) == pytest.approx(0.5, abs=0.2)
    assert np.mean(flattered) > 0.9


def test_streaming_the_planted_texts_gives_the_vectors_of_kept_activations() -> None:
    table = planted_table(PLANTED, "morality", "es")
    states = planted_states(PLANTED, table)
    reducer = MomentsReducer(table, 10, VECTORS.baseline_draws, VECTORS.seed)
    for index in np.array_split(np.random.default_rng(0).permutation(len(table.texts)), 17):
        reducer.update(index, states[:, index])
    sums, states_kept = reducer.result(), planted_activations(PLANTED, "morality", "es")
    streamed, kept = (fit_vectors({"es": part}, VECTORS).data for part in (sums, states_kept))
    for name in ("vector", "midpoint"):
        np.testing.assert_allclose(streamed[name], kept[name], rtol=1e-5, atol=1e-6)
    drawn, again = baselines(sums, VECTORS), baselines(states_kept, VECTORS)
    np.testing.assert_allclose(drawn, again, rtol=1e-4, atol=1e-6)


def test_splits_and_folds_are_the_same_in_all_languages_and_keep_groups_together() -> None:
    planted = plant(PlantedSpec(pairs=200, group_size=4, split=True, concepts=("morality", "fairness")))
    tables = [planted_table(planted, "fairness", language) for language in ("en", "sw")]
    assert np.array_equal(tables[0].fold, tables[1].fold)
    assert np.array_equal(tables[0].split, tables[1].split)
    for table in tables:
        assert {len({*table.split[table.group == group]}) for group in np.unique(table.group)} == {1}
        assert {len({*table.fold[table.group == group]}) for group in np.unique(table.group)} == {1}
        assert np.array_equal(table.fold >= 0, table.split == "fit")
    counts = {name: int((tables[0].split == name).sum()) for name in ("fit", "select", "test")}
    assert counts == {"fit": 140, "select": 20, "test": 40}
    fitting = planted_table(planted, "fairness", "en", ["fit"])
    assert len(fitting.texts) == 280
    everything = planted_states(planted, tables[0])
    rows = [tables[0].texts.index(text) for text in fitting.texts]
    assert np.array_equal(planted_states(planted, fitting), everything[:, rows])


def test_pairs_go_through_as_an_ordinary_data_set() -> None:
    planted = plant(PlantedSpec(pairs=7, concepts=("morality", "fairness"), group_size=2))
    pairs = planted_pairs(planted)
    assert pairs.table.num_rows == 2 * 3 * 7
    row = pairs.table.slice(7 * 3 + 7, 1).to_pylist()[0]
    assert (row["concept"], row["language"], row["item"], row["group"]) == (
        "fairness",
        "es",
        "item-00000",
        "group-00000",
    )
    table = planted_table(planted, "fairness", "es")
    assert table.texts[:2] == (("", row["positive"]), ("", row["negative"]))
    assert len(set(pairs.table["group"].to_pylist())) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"languages": ()}, "languages"),
        ({"concepts": ("a", "a")}, "all distinct"),
        ({"pairs": 0}, "pairs = 0"),
        ({"cosine": -0.6}, "no 3 directions .* -1 / "),
        ({"cosine": ((1.0, 0.5), (0.5, 1.0))}, "symmetric 3 x 3"),
        ({"cosine": ((1.0, 0.9, -0.9), (0.9, 1.0, 0.9), (-0.9, 0.9, 1.0))}, "smallest eigenvalue"),
        ({"cosine": 0.1, "hidden": 2}, "do not fit into 2 dimensions"),
        ({"strength": (1.0, 2.0)}, "strength has 2 numbers for 3 languages"),
        ({"noise": -1.0}, "noise"),
        ({"layer_profile": (1.0,)}, "layer_profile has 1"),
        ({"group_share": 1.5}, "group_share"),
        ({"massive": 65}, "massive = 65"),
    ],
)
def test_what_cannot_be_planted_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        PlantedSpec(**changes)  # type: ignore[arg-type]


def test_what_was_not_planted_is_refused() -> None:
    with pytest.raises(SpecError, match="language 'xx' was not planted, only en, es, sw"):
        planted_activations(PLANTED, "morality", "xx")
    with pytest.raises(SpecError, match="concept 'greed'"):
        planted_table(PLANTED, "greed", "en")
    table = planted_table(plant(PlantedSpec(pairs=601, layers=1, hidden=8)), "morality", "en")
    with pytest.raises(SpecError, match="item-00600/positive' was not planted"):
        planted_states(PLANTED, table)
