"""Noise that is heavy-tailed, skewed, common to languages; items that are missing; groups of unequal size."""

import math
from typing import Any

import numpy as np
import pytest

from polyvalues.errors import SpecError
from polyvalues.simulation.planted_states import (
    Planted,
    PlantedSpec,
    expected_cosine,
    plant,
    planted_activations,
    planted_pairs,
)

COMMON: dict[str, Any] = {"pairs": 3000, "layers": 1, "hidden": 24, "cosine": 0.5, "seed": 5}


def planted(**changes: Any) -> Planted:
    return plant(PlantedSpec(**{**COMMON, **changes}))


def errors(given: Planted, language: str) -> np.ndarray:
    """What the pair differences hold besides their true mean, in units of the noise."""
    states = planted_activations(given, "morality", language).data["states"].values[0].astype(float)
    at = given.spec.languages.index(language)
    truth = given.truth["direction"].values[0, at, 0] * given.truth["length"].values[at, 0]
    return states[::2] - states[1::2] - truth


def along(given: Planted, language: str) -> np.ndarray:
    at = given.spec.languages.index(language)
    return errors(given, language) @ given.truth["direction"].values[0, at, 0]


@pytest.mark.parametrize("law", [{"tails": 5.0}, {"skew": 1}, {"skew": -1}, {"tails": 8.0, "skew": 1}, {}])
@pytest.mark.parametrize("share", [0.0, 0.75])
def test_noise_has_unit_variance_and_the_share_asked_for_is_common(law: dict[str, Any], share: float) -> None:
    given = planted(language_share=share, group_size=2, group_share=0.3, **law)
    left, right = errors(given, "en"), errors(given, "sw")
    assert np.mean(left**2) == pytest.approx(1, abs=0.1)
    assert np.mean(along(given, "sw") ** 2) == pytest.approx(1, abs=0.2)
    assert np.mean(left.mean(axis=0) ** 2) < 4 * 1.3 / 3000
    expected = share * (1 - (1.25 / 24 if "skew" in law else 0))  # the exponential part lies along u_t: 2 - c - c^2
    assert np.mean(left * right) == pytest.approx(expected, abs=0.05)
    assert np.mean(left[::2] * left[1::2]) == pytest.approx(0.3, abs=0.04)  # pairs of a group, one language
    assert np.mean(left[::2] * right[1::2]) == pytest.approx(0.3 * expected, abs=0.04)


@pytest.mark.parametrize("skew", [-1, 1])
def test_skewed_noise_has_the_skewness_of_an_exponential(skew: int) -> None:
    given = planted(skew=skew)
    assert np.mean(along(given, "es") ** 3) == pytest.approx(2 * skew, abs=0.6)
    assert np.max(-skew * along(given, "es")) <= 1 + 1e-5
    assert np.isnan(given.truth["accuracy"]).all()


@pytest.mark.parametrize("tails", [3.0, 4.0, 10.0])
def test_accuracy_under_heavy_tails_has_a_closed_form(tails: float) -> None:
    given = planted(tails=tails)
    states = planted_activations(given, "morality", "sw").data["states"].values[0].astype(float)
    for at, source in enumerate(given.spec.languages):
        right = (states[::2] - states[1::2]) @ given.truth["direction"].values[0, at, 0] > 0
        truth = float(given.truth["accuracy"].sel(source=source, target="sw", layer=0, concept="morality"))
        assert np.mean(right) == pytest.approx(truth, abs=4 * 0.5 / math.sqrt(3000))
    normal = planted().truth["accuracy"].values
    assert (given.truth["accuracy"].values > normal + 0.005).all()  # the bulk of a t of unit variance is narrower
    assert np.isnan(planted(tails=tails, language_share=0.5).truth["accuracy"]).all()


def test_missing_items_are_absent_and_the_others_unchanged() -> None:
    whole, partial = planted(pairs=50), planted(pairs=50, missing=(0.0, 0.2, 0.5))
    count = {"en": 50, "es": 40, "sw": 25}
    pairs = planted_pairs(partial).table.to_pylist()
    for language, expected in count.items():
        mine, all_of_them = (planted_activations(given, "morality", language) for given in (partial, whole))
        items = mine.data["item"].values.tolist()
        assert len(items) == expected
        assert items == [row["item"] for row in pairs if row["language"] == language]
        assert mine.data["group"].values.tolist() == [row["group"] for row in pairs if row["language"] == language]
        rows = np.flatnonzero(np.isin(all_of_them.data["item"].values, items))
        texts = np.stack([2 * rows, 2 * rows + 1], axis=1).ravel()
        assert np.array_equal(mine.data["states"].values, all_of_them.data["states"].values[:, texts])
        assert np.array_equal(mine.data["fold"].values, all_of_them.data["fold"].values[rows])


def test_unequal_groups_follow_their_pattern() -> None:
    given = planted(pairs=20, group_sizes=(1, 2, 5), group_share=0.5)
    groups = planted_activations(given, "morality", "en").data["group"].values
    sizes = [int(np.sum(groups == name)) for name in sorted(set(groups))]
    assert sizes == [1, 2, 5, 1, 2, 5, 1, 2, 1]
    g = 1 + (sum(size**2 for size in sizes) / 20 - 1) * 0.5
    np.testing.assert_allclose(expected_cosine(given, 20), 1 / math.sqrt(1 + g * 24 / 20))


@pytest.mark.parametrize(
    "wrong",
    [
        {"language_share": 1.2}, {"tails": 2.0}, {"skew": 2}, {"missing": 1.0}, {"missing": (0.1, 0.2)},
        {"group_sizes": (0, 1)}, {"group_sizes": (2,), "group_size": 2},
    ],
)  # fmt: skip
def test_impossible_noise_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        planted(**wrong)
