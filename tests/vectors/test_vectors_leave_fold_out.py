"""Replicates and cross-fits: equal to refitting every part from scratch."""

import itertools

import numpy as np
import pytest

from polyvalues.artifacts import Activations, Moments
from polyvalues.config import VectorSpec
from polyvalues.config.simulation import PlantedSpec
from polyvalues.errors import DegenerateVector, VectorError
from polyvalues.simulation.planted_states import plant, planted_activations
from polyvalues.vectors.accumulators.moments import moments_from_activations
from polyvalues.vectors.baseline_directions import coin_signs
from polyvalues.vectors.baselines import baselines
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors
from polyvalues.vectors.fit import fit_vectors
from polyvalues.vectors.leave_fold_out import half_splits, replicates
from reference.vectors_cases import activations_of, states_of, table_of
from reference.vectors_oracle import ORACLES, cosine, refit

LAYERS, HIDDEN = 2, 6
EVERY = pytest.mark.parametrize("estimator", ["mean-difference", "pca", "lda", "logistic", "leace"])


def spec_of(estimator: str = "mean-difference") -> VectorSpec:
    return VectorSpec.model_validate({"estimator": estimator, "control_draws": 2, "half_splits": 3, "seed": 11})


def kept(folds: int = 5, pairs: int = 25) -> dict[str, Activations]:
    out = {}
    for seed, language in enumerate(("en", "sw")):
        table = table_of(pairs, folds, seed, language=language, shared=False)
        out[language] = activations_of(table, states_of(table, LAYERS, HIDDEN, seed))
    return out


def summed(inputs: dict[str, Activations], folds: int = 5) -> dict[str, Moments]:
    return {key: moments_from_activations(value, folds, 2, 11) for key, value in inputs.items()}


def pair_differences(activations: Activations, folds: set[int], layer: int) -> tuple[np.ndarray, np.ndarray]:
    """Differences of the pairs of some folds, and their folds."""
    data = activations.data
    states, index, fold = data["states"].values[layer].astype(np.float64), data["index"].values, data["fold"].values
    rows = [row for row in range(len(fold)) if int(fold[row]) in folds]
    return np.stack([states[index[row, 0]] - states[index[row, 1]] for row in rows]), fold[rows]


def test_products_of_means_equal_the_sum_over_pairs_of_different_folds() -> None:
    inputs, spec = kept(), spec_of()
    data = replicates(inputs, fit_vectors(inputs, spec), spec).data
    assert data["product"].dims == data["plain"].dims == ("source", "target", "layer", "replicate")
    assert data["square"].dims == ("source", "layer", "replicate")
    assert data.attrs["folds"] == 5
    left_out = [(), *((k,) for k in range(5)), *itertools.combinations(range(5), 2)]
    assert data.sizes["replicate"] == len(left_out)
    for layer, (replicate, out) in itertools.product(range(LAYERS), enumerate(left_out)):
        own = [pair_differences(part, set(range(5)) - set(out), layer) for part in inputs.values()]
        for row, column in itertools.product(range(2), repeat=2):
            terms = [
                x @ y
                for x, k in zip(*own[row], strict=True)
                for y, other in zip(*own[column], strict=True)
                if k != other
            ]
            found = data["product"].values[row, column, layer, replicate]
            assert found == pytest.approx(sum(terms) / len(terms), rel=1e-5)
        means = [part.mean(axis=0) for part, _ in own]
        np.testing.assert_allclose(data["square"].values[:, layer, replicate], [v @ v for v in means], rtol=1e-5)
        assert data["plain"].values[0, 1, layer, replicate] == pytest.approx(cosine(*means), abs=1e-5)
        np.testing.assert_allclose(np.diag(data["plain"].values[:, :, layer, replicate]), 1)
    np.testing.assert_array_equal(data["product"], np.swapaxes(data["product"].values, 0, 1))


