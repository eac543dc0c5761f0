"""Fits on all folds and on some: equal to fitting from scratch, labelled, and explicit about what cannot be fitted."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from polyvalues.artifacts import Activations, Moments, TextTable
from polyvalues.config import VectorSpec
from polyvalues.errors import DegenerateVector, VectorError
from polyvalues.vectors.accumulators.moments import moments_from_activations
from polyvalues.vectors.baseline_directions import coin_contents, coin_signs, random_directions
from polyvalues.vectors.baselines import baselines
from polyvalues.vectors.fit import ESTIMATORS, fit_subsets, fit_vectors, paper_vectors
from reference.vectors_cases import activations_of, states_of, table_of
from reference.vectors_oracle import ORACLES, cosine, mean_difference, refit

FOLDS, LAYERS, HIDDEN = 4, 2, 9
SPEC = VectorSpec(control_draws=3, half_splits=2, seed=7)
SUBSETS = np.array([[1, 1, 1, 1], [0, 1, 1, 1], [1, 1, 0, 1], [0, 1, 0, 1]], dtype=bool)
EVERY = pytest.mark.parametrize("estimator", list(ESTIMATORS))


def kept(languages: tuple[str, ...] = ("en", "sw", "zh")) -> dict[str, Activations]:
    out = {}
    for language in languages:
        seed = sum(map(ord, language))
        table = table_of(22, FOLDS, seed, language=language)
        out[language] = activations_of(table, states_of(table, LAYERS, HIDDEN, seed))
    return out


def summed(inputs: dict[str, Activations], draws: int = 3) -> dict[str, Moments]:
    return {key: moments_from_activations(value, FOLDS, draws, SPEC.seed) for key, value in inputs.items()}


def altered(activations: Activations, **changes: object) -> Activations:
    return Activations(activations.data.assign(changes))


@EVERY
def test_vectors_equal_the_oracle_on_all_pairs_with_a_fold(estimator: str) -> None:
    inputs = kept()
    data = fit_vectors(inputs, SPEC.model_copy(update={"estimator": estimator})).data
    assert data["vector"].dims == ("source", "layer", "hidden")
    assert data["vector"].dtype == data["midpoint"].dtype == np.float32
    assert data.attrs == {"concept": "morality", "estimator": estimator}
    for language, activations in inputs.items():
        for layer in range(LAYERS):
            expected = refit(activations, estimator, set(range(FOLDS)), layer)
            np.testing.assert_allclose(data["vector"].sel(source=language)[layer], expected, rtol=1e-4, atol=1e-5)


def test_midpoint_lies_half_way_between_the_sides() -> None:
    inputs = kept()
    for given in (inputs, summed(inputs)):
        data = fit_vectors(given, SPEC).data
        for language, activations in inputs.items():
            fitting = activations.data["fold"].values >= 0
            rows = activations.data["index"].values[fitting]
            states = activations.data["states"].values.astype(np.float64)
            expected = (states[:, rows[:, 0]].mean(axis=1) + states[:, rows[:, 1]].mean(axis=1)) / 2
            np.testing.assert_allclose(data["midpoint"].sel(source=language), expected, rtol=1e-5)


def test_sums_and_activations_give_the_same_vectors() -> None:
    inputs = kept()
    left, right = fit_vectors(inputs, SPEC).data, fit_vectors(summed(inputs), SPEC).data
    for name in ("vector", "midpoint"):
        np.testing.assert_allclose(left[name], right[name], rtol=1e-6, atol=1e-6)
    for language, sums in summed(inputs).items():
        np.testing.assert_allclose(baselines(inputs[language], SPEC), baselines(sums, SPEC), rtol=1e-5, atol=1e-6)


@EVERY
def test_permuted_controls_are_the_estimator_on_swapped_pairs(estimator: str) -> None:
    inputs = kept(("en",))
    made = baselines(inputs["en"], SPEC.model_copy(update={"estimator": estimator}))
    source = inputs["en"].data
    fitting = source["fold"].values >= 0
    rows, contents = source["index"].values[fitting], source["content"].values[fitting]
    signs = coin_signs(contents, 3, SPEC.seed)
    assert {-1, 1} == set(np.unique(signs))
    for draw in range(3):
        swapped = np.array([row if sign > 0 else row[::-1] for row, sign in zip(rows, signs[draw], strict=True)])
        for layer in range(LAYERS):
            states = source["states"].values[layer].astype(np.float64)
            expected = ORACLES[estimator](states[swapped[:, 0]], states[swapped[:, 1]])
            np.testing.assert_allclose(made[1, draw, layer], expected, rtol=1e-3, atol=1e-5)


def test_random_controls_are_the_same_everywhere_and_independent_between_layers_and_draws() -> None:
    first = random_directions([0, 5], (3, 4000), 7)
    assert first.shape == (3, 2, 4000)
    assert np.array_equal(random_directions([5], (1, 4000), 7)[0, 0], first[0, 1])
    others = [random_directions([0], (1, 4000), 8)[0, 0], first[1, 0], first[0, 1]]
    for other in others:
        assert abs(cosine(first[0, 0], other)) < 5 / np.sqrt(4000)
    assert abs(first.mean()) < 5 / np.sqrt(first.size)
    assert abs(first.std() - 1) < 0.05


def test_coins_are_fair_and_independent_between_contents_draws_and_seeds() -> None:
    contents = [f"content {number}" for number in range(4000)]
    signs, others = coin_signs(contents, 4, 0), coin_signs(contents, 4, 1)
    for left in range(4):
        assert abs(signs[left].mean()) < 5 / np.sqrt(4000)
        for right in range(4):
            assert abs((signs[left] * others[right]).mean()) < 5 / np.sqrt(4000)
            if left != right:
                assert abs((signs[left] * signs[right]).mean()) < 5 / np.sqrt(4000)
    twice = coin_signs(["a", "b", "a"], 64, 0)
    assert np.array_equal(twice[:, 0], twice[:, 2])
    assert not np.array_equal(twice[:, 0], twice[:, 1])


def test_baselines_do_not_depend_on_labels() -> None:
    """Another tag, concept, item id and group id; the same content."""
    table = table_of(22, FOLDS, 3)
    table = replace(table, content=np.array([f"content {row // 2}" for row in range(22)]))
    renamed = replace(
        table, concept="other", language="zz", item=np.char.add("x", table.item), group=np.char.add("y", table.group)
    )
    states = states_of(table, LAYERS, HIDDEN, 3)
    first, second = (baselines(activations_of(part, states), SPEC) for part in (table, renamed))
    assert np.array_equal(first, second)
    other = replace(table, content=np.char.add(table.content, " "))  # other content, other coins: the test can fail
    assert not np.array_equal(first[1], baselines(activations_of(other, states), SPEC)[1])
    assert np.array_equal(first[0], baselines(activations_of(other, states), SPEC)[0])


def test_a_table_without_content_takes_its_groups_texts() -> None:
    table = replace(table_of(6, 2, 0), group=np.array(list("aabbcc")))
    contents = coin_contents(table)
    assert contents[0] == contents[1] != contents[2] == contents[3]
    assert np.array_equal(contents, coin_contents(replace(table, group=np.array(list("xxyyzz")))))


@EVERY
def test_subsets_equal_refits_from_scratch(estimator: str) -> None:
    inputs = kept()
    for layer in range(LAYERS):
        found = fit_subsets(inputs, estimator, SUBSETS, layer)
        assert found.shape == (4, 3, HIDDEN)
        assert found.dtype == np.float64
        for row, subset in enumerate(SUBSETS):
            for column, activations in enumerate(inputs.values()):
                expected = refit(activations, estimator, set(np.flatnonzero(subset).tolist()), layer)
                np.testing.assert_allclose(found[row, column], expected, rtol=1e-4, atol=1e-6)


def test_leaving_folds_out_of_sums_equals_refitting_to_the_last_bits() -> None:
    inputs = kept()
    found = fit_subsets(summed(inputs), "mean-difference", SUBSETS, 1)
    for row, subset in enumerate(SUBSETS):
        for column, activations in enumerate(inputs.values()):
            expected = refit(activations, "mean-difference", set(np.flatnonzero(subset).tolist()), 1)
            np.testing.assert_allclose(found[row, column], expected, rtol=1e-11, atol=1e-13)
    # ... and the folds left out do matter:
    assert np.abs(found[0] - found[1]).max() > 1e-3


@EVERY
def test_a_subset_without_pairs_is_nan(estimator: str) -> None:
    found = fit_subsets(kept(("en",)), estimator, np.array([[0] * 4, [1] * 4], dtype=bool), 0)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


@EVERY
def test_a_subset_without_direction_is_nan(estimator: str) -> None:
    activations = kept(("en",))["en"]
    index = activations.data["index"].values.copy()
    index[activations.data["fold"].values == 2, 1] = index[activations.data["fold"].values == 2, 0]
    inputs = {"en": altered(activations, index=(("pair", "side"), index))}
    found = fit_subsets(inputs, estimator, np.array([[0, 0, 1, 0], [1, 1, 1, 1]], dtype=bool), 0)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def test_order_of_languages_permutes_labels_only() -> None:
    inputs = kept()
    turned = {language: inputs[language] for language in ("zh", "en", "sw")}
    left, right = fit_vectors(inputs, SPEC).data, fit_vectors(turned, SPEC).data
    assert list(right["source"].values) == ["zh", "en", "sw"]
    assert right.sel(source=left["source"]).equals(left)
    assert not np.array_equal(left["vector"].values, right["vector"].values)


def test_swapping_all_sides_negates_vectors_and_permuted_controls_only() -> None:
    inputs = kept()
    swapped = {
        key: altered(value, index=(("pair", "side"), value.data["index"].values[:, ::-1]))
        for key, value in inputs.items()
    }
    left, right = fit_vectors(inputs, SPEC).data, fit_vectors(swapped, SPEC).data
    np.testing.assert_allclose(right["vector"], -left["vector"])
    np.testing.assert_allclose(right["midpoint"], left["midpoint"])
    before, after = baselines(inputs["en"], SPEC), baselines(swapped["en"], SPEC)
    np.testing.assert_allclose(after[1], -before[1], rtol=1e-5, atol=1e-6)
    assert np.array_equal(after[0], before[0])


def test_pairs_without_a_fold_are_not_fitted_on() -> None:
    activations = kept(("en",))["en"]
    states = activations.data["states"].values.copy()
    index, fold = activations.data["index"].values, activations.data["fold"].values
    used = np.unique(index[fold >= 0])
    unused = np.setdiff1d(np.arange(states.shape[1]), used)
    assert unused.size
    states[:, unused] += 1000
    changed = altered(activations, states=(("layer", "text", "hidden"), states))
    assert fit_vectors({"en": changed}, SPEC).data.equals(fit_vectors({"en": activations}, SPEC).data)


@pytest.mark.parametrize("estimator", ["pca", "lda", "logistic", "leace"])
def test_sums_are_not_enough_for_the_other_estimators(estimator: str) -> None:
    inputs = summed(kept(("en",)))
    spec = SPEC.model_copy(update={"estimator": estimator})
    with pytest.raises(VectorError, match=rf"'morality', language 'en'.*'{estimator}'.*keep_activations = true"):
        fit_vectors(inputs, spec)
    with pytest.raises(VectorError, match="keep_activations = true"):
        fit_subsets(inputs, estimator, SUBSETS, 0)


@pytest.mark.parametrize("streamed", [True, False])
def test_a_vector_without_direction_names_concept_language_and_layer(streamed: bool) -> None:
    inputs = kept(("en", "sw"))
    index = inputs["sw"].data["index"].values.copy()
    index[:, 1] = index[:, 0]
    inputs["sw"] = altered(inputs["sw"], index=(("pair", "side"), index))
    with pytest.raises(DegenerateVector, match=r"concept 'morality', language 'sw', layer 0"):
        fit_vectors(summed(inputs) if streamed else inputs, SPEC)


def test_an_estimators_own_complaint_is_passed_on_with_its_place() -> None:
    activations = kept(("en",))["en"]
    states = activations.data["states"].values.copy()
    states[1] = 1.0
    inputs = {"en": altered(activations, states=(("layer", "text", "hidden"), states))}
    with pytest.raises(DegenerateVector, match=r"language 'en', layer 1: pca: "):
        fit_vectors(inputs, SPEC.model_copy(update={"estimator": "pca"}))


def test_inputs_that_do_not_belong_together_are_refused() -> None:
    inputs = kept()
    with pytest.raises(VectorError, match="no language was given"):
        fit_vectors({}, SPEC)
    with pytest.raises(VectorError, match="given for language 'fr' is of 'en'"):
        fit_vectors({"fr": inputs["en"]}, SPEC)
    other = Activations(inputs["sw"].data.assign_attrs(concept="fairness"))
    with pytest.raises(VectorError, match=r"different concepts: \['fairness', 'morality'\]"):
        fit_vectors({"en": inputs["en"], "sw": other}, SPEC)
    short = Activations(inputs["sw"].data.isel(layer=[0]))
    with pytest.raises(VectorError, match="different layers"):
        fit_vectors({"en": inputs["en"], "sw": short}, SPEC)
    thin = Activations(inputs["sw"].data.isel(hidden=slice(3)))
    with pytest.raises(VectorError, match="different hidden sizes"):
        fit_vectors({"en": inputs["en"], "sw": thin}, SPEC)
    bare = Activations(inputs["en"].data.assign_coords(fold=("pair", np.full(22, -1))))
    with pytest.raises(VectorError, match="language 'en': no pair has a fold"):
        fit_vectors({"en": bare}, SPEC)
    with pytest.raises(VectorError, match="2 control draws were summed, not 3"):
        baselines(summed(inputs, draws=2)["en"], SPEC)
    for given in (inputs, summed(inputs)):
        with pytest.raises(VectorError, match="4 folds, but 2 were expected"):
            fit_subsets(given, "mean-difference", SUBSETS[:, :2], 0)
    with pytest.raises(VectorError, match="beyond 2 folds"):
        fit_subsets(inputs, "pca", SUBSETS[:, :2], 0)


def test_layers_keep_their_coordinates() -> None:
    inputs = {"en": Activations(kept(("en",))["en"].data.assign_coords(layer=[3, 8]))}
    data = fit_vectors(inputs, SPEC).data
    assert list(data["layer"].values) == [3, 8]
    expected = random_directions([8], (3, HIDDEN), SPEC.seed)[:, 0].astype(np.float32)
    assert np.array_equal(baselines(inputs["en"], SPEC)[0, :, 1], expected)


def paper_inputs() -> dict[str, Activations]:
    """Pairs told apart by their split alone, in an order of their own."""
    out = {}
    for language in ("en", "sw"):
        table = table_of(30, 1, sum(map(ord, language)), language=language)
        split = np.array(["fit"] * 24 + ["test"] * 6)
        table = TextTable(**{**vars(table), "split": split, "fold": np.full(30, -1, dtype=np.int32)})
        out[language] = activations_of(table, 100 * states_of(table, LAYERS, HIDDEN, 3))
    return out


def test_paper_vectors_are_plain_float32_means_bit_for_bit() -> None:
    inputs = paper_inputs()
    data = paper_vectors(inputs).data
    for language, activations in inputs.items():
        made = baselines(activations, SPEC, paper=True)
        assert made.shape == (2, 3, LAYERS, HIDDEN)
        for layer in range(LAYERS):
            hidden = activations.data["states"].values[layer]
            positive, negative = activations.data["index"].values[:24].T
            expected = hidden[positive].mean(axis=0) - hidden[negative].mean(axis=0)
            assert expected.dtype == np.float32
            assert np.array_equal(data["vector"].sel(source=language).values[layer], expected)
            exact = mean_difference(hidden[positive], hidden[negative]).astype(np.float32)
            assert not np.array_equal(expected, exact)  # float64 sums would differ: the test can fail
            np.testing.assert_allclose(expected, exact, rtol=1e-3, atol=1e-3)
            middle = (hidden[positive].mean(axis=0) + hidden[negative].mean(axis=0)) / 2
            assert np.array_equal(data["midpoint"].sel(source=language).values[layer], middle)
            signs = coin_signs(activations.data["content"].values[:24], 3, SPEC.seed)[:, :, None]
            permuted = (signs * (hidden[positive].astype(float) - hidden[negative])).mean(axis=1)
            np.testing.assert_allclose(made[1, :, layer], permuted, rtol=1e-3, atol=1e-3)


def test_paper_vectors_need_pairs_to_fit_on() -> None:
    inputs = paper_inputs()
    none = Activations(inputs["sw"].data.assign_coords(split=("pair", np.array(["test"] * 30))))
    with pytest.raises(VectorError, match="language 'sw': no pair is in the split 'fit'"):
        paper_vectors({"en": inputs["en"], "sw": none})
    with pytest.raises(VectorError, match="'fr' is of 'en'"):
        paper_vectors({"fr": inputs["en"]})
    with pytest.raises(VectorError, match="need one concept"):
        paper_vectors({})


def test_results_are_datasets_with_nothing_but_what_is_promised() -> None:
    data = fit_vectors(kept(), SPEC).data
    assert isinstance(data, xr.Dataset)
    assert set(data.data_vars) == {"vector", "midpoint"}
    assert set(data.coords) == {"source", "layer"}
