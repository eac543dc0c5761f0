import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from polyvalues.measure import resample
from unchecked import unchecked


def test_weights_draw_as_many_groups_as_there_are_and_start_with_the_data():
    weights = resample.group_weights("honesty", 17, 50, seed=3)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 17).all()
    assert len(np.unique(weights, axis=0)) > 40


def test_weights_depend_on_concept_and_seed_only_and_grow_at_the_end():
    weights = resample.group_weights("honesty", 17, 50, seed=3)
    np.testing.assert_array_equal(resample.group_weights("honesty", 17, 50, seed=3), weights)
    np.testing.assert_array_equal(resample.group_weights("honesty", 17, 80, seed=3)[:51], weights)
    assert (resample.group_weights("fairness", 17, 50, seed=3) != weights).any()
    assert (resample.group_weights("honesty", 17, 50, seed=4) != weights).any()


def test_stable_hash_is_the_same_in_every_process():
    assert resample.stable_hash("honesty") == 2323347484780699453


def test_sums_per_group():
    values = np.array([[1.0, 0.5], [0.0, 1.0], [1.0, 1.0]], np.float32)
    found = resample.group_sums(values, np.array([2, 0, 2]), 4)
    np.testing.assert_array_equal(found, [[0, 1], [0, 0], [2, 1.5], [0, 0]])
    assert found.dtype == np.float32


def test_ratio_in_every_resample_by_hand():
    weights = np.array([[1, 1], [2, 0], [0, 2]])
    found = resample.resampled_ratio(np.array([[2.0], [0.0]]), np.array([2, 0]), weights)
    np.testing.assert_array_equal(found, [[1.0, 1.0, np.nan]])


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_ratio_does_not_depend_on_the_order_of_groups(size):
    rng = np.random.default_rng(0)
    counts = rng.integers(1, size, size=30)
    sums = np.floor(2 * counts[:, None] * rng.random((30, 4))) / 2
    weights = rng.integers(0, 3, size=(20, 30))
    order = rng.permutation(30)
    np.testing.assert_array_equal(
        resample.resampled_ratio(sums, counts, weights),
        resample.resampled_ratio(sums[order], counts[order], weights[:, order]),
    )


def test_all_right_is_not_certainty():
    found = resample.percentile_interval(np.ones((1, 101)), 60, 0.95)[0]
    clopper_pearson = stats.binomtest(60, 60).proportion_ci(0.95, method="exact")
    np.testing.assert_allclose(found, [1, clopper_pearson.low, 1])
    assert found[1] == pytest.approx(0.94, abs=0.001)


def test_all_wrong_mirrors_all_right():
    found = resample.percentile_interval(np.zeros((1, 101)), 60, 0.95)[0]
    clopper_pearson = stats.binomtest(0, 60).proportion_ci(0.95, method="exact")
    np.testing.assert_allclose(found, [0, 0, clopper_pearson.high])


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_one_group_says_next_to_nothing(value):
    found = resample.percentile_interval(np.full((1, 21), value), 1, 0.95)[0]
    assert found[2] - found[1] > 0.97
    assert found[1] <= value <= found[2]


def test_agreement_everywhere_bounds_the_difference_on_both_sides():
    found = resample.percentile_interval(np.zeros((1, 101)), 60, 0.95, (-1.0, 1.0))[0]
    np.testing.assert_allclose(found, [0, -0.0596, 0.0596], atol=1e-4)


def test_nothing_measured_is_nan():
    assert np.isnan(resample.percentile_interval(np.full((2, 21), np.nan), 0, 0.95)).all()


def test_undefined_resamples_are_left_out():
    rng = np.random.default_rng(0)
    values = rng.random((3, 201))
    values[1, 5:50] = np.nan
    found = resample.percentile_interval(values, 10, 0.9)
    for row in range(3):
        draws = values[row, 1:][~np.isnan(values[row, 1:])]
        expected = np.quantile(draws, [0.05, 0.95])
        assert found[row, 1] == pytest.approx(min(expected[0], values[row, 0]))
        assert found[row, 2] == pytest.approx(max(expected[1], values[row, 0]))


@given(st.lists(st.integers(0, 1), min_size=3, max_size=40), st.integers(0, 5))
def test_interval_holds_the_estimate_and_stays_within_limits(outcomes, seed):
    weights = resample.group_weights("c", len(outcomes), 40, seed)
    sums = np.array(outcomes, np.float32)[:, None]
    found = resample.bootstrap_ratio(sums, np.ones(len(outcomes), np.int64), weights, 0.9)[0]
    assert 0 <= found[1] <= found[0] <= found[2] <= 1
    assert found[1] < found[2]


def test_blocks_of_cells_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    sums, counts = np.round(4 * rng.random((12, 5, 3))) / 2, np.full(12, 2)
    weights = resample.group_weights("c", 12, 50, 0)
    whole = resample.bootstrap_ratio(sums, counts, weights, 0.95)
    monkeypatch.setattr(resample, "_BLOCK", 60)
    np.testing.assert_array_equal(resample.bootstrap_ratio(sums, counts, weights, 0.95), whole)


@unchecked()
def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(20240101)
    truth, covered = 0.75, 0
    for trial in range(200):
        easy = rng.beta(6, 2, size=60)  # groups differ, their pairs are alike: mean 0.75
        sums = rng.binomial(3, easy).astype(np.float32)[:, None]
        weights = resample.group_weights(f"trial-{trial}", 60, 300, 0)
        found = resample.bootstrap_ratio(sums, np.full(60, 3), weights, 0.95)[0]
        covered += bool(found[1] <= truth <= found[2])
    assert 0.90 <= covered / 200 <= 0.99


def test_pairs_of_one_group_are_not_independent():
    rng = np.random.default_rng(0)
    outcome = rng.integers(0, 2, size=(40, 1)).astype(np.float32)
    grouped = resample.bootstrap_ratio(5 * outcome, np.full(40, 5), resample.group_weights("c", 40, 500, 0), 0.95)
    single = np.repeat(outcome, 5, axis=0)
    loose = resample.bootstrap_ratio(single, np.ones(200, int), resample.group_weights("c", 200, 500, 0), 0.95)
    assert np.diff(grouped[0, 1:]) > 1.8 * np.diff(loose[0, 1:])


def test_mean_over_draws_has_students_interval():
    draws = np.array([0.1, 0.3, -0.2, 0.0])
    found = resample.mean_interval(draws, 0.95, (-1.0, 1.0))
    expected = stats.t.interval(0.95, 3, loc=draws.mean(), scale=stats.sem(draws))
    np.testing.assert_allclose(found[1:], expected)
    assert resample.mean_interval(np.array([-0.9, 0.9]), 0.95, (-1.0, 1.0)).tolist()[1:] == [-1, 1]
    assert np.isnan(resample.mean_interval(np.array([0.3]), 0.95, (-1.0, 1.0))).all()
