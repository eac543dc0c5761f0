"""Predictors of steerability: equal to slow formulas, tied to recognition, at the layers that were chosen."""

import numpy as np
import pytest

from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.scoring import cross_scores
from polyvalues.analysis.steerability_predictors import PREDICTORS, predictors, separation
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.config.simulation import PlantedSpec
from polyvalues.errors import MeasureError
from polyvalues.report.html.predictors_section import predictors_section, predictors_words
from polyvalues.report.views import LanguageView
from polyvalues.simulation.planted_states import plant, planted_activations
from polyvalues.simulation.predictor_coverage import expected_direction
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors
from polyvalues.vectors.similarity.difference_coherence import coherence

SPEC = StatisticsSpec(draws=60)


@pytest.fixture(scope="module")
def crossed() -> tuple:
    planted = plant(PlantedSpec(languages=("en", "sw"), pairs=60, layers=2, hidden=16, strength=(2.0, 0.4)))
    inputs = {name: planted_activations(planted, "morality", name) for name in ("en", "sw")}
    vectors = VectorSpec(control_draws=2)
    made = cross_vectors(inputs, vectors)
    scores = [cross_scores(part, made, nested_vectors(part, vectors, folds=10)) for part in inputs.values()]
    choice = choose_layers({str(part.data.attrs["target"]): part for part in scores})
    return [coherence(inputs, "mean-difference")], scores, [choice]


def test_separation_is_that_of_the_pairs_drawn() -> None:
    rng = np.random.default_rng(0)
    sides, group = rng.standard_normal((9, 2, 3)) + 5.0, np.array([0, 0, 1, 1, 2, 2, 3, 3, 3])
    weights = np.array([[1, 1, 1, 1], [2, 0, 1, 3], [0, 0, 4, 0]], np.int32)
    found = separation(sides, group, weights)
    for resample, weight in enumerate(weights):
        drawn = sides[np.repeat(np.arange(9), weight[group])]
        apart = drawn[:, 0].mean(axis=0) - drawn[:, 1].mean(axis=0)
        pooled = np.sqrt((drawn[:, 0].var(axis=0, ddof=1) + drawn[:, 1].var(axis=0, ddof=1)) / 2)
        np.testing.assert_allclose(found[:, resample], apart / pooled, rtol=1e-9)
    nothing = np.array([[0, 0, 0, 0]], np.int32)
    assert np.isnan(separation(sides, group, nothing)).all()
    assert np.isnan(separation(np.ones((9, 2, 1)), group, weights)).all()


def test_pairs_the_wrong_way_round_are_those_not_recognised(crossed: tuple) -> None:
    parts, scores, choices = crossed
    found, known = predictors(parts, scores, choices, SPEC), recognition(scores, choices, SPEC)
    for language in ("en", "sw"):
        where = {"source": language, "target": language, "concept": "morality"}
        own = found.sel(predictor="against", language=language, concept="morality")
        lower, upper = known["chosen"].sel(where).sel(interval=["upper", "lower"]).values
        np.testing.assert_allclose(own["chosen"].values[1:], [1 - lower, 1 - upper], atol=1e-12)
        np.testing.assert_allclose(own["value"].values[:, 0], 1 - known["accuracy"].sel(where).values[:, 0], atol=1e-12)


def test_numbers_at_the_chosen_layer_and_their_order(crossed: tuple) -> None:
    parts, scores, choices = crossed
    found = predictors(parts, scores, choices, SPEC)
    assert tuple(found["predictor"].values) == PREDICTORS
    at = found["value"].sel(layer=choices[0].layer)
    for name in ("among", "along"):
        estimate = parts[0][name].sel(layer=choices[0].layer).values[:, 0]
        np.testing.assert_array_equal(found["chosen"].sel(predictor=name, concept="morality").values[:, 0], estimate)
        np.testing.assert_array_equal(found["chosen"].sel(predictor=name), at.sel(predictor=name))
    strong, weak = (found["chosen"].sel(language=name, concept="morality") for name in ("en", "sw"))
    for name in ("among", "along", "separation"):
        assert strong.sel(predictor=name, interval="lower") > weak.sel(predictor=name, interval="upper")
    assert (found["chosen"].sel(interval="lower") <= found["chosen"].sel(interval="estimate")).all()
    assert (found["pairs"] == 60).all()


def test_a_concept_needs_its_layer_and_comes_once(crossed: tuple) -> None:
    parts, scores, choices = crossed
    for given, chosen in (([*parts, *parts], choices), ([], choices), (parts, [])):
        with pytest.raises(MeasureError):
            predictors(given, scores, chosen, SPEC)


def test_the_page_shows_every_number_with_its_interval(crossed: tuple) -> None:
    parts, scores, choices = crossed
    found = predictors(parts, scores, choices, SPEC)
    views = [LanguageView(tag, tag, "", "ltr") for tag in ("sw", "en")]
    (grid,) = predictors_section(found, views).tables
    assert [len(cells) for _, cells in grid.rows] == [5, 5]
    assert all("[" in cell.text for _, cells in grid.rows for cell in cells[:4])
    words = predictors_words(found)
    assert words.index("(sw, morality)") < words.index("(en, morality)")


def test_the_expected_direction_of_a_normal_vector() -> None:
    rng = np.random.default_rng(1)
    for length in (0.3, 2.0):
        x = rng.standard_normal((200_000, 8))
        x[:, 0] += length
        drawn = (x[:, 0] / np.linalg.norm(x, axis=1)).mean()
        np.testing.assert_allclose(expected_direction(np.array(length), 8), drawn, atol=0.004)
