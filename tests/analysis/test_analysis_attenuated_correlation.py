"""Correlations with noisy values: plain ones without noise, larger ones with it, and none where all is noise."""

import numpy as np
import pytest

from polyvalues.analysis.statistics.attenuated_correlation import (
    noise_error,
    noise_free_correlation,
    noise_free_ranks,
    residuals,
)
from polyvalues.analysis.statistics.mantel import partial
from polyvalues.vectors.similarity.cross_validated_products import leave_out

FOLDS = 10


def noisy(rng: np.random.Generator, truth: np.ndarray, scale: float) -> np.ndarray:
    """Means over folds of `truth` plus noise, in every replicate."""
    values = truth[:, None] + scale * np.sqrt(FOLDS) * rng.normal(size=(len(truth), FOLDS))
    return np.stack([values[:, kept].mean(axis=1) for kept in leave_out(FOLDS)], axis=1)


def test_without_noise_it_is_the_plain_and_the_partial_correlation() -> None:
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 30))
    values = noisy(rng, y, 0.0)
    found, factor, _ = noise_free_correlation(x, values, None, FOLDS, 0.95)
    np.testing.assert_allclose(found, np.corrcoef(x, y)[0, 1])
    assert factor == pytest.approx(1)
    found, *_ = noise_free_correlation(x, values, z, FOLDS, 0.95)
    r = np.corrcoef([x, y, z])
    np.testing.assert_allclose(found, partial(*(np.array(r[pair]) for pair in ((0, 1), (0, 2), (1, 2)))))
    np.testing.assert_allclose(residuals(z[:, None], z), 0, atol=1e-12)


def test_noise_does_not_make_it_smaller() -> None:
    rng = np.random.default_rng(1)
    truth, plain, freed = [], [], []
    for _ in range(60):
        x = rng.normal(size=40)
        y = 0.8 * x + 0.6 * rng.normal(size=40)
        values = noisy(rng, y, 0.6)
        truth.append(np.corrcoef(x, y)[0, 1])
        plain.append(np.corrcoef(x, values[:, 0])[0, 1])
        found, factor, _ = noise_free_correlation(x, values, None, FOLDS, 0.95)
        assert found[0] == pytest.approx(plain[-1] * factor) or found[0] == 1
        freed.append(found[0])
    assert np.mean(plain) < np.mean(truth) - 0.08
    assert np.median(freed) == pytest.approx(np.median(truth), abs=0.03)


def test_of_noise_alone_nothing_is_said() -> None:
    rng = np.random.default_rng(2)
    unknown = [
        np.isnan(noise_free_correlation(rng.normal(size=20), noisy(rng, np.zeros(20), 1.0), None, FOLDS, 0.95)[1])
        for _ in range(40)
    ]
    assert np.mean(unknown) > 0.3
    values = noisy(rng, rng.normal(size=20), 0.1)
    assert np.isnan(noise_free_correlation(np.ones(20), values, None, FOLDS, 0.95)[0]).all()
    assert np.isnan(noise_free_correlation(np.arange(3.0), values[:3], None, FOLDS, 0.95)[0]).all()
    assert np.isnan(noise_free_ranks(0.5, float("nan"), 0.1)).all()


def test_ranks_are_enlarged_by_the_same_factor() -> None:
    np.testing.assert_allclose(noise_free_ranks(0.5, 1.0, 0.0), 0.5)
    larger = noise_free_ranks(0.5, 1.2, 0.1)
    assert 2 * np.sin(np.pi * larger[0] / 6) == pytest.approx(1.2 * 2 * np.sin(np.pi * 0.5 / 6))
    assert larger[1] < larger[0] < larger[2]
    limit = noise_free_ranks(0.99, 1.2, 0.5)
    assert limit[1] < 0.99 < limit[0]
    np.testing.assert_allclose(limit[[0, 2]], 1)
    np.testing.assert_allclose(noise_free_ranks(-0.99, 1.2, 0.5), -limit[[0, 2, 1]])


def test_the_error_of_the_noise_variance_is_that_of_independent_noise() -> None:
    rng = np.random.default_rng(3)
    drawn = [noisy(rng, np.zeros(40), 1.0) for _ in range(300)]
    variances = [np.mean(np.var(values[:, 1 : FOLDS + 1], axis=1) * (FOLDS - 1)) for values in drawn]
    stated = np.mean([noise_error(values, FOLDS) for values in drawn])
    assert stated == pytest.approx(np.var(variances), rel=0.3)
