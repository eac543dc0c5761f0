"""The choice of a layer is stable where one layer is clearly best, and not where several are as good."""

import numpy as np
import pytest

from polyvalues.analysis.hypothesis_tests.layer_stability import stability
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.statistics.bootstrap import group_weights
from polyvalues.artifacts import Scores
from polyvalues.config import StatisticsSpec
from polyvalues.errors import MeasureError
from reference.measure_cases import make_choice, make_scores, random_scores, reordered

SPEC = StatisticsSpec(draws=200)


def layered(levels: list[float], seed: int = 0) -> list[Scores]:
    """Own-language accuracies by layer, on 60 pairs a layer is chosen with."""
    rng = np.random.default_rng(seed)
    scores = []
    for name in ("en", "fr"):
        values = np.zeros((60, 2, len(levels), 2))
        values[:, 0] = np.where(rng.random((60, len(levels))) < levels, 1.0, -1.0)[..., None]
        scores.append(make_scores(values, target=name, split="select"))
    return scores


def test_a_clear_choice_is_stable_and_an_unclear_one_is_not() -> None:
    clear, unclear = layered([0.5, 0.95, 0.5]), layered([0.8, 0.8, 0.8])
    for scores, least, most in ((clear, 0.99, 1.0), (unclear, 0.2, 0.9)):
        choice = choose_layers({item.data.attrs["target"]: item for item in scores})
        found = stability(scores, [choice], SPEC)
        assert least <= float(found["same"].sel(concept="honesty")) <= most
        assert float(found["share"].sum()) == pytest.approx(1)
        assert float(found["share"].sel(concept="honesty", layer=choice.layer)) == float(found["same"][0])
        assert float(found["near"][0]) >= float(found["same"][0])


def test_it_agrees_with_choosing_again_by_hand() -> None:
    scores = layered([0.7, 0.75, 0.7], seed=3)
    choice = choose_layers({item.data.attrs["target"]: item for item in scores})
    from_here = stability(scores, [choice], StatisticsSpec(draws=20))
    weights = group_weights("honesty layer", 60, 20, 0)
    picked = []
    for row in weights[1:]:
        drawn = {}
        for item in scores:
            rows = np.repeat(np.arange(60), row)
            drawn[item.data.attrs["target"]] = Scores(item.data.isel(pair=rows))
        picked.append(choose_layers(drawn).layer)
    expected = np.bincount(picked, minlength=3) / 20
    np.testing.assert_allclose(from_here["share"].values[0], expected)


def test_order_of_languages_changes_nothing() -> None:
    scores = random_scores(np.random.default_rng(1))
    first = stability(list(scores.values()), [make_choice(1)], SPEC)
    second = stability(list(reordered(scores, ("sw", "en", "fr")).values()), [make_choice(1)], SPEC)
    assert first.identical(second)


def test_a_concept_without_a_choice_is_refused() -> None:
    with pytest.raises(MeasureError, match="no layer was chosen"):
        stability(layered([0.6]), [], SPEC)
