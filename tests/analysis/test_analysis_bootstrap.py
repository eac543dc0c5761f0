import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from polyvalues.analysis.statistics import bootstrap
from polyvalues.analysis.statistics.bootstrap import GroupCount
from unchecked import unchecked


def equal(groups: int) -> GroupCount:
    return GroupCount.of(np.ones(groups))


def test_weights_draw_as_many_groups_as_there_are_and_start_with_the_data():
    weights = bootstrap.group_weights("honesty", 17, 50, seed=3)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 17).all()
    assert len(np.unique(weights, axis=0)) > 40


def test_weights_depend_on_concept_and_seed_only_and_grow_at_the_end():
    weights = bootstrap.group_weights("honesty", 17, 50, seed=3)
    np.testing.assert_array_equal(bootstrap.group_weights("honesty", 17, 50, seed=3), weights)
    np.testing.assert_array_equal(bootstrap.group_weights("honesty", 17, 80, seed=3)[:51], weights)
    assert (bootstrap.group_weights("fairness", 17, 50, seed=3) != weights).any()
    assert (bootstrap.group_weights("honesty", 17, 50, seed=4) != weights).any()


def test_stable_hash_is_the_same_in_every_process():
    assert bootstrap.stable_hash("honesty") == 2323347484780699453


def test_sums_per_group():
    values = np.array([[1.0, 0.5], [0.0, 1.0], [1.0, 1.0]], np.float32)
    found = bootstrap.group_sums(values, np.array([2, 0, 2]), 4)
    np.testing.assert_array_equal(found, [[0, 1], [0, 0], [2, 1.5], [0, 0]])
    assert found.dtype == np.float32


def test_ratio_in_every_resample_by_hand():
    weights = np.array([[1, 1], [2, 0], [0, 2]])
    found = bootstrap.resampled_ratio(np.array([[2.0], [0.0]]), np.array([2, 0]), weights)
    np.testing.assert_array_equal(found, [[1.0, 1.0, np.nan]])


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_ratio_does_not_depend_on_the_order_of_groups(size):
    rng = np.random.default_rng(0)
    counts = rng.integers(1, size, size=30)
    sums = np.floor(2 * counts[:, None] * rng.random((30, 4))) / 2
    weights = rng.integers(0, 3, size=(20, 30))
    order = rng.permutation(30)
    np.testing.assert_array_equal(
        bootstrap.resampled_ratio(sums, counts, weights),
        bootstrap.resampled_ratio(sums[order], counts[order], weights[:, order]),
    )


def test_all_right_is_not_certainty():
    found = bootstrap.bootstrap_interval(np.ones((1, 101)), equal(60), 0.95)[0]
    clopper_pearson = stats.binomtest(60, 60).proportion_ci(0.95, method="exact")
    np.testing.assert_allclose(found, [1, clopper_pearson.low, 1])
    assert found[1] == pytest.approx(0.94, abs=0.001)


def test_all_wrong_mirrors_all_right():
    found = bootstrap.bootstrap_interval(np.zeros((1, 101)), equal(60), 0.95)[0]
    clopper_pearson = stats.binomtest(0, 60).proportion_ci(0.95, method="exact")
    np.testing.assert_allclose(found, [0, 0, clopper_pearson.high])


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_one_group_says_next_to_nothing(value):
    found = bootstrap.bootstrap_interval(np.full((1, 21), value), equal(1), 0.95)[0]
    assert found[2] - found[1] > 0.97
    assert found[1] <= value <= found[2]


def test_agreement_everywhere_bounds_the_difference_on_both_sides():
    found = bootstrap.bootstrap_interval(np.zeros((1, 101)), equal(60), 0.95, (-1.0, 1.0))[0]
    np.testing.assert_allclose(found, [0, -0.0596, 0.0596], atol=1e-4)


def test_nothing_measured_is_nan():
    assert np.isnan(bootstrap.bootstrap_interval(np.full((2, 21), np.nan), GroupCount.of(np.zeros(4)), 0.95)).all()


def test_undefined_resamples_are_left_out():
    rng = np.random.default_rng(0)
    values = rng.random((3, 201))
    values[1, 5:50] = np.nan
    found = bootstrap.bootstrap_interval(values, equal(10), 0.9)
    for row in range(3):
        kept = values[row][~np.isnan(values[row])]
        np.testing.assert_allclose(found[row], bootstrap.bootstrap_interval(kept, equal(10), 0.9), rtol=1e-12)
    np.testing.assert_array_equal(found[[0, 2]], bootstrap.bootstrap_interval(values[[0, 2]], equal(10), 0.9))


def test_many_independent_pairs_have_wilsons_interval():
    right, pairs = 1500, 2000
    spread = np.sqrt(0.75 * 0.25 / pairs)
    draws = 0.75 + spread * stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    found = bootstrap.bootstrap_interval(np.r_[0.75, draws], equal(pairs), 0.95)
    wilson = stats.binomtest(right, pairs).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(found[1:], [wilson.low, wilson.high], atol=1e-4)


