"""Scores within the rounding error are counted, and no others; drawn errors move only layers that nearly tie."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.rounding_effects import (
    cosine_effect,
    cosine_error,
    precision,
    score_error,
    vector_errors,
)
from polyvalues.artifacts import Scores
from reference.measure_cases import make_scores

PAIRS = 40


def test_the_error_of_a_score_is_what_moves_along_the_vector() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2, 3, 5)).astype(np.float32)
    along = rng.normal(size=(3, 400))
    unit = vectors[1] / np.linalg.norm(vectors[1], axis=1, keepdims=True)
    sizes = np.array([0.0, 0.1, 2.0])
    moved = (sizes[:, None] * along)[..., None] * unit[:, None]
    moved += 7 * unit[:, None]  # what moves every text alike moves no score
    found = score_error(moved.astype(np.float32), vectors)
    two = moved.reshape(3, 200, 2, 5)
    pairs = np.einsum("ltp,lp->lt", two[:, :, 0] - two[:, :, 1], unit)
    np.testing.assert_allclose(found[1], sizes * np.sqrt(2) * along.std(axis=1, ddof=1), atol=1e-5)
    np.testing.assert_allclose(found[1], np.sqrt((pairs**2).mean(axis=1)), rtol=0.15, atol=1e-9)
    cosine = np.abs(
        (vectors[0] * vectors[1]).sum(1) / np.linalg.norm(vectors[0], axis=1) / np.linalg.norm(vectors[1], axis=1)
    )
    np.testing.assert_allclose(found[0], cosine * found[1], atol=1e-5)
    np.testing.assert_array_equal(score_error(moved.astype(np.float32), 0 * vectors), np.zeros((2, 3)))


def near_ties(seed: int = 0) -> Scores:
    """Layers 0 and 2: half of the pairs clearly right, a quarter barely, a quarter clearly wrong; 1 is useless.

    The pairs that layers are chosen on hold as many of each.
    """
    rng = np.random.default_rng(seed)
    values = np.zeros((PAIRS, 2, 3, 1))
    sizes = np.concatenate([np.full(20, 5.0), np.full(10, 0.01), np.full(10, -5.0)])
    values[:, 0, 0, 0] = sizes
    values[:, 0, 1, 0] = np.where(np.arange(PAIRS) % 2, 5.0, -5.0)
    values[:, 0, 2, 0] = np.roll(sizes, 2 * int(rng.integers(PAIRS // 2)))
    return make_scores(values, sources=("en",), split=["select", "test"] * (PAIRS // 2))


def run(units: Sequence[Scores], size: float, seed: int = 0) -> xr.Dataset:
    choice = choose_layers({str(unit.data.attrs["target"]): unit for unit in units})
    data = units[0].data
    names, layers = [str(name) for name in data["source"].values], data["layer"].values
    concept = str(data.attrs["concept"])
    error = xr.DataArray(
        np.full((1, len(names), len(layers)), size),
        {"concept": [concept], "source": names, "layer": layers},
        ("concept", "source", "layer"),
    )
    chosen = xr.DataArray(
        np.full((1, len(names), len(names), 3), [0.75, 0.65, 0.85]),
        {"concept": [concept], "source": names, "target": names, "interval": ["estimate", "lower", "upper"]},
        ("concept", "source", "target", "interval"),
    )
    return precision(units, [choice], error, xr.Dataset({"chosen": chosen}), seed)


def test_shares_are_those_of_pairs_within_the_error() -> None:
    unit = near_ties()
    chosen = choose_layers({"en": unit}).layer
    tested = unit.data["projection"].sel(layer=chosen).values[unit.data["split"].values == "test"]
    small = np.isclose(np.abs(tested[:, 0, 0] - tested[:, 1, 0]), 0.01)
    found = run([unit], 0.02).isel(concept=0, source=0, target=0)
    assert float(found["share"]) == pytest.approx(small.mean())
    assert 0 < float(found["change"]) == pytest.approx(small.mean())  # all of them are right
    assert float(found["error"]) == 0.02
    assert float(found["half_width"]) == pytest.approx(0.1)
    assert float(run([unit], 0.001)["share"].max()) == 0.0


def test_errors_move_layers_that_nearly_tie_and_nothing_without_them() -> None:
    unit = near_ties()
    found = run([unit], 0.02)
    assert 0.1 < float(found["layer"][0]) < 0.9
    assert float(found["redrawn"].max()) > 0.05
    assert found.equals(run([unit], 0.02))
    assert not found.equals(run([unit], 0.02, seed=1))
    still = run([unit], 0.001)  # 0.01 is ten of them
    for name in ("layer", "folds", "redrawn", "verdict"):
        assert float(still[name].max()) == 0.0


def test_folds_choose_anew_where_signs_turn() -> None:
    """Cross-fitted: nested correctness follows the own score."""
    values = np.zeros((PAIRS, 2, 2, 1))
    values[:, 0, 0, 0], values[:, 0, 1, 0] = 0.01, 5.0
    values[:2, 0, 1, 0] = -5.0
    fold = np.arange(PAIRS) % 4
    selection = np.repeat((values[:, None, 0, :, 0] > 0).astype(float), 4, axis=1)
    selection[np.arange(PAIRS), fold] = np.nan
    unit = make_scores(values, sources=("en",), split="cross", fold=fold, selection=selection)
    assert choose_layers({"en": unit}).fold_layer.tolist() == [0, 0, 0, 0]
    found = run([unit], 0.01)
    assert float(found["layer"][0]) > 0.9
    assert float(found["folds"][0]) > 0.5
    assert float(run([unit], 0.001)["folds"][0]) == 0.0


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_the_error_of_a_cosine_is_what_it_moves_by(shared: float) -> None:
    """Means of pair differences with errors drawn again and again, shared between languages or not."""
    rng = np.random.default_rng(3)
    hidden, counts = 16, (12.0, 40.0)
    true = rng.normal(size=(2, hidden))
    true[1] += 0.7 * true[0]
    scale = np.exp(rng.normal(size=hidden))
    moved = (0.05 * scale * rng.normal(size=(1, 4000, hidden)) + 3).astype(np.float32)
    said = cosine_error(moved, true[:, None].astype(np.float32), counts)[0, 1, 0]
    common = rng.normal(size=(2000, hidden)) * np.sqrt(shared)
    vectors = [
        true[i]
        + 0.05 * scale * np.sqrt(2 / counts[i]) * (common + np.sqrt(1 - shared) * rng.normal(size=(2000, hidden)))
        for i in range(2)
    ]
    cosine = (vectors[0] * vectors[1]).sum(1) / np.prod([np.linalg.norm(v, axis=1) for v in vectors], axis=0)
    assert cosine.std() <= 1.05 * said
    assert said <= 2 * cosine.std() if shared == 0 else said > 0
    np.testing.assert_allclose(cosine_error(2 * moved, true[:, None].astype(np.float32), counts)[0, 1, 0], 2 * said)


def test_cosines_of_other_estimators_have_no_error_and_the_chosen_layer_is_taken() -> None:
    rng = np.random.default_rng(0)
    names, moved = ["de", "en"], rng.normal(size=(4, 30, 5)).astype(np.float32)
    data = xr.Dataset(
        {"vector": (("source", "layer", "hidden"), rng.normal(size=(2, 2, 5)).astype(np.float32))},
        {"source": names, "layer": [1, 3]},
        {"estimator": "mean-difference"},
    )
    found = vector_errors(moved, data, [10.0, 10.0])
    assert found["cosine_error"].dims == ("source", "target", "layer")
    assert bool(vector_errors(moved, data.assign_attrs(estimator="lda"), [10.0, 10.0])["cosine_error"].isnull().all())
    chosen = xr.DataArray(
        np.full((1, 2, 2, 3), [0.5, 0.2, 0.6]),
        {"concept": ["care"], "source": names, "target": names, "interval": ["estimate", "lower", "upper"]},
        ("concept", "source", "target", "interval"),
    )
    unit = near_ties()
    choice = replace(choose_layers({"en": unit}), concept="care", layer=3)
    effect = cosine_effect(found["cosine_error"].expand_dims(concept=["care"]), [choice], chosen)
    assert effect["cosine_error"].sel(source="de", target="en").item() == float(found["cosine_error"][0, 1, 1])
    assert float(effect["cosine_half_width"].sel(source="de", target="en").item()) == pytest.approx(0.2)
    assert bool(effect["cosine_error"].sel(source="en", target="en").isnull().all())
