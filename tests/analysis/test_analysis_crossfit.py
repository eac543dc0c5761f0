"""Cross-fitted own vectors: intervals and p are widened by the stated factor, foreign ones are left alone."""

import numpy as np
import pytest
from scipy import stats

from polyvalues.analysis.hypothesis_tests.chance_test import chance
from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.statistics.bootstrap import widened
from polyvalues.analysis.statistics.formulas import SHARED
from polyvalues.analysis.statistics.sign_flip_test import widen
from polyvalues.analysis.transfer import transfer
from polyvalues.config import StatisticsSpec
from reference.measure_cases import make_choice, make_scores

SPEC = StatisticsSpec(draws=400)


def test_widening_by_hand() -> None:
    assert pytest.approx(np.sqrt(1 + 2 / np.pi)) == SHARED
    np.testing.assert_allclose(widened(np.array([0.5, 0.6, 0.3])), [0.5, 0.5 + 0.1 * SHARED, 0.5 - 0.2 * SHARED])
    np.testing.assert_allclose(widened(np.array([0.9, 1.0, 0.0])), [0.9, 1.0, 0.0])
    np.testing.assert_array_equal(widened(np.full(4, 1.0)), 1.0)
    p = np.array([1.0, 0.05, np.nan])
    found = widen(p)
    assert found[0] == 1
    assert found[1] == pytest.approx(2 * stats.norm.sf(stats.norm.isf(0.025) / SHARED))
    assert np.isnan(found[2])


def test_cells_of_cross_fitted_concepts_are_widened() -> None:
    rng = np.random.default_rng(0)
    projection = rng.normal(size=(60, 2, 1, 2)) + np.array([0.4, 0.0])[None, :, None, None]
    fold = np.arange(60) % 5
    how = {"split": "cross", "fold": fold, "selection": np.zeros((60, 5, 1))}
    crossed = [make_scores(projection, target=name, **how) for name in ("en", "fr")]
    plain = [make_scores(projection, target=name) for name in ("en", "fr")]
    choices = [make_choice(0, layers=1, folds=[0] * 5)], [make_choice(0, layers=1)]
    wide, narrow = (recognition(part, choice, SPEC) for part, choice in zip((crossed, plain), choices, strict=True))
    for name in ("chosen", "auroc", "accuracy"):
        for bound in ("lower", "upper"):
            errors = []
            for part in (wide, narrow):
                ends, middle = (part[name].sel(interval=end).values.reshape(2, 2) for end in (bound, "estimate"))
                errors.append(np.abs(ends - middle) / np.sqrt(ends * (1 - ends)))
            np.testing.assert_allclose(errors[0], SHARED * errors[1])
        np.testing.assert_array_equal(wide[name].sel(interval="estimate"), narrow[name].sel(interval="estimate"))
    p, q = (chance(part, choice)["p"].values[0] for part, choice in zip((crossed, plain), choices, strict=True))
    np.testing.assert_allclose(p, widen(q))
    moved = [
        transfer(part, choice, SPEC)["transfer"].values[0]
        for part, choice in zip((crossed, plain), choices, strict=True)
    ]
    np.testing.assert_array_equal(moved[0][..., 0], moved[1][..., 0])
    np.testing.assert_array_equal(np.diagonal(moved[0]), 0)