@pytest.mark.parametrize("limits", [(0.0, 1.0), (-np.inf, np.inf)])
def test_few_effective_groups_widen_an_interval(limits):
    values = np.r_[0.5, 0.5 + 1e-3 * stats.norm.ppf((np.arange(999) + 0.5) / 999)]
    widths = {}
    for sizes in ((1,) * 100, (1,) * 10, (1,) * 90 + (10,) * 10):
        groups = GroupCount.of(np.array(sizes))
        worth = sum(sizes) ** 2 / sum(size**2 for size in sizes)
        assert (int(groups.number), float(groups.effective)) == (len(sizes), worth)
        widths[sizes] = float(np.diff(bootstrap.bootstrap_interval(values, groups, 0.95, limits)[1:])[0])
        expected = stats.t.ppf(0.975, worth - 1) * np.sqrt(worth / (worth - 1)) * 2e-3
        assert widths[sizes] == pytest.approx(expected, rel=0.01)
    assert widths[(1,) * 100] < widths[(1,) * 90 + (10,) * 10] < widths[(1,) * 10]


def test_mirrored_values_have_the_mirrored_interval():
    values = np.r_[0.8, 0.8 + 0.05 * np.random.default_rng(0).standard_normal(200)]
    found, other = (bootstrap.bootstrap_interval(part, equal(20), 0.95) for part in (values, 1 - values))
    np.testing.assert_allclose(other, 1 - found[[0, 2, 1]], rtol=1e-12)
    assert found[0] - found[1] > found[2] - found[0]  # there is more room below


def test_an_estimate_at_a_limit_with_spread_keeps_to_the_limits():
    found = bootstrap.bootstrap_interval(np.r_[1.0, 1.0, 0.9, 0.95], equal(20), 0.95)
    assert found[0] == found[2] == 1.0
    assert 0.8 < found[1] < 0.95


def test_counts_of_groups_by_language():
    counts = GroupCount.of(np.array([[1, 2, 0], [1, 0, 0], [1, 2, 0], [3, 0, 0]]))
    assert counts.number.tolist() == [4, 2, 0]
    assert counts.effective.tolist() == [3.0, 2.0, 0.0]
    assert (counts.least().number, counts.least().effective) == (2, 2.0)
    assert counts.at(2).least().number == 0
    assert counts.smaller(counts.at([1, 0, 0])).effective.tolist() == [2.0, 2.0, 0.0]


@given(st.lists(st.integers(0, 1), min_size=3, max_size=40), st.integers(0, 5))
def test_interval_holds_the_estimate_and_stays_within_limits(outcomes, seed):
    weights = bootstrap.group_weights("c", len(outcomes), 40, seed)
    sums = np.array(outcomes, np.float32)[:, None]
    found = bootstrap.bootstrap_ratio(sums, np.ones(len(outcomes), np.int64), weights, 0.9)[0]
    assert 0 <= found[1] <= found[0] <= found[2] <= 1
    assert found[1] < found[2]


def test_blocks_of_cells_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    sums, counts = np.round(4 * rng.random((12, 5, 3))) / 2, np.full(12, 2)
    weights = bootstrap.group_weights("c", 12, 50, 0)
    whole = bootstrap.bootstrap_ratio(sums, counts, weights, 0.95)
    monkeypatch.setattr(bootstrap, "_BLOCK", 60)
    np.testing.assert_array_equal(bootstrap.bootstrap_ratio(sums, counts, weights, 0.95), whole)


@unchecked()
def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(20240101)
    truth, covered = 0.75, 0
    for trial in range(200):
        easy = rng.beta(6, 2, size=60)  # groups differ, their pairs are alike: mean 0.75
        sums = rng.binomial(3, easy).astype(np.float32)[:, None]
        weights = bootstrap.group_weights(f"trial-{trial}", 60, 300, 0)
        found = bootstrap.bootstrap_ratio(sums, np.full(60, 3), weights, 0.95)[0]
        covered += bool(found[1] <= truth <= found[2])
    assert 0.90 <= covered / 200 <= 0.99


def test_pairs_of_one_group_are_not_independent():
    rng = np.random.default_rng(0)
    outcome = rng.integers(0, 2, size=(40, 1)).astype(np.float32)
    grouped = bootstrap.bootstrap_ratio(5 * outcome, np.full(40, 5), bootstrap.group_weights("c", 40, 500, 0), 0.95)
    single = np.repeat(outcome, 5, axis=0)
    loose = bootstrap.bootstrap_ratio(single, np.ones(200, int), bootstrap.group_weights("c", 200, 500, 0), 0.95)
    assert np.diff(grouped[0, 1:]) > 1.8 * np.diff(loose[0, 1:])


def test_mean_over_draws_has_students_interval():
    draws = np.array([0.1, 0.3, -0.2, 0.0])
    found = bootstrap.mean_interval(draws, 0.95, (-1.0, 1.0))
    expected = stats.t.interval(0.95, 3, loc=draws.mean(), scale=stats.sem(draws))
    np.testing.assert_allclose(found[1:], expected)
    assert bootstrap.mean_interval(np.array([-0.9, 0.9]), 0.95, (-1.0, 1.0)).tolist()[1:] == [-1, 1]
    assert np.isnan(bootstrap.mean_interval(np.array([0.3]), 0.95, (-1.0, 1.0))).all()
