import itertools

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from polyvalues.artifacts import Replicates
from polyvalues.axes import CONTROL
from polyvalues.errors import MeasureError
from polyvalues.measure.consistency import consistency
from polyvalues.specs import StatisticsSpec
from reference import measure_oracle as oracle
from reference.measure_cases import make_choice, make_replicates, random_replicates

SPEC = StatisticsSpec(confidence=0.9)
LANGUAGES = ("en", "fr", "sw")


def measured(replicates: Replicates, layer: int = 1) -> xr.Dataset:
    return consistency([replicates], [make_choice(layer)], SPEC).sel(concept="honesty")


def test_cosines_against_the_formula():
    replicates = random_replicates(np.random.default_rng(0))
    found = measured(replicates)
    for s, t, layer in itertools.product(LANGUAGES, LANGUAGES, range(3)):
        cell = found["cosine"].sel(source=s, target=t, layer=layer).values
        values = replicates.data["cosine"].sel(source=s, target=t, layer=layer).values.tolist()
        expected = (1, 1, 1) if s == t else oracle.jackknife(values, 0.9, fisher=True)
        np.testing.assert_allclose(cell, expected, rtol=1e-12)
        if layer == 1:
            np.testing.assert_array_equal(found["chosen"].sel(source=s, target=t).values, cell)


def test_reliability_against_the_formula():
    replicates = random_replicates(np.random.default_rng(1))
    found = measured(replicates)
    for s, layer in itertools.product(LANGUAGES, range(3)):
        halves = replicates.data["half_cosine"].sel(source=s, layer=layer).values
        agreement = [sum(row) / len(row) for row in halves.tolist()]
        expected = [oracle.stepped_up(value) for value in oracle.jackknife(agreement, 0.9, fisher=True)]
        cell = found["reliability"].sel(source=s, layer=layer).values
        np.testing.assert_allclose(cell, expected, rtol=1e-12)
        if layer == 1:
            np.testing.assert_array_equal(found["reliability_chosen"].sel(source=s).values, cell)


def test_disattenuated_cosines_against_the_formula():
    replicates = random_replicates(np.random.default_rng(2))
    found = measured(replicates)
    half = replicates.data["half_cosine"]
    reliability = {
        (s, layer): [oracle.stepped_up(np.mean(row)) for row in half.sel(source=s, layer=layer).values]
        for s, layer in itertools.product(LANGUAGES, range(3))
    }
    for s, t, layer in itertools.product(LANGUAGES, LANGUAGES, range(3)):
        cosine = replicates.data["cosine"].sel(source=s, target=t, layer=layer).values
        values = [
            c / np.sqrt(a * b) for c, a, b in zip(cosine, reliability[s, layer], reliability[t, layer], strict=True)
        ]
        expected = (1, 1, 1) if s == t else oracle.jackknife(values, 0.9, fisher=False)
        np.testing.assert_allclose(
            found["disattenuated"].sel(source=s, target=t, layer=layer).values, expected, rtol=1e-12
        )


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


def test_noise_explains_a_low_cosine():
    rng = np.random.default_rng(6)
    hidden, folds, truth = 4000, 10, 0.8
    shared, a, b = (rng.normal(size=hidden) / np.sqrt(hidden) for _ in range(3))
    directions = [np.sqrt(truth) * shared + np.sqrt(1 - truth) * own for own in (a, b)]
    fold_vectors = np.stack([d + 3 * rng.normal(size=(folds, hidden)) / np.sqrt(hidden) for d in directions])
    keep = np.concatenate([np.ones((1, folds), bool), ~np.eye(folds, dtype=bool)])

    def cos(x, y):
        return x @ y / np.sqrt((x @ x) * (y @ y))

    cosine = np.array(
        [[[cos(fold_vectors[s, k].mean(0), fold_vectors[t, k].mean(0)) for k in keep] for t in (0, 1)] for s in (0, 1)]
    )
    order = [rng.permutation(folds) for _ in range(8)]
    half = np.array(
        [
            [
                [
                    cos(v[[f for f in o[:5] if k[f]]].mean(0), v[[f for f in o[5:] if k[f]]].mean(0))
                    for o in order
                ]
                for k in keep
            ]
            for v in fold_vectors
        ]
    )  # fmt: skip
    found = consistency(
        [make_replicates(cosine[:, :, None], half[:, None])], [make_choice(0, layers=1)], StatisticsSpec()
    )
    assert found["chosen"].values[0, 0, 1, 2] < truth - 0.2
    _, lower, upper = found["disattenuated_chosen"].values[0, 0, 1]
    assert lower < truth < upper
    assert abs(found["disattenuated_chosen"].values[0, 0, 1, 0] - truth) < 0.1


def test_estimates_above_one_are_reported_as_they_are():
    cosine = np.full((2, 2, 1, 4), 0.9)
    found = consistency([make_replicates(cosine, np.full((2, 1, 4, 3), 0.5))], [make_choice(0, layers=1)], SPEC)
    np.testing.assert_allclose(found["disattenuated_chosen"].values[0, 0, 1], 0.9 * 1.5)


def test_an_unreliable_vector_leaves_the_disattenuated_cosine_unknown():
    replicates = random_replicates(np.random.default_rng(7))
    replicates.data["half_cosine"].values[1, 2, 3] = -0.1  # fr, layer 2, one fold left out
    found = measured(replicates)
    assert np.isnan(found["disattenuated"].sel(source="fr", layer=2, target=["en", "sw"]).values).all()
    assert np.isnan(found["disattenuated"].sel(target="fr", layer=2, source=["en", "sw"]).values).all()
    assert np.isfinite(found["disattenuated"].sel(source="en", target="sw").values).all()
    assert np.isfinite(found["cosine"].values).all()


def test_a_vector_that_vanishes_gives_nan_without_a_fuss():
    replicates = random_replicates(np.random.default_rng(8))
    replicates.data["cosine"].values[0, :, 1, 4] = np.nan
    replicates.data["cosine"].values[:, 0, 1, 4] = np.nan
    replicates.data["half_cosine"].values[0, 1, 4] = np.nan
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
