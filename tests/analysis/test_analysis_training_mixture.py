"""Traits against mixtures: the mixture's numbers by hand, a planted trait found, none found where there is none."""

from itertools import permutations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from polyvalues.analysis.across_models.training_mixture import mixture, multilinguality
from polyvalues.analysis.statistics.rank_correlation import rank_test
from polyvalues.artifacts import Findings, ModelFindings
from polyvalues.dimensions import BOUNDS
from polyvalues.errors import MeasureError
from polyvalues.study.hypothesis_tests import no_claims

TAGS = ("en", "fr", "sw", "ny")


def study(
    name: str, within: float, shares: dict[str, float], own: tuple[float, ...] = (0.9, 0.8, 0.6, 0.5)
) -> ModelFindings:
    cells = np.full((1, 4, 4, 3), 0.5)
    cells[0, range(4), range(4)] = np.array(own)[:, None]
    recognition = xr.Dataset(
        {"chosen": (("concept", "source", "target", "interval"), cells)},
        coords={"concept": ["a"], "source": list(TAGS), "target": list(TAGS), "interval": list(BOUNDS)},
    )
    overview = xr.Dataset(
        {"value": (("concept", "quantity", "interval"), np.array([[[within, within - 0.1, within + 0.1]]]))},
        coords={"concept": ["all"], "quantity": ["within"], "interval": list(BOUNDS)},
    )
    return ModelFindings(name, Findings(recognition, xr.Dataset(), xr.Dataset(), overview), no_claims(), shares)


def test_the_mixture_by_hand() -> None:
    np.testing.assert_allclose(mixture({"en": 50.0, "fr": 25.0, "sw": 25.0}), [50.0, 1.5, 3.0])
    np.testing.assert_allclose(mixture({"en": 60.0}), [60.0, 0.0, 1.0])
    np.testing.assert_allclose(mixture(dict.fromkeys("abcdefgh", 0.5)), [0.5, 3.0, 0.0])
    assert np.isnan(mixture({})).all()
    np.testing.assert_array_equal(mixture({"en": 60.0, "sw": 3.0}), mixture({"sw": 3.0, "en": 60.0}))


def test_the_permutation_test_against_a_slow_one() -> None:
    rng = np.random.default_rng(0)
    for count in (3, 4, 6):
        x, y = rng.normal(size=count), rng.integers(0, 3, size=count).astype(float)
        if np.ptp(y) == 0:
            continue
        rho, p, n = rank_test(x, y, "k", 0)
        expected = _spearman(x, y)
        assert rho == pytest.approx(expected)
        drawn = [_spearman(x, y[list(order)]) for order in permutations(range(count))]
        assert p == pytest.approx(np.mean(np.abs(drawn) >= abs(expected) - 1e-9))
        assert n == count


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])


def test_three_models_can_show_nothing_and_eight_can() -> None:
    few = multilinguality([study(f"m{at}", 0.6 + at / 10, {"en": 90.0 - 10 * at, "fr": 1.0 + at}) for at in range(3)])
    assert float(few["rho"].sel(trait="within", mixture="dominance")) == -1
    assert float(few["p"].sel(trait="within", mixture="dominance")) == pytest.approx(1 / 3)
    many = multilinguality([study(f"m{at}", 0.5 + at / 20, {"en": 90.0 - 10 * at, "fr": 2.0}) for at in range(8)])
    assert float(many["p"].sel(trait="within", mixture="dominance")) < 0.01
    assert np.isnan(many["rho"].sel(trait="within", mixture="over_one"))  # all have two languages: no spread
    assert np.isnan(many["rho"].sel(trait="slope", mixture="entropy"))  # nothing was tested


def test_within_a_model_languages_are_permuted() -> None:
    table = multilinguality([study("m", 0.7, {"en": 60.0, "fr": 9.0, "sw": 0.5, "ny": 0.1})])
    assert float(table["own_rho"][0]) == 1
    assert float(table["own_p"][0]) == pytest.approx(2 / 24)
    unknown = multilinguality([study("m", 0.7, {})])
    assert np.isnan(unknown["own_rho"][0])
    assert int(unknown["own_n"][0]) == 0


def test_the_order_of_studies_changes_nothing_but_the_order() -> None:
    parts = [study(f"m{at}", 0.6 + at / 10, {"en": 90.0 - 10 * at * at, "fr": 1.0}) for at in range(3)]
    first, second = multilinguality(parts), multilinguality(parts[::-1])
    xr.testing.assert_equal(first["rho"], second["rho"])
    xr.testing.assert_equal(first["trait_value"], second["trait_value"].sel(study=first["study"]))


def test_names_are_distinct() -> None:
    with pytest.raises(MeasureError, match="distinct"):
        multilinguality([study("m", 0.6, {}), study("m", 0.6, {})])
    with pytest.raises(MeasureError, match="at least one"):
        multilinguality([])
