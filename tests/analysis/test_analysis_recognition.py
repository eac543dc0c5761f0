import itertools

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from polyvalues.analysis.recognition import recognition
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import CONTROL, CONTROLS
from polyvalues.errors import MeasureError
from reference import measure_oracle as oracle
from reference.measure_cases import make_choice, make_scores, random_scores, reordered, weightings

SPEC = StatisticsSpec(draws=60, confidence=0.9, seed=5)
LANGUAGES = ("en", "fr", "sw")


def test_every_cell_against_the_formula():
    scores = random_scores(np.random.default_rng(0))
    found = recognition(list(scores.values()), [make_choice(1)], SPEC).sel(concept="honesty")
    drawn = weightings(scores, SPEC)
    for source, target, layer in itertools.product(LANGUAGES, LANGUAGES, range(3)):
        expected = [oracle.accuracy(scores[target].data, source, layer, weight) for weight in drawn]
        cell = found["accuracy"].sel(source=source, target=target, layer=layer).values
        groups = oracle.effective_groups(scores[target].data)
        np.testing.assert_allclose(cell, oracle.interval(expected, 0.9, groups), rtol=1e-9)
        if layer == 1:
            np.testing.assert_array_equal(found["chosen"].sel(source=source, target=target).values, cell)


def test_auroc_against_the_formula():
    scores = random_scores(np.random.default_rng(1), pairs=16)
    found = recognition(list(scores.values()), [make_choice(2)], SPEC).sel(concept="honesty")
    drawn = weightings(scores, SPEC)
    for source, target in (("en", "fr"), ("sw", "sw")):
        expected = [oracle.auroc(scores[target].data, source, 2, weight) for weight in drawn]
        cell = found["auroc"].sel(source=source, target=target).values
        groups = oracle.effective_groups(scores[target].data)
        np.testing.assert_allclose(cell, oracle.interval(expected, 0.9, groups), rtol=1e-9)


def test_auroc_of_many_texts_is_exact():
    values = np.random.default_rng(1).normal(size=(6000, 2, 1, 1)).astype(np.float32)  # 3.6e7 comparisons
    scores = make_scores(values, sources=("en",))
    found = recognition([scores], [make_choice(0, layers=1)], StatisticsSpec(draws=20))["auroc"].values[0, 0, 0]
    ranks = stats.rankdata(values[:, :, 0, 0].T.ravel())
    assert found[0] == (ranks[:6000].sum() - 6000 * 6001 / 2) / 6000**2
    assert found[1] < found[0] < found[2]


def test_controls_against_the_formula():
    scores = random_scores(np.random.default_rng(2))
    found = recognition(list(scores.values()), [make_choice(0)], SPEC).sel(concept="honesty")
    once = weightings(scores, SPEC)[0]
    for target, control, layer in itertools.product(LANGUAGES, CONTROLS, range(3)):
        cell = found["control"].sel({"target": target, CONTROL: control, "layer": layer}).values
        assert cell[0] == pytest.approx(float(oracle.control_accuracy(scores[target].data, control, layer, once)))
        assert cell[1] <= cell[0] <= cell[2]
        if layer == 0:
            chosen = found.sel({"target": target, CONTROL: control})
            np.testing.assert_array_equal(chosen["control_chosen"].values, cell)
            draws = scores[target].data["control"].sizes["draw"]
            assert float(chosen["control_p_smallest"]) == 1 / (1 + draws) <= float(chosen["control_p"]) <= 1
            assert chosen["control_range"].values[0] == pytest.approx(cell[0])


def test_counts_and_labels():
    scores = random_scores(np.random.default_rng(3))
    found = recognition(list(scores.values()), [make_choice(1)], SPEC)
    for target, item in scores.items():
        rows = oracle.tested_rows(item.data)
        assert found["n_pairs"].sel(target=target).item() == len(rows)
        assert found["n_groups"].sel(target=target).item() == len({str(item.data["group"].values[row]) for row in rows})
    assert found["n_pairs"].dtype == found["chosen_layer"].dtype == found["fold_layer"].dtype == np.int32
    assert found["interval"].values.tolist() == ["estimate", "lower", "upper"]
    assert found.attrs == {"protocol": "strict", "confidence": 0.9, "layer_numbering": "block"}
    assert found["chosen_layer"].values.tolist() == [1]
    assert (found["fold_layer"].values == -1).all()


def test_select_pairs_are_never_tested():
    rng = np.random.default_rng(4)
    scores = random_scores(rng)
    expected = recognition(list(scores.values()), [make_choice(1)], SPEC)
    for item in scores.values():
        chosen = item.data["split"].values == "select"
        assert chosen.any()
        item.data["projection"].values[chosen] *= -1
        item.data["control"].values[chosen] *= -1
    xr.testing.assert_identical(recognition(list(scores.values()), [make_choice(1)], SPEC), expected)


def test_permuting_languages_permutes_labels_only():
    scores = random_scores(np.random.default_rng(5))
    expected = recognition(list(scores.values()), [make_choice(1)], SPEC)
    for order in itertools.permutations(LANGUAGES):
        found = recognition(list(reordered(scores, order).values()), [make_choice(1)], SPEC)
        assert tuple(found["target"].values) == tuple(found["source"].values) == order
        xr.testing.assert_identical(found.sel(source=list(LANGUAGES), target=list(LANGUAGES)), expected)


