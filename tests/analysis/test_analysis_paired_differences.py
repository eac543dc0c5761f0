"""Differences between languages and between models: paired, antisymmetric, and found where two intervals hide them."""

import numpy as np
import pytest

from polyvalues.analysis.hypothesis_tests.paired_differences import languages_difference, models_difference
from polyvalues.analysis.recognition import recognition
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.errors import MeasureError
from reference import chance_oracle as oracle
from reference.measure_cases import make_choice, make_scores, random_scores, reordered
from unchecked import unchecked

SPEC = StatisticsSpec(draws=300)


def planted(rng: np.random.Generator, first: float, second: float, shared: float = 0.9) -> dict[str, Scores]:
    """Two languages whose pairs are easy or hard together; accuracies about `first` and `second`."""
    hard = rng.random(200)
    scores = {}
    for name, level in (("en", first), ("fr", second)):
        own = np.where(rng.random(200) < shared, hard, rng.random(200))
        values = np.zeros((200, 2, 1, 2))
        values[:, 0] = np.where(own < level, 1.0, -1.0)[:, None, None]
        scores[name] = make_scores(values, target=name)
    return scores


def test_a_difference_is_found_that_two_intervals_hide() -> None:
    scores = list(planted(np.random.default_rng(0), 0.85, 0.78).values())
    choice = [make_choice(0, layers=1)]
    found = languages_difference(scores, choice, SPEC).sel(concept="honesty", target="en", other="fr")
    cells = recognition(scores, choice, SPEC)["chosen"].sel(concept="honesty", source="en")
    assert float(cells.sel(target="en", interval="lower")) < float(cells.sel(target="fr", interval="upper"))
    assert float(found["difference"].sel(interval="lower")) > 0
    assert float(found["p"]) < 0.01


@unchecked()
def test_without_a_difference_none_is_found() -> None:
    found = []
    for seed in range(200):
        scores = list(planted(np.random.default_rng(seed), 0.7, 0.7, shared=0.3).values())
        table = languages_difference(scores, [make_choice(0, layers=1)], StatisticsSpec(draws=100))
        found.append(float(table["p"].sel(concept="honesty", target="en", other="fr")))
    assert 0.005 <= np.mean(np.array(found) <= 0.05) <= 0.085


def test_it_is_antisymmetric_and_zero_on_the_diagonal() -> None:
    scores = random_scores(np.random.default_rng(1))
    found = languages_difference(list(scores.values()), [make_choice(1)], SPEC)
    values = found["difference"].values[0]
    np.testing.assert_allclose(values[..., 0], -values[..., 0].T)
    np.testing.assert_allclose(values[..., 1], -values[..., 2].T)
    np.testing.assert_array_equal(values[np.arange(3), np.arange(3)], 0)
    for name in ("p", "q"):
        table = found[name].values[0]
        np.testing.assert_allclose(table[np.triu_indices(3, 1)], table.T[np.triu_indices(3, 1)])
    assert found.attrs["correction"].endswith("over 3 cells")


def test_it_agrees_with_the_oracle() -> None:
    scores = random_scores(np.random.default_rng(2), pairs=16)
    found = languages_difference(list(scores.values()), [make_choice(1)], SPEC)
    sums: dict[str, dict[str, list[float]]] = {}
    for name, item in scores.items():
        data = item.data.sel(layer=1, source=name).isel(pair=np.flatnonzero(item.data["split"].values == "test"))
        gap = data["projection"].values[:, 0] - data["projection"].values[:, 1]
        sums[name] = {}
        for value, group in zip((gap > 0) + 0.5 * (gap == 0), data["group"].values.tolist(), strict=True):
            sums[name].setdefault(group, []).append(float(value))
    both = sorted(set(sums["en"]) & set(sums["sw"]))
    assert int(found["n_groups"].sel(concept="honesty", target="en", other="sw")) == len(both)
    right = {name: np.sum([sum(sums[name][group]) for group in both]) for name in ("en", "sw")}
    pairs = {name: np.sum([len(sums[name][group]) for group in both]) for name in ("en", "sw")}
    cell = found.sel(concept="honesty", target="en", other="sw")
    expected = right["en"] / pairs["en"] - right["sw"] / pairs["sw"]
    assert float(cell["difference"].sel(interval="estimate")) == pytest.approx(expected)
    gaps = np.array(
        [
            np.lcm(len(sums["en"][g]), len(sums["sw"][g])) * (np.mean(sums["en"][g]) - np.mean(sums["sw"][g]))
            for g in both
        ]
    )
    assert float(cell["p"]) == pytest.approx(oracle.sign_flip_p(gaps), abs=1e-9)


def test_order_of_languages_permutes_labels_only() -> None:
    scores = random_scores(np.random.default_rng(3))
    first = languages_difference(list(scores.values()), [make_choice(1)], SPEC)
    second = languages_difference(list(reordered(scores, ("sw", "en", "fr")).values()), [make_choice(1)], SPEC)
    np.testing.assert_array_equal(
        second["difference"].sel(target=first.target, other=first.other).values, first["difference"]
    )


def test_two_models_on_the_same_pairs() -> None:
    rng = np.random.default_rng(4)
    better, worse = (list(planted(np.random.default_rng(4), level, level).values()) for level in (0.9, 0.7))
    choice = [make_choice(0, layers=1)]
    found = models_difference((better, choice), (worse, choice), SPEC)
    assert (found["difference"].sel(interval="lower") > 0).all()
    assert (found["q"] < 0.05).all()
    back = models_difference((worse, choice), (better, choice), SPEC)
    np.testing.assert_allclose(
        back["difference"].sel(interval="estimate"), -found["difference"].sel(interval="estimate")
    )
    same = models_difference((better, choice), (better, choice), SPEC)
    assert (same["difference"].sel(interval="estimate") == 0).all()
    assert (same["p"] == 1).all()
    assert (same["n_groups"] == 200).all()
    del rng


def test_models_with_different_layers_languages_and_pairs_share_what_they_share() -> None:
    first, second = (random_scores(np.random.default_rng(seed)) for seed in (5, 6))
    some = [Scores(item.data.isel(source=[0, 1])) for name, item in second.items() if name != "sw"]
    found = models_difference(
        (list(first.values()), [make_choice(0)]), (some, [make_choice(2)]), StatisticsSpec(draws=50)
    )
    assert found["difference"].sizes == {"concept": 1, "source": 2, "target": 2, "interval": 3}
    assert np.isfinite(found["difference"]).all()


@pytest.mark.parametrize(("change", "said"), [({"concept": "x"}, "no concepts"), ({"target": "de"}, "no targets")])
def test_studies_with_nothing_in_common_are_refused(change: dict[str, str], said: str) -> None:
    values = np.ones((4, 2, 1, 2))
    options: dict[str, str] = {"concept": "honesty", "target": "en"} | change
    choices: list[LayerChoice] = [make_choice(0, layers=1, concept=options["concept"])]
    other = [make_scores(values, concept=options["concept"], target=options["target"])]
    with pytest.raises(MeasureError, match=said):
        models_difference(([make_scores(values)], [make_choice(0, layers=1)]), (other, choices), SPEC)
