"""Jackknife with and without the excess of products: equal to slow ones, and right where the answer is known."""

import numpy as np
import pytest
from scipy import stats

from polyvalues.analysis.statistics import formulas, jackknife
from polyvalues.vectors.similarity.cross_validated_products import leave_out
from reference import measure_oracle as oracle


def replicates_of(rng: np.random.Generator, folds: int, cells: int = 3, at: float = 0.6) -> np.ndarray:
    return at + 0.05 * rng.normal(size=(cells, len(leave_out(folds))))


@pytest.mark.parametrize("scale", ["fisher", "plain"])
@pytest.mark.parametrize("second", [True, False])
def test_intervals_against_the_formula(scale: jackknife.Scale, second: bool) -> None:
    values = replicates_of(np.random.default_rng(0), 10)[:, : None if second else 11]
    found = jackknife.jackknife_interval(values, 10, 0.95, scale)
    for row in range(3):
        expected = oracle.jackknife(values[row].tolist(), 0.95, fisher=scale == "fisher", folds=10)
        np.testing.assert_allclose(found[row], expected, rtol=1e-10)


@pytest.mark.parametrize("noise", [0.02, 0.2, 1.2])
def test_ratios_against_bisection(noise: float) -> None:
    rng = np.random.default_rng(1)
    above, below = (at + noise * rng.normal(size=(6, 16)) / 4 for at in (0.4, 0.7))
    found = jackknife.ratio_interval(above, below, 5, 0.9)
    for row in range(6):
        expected = oracle.fieller(above[row].tolist(), below[row].tolist(), 5, 0.9)
        np.testing.assert_allclose(found[row], expected, rtol=1e-6, atol=1e-9)
    assert (found[:, 1] == -1).any() == (noise == 1.2)  # no finite interval: the limits


def test_a_mean_has_its_textbook_error_and_no_excess() -> None:
    sample = np.random.default_rng(2).normal(size=10)
    values = np.array([sample[row].mean() for row in leave_out(10)])
    variance, excess = jackknife.jackknife_covariance(values, values, 10)
    assert np.sqrt(variance) == pytest.approx(stats.sem(sample), rel=1e-12)
    assert excess == pytest.approx(0, abs=1e-20)
    p = jackknife.student_p(values[None], 10)[0]
    assert p == pytest.approx(stats.ttest_1samp(sample, 0)[1], rel=1e-9)


def test_the_excess_of_a_product_without_a_linear_part() -> None:
    """sum over i != j of x_i x_j has variance 2 / (n (n - 1)) and a jackknife variance about twice that."""
    rng = np.random.default_rng(3)
    kept = leave_out(10).astype(float)
    x = rng.normal(size=(4000, 10))
    total, squares, count = x @ kept.T, x**2 @ kept.T, kept.sum(axis=1)
    values = (total**2 - squares) / (count * (count - 1))
    variance, excess = (part.mean() for part in jackknife.jackknife_covariance(values, values, 10))
    truth = 2 / 90
    assert variance == pytest.approx(2 * truth, rel=0.25)
    assert variance - excess == pytest.approx(truth, rel=0.25)
    assert truth < jackknife.corrected_variance(values, 10).mean() < variance


def test_covers_a_correlation_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        x = rng.normal(size=(100, 2)) @ np.array([[1, 0.6], [0, 0.8]])
        keep = [np.arange(100) % 10 != fold for fold in range(-1, 10)]
        values = [float(formulas.cosine(*(x[rows] - x[rows].mean(axis=0)).T)) for rows in keep]
        found = jackknife.jackknife_interval(np.array(values), 10, 0.95, "fisher")
        covered += bool(found[1] <= 0.6 <= found[2])
    assert 0.90 <= covered / 200 <= 0.99


def test_strata_add_their_variances() -> None:
    rng = np.random.default_rng(0)
    parts = [0.3 + 0.05 * rng.normal(size=11) for _ in range(2)]
    found = jackknife.stratified_interval([(part, 10) for part in parts], 0.95, "plain")
    half = [np.diff(jackknife.jackknife_interval(part, 10, 0.95, "plain")[1:])[0] / 2 for part in parts]
    variance = sum((width / stats.t.ppf(0.975, 9)) ** 2 for width in half)
    assert found[0] == pytest.approx(parts[0][0] + parts[1][0])
    width = (found[2] - found[1]) / 2 / np.sqrt(variance)
    assert stats.t.ppf(0.975, 18) <= width <= stats.t.ppf(0.975, 9)


def test_too_few_folds_and_undefined_replicates_give_nan() -> None:
    assert np.isnan(jackknife.jackknife_interval(np.array([0.5, 0.4]), 1, 0.95, "fisher")).all()
    assert np.isnan(jackknife.jackknife_interval(np.array([0.5, 0.4, np.nan]), 2, 0.95, "fisher")).all()
    broken = replicates_of(np.random.default_rng(0), 5)
    broken[1, 12] = np.nan
    found = jackknife.ratio_interval(broken, np.ones_like(broken), 5, 0.95)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False]
    negative = jackknife.ratio_interval(np.ones((1, 16)), -np.ones((1, 16)), 5, 0.95)
    assert np.isnan(negative).all()
