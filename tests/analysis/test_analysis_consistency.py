import itertools

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from polyvalues.analysis.consistency import consistency
from polyvalues.artifacts import Replicates
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import CONTROL
from polyvalues.errors import MeasureError
from reference import measure_oracle as oracle
from reference.measure_cases import make_choice, make_replicates, random_replicates

SPEC = StatisticsSpec(confidence=0.9)
LANGUAGES = ("en", "fr", "sw")


def measured(replicates: Replicates, layer: int = 1) -> xr.Dataset:
    return consistency([replicates], [make_choice(layer)], SPEC).sel(concept="honesty")


def values_of(replicates: Replicates, name: str, **where: object) -> list[float]:
    return replicates.data[name].sel(where).values.tolist()


def test_ratios_against_the_formula():
    replicates = random_replicates(np.random.default_rng(0))
    found = measured(replicates)
    ones = [1.0] * 16
    for s, t, layer in itertools.product(LANGUAGES, LANGUAGES, range(3)):
        product = values_of(replicates, "product", source=s, target=t, layer=layer)
        own = [values_of(replicates, "product", source=x, target=x, layer=layer) for x in (s, t)]
        lengths = [np.sqrt(a * b) for a, b in zip(*own, strict=True)]
        for name, below in (("cosine", ones), ("disattenuated", lengths)):
            expected = (1, 1, 1) if s == t else oracle.fieller(product, below, 5, 0.9)
            cell = found[name].sel(source=s, target=t, layer=layer).values
            np.testing.assert_allclose(cell, expected, rtol=1e-9)
        if s == t:
            cell = found["reliability"].sel(source=s, layer=layer).values
            np.testing.assert_allclose(cell, np.clip(oracle.fieller(product, ones, 5, 0.9), -1, 1), rtol=1e-9)
        if layer == 1:
            for name, chosen in (("cosine", "chosen"), ("disattenuated", "disattenuated_chosen")):
                cell = found[name].sel(source=s, target=t, layer=layer).values
                np.testing.assert_array_equal(found[chosen].sel(source=s, target=t).values, cell)
            cell = found["reliability"].sel(source=s, layer=layer).values
            np.testing.assert_array_equal(found["reliability_chosen"].sel(source=s).values, cell)


def test_controls_are_means_over_draws():
    replicates = random_replicates(np.random.default_rng(3))
    found = measured(replicates)
    draws = replicates.data["control"].sel({"source": "en", "target": "sw", "layer": 2, CONTROL: "permuted"}).values
    expected = stats.t.interval(0.9, 3, loc=draws.mean(), scale=stats.sem(draws))
    cell = found["control"].sel({"source": "en", "target": "sw", "layer": 2, CONTROL: "permuted"}).values
    np.testing.assert_allclose(cell, [draws.mean(), *expected])


def test_everything_is_symmetric_to_the_last_bit():
    found = measured(random_replicates(np.random.default_rng(4)))
    for name in ("cosine", "disattenuated", "control", "chosen", "disattenuated_chosen", "control_chosen"):
        values = found[name].values
        np.testing.assert_array_equal(values, np.swapaxes(values, 0, 1))


def test_permuting_languages_permutes_labels_only():
    replicates = random_replicates(np.random.default_rng(5))
    expected = consistency([replicates], [make_choice(1)], SPEC)
    for order in itertools.permutations(LANGUAGES):
        other = Replicates(replicates.data.sel(source=list(order), target=list(order)))
        found = consistency([other], [make_choice(1)], SPEC)
        assert tuple(found["source"].values) == order
        xr.testing.assert_identical(found.sel(source=list(LANGUAGES), target=list(LANGUAGES)), expected)


def test_estimates_above_one_are_reported_as_they_are():
    found = consistency(
        [make_replicates(np.full((2, 2, 1, 4), 0.9), np.full((2, 1, 4), 0.6))], [make_choice(0, layers=1)], SPEC
    )
    np.testing.assert_allclose(found["disattenuated_chosen"].values[0, 0, 1], 1.5)


def test_an_unreliable_vector_leaves_the_disattenuated_cosine_unknown():
    replicates = random_replicates(np.random.default_rng(7))
    replicates.data["product"].values[1, 1, 2, 0] = -0.1  # fr, layer 2
    found = measured(replicates)
    assert np.isnan(found["disattenuated"].sel(source="fr", layer=2, target=["en", "sw"]).values).all()
    assert np.isnan(found["disattenuated"].sel(target="fr", layer=2, source=["en", "sw"]).values).all()
    assert np.isfinite(found["disattenuated"].sel(source="en", target="sw").values).all()
    assert np.isfinite(found["cosine"].values).all()


def test_folds_that_cancel_one_another_are_unreliable_not_below_minus_one():
    replicates = random_replicates(np.random.default_rng(12))
    replicates.data["product"].values[1, 1] -= 4  # as where every item is mirrored by another
    found = measured(replicates)["reliability"].sel(source="fr")
    assert (found.sel(interval=["estimate", "lower"]) == -1).all()


def test_a_vector_that_vanishes_gives_nan_without_a_fuss():
    replicates = random_replicates(np.random.default_rng(8))
    replicates.data["product"].values[0, :, 1, 4] = np.nan
    replicates.data["product"].values[:, 0, 1, 4] = np.nan
    replicates.data["square"].values[0, 1, 4] = np.nan
    found = measured(replicates)
    for name in ("cosine", "disattenuated"):
        assert np.isnan(found[name].sel(source="en", layer=1).values).all()
        assert np.isfinite(found[name].sel(source="fr", target="sw").values).all()
    assert np.isnan(found["reliability_chosen"].sel(source="en").values).all()


def test_labels_are_the_union():
    first = random_replicates(np.random.default_rng(9), languages=("en", "fr"))
    other = random_replicates(np.random.default_rng(10), concept="fairness", languages=("sw", "en"), layers=4)
    choices = [make_choice(1), make_choice(3, layers=4, concept="fairness")]
    found = consistency([first, other], choices, SPEC)
    assert found["source"].values.tolist() == ["en", "fr", "sw"]
    assert found["layer"].values.tolist() == [0, 1, 2, 3]
    assert np.isnan(found["cosine"].sel(concept="honesty", layer=3).values).all()
    assert np.isnan(found["chosen"].sel(concept="fairness", source="fr").values).all()
    xr.testing.assert_identical(
        found.sel(concept=["honesty"], source=["en", "fr"], target=["en", "fr"], layer=[0, 1, 2]),
        consistency([first], choices, SPEC),
    )


def test_what_cannot_be_measured_is_an_error():
    replicates = random_replicates(np.random.default_rng(11))
    with pytest.raises(MeasureError, match="no cosines"):
        consistency([], [make_choice(0)], SPEC)
    with pytest.raises(MeasureError, match="given twice"):
        consistency([replicates, replicates], [make_choice(0)], SPEC)
    with pytest.raises(MeasureError, match="'honesty': no layer was chosen"):
        consistency([replicates], [], SPEC)
    with pytest.raises(MeasureError, match="'honesty': the chosen layer 5"):
        consistency([replicates], [make_choice(5, layers=6)], SPEC)
