import itertools

import numpy as np
import pytest

from polyvalues.analysis.scoring.layer_selection import best_layer, choose_layers
from polyvalues.artifacts import Scores
from polyvalues.errors import MeasureError
from reference import measure_oracle as oracle
from reference.measure_cases import make_scores, random_scores, reordered


def crossed(rng: np.random.Generator, *, languages=("en", "fr"), pairs=24, layers=4, folds=4) -> dict[str, Scores]:
    fold = rng.integers(0, folds, size=pairs)
    scores = {}
    for target in languages:
        selection = rng.integers(0, 3, size=(pairs, folds, layers)) / 2
        selection[np.arange(pairs), fold] = np.nan
        values = np.round(rng.normal(size=(pairs, 2, layers, len(languages))))
        scores[target] = make_scores(
            values, target=target, sources=languages, split="cross", fold=fold, selection=selection
        )
    return scores


def accuracy_by_layer(right: list[int], pairs: int = 10, split: str = "select", **options) -> Scores:
    """One language; `right[l]` of the pairs are right at layer l."""
    values = np.zeros((pairs, 2, len(right), 1))
    for layer, count in enumerate(right):
        values[:count, 0, layer] = 1
        values[count:, 1, layer] = 1
    return make_scores(values, sources=("en",), split=split, **options)


def test_split_concepts_against_the_formula():
    for seed in range(5):
        scores = random_scores(np.random.default_rng(seed), layers=4)
        data = {name: item.data for name, item in scores.items()}
        expected = [oracle.own_mean(data, layer, "select") for layer in range(4)]
        found = choose_layers(scores)
        np.testing.assert_allclose(found.accuracy, expected, rtol=1e-12)
        assert expected[found.layer] == pytest.approx(max(expected))
        assert found.fold_layer.tolist() == []


def test_cross_fitted_concepts_against_the_formula():
    for seed in range(5):
        scores = crossed(np.random.default_rng(seed))
        data = {name: item.data for name, item in scores.items()}
        found = choose_layers(scores)
        expected = [oracle.own_mean(data, layer, "cross") for layer in range(4)]
        np.testing.assert_allclose(found.accuracy, expected, rtol=1e-12)
        for fold, layer in enumerate(found.fold_layer):
            by_layer = [oracle.own_mean(data, other, "cross", skip_fold=fold) for other in range(4)]
            assert by_layer[layer] == pytest.approx(max(by_layer))


def test_a_fold_has_no_say_in_its_own_layer():
    scores = crossed(np.random.default_rng(3))
    before = choose_layers(scores)
    for item in scores.values():
        own = item.data["fold"].values == 2
        item.data["projection"].values[own] = 0
        item.data["selection"].values[own] = 1 - np.nan_to_num(item.data["selection"].values[own], nan=np.nan)
    assert choose_layers(scores).fold_layer[2] == before.fold_layer[2]


def test_test_pairs_have_no_say():
    good, bad = accuracy_by_layer([2, 9, 3]), accuracy_by_layer([10, 0, 10], split="test")
    data = {name: np.concatenate([good.data[name].values, bad.data[name].values]) for name in ("projection", "split")}
    both = make_scores(data["projection"], sources=("en",), split=list(data["split"]))
    assert choose_layers({"en": both}).layer == 1


@pytest.mark.parametrize(
    ("accuracy", "best"),
    [([5, 5, 5, 5, 5], 2), ([5, 5, 5, 5], 1), ([9, 1, 1, 9, 1], 3), ([9, 1, 1, 1, 9], 0), ([1, 2, 9, 3], 2)],
)
def test_ties_go_to_the_middle_then_to_the_lower_layer(accuracy, best):
    assert best_layer(np.array(accuracy, float)) == best
    assert choose_layers({"en": accuracy_by_layer(accuracy)}).layer == best


def test_ties_survive_rounding():
    thirds = np.array([0.1 + 0.2, 0.3, 0.0])
    assert best_layer(thirds) == 1


def test_every_language_counts_the_same_however_many_pairs_it_has():
    many, few = accuracy_by_layer([60, 50], pairs=100), accuracy_by_layer([0, 2], pairs=4, target="fr")
    few = Scores(few.data.assign_coords(source=["fr"]))
    assert choose_layers({"en": many, "fr": few}).layer == 1


def test_the_layer_is_a_coordinate():
    assert choose_layers({"en": accuracy_by_layer([1, 9, 3], layers=[10, 20, 30])}).layer == 20


def test_the_order_of_languages_makes_no_difference():
    scores = random_scores(np.random.default_rng(1))
    expected = choose_layers(scores)
    for order in itertools.permutations(scores):
        found = choose_layers(reordered(scores, order))
        assert found.layer == expected.layer
        np.testing.assert_array_equal(found.accuracy, expected.accuracy)


def test_what_cannot_be_chosen_is_an_error():
    with pytest.raises(MeasureError, match="no scores"):
        choose_layers({})
    with pytest.raises(MeasureError, match="'honesty': no pair in the split 'select'"):
        choose_layers({"en": accuracy_by_layer([1, 2], split="test")})
    with pytest.raises(MeasureError, match="target 'sw': no vector of this language"):
        choose_layers({"sw": accuracy_by_layer([1, 2], target="sw")})
    with pytest.raises(MeasureError, match="one concept at a time"):
        choose_layers({"en": accuracy_by_layer([1]), "fr": accuracy_by_layer([1], concept="fairness")})
    with pytest.raises(MeasureError, match=r"layers \[0, 1\] in 'en', \[0\] in 'fr'"):
        choose_layers({"en": accuracy_by_layer([1, 2]), "fr": accuracy_by_layer([1], target="fr")})
    mixed = {**crossed(np.random.default_rng(0)), "sw": accuracy_by_layer([1, 2, 3, 4], target="sw")}
    with pytest.raises(MeasureError, match="some languages are cross-fitted"):
        choose_layers(mixed)
