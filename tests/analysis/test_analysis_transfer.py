import itertools

import numpy as np
import xarray as xr

from polyvalues.analysis.transfer import transfer
from polyvalues.config import StatisticsSpec
from reference import measure_oracle as oracle
from reference.measure_cases import make_choice, make_scores, random_scores, reordered, weightings

SPEC = StatisticsSpec(draws=80, confidence=0.9)
LANGUAGES = ("en", "fr", "sw")


def test_transfer_and_asymmetry_against_the_formula():
    scores = random_scores(np.random.default_rng(0))
    found = transfer(list(scores.values()), [make_choice(1)], SPEC).sel(concept="honesty")
    drawn = weightings(scores, SPEC)
    series = {
        (s, t): [oracle.transfer(scores[t].data, s, 1, weight) for weight in drawn]
        for s, t in itertools.permutations(LANGUAGES, 2)
    }
    groups = {t: oracle.effective_groups(scores[t].data) for t in LANGUAGES}
    for s, t in itertools.permutations(LANGUAGES, 2):
        cell = found["transfer"].sel(source=s, target=t).values
        np.testing.assert_allclose(cell, oracle.interval(series[s, t], 0.9, groups[t], (-1, 1)), atol=1e-12)
        difference = [a - b for a, b in zip(series[s, t], series[t, s], strict=True)]
        cell = found["asymmetry"].sel(source=s, target=t).values
        np.testing.assert_allclose(
            cell, oracle.interval(difference, 0.9, min(groups[s], groups[t]), (-2, 2)), atol=1e-12
        )


def test_the_diagonal_is_zero():
    scores = random_scores(np.random.default_rng(1))
    found = transfer(list(scores.values()), [make_choice(1)], SPEC)
    for language in LANGUAGES:
        for name in ("transfer", "asymmetry"):
            assert found[name].sel(source=language, target=language).values.tolist() == [[0, 0, 0]]


def test_asymmetry_changes_sign_with_the_direction():
    scores = random_scores(np.random.default_rng(2))
    values = transfer(list(scores.values()), [make_choice(1)], SPEC)["asymmetry"].values[0]
    np.testing.assert_allclose(values, -np.swapaxes(values, 0, 1)[..., [0, 2, 1]], atol=1e-12)


def test_pairing_makes_the_interval_narrow():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(200, 2, 1, 2))
    values[:, :, :, 1] = values[:, :, :, 0]
    values[:10, :, :, 1] = values[:10, ::-1, :, 1]  # the two vectors disagree on ten pairs only
    scores = [make_scores(values, target=name) for name in ("en", "fr")]
    found = transfer(scores, [make_choice(0, layers=1)], StatisticsSpec())["transfer"].values[0, 0, 1]
    assert found[2] - found[1] < 0.08  # two independent accuracies near 1/2 on 200 pairs would give about 0.2


def test_vectors_that_always_agree_may_still_disagree_elsewhere():
    values = np.random.default_rng(4).normal(size=(60, 2, 1, 1)).repeat(2, axis=-1)
    scores = [make_scores(values, target=name) for name in ("en", "fr")]
    found = transfer(scores, [make_choice(0, layers=1)], StatisticsSpec())
    np.testing.assert_allclose(found["transfer"].values[0, 0, 1], [0, -0.0596, 0.0596], atol=1e-4)
    np.testing.assert_allclose(found["asymmetry"].values[0, 0, 1], [0, -0.1193, 0.1193], atol=1e-4)


def test_permuting_languages_permutes_labels_only():
    scores = random_scores(np.random.default_rng(5))
    expected = transfer(list(scores.values()), [make_choice(1)], SPEC)
    for order in itertools.permutations(LANGUAGES):
        found = transfer(list(reordered(scores, order).values()), [make_choice(1)], SPEC)
        xr.testing.assert_identical(found.sel(source=list(LANGUAGES), target=list(LANGUAGES)), expected)


def test_unmeasured_cells_are_nan():
    scores = random_scores(np.random.default_rng(6))
    scores["fr"].data["split"].values[:] = "select"
    found = transfer(list(scores.values()), [make_choice(1)], SPEC).sel(concept="honesty")
    assert np.isnan(found["transfer"].sel(target="fr").values).all()
    assert np.isnan(found["asymmetry"].sel(source="fr").values).all()
    assert np.isfinite(found["transfer"].sel(source="fr", target="en").values).all()


def test_a_target_without_its_own_vector_has_no_transfer():
    scores = random_scores(np.random.default_rng(7))
    only = [type(item)(item.data.sel(source=["en", "fr"])) for item in scores.values()]
    found = transfer(only, [make_choice(1)], SPEC).sel(concept="honesty")
    assert np.isnan(found["transfer"].sel(target="sw").values).all()
    assert np.isfinite(found["asymmetry"].sel(source="en", target="fr").values).all()