@pytest.mark.parametrize("estimator", ["pca", "lda", "logistic", "leace"])
def test_other_estimators_compare_halves_of_different_items(estimator: str) -> None:
    inputs, spec = kept(), spec_of(estimator)
    data = replicates(inputs, fit_vectors(inputs, spec), spec).data
    halves = half_splits(5, 3, 11)
    assert data.sizes["replicate"] == 6
    for replicate in (0, 3):
        fits = [
            [
                [refit(part, estimator, set(np.flatnonzero(side).tolist()), 1) for side in halves[replicate, half]]
                for part in inputs.values()
            ]
            for half in range(3)
        ]
        for row, column in itertools.product(range(2), repeat=2):
            both = [(cosine(fit[row][0], fit[column][1]) + cosine(fit[row][1], fit[column][0])) / 2 for fit in fits]
            found = data["product"].values[row, column, 1, replicate]
            assert found == pytest.approx(np.mean(both), abs=1e-5)
            if row == column:
                assert data["square"].values[row, 1, replicate] == pytest.approx((1 + np.mean(both)) / 2, abs=1e-5)
        whole = [refit(part, estimator, set(range(5)) - {replicate - 1}, 1) for part in inputs.values()]
        assert data["plain"].values[0, 1, 1, replicate] == pytest.approx(cosine(*whole), abs=1e-5)


def test_what_translations_share_is_in_the_plain_cosine_alone() -> None:
    """Orthogonal truths, three quarters of the noise in common: the plain cosine is far from 0, the other is not."""
    plain, crossed = [], []
    for seed in range(30):
        planted = plant(
            PlantedSpec(
                languages=("en", "sw"), pairs=60, layers=1, hidden=64, cosine=0.0, language_share=0.75, seed=seed
            )
        )
        inputs = {name: planted_activations(planted, "morality", name) for name in ("en", "sw")}
        data = replicates(inputs, fit_vectors(inputs, spec_of()), spec_of()).data.isel(layer=0, replicate=0)
        plain.append(float(data["plain"][0, 1]))
        crossed.append(float(data["product"][0, 1] / np.sqrt(data["square"][0] * data["square"][1])))
    assert np.mean(plain) > 0.25
    assert abs(np.mean(crossed)) < 3 * np.std(crossed) / np.sqrt(30)


def test_control_cosines_are_those_of_the_control_directions() -> None:
    inputs, spec = kept(), spec_of()
    vectors = fit_vectors(inputs, spec)
    found = replicates(inputs, vectors, spec).data["control"].values
    control = [baselines(part, spec)[1].astype(np.float64) for part in inputs.values()]
    for draw in range(2):
        for layer in range(LAYERS):
            expected = cosine(control[0][draw, layer], control[1][draw, layer])
            assert found[0, 1, layer, 1, draw] == pytest.approx(expected, abs=1e-12)
            assert found[1, 1, layer, 1, draw] == pytest.approx(1)
    assert np.isnan(found[:, :, :, 0]).all()  # random directions are the same in all languages


def test_sums_and_activations_give_the_same_replicates() -> None:
    inputs, spec = kept(), spec_of()
    vectors = fit_vectors(inputs, spec)
    left, right = replicates(inputs, vectors, spec).data, replicates(summed(inputs), vectors, spec).data
    for name in ("product", "square", "plain", "control"):
        np.testing.assert_allclose(left[name], right[name], atol=1e-6 if name == "control" else 1e-12)


@pytest.mark.parametrize("folds", [2, 3, 4, 5, 9, 10])
def test_halves_divide_the_folds_of_their_replicate_evenly(folds: int) -> None:
    splits = half_splits(folds, 6, 0)
    assert splits.shape == (folds + 1, 6, 2, folds)
    for replicate in range(folds + 1):
        mine = np.arange(folds) != replicate - 1
        for first, second in splits[replicate]:
            assert not (first & second).any()
            assert np.array_equal(first | second, mine)
            assert abs(int(first.sum()) - int(second.sum())) <= 1
    assert np.array_equal(splits, half_splits(folds, 6, 0))
    if folds > 4:
        assert not np.array_equal(splits, half_splits(folds, 6, 1))
        assert len(np.unique(splits[0], axis=0)) > 1


