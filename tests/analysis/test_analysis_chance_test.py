"""Tests against chance: exact, symmetric, rightly sized, and adjusted as the definition says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from polyvalues.analysis.hypothesis_tests.chance_test import chance
from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg, sign_flip_p
from reference import chance_oracle as oracle
from reference.measure_cases import make_choice, make_scores, random_scores, reordered


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_it_is_the_share_of_all_flips(steps: list[int]) -> None:
    sums = np.array(steps) / 2
    assert sign_flip_p(sums[:, None])[0] == pytest.approx(oracle.sign_flip_p(sums), abs=1e-10)


def test_single_pairs_give_the_binomial_test() -> None:
    right = np.arange(61)
    sums = np.where(np.arange(60)[:, None] < right, 0.5, -0.5)
    expected = [float(stats.binomtest(int(k), 60).pvalue) for k in right]
    np.testing.assert_allclose(sign_flip_p(sums), expected, rtol=1e-9, atol=1e-13)
    assert sign_flip_p(sums)[60] == pytest.approx(2.0**-59, rel=1e-6)


def test_ties_groups_without_pairs_and_the_sign_change_nothing() -> None:
    rng = np.random.default_rng(0)
    sums = rng.integers(-2, 3, size=(12, 5)) / 2
    padded = np.concatenate([sums, np.zeros((4, 5)), np.full((3, 5), np.nan)])
    np.testing.assert_allclose(sign_flip_p(padded), sign_flip_p(sums))
    np.testing.assert_allclose(sign_flip_p(-sums), sign_flip_p(sums))
    np.testing.assert_allclose(sign_flip_p(sums[rng.permutation(12)]), sign_flip_p(sums))
    assert np.isnan(sign_flip_p(np.full((3, 1), np.nan)))[0]
    assert sign_flip_p(np.zeros((3, 1)))[0] == 1


def test_its_size_is_right_and_it_has_power() -> None:
    rng = np.random.default_rng(1)
    null = rng.choice([-0.5, 0.5], size=(60, 4000))
    # 60 whole pairs: the largest p that is at most 0.05 is 0.027
    assert np.mean(sign_flip_p(null) <= 0.05) == pytest.approx(2 * stats.binom.cdf(21, 60, 0.5), abs=0.008)
    assert np.mean(sign_flip_p(null) <= 0.06) == pytest.approx(2 * stats.binom.cdf(22, 60, 0.5), abs=0.011)
    some = rng.choice([-0.5, 0.5], p=[0.3, 0.7], size=(60, 500))
    assert np.mean(sign_flip_p(some) <= 0.05) > 0.8


def test_a_thousand_groups_of_many_sizes_stay_exact() -> None:
    rng = np.random.default_rng(2)
    steps = rng.integers(-4, 5, size=1000)
    reach = np.abs(steps).sum()
    law = np.ones(1)
    for value in np.abs(steps):
        law = np.convolve(law, np.eye(1, 2 * value + 1, 0)[0] / 2 + np.eye(1, 2 * value + 1, 2 * value)[0] / 2)
    support = np.arange(-reach, reach + 1)
    expected = law[np.abs(support) >= abs(steps.sum())].sum()
    assert sign_flip_p(steps[:, None] / 2)[0] == pytest.approx(expected, abs=1e-11)


@given(st.lists(st.floats(0.0001, 1), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_q_is_the_definition(p: list[float]) -> None:
    np.testing.assert_allclose(benjamini_hochberg(np.array(p)), oracle.benjamini_hochberg(p))
    padded = benjamini_hochberg(np.array([*p, np.nan]))
    np.testing.assert_allclose(padded[:-1], oracle.benjamini_hochberg(p))
    assert np.isnan(padded[-1])


def test_false_discoveries_stay_below_the_level() -> None:
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(200):
        null, real = rng.random(80), rng.random(20) * 1e-3
        found = benjamini_hochberg(np.concatenate([null, real])) <= 0.05
        shares.append(found[:80].sum() / max(1, found.sum()))
    assert np.mean(shares) <= 0.05


def test_it_agrees_with_the_oracle_on_grouped_scores() -> None:
    scores = random_scores(np.random.default_rng(4), pairs=18)
    found = chance(list(scores.values()), [make_choice(1)])
    for target, item in scores.items():
        data = item.data.sel(layer=1).isel(pair=np.flatnonzero(item.data["split"].values == "test"))
        for source in scores:
            d = data["projection"].sel(source=source).values
            gap = d[:, 0] - d[:, 1]
            correct = ((gap > 0) + 0.5 * (gap == 0)).tolist()
            sums = oracle.group_sums(correct, data["group"].values.tolist())
            expected = oracle.sign_flip_p(np.array(list(sums.values())))
            assert float(found["p"].sel(concept="honesty", source=source, target=target)) == pytest.approx(expected)
    assert found.attrs["correction"] == "Benjamini-Hochberg over 9 cells"


def test_order_of_languages_permutes_labels_only() -> None:
    scores = random_scores(np.random.default_rng(5))
    first = chance(list(scores.values()), [make_choice(1)])
    second = chance(list(reordered(scores, ("sw", "en", "fr")).values()), [make_choice(1)])
    for name in ("p", "q"):
        np.testing.assert_array_equal(second[name].sel(source=first.source, target=first.target).values, first[name])


def test_a_vector_that_is_always_wrong_is_found_too() -> None:
    values = np.zeros((20, 2, 1, 2))
    values[:, 0] = [[-1.0, 0.0]]
    found = chance([make_scores(values)], [make_choice(0, layers=1)])
    assert float(found["p"].sel(source="en", target="en")[0]) == pytest.approx(2.0**-19)
    assert float(found["p"].sel(source="fr", target="en")[0]) == 1


def test_a_language_without_tested_pairs_is_not_tested() -> None:
    values = np.ones((4, 2, 1, 2))
    found = chance([make_scores(values), make_scores(values, target="fr", split="select")], [make_choice(0, layers=1)])
    assert np.isnan(found["q"].sel(target="fr")).all()
    assert found.attrs["correction"].endswith("over 2 cells")
