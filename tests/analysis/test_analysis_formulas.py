import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from polyvalues.analysis.statistics import formulas

FLOATS = st.floats(-1e6, 1e6, width=32)
COARSE = st.integers(-3, 3).map(float)
VECTORS = hnp.arrays(np.float64, st.integers(1, 12), elements=COARSE)


def test_correctness_counts_ties_as_half_or_as_the_paper_does():
    difference = np.array([1e-40, 0.0, -0.0, -2.0, np.nan], np.float32)
    np.testing.assert_array_equal(formulas.correctness(difference), [1, 0.5, 0.5, 0, np.nan])
    np.testing.assert_array_equal(formulas.correctness(difference, "correct"), [1, 1, 1, 0, np.nan])


@given(hnp.arrays(np.float32, st.integers(1, 20), elements=FLOATS))
def test_swapping_sides_maps_correct_to_wrong_and_keeps_ties(difference):
    np.testing.assert_array_equal(formulas.correctness(-difference), 1 - formulas.correctness(difference))


@given(VECTORS, VECTORS)
def test_auroc_is_the_share_of_wins_with_half_the_ties(positive, negative):
    wins = [1.0 if x > y else 0.5 if x == y else 0.0 for x in positive for y in negative]
    assert formulas.auroc(positive, negative) == pytest.approx(sum(wins) / len(wins), abs=1e-12)


@given(VECTORS, VECTORS)
def test_auroc_of_swapped_sides_is_one_minus(positive, negative):
    assert formulas.auroc(negative, positive) == pytest.approx(1 - formulas.auroc(positive, negative), abs=1e-12)


@given(st.data())
def test_weighted_auroc_is_the_auroc_of_repeated_texts(data):
    pairs = data.draw(st.integers(1, 8))
    positive, negative = (data.draw(hnp.arrays(np.float64, pairs, elements=COARSE)) for _ in range(2))
    weight = data.draw(hnp.arrays(np.int64, (pairs, 3), elements=st.integers(0, 3)))
    for kind in (np.float32, np.float64):
        found = formulas.weighted_auroc(positive, negative, weight.astype(kind), weight.astype(kind))
        for column in range(3):
            repeated = [np.repeat(side, weight[:, column]) for side in (positive, negative)]
            expected = formulas.auroc(*repeated) if weight[:, column].any() else math.nan
            np.testing.assert_allclose(found[column], expected, rtol=1e-12)


def test_auroc_of_nothing_is_nan():
    assert math.isnan(formulas.auroc(np.array([]), np.array([1.0])))


@given(hnp.arrays(np.float64, (2, 5), elements=st.floats(-100, 100, width=32)), st.floats(0.01, 1000))
def test_cosine_ignores_length_and_stays_within_bounds(rows, factor):
    a, b = rows
    found = formulas.cosine(a, b)
    if not a.any() or not b.any():
        return
    assert -1 <= float(found) <= 1
    np.testing.assert_allclose(formulas.cosine(factor * a, b), found, atol=1e-9)
    np.testing.assert_allclose(formulas.cosine(-a, b), -found, atol=1e-9)


def test_cosine_with_a_zero_vector_is_nan():
    assert np.isnan(formulas.cosine(np.zeros(3), np.ones(3)))


@given(st.floats(-0.999, 0.999))
def test_fisher_goes_there_and_back(r):
    assert math.tanh(float(formulas.fisher_z(np.array(r)))) == pytest.approx(r, abs=1e-9)


def test_fisher_of_perfect_agreement_is_finite():
    assert np.isfinite(formulas.fisher_z(np.array([1.0, -1.0]))).all()


@given(hnp.arrays(np.float64, (6, 3), elements=st.one_of(st.floats(-1, 1), st.just(np.nan))), st.randoms())
def test_ordered_mean_skips_nan_and_ignores_order_to_the_last_bit(values, random):
    order = list(range(6))
    random.shuffle(order)
    found = formulas.ordered_mean(values)
    np.testing.assert_array_equal(formulas.ordered_mean(values[order]), found)
    for column in range(3):
        present = [x for x in values[:, column] if not math.isnan(x)]
        expected = math.fsum(present) / len(present) if present else math.nan
        np.testing.assert_allclose(found[column], expected, atol=1e-12)