def test_halves_of_a_replicate_are_those_of_all_folds_without_one() -> None:
    splits = half_splits(10, 4, 3)
    for replicate in range(1, 11):
        left_out = np.arange(10) == replicate - 1
        assert np.array_equal(splits[replicate], splits[0] & ~left_out)


def test_one_fold_has_no_product() -> None:
    inputs = kept(folds=2)
    spec = spec_of()
    data = replicates(inputs, fit_vectors(inputs, spec), spec).data
    assert np.isfinite(data["product"].values[..., 0]).all()
    assert np.isnan(data["product"].values[..., 1:]).all()
    assert np.isfinite(data["square"].values).all()


def test_a_fold_empty_in_one_language_is_no_obstacle() -> None:
    inputs, spec = kept(), spec_of()
    fold = inputs["sw"].data["fold"].values.copy()
    fold[fold == 4] = 0
    inputs["sw"] = Activations(inputs["sw"].data.assign_coords(fold=("pair", fold)))
    data = replicates(inputs, fit_vectors(inputs, spec), spec).data
    everything, without = (refit(inputs["sw"], "mean-difference", part, 0) for part in ({0, 1, 2, 3, 4}, {0, 1, 2, 3}))
    np.testing.assert_allclose(everything, without)
    english = refit(inputs["en"], "mean-difference", {0, 1, 2, 3}, 0)
    assert data["plain"].values[0, 1, 0, 5] == pytest.approx(cosine(english, everything))
    cross = cross_vectors(inputs, spec).data["vector"].sel(source="sw").values
    np.testing.assert_allclose(cross[4, 0], everything, rtol=1e-6)
    assert nested_vectors(inputs["sw"], spec).data.sizes["fold"] == 4
    assert nested_vectors(inputs["sw"], spec, folds=5).data.sizes["fold"] == 5


def test_vectors_of_other_inputs_are_refused() -> None:
    inputs, spec = kept(), spec_of()
    vectors = fit_vectors(inputs, spec)
    with pytest.raises(VectorError, match=r"vectors of \['en', 'sw'\].*inputs of \['en'\]"):
        replicates({"en": inputs["en"]}, vectors, spec)
    single = kept(folds=1)
    with pytest.raises(VectorError, match="1 fold leaves nothing"):
        replicates(single, fit_vectors(single, spec), spec)


@EVERY
def test_cross_vectors_equal_refits_without_the_fold(estimator: str) -> None:
    inputs, spec = kept(), spec_of(estimator)
    data = cross_vectors(inputs, spec).data
    assert data["vector"].dims == data["midpoint"].dims == ("source", "fold", "layer", "hidden")
    assert data["vector"].dtype == data["midpoint"].dtype == np.float32
    for row, activations in enumerate(inputs.values()):
        index, fold = activations.data["index"].values, activations.data["fold"].values
        for left_out in range(5):
            for layer in range(LAYERS):
                expected = refit(activations, estimator, set(range(5)) - {left_out}, layer)
                found = data["vector"].values[row, left_out, layer]
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
                states = activations.data["states"].values[layer].astype(np.float64)[index[fold != left_out]]
                middle = states.mean(axis=(0, 1))
                np.testing.assert_allclose(data["midpoint"].values[row, left_out, layer], middle, rtol=1e-5, atol=1e-5)


def test_cross_vectors_of_sums_are_those_of_activations() -> None:
    inputs, spec = kept(), spec_of()
    left, right = cross_vectors(inputs, spec).data, cross_vectors(summed(inputs), spec).data
    np.testing.assert_allclose(left["vector"], right["vector"], rtol=1e-6)
    np.testing.assert_allclose(left["midpoint"], right["midpoint"], rtol=1e-6)


