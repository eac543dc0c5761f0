import itertools
from fractions import Fraction

import numpy as np
import pytest
import xarray as xr

from polyvalues.analysis.overview import QUANTITIES, overview
from polyvalues.artifacts import Replicates
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import CONTROLS
from reference import measure_oracle as oracle
from reference.measure_cases import make_choice, random_replicates, random_scores, reordered, weightings

SPEC = StatisticsSpec(draws=60, confidence=0.9)
LANGUAGES = ("en", "fr", "sw")


def mean(values) -> Fraction:
    values = list(values)
    return sum(values, Fraction(0)) / len(values)


def series(scores, layer: int, key: str) -> dict[str, list[Fraction]]:
    """Every bootstrapped quantity of one concept, literally, by resample."""
    drawn = weightings(scores, SPEC, key)
    away = list(itertools.permutations(LANGUAGES, 2))
    data = {name: item.data for name, item in scores.items()}
    return {
        "within": [mean(oracle.accuracy(data[t], t, layer, w) for t in LANGUAGES) for w in drawn],
        "cross": [mean(oracle.accuracy(data[t], s, layer, w) for s, t in away) for w in drawn],
        "random": [mean(oracle.control_accuracy(data[t], "random", layer, w) for t in LANGUAGES) for w in drawn],
        "permuted": [mean(oracle.control_accuracy(data[t], "permuted", layer, w) for t in LANGUAGES) for w in drawn],
        "transfer": [mean(oracle.transfer(data[t], s, layer, w) for s, t in away) for w in drawn],
    }


def test_bootstrapped_numbers_against_the_formula():
    first = random_scores(np.random.default_rng(0))
    other = random_scores(np.random.default_rng(1), concept="fairness", pairs=30)
    choices = [make_choice(1), make_choice(2, concept="fairness")]
    parts = [
        random_replicates(np.random.default_rng(2)),
        random_replicates(np.random.default_rng(3), concept="fairness"),
    ]
    found = overview([*first.values(), *other.values()], parts, choices, SPEC)["value"]
    assert found["concept"].values.tolist() == ["honesty", "fairness", "all"]
    assert tuple(found["quantity"].values) == QUANTITIES
    one, two = series(first, 1, "honesty"), series(other, 2, "fairness")
    groups = {
        concept: oracle.effective_groups(*(item.data for item in part.values()))
        for concept, part in (("honesty", first), ("fairness", other))
    }
    groups["all"] = min(groups.values())
    for quantity, values in one.items():
        both = [(a + b) / 2 for a, b in zip(values, two[quantity], strict=True)]
        for concept, expected in (("honesty", values), ("fairness", two[quantity]), ("all", both)):
            cell = found.sel(concept=concept, quantity=quantity).values
            if quantity in CONTROLS:  # their intervals: test_measure_baseline
                assert cell[0] == pytest.approx(float(expected[0]))
                assert cell[1] < cell[0] < cell[2]
            else:
                limits = (-1, 1) if quantity == "transfer" else (0, 1)
                np.testing.assert_allclose(cell, oracle.interval(expected, 0.9, groups[concept], limits), atol=1e-12)


def test_concepts_on_the_same_groups_are_drawn_together():
    first = random_scores(np.random.default_rng(0))
    other = {name: type(item)(item.data.assign_attrs(concept="fairness")) for name, item in first.items()}
    choices = [make_choice(1), make_choice(1, concept="fairness")]
    parts = [
        random_replicates(np.random.default_rng(2)),
        random_replicates(np.random.default_rng(2), concept="fairness"),
    ]
    found = overview([*first.values(), *other.values()], parts, choices, SPEC)["value"]
    xr.testing.assert_equal(found.sel(concept="all", drop=True), found.sel(concept="fairness", drop=True))
    alone, shared = (found.sel(concept=name, quantity="within").values for name in ("honesty", "all"))
    assert alone[0] == shared[0]
    assert (alone[1:] != shared[1:]).any()


def test_cosines_against_the_formula():
    replicates = random_replicates(np.random.default_rng(4))
    scores = random_scores(np.random.default_rng(5))
    found = overview(list(scores.values()), [replicates], [make_choice(2)], SPEC)["value"]
    away = list(itertools.permutations(range(3), 2))
    data = replicates.data.isel(layer=2)
    cosine = data["product"].values  # squares are 1
    reliability = [cosine[s, s] for s in range(3)]
    expected = {
        "cosine": ([np.mean([cosine[s, t, k] for s, t in away]) for k in range(16)], True),
        "reliability": ([np.mean([reliability[s][k] for s in range(3)]) for k in range(16)], True),
        "disattenuated": (
            [
                np.mean([cosine[s, t, k] / np.sqrt(reliability[s][k] * reliability[t][k]) for s, t in away])
                for k in range(16)
            ],
            False,
        ),
    }
    for quantity, (values, fisher) in expected.items():
        for concept in ("honesty", "all"):
            cell = found.sel(concept=concept, quantity=quantity).values
            np.testing.assert_allclose(
                cell, oracle.jackknife([float(x) for x in values], 0.9, fisher=fisher, folds=5), rtol=1e-10
            )


def test_permuting_languages_changes_nothing_at_all():
    scores, replicates = random_scores(np.random.default_rng(6)), random_replicates(np.random.default_rng(7))
    expected = overview(list(scores.values()), [replicates], [make_choice(1)], SPEC)
    for order in itertools.permutations(LANGUAGES):
        turned = Replicates(replicates.data.sel(source=list(order), target=list(order)))
        found = overview(list(reordered(scores, order).values()), [turned], [make_choice(1)], SPEC)
        xr.testing.assert_identical(found, expected)


def test_one_language_has_no_cross_language_numbers():
    scores = random_scores(np.random.default_rng(8), languages=("en",))
    replicates = random_replicates(np.random.default_rng(9), languages=("en",))
    found = overview(list(scores.values()), [replicates], [make_choice(1)], SPEC)["value"]
    for quantity in QUANTITIES:
        cells = found.sel(quantity=quantity).values
        assert np.isnan(cells).all() == (quantity in ("cross", "transfer", "cosine", "disattenuated"))


def test_unmeasured_languages_are_left_out_of_the_mean():
    scores = random_scores(np.random.default_rng(10))
    without = {name: item for name, item in scores.items() if name != "sw"}
    scores["sw"].data["split"].values[:] = "select"
    replicates = [random_replicates(np.random.default_rng(11))]
    found = overview(list(scores.values()), replicates, [make_choice(1)], SPEC)["value"]
    expected = overview(list(without.values()), replicates, [make_choice(1)], SPEC)["value"]
    np.testing.assert_array_equal(found.sel(quantity="within").values, expected.sel(quantity="within").values)


@pytest.mark.parametrize("quantity", ["within", "random"])
def test_perfect_scores_are_not_certain(quantity):
    scores = random_scores(np.random.default_rng(12))
    for item in scores.values():
        item.data["projection"].values[:, 0] = 9
        item.data["projection"].values[:, 1] = -9
        item.data["control"].values[:] = 1
    found = overview(list(scores.values()), [random_replicates(np.random.default_rng(0))], [make_choice(1)], SPEC)
    estimate, lower, upper = found["value"].sel(concept="all", quantity=quantity).values
    assert estimate == upper == 1
    assert 0.5 < lower < 0.99
