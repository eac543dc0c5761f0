"""The scikit-learn classifier along a concept direction."""

import doctest
import warnings

import numpy as np
import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from polyvalues.errors import ConceptDirectionError
from polyvalues.vectors import concept_direction
from polyvalues.vectors.concept_direction import ConceptDirection
from polyvalues.vectors.fit import ESTIMATORS

EVERY = pytest.mark.parametrize("name", list(ESTIMATORS))


@EVERY
def test_scikit_learns_own_checks_pass(name: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check_estimator(ConceptDirection(estimator=name))


@EVERY
def test_planted_direction_is_found_with_unequal_classes(name: str):
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], [150, 250])
    X = rng.normal(size=(400, 5)) + 7.0
    X[:, 2] += 4.0 * y
    model = ConceptDirection(estimator=name).fit(X, y)
    assert model.direction_[2] > 0.95
    assert np.linalg.norm(model.direction_) == pytest.approx(1.0)
    assert model.score(X, y) > 0.95
    middle = (X[y == 1].mean(axis=0) + X[y == 0].mean(axis=0)) / 2
    assert model.decision_function(middle[None])[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", ["pca", "logistic"])
def test_groups_give_the_estimator_on_their_pairs(name: str):
    rng = np.random.default_rng(2)
    negative = rng.normal(size=(30, 4))
    positive = negative + rng.normal(size=(30, 4)) + 1.0
    order = rng.permutation(60)
    X = np.concatenate([negative, positive])[order]
    y, groups = np.repeat([0, 1], 30)[order], np.tile(np.arange(30), 2)[order]
    expected = ESTIMATORS[name](positive, negative)
    found = ConceptDirection(estimator=name).fit(X, y, groups=groups).direction_
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), rtol=1e-6)


def test_bad_input_is_refused():
    X = np.arange(8.0).reshape(4, 2)
    with pytest.raises(ConceptDirectionError):
        ConceptDirection(estimator="nothing").fit(X, [0, 0, 1, 1])
    with pytest.raises(ConceptDirectionError):
        ConceptDirection(estimator="pca").fit(X, [0, 0, 1, 1], groups=[0, 0, 1, 1])


def test_the_example_runs():
    assert doctest.testmod(concept_direction).failed == 0