def test_the_fold_left_out_has_no_influence() -> None:
    inputs, spec = kept(), spec_of()
    activations = inputs["en"]
    index, fold = activations.data["index"].values, activations.data["fold"].values
    states = activations.data["states"].values.copy()
    states[:, index[fold == 2].ravel()] *= -50
    changed = {"en": Activations(activations.data.assign(states=(("layer", "text", "hidden"), states)))}
    before, after = (cross_vectors({"en": given["en"]}, spec).data["vector"].values for given in (inputs, changed))
    np.testing.assert_array_equal(before[:, 2], after[:, 2])
    assert np.abs(before[:, 1] - after[:, 1]).max() > 1
    made = [nested_vectors(given["en"], spec) for given in (inputs, changed)]
    nested = [part.data for part in made]
    np.testing.assert_array_equal(nested[0]["vector"].values[2], nested[1]["vector"].values[2])
    np.testing.assert_array_equal(nested[0]["vector"].values[:, 2], nested[1]["vector"].values[:, 2])
    for layer in range(LAYERS):
        np.testing.assert_allclose(made[0].controls(layer)[:, :, 2], made[1].controls(layer)[:, :, 2], atol=1e-6)
    assert np.abs(nested[0]["vector"].values[0, 1] - nested[1]["vector"].values[0, 1]).max() > 1


@EVERY
def test_nested_vectors_equal_refits_without_both_folds(estimator: str) -> None:
    activations, spec = kept(folds=4)["en"], spec_of(estimator)
    data = nested_vectors(activations, spec).data
    assert data["vector"].dims == ("fold", "other_fold", "layer", "hidden")
    assert data.attrs == {"concept": "morality", "language": "en", "estimator": estimator}
    for first in range(4):
        for second in range(4):
            expected = refit(activations, estimator, set(range(4)) - {first, second}, 1)
            np.testing.assert_allclose(data["vector"].values[first, second, 1], expected, rtol=1e-3, atol=1e-5)


@EVERY
def test_nested_controls_are_the_controls_without_the_fold(estimator: str) -> None:
    activations, spec = kept(folds=4)["en"], spec_of(estimator)
    controls = nested_vectors(activations, spec).controls(1)
    assert controls.shape == (2, 2, 4, HIDDEN)
    whole = baselines(activations, spec)
    index, fold = activations.data["index"].values, activations.data["fold"].values
    states = activations.data["states"].values[1].astype(np.float64)
    signs = coin_signs(activations.data["content"].values, 2, 11)
    for left_out in range(4):
        np.testing.assert_array_equal(controls[0, :, left_out], whole[0, :, 1])
        for draw in range(2):
            rows = [index[p] if signs[draw, p] > 0 else index[p][::-1] for p in np.flatnonzero(fold != left_out)]
            expected = ORACLES[estimator](states[[row[0] for row in rows]], states[[row[1] for row in rows]])
            np.testing.assert_allclose(controls[1, draw, left_out], expected, rtol=1e-3, atol=1e-5)


def test_too_few_folds_are_refused() -> None:
    spec = spec_of()
    with pytest.raises(VectorError, match=r"language 'en': the pairs lie in 1 fold\(s\).*at least 2"):
        cross_vectors(kept(folds=1), spec)
    with pytest.raises(VectorError, match="at least 2"):
        cross_vectors(summed(kept(folds=1)), spec)
    with pytest.raises(VectorError, match="at least 3"):
        nested_vectors(kept(folds=2)["en"], spec)


def test_a_degenerate_cross_vector_names_its_fold() -> None:
    inputs, spec = kept(folds=3), spec_of()
    data = inputs["en"].data
    index, fold = data["index"].values.copy(), data["fold"].values
    index[fold != 1, 1] = index[fold != 1, 0]
    changed = {"en": Activations(data.assign(index=(("pair", "side"), index)))}
    with pytest.raises(DegenerateVector, match="language 'en', layer 0, without fold 1"):
        cross_vectors(changed, spec)
    with pytest.raises(DegenerateVector, match="layer 0, without folds"):
        nested_vectors(changed["en"], spec)