def test_permuting_pairs_changes_nothing():
    rng = np.random.default_rng(6)
    scores = random_scores(rng)
    expected = recognition(list(scores.values()), [make_choice(1)], SPEC)
    shuffled = [type(item)(item.data.isel(pair=rng.permutation(item.data.sizes["pair"]))) for item in scores.values()]
    xr.testing.assert_identical(recognition(shuffled, [make_choice(1)], SPEC), expected)


def test_adding_a_concept_changes_nothing_else():
    first = random_scores(np.random.default_rng(7))
    other = random_scores(np.random.default_rng(8), concept="fairness", layers=4)
    alone = recognition(list(first.values()), [make_choice(1)], SPEC)
    choices = [make_choice(1), make_choice(3, concept="fairness", layers=4)]
    both = recognition([*other.values(), *first.values()], choices, SPEC)
    assert both["concept"].values.tolist() == ["fairness", "honesty"]
    xr.testing.assert_identical(both.sel(concept=["honesty"], layer=[0, 1, 2]), alone)
    assert np.isnan(both["accuracy"].sel(concept="honesty", layer=3).values).all()


def test_swapping_sides_mirrors_everything():
    scores = random_scores(np.random.default_rng(9))
    found = recognition(list(scores.values()), [make_choice(1)], SPEC)
    for item in scores.values():
        item.data["projection"].values[:] = item.data["projection"].values[:, ::-1].copy()
        item.data["control"].values[:] *= -1
    mirrored = recognition(list(scores.values()), [make_choice(1)], SPEC)
    for name in ("accuracy", "chosen", "auroc", "control", "control_chosen"):
        values = 1 - mirrored[name].values[..., [0, 2, 1]]
        np.testing.assert_allclose(found[name].values, values, atol=1e-12)


def test_a_difference_scaled_by_the_length_of_its_vector_scores_the_same():
    scores = random_scores(np.random.default_rng(10))
    expected = recognition(list(scores.values()), [make_choice(1)], SPEC)
    for item in scores.values():
        item.data["projection"].values[:] *= np.float32(4)
    xr.testing.assert_identical(recognition(list(scores.values()), [make_choice(1)], SPEC), expected)


def test_sixty_right_of_sixty_is_not_certain():
    values = np.zeros((60, 2, 1, 1))
    values[:, 0] = 1
    data = recognition([make_scores(values, sources=("en",))], [make_choice(0, layers=1)], StatisticsSpec())
    for name in ("accuracy", "chosen", "auroc"):
        np.testing.assert_allclose(data[name].values.reshape(3), [1, 0.94037, 1], atol=1e-5)


def test_cross_fitted_pairs_use_the_layer_of_their_fold():
    rng = np.random.default_rng(11)
    fold = np.array([0, 1, 2] * 6)
    values = rng.normal(size=(18, 2, 3, 2))
    nothing = np.zeros((18, 3, 3))
    scores = make_scores(values, split="cross", fold=fold, selection=nothing)
    found = recognition([scores], [make_choice(1, folds=[2, 0, 1])], SPEC)
    at = np.array([2, 0, 1])[fold]
    sides = scores.data["projection"].values[np.arange(18), :, at]
    expected = (sides[:, 0] > sides[:, 1]).mean(axis=0)
    np.testing.assert_allclose(found["chosen"].values[0, :, 0, 0], expected)
    wins = [(sides[:, 0, s, None] > sides[None, :, 1, s]).mean() for s in range(2)]
    np.testing.assert_allclose(found["auroc"].values[0, :, 0, 0], wins)
    assert found["fold_layer"].values.tolist() == [[2, 0, 1]]
    assert found["n_pairs"].values.tolist() == [[18]]


def test_a_language_without_test_pairs_is_nan_not_an_error():
    scores = random_scores(np.random.default_rng(12))
    scores["fr"].data["split"].values[:] = "select"
    found = recognition(list(scores.values()), [make_choice(1)], SPEC)
    assert found["n_pairs"].sel(target="fr").item() == 0
    assert np.isnan(found["accuracy"].sel(target="fr").values).all()
    assert np.isfinite(found["accuracy"].sel(target="en").values).all()


def test_concepts_may_have_different_languages():
    first = random_scores(np.random.default_rng(13), languages=("en", "fr"))
    other = random_scores(np.random.default_rng(14), concept="fairness", languages=("sw", "en"))
    found = recognition([*first.values(), *other.values()], [make_choice(1), make_choice(1, concept="fairness")], SPEC)
    assert found["target"].values.tolist() == ["en", "fr", "sw"]
    assert np.isnan(found["chosen"].sel(concept="honesty", source="sw").values).all()
    assert np.isnan(found["auroc"].sel(concept="fairness", target="fr").values).all()
    assert found["n_pairs"].sel(concept="fairness", target="fr").item() == 0


def test_what_cannot_be_measured_is_an_error():
    scores = list(random_scores(np.random.default_rng(15)).values())
    with pytest.raises(MeasureError, match="no scores"):
        recognition([], [make_choice(0)], SPEC)
    with pytest.raises(MeasureError, match="concept 'honesty': no layer was chosen"):
        recognition(scores, [make_choice(0, concept="fairness")], SPEC)
    with pytest.raises(MeasureError, match="'honesty', target 'en': the chosen layer 7 was not read"):
        recognition(scores, [make_choice(7, layers=8)], SPEC)
    with pytest.raises(MeasureError, match="scored twice"):
        recognition([*scores, scores[0]], [make_choice(0)], SPEC)
    other = random_scores(np.random.default_rng(1), concept="fairness", numbering="paper")
    with pytest.raises(MeasureError, match="different layer numberings: block, paper"):
        recognition([*scores, *other.values()], [make_choice(0)], SPEC)
