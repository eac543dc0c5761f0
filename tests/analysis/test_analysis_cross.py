import numpy as np
import pytest
import xarray as xr

from polyvalues.analysis.scoring.scoring import cross_scores
from polyvalues.artifacts import Activations, CrossVectors, NestedVectors
from polyvalues.errors import DegenerateVector, MeasureError

LAYERS, HIDDEN, FOLDS = 2, 6, 3
FOLD = np.array([0, 1, 1, 2, 0], np.int32)
INDEX = np.array([[0, 1], [2, 3], [4, 5], [6, 6], [1, 0]])


def make_inputs(seed: int = 0) -> tuple[Activations, CrossVectors, NestedVectors]:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    names = {name: ("pair", np.array([f"{name}{row}" for row in range(5)])) for name in ("item", "group")}
    activations = Activations(
        xr.Dataset(
            {"states": (("layer", "text", "hidden"), normal(LAYERS, 7, HIDDEN)), "index": (("pair", "side"), INDEX)},
            coords={**names, "split": ("pair", np.array(["cross"] * 5)), "fold": ("pair", FOLD)},
            attrs={"concept": "honesty", "language": "fr"},
        )
    )
    axes = ("source", "fold", "layer", "hidden")
    cross = CrossVectors(
        xr.Dataset(
            {"vector": (axes, normal(2, FOLDS, LAYERS, HIDDEN)), "midpoint": (axes, normal(2, FOLDS, LAYERS, HIDDEN))},
            coords={"source": ["en", "fr"], "layer": [3, 7]},
            attrs={"concept": "honesty", "estimator": "pca"},
        )
    )
    nested = NestedVectors(
        xr.Dataset(
            {"vector": (("fold", "other_fold", "layer", "hidden"), normal(FOLDS, FOLDS, LAYERS, HIDDEN))},
            coords={"layer": [3, 7]},
            attrs={"concept": "honesty", "language": "fr", "estimator": "pca"},
        ),
        [normal(2, 2, FOLDS, HIDDEN) for _ in range(LAYERS)].__getitem__,
    )
    return activations, cross, nested


def along(h: np.ndarray, v: np.ndarray) -> float:
    h, v = h.astype(float), v.astype(float)
    return float(h @ v / np.sqrt(v @ v))


def test_every_pair_is_scored_without_its_fold():
    activations, cross, nested = make_inputs()
    found = cross_scores(activations, cross, nested).data
    states = activations.data["states"].values
    for pair, fold in enumerate(FOLD):
        for layer in range(LAYERS):
            positive, negative = (states[layer, row] for row in INDEX[pair])
            for source in range(2):
                v, m = (cross.data[name].values[source, fold, layer] for name in ("vector", "midpoint"))
                expected = [along(positive - m, v), along(negative - m, v)]
                np.testing.assert_allclose(found["projection"].values[pair, :, layer, source], expected, rtol=1e-4)
            for control in range(2):
                for draw in range(2):
                    w = nested.controls(layer)[control, draw, fold]
                    value = found["control"].values[pair, layer, control, draw]
                    assert value == np.sign(along(positive - negative, w))
            for other in range(FOLDS):
                value = found["selection"].values[pair, other, layer]
                if other == fold:
                    assert np.isnan(value)
                else:
                    score = along(positive - negative, nested.data["vector"].values[fold, other, layer])
                    assert value == (0.5 if pair == 3 else float(score > 0))
    assert found["layer"].values.tolist() == [3, 7]
    assert found.attrs == {"concept": "honesty", "target": "fr", "protocol": "strict", "layer_numbering": "block"}


def test_a_text_on_both_sides_ties_exactly():
    found = cross_scores(*make_inputs()).data["projection"].values[3]
    np.testing.assert_array_equal(found[0], found[1])


def test_vectors_of_other_folds_have_no_say():
    activations, cross, nested = make_inputs()
    before = cross_scores(activations, cross, nested).data
    cross.data["vector"].values[:, 1] *= -1
    nested.data["vector"].values[1] *= -1
    for layer in range(LAYERS):
        nested.controls(layer)[:, :, 1] *= -1
    after = cross_scores(activations, cross, nested).data
    outside = before["fold"].values != 1
    for name in ("projection", "control", "selection"):
        np.testing.assert_array_equal(before[name].values[outside], after[name].values[outside])
    np.testing.assert_array_equal(before["control"].values[~outside], -after["control"].values[~outside])


def test_float16_states_are_widened():
    activations, cross, nested = make_inputs()
    half = Activations(activations.data.assign(states=activations.data["states"].astype(np.float16)))
    wide = Activations(half.data.assign(states=half.data["states"].astype(np.float64).astype(np.float32)))
    xr.testing.assert_equal(cross_scores(half, cross, nested).data, cross_scores(wide, cross, nested).data)


def test_zero_vectors_are_named():
    activations, cross, nested = make_inputs()
    cross.data["vector"].values[0, 2, 1] = 0
    with pytest.raises(DegenerateVector, match=r"'honesty'.*layer 7, source 'en', without fold 2"):
        cross_scores(activations, cross, nested)
    activations, cross, nested = make_inputs()
    nested.data["vector"].values[0, 2, 0] = 0
    with pytest.raises(DegenerateVector, match="layer 3, source 'fr', without folds 0 and 2"):
        cross_scores(activations, cross, nested)
    activations, cross, nested = make_inputs()
    nested.controls(0)[0, 1, 2] = 0
    with pytest.raises(DegenerateVector, match="layer 3, source 'fr', random control, draw 1, without fold 2"):
        cross_scores(activations, cross, nested)


def test_inputs_that_do_not_belong_together_are_an_error():
    activations, cross, nested = make_inputs()
    other = NestedVectors(nested.data.assign_attrs(language="en"), nested.controls)
    with pytest.raises(MeasureError, match="nested vectors are of language 'en'"):
        cross_scores(activations, cross, other)
    with pytest.raises(MeasureError, match="another concept"):
        cross_scores(activations, CrossVectors(cross.data.assign_attrs(concept="x")), nested)
    with pytest.raises(MeasureError, match="numbers of layers"):
        cross_scores(activations, CrossVectors(cross.data.isel(layer=[0])), nested)
    fewer = NestedVectors(nested.data.isel(fold=[0, 1], other_fold=[0, 1]), nested.controls)
    with pytest.raises(MeasureError, match="3 folds in the vectors, 2 in the nested"):
        cross_scores(activations, cross, fewer)
    stray = Activations(activations.data.assign_coords(fold=("pair", np.array([0, 1, 1, -1, 0], np.int32))))
    with pytest.raises(MeasureError, match="a pair lies in fold -1"):
        cross_scores(stray, cross, nested)
