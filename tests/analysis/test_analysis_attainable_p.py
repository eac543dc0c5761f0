"""What a test could have shown: smallest possible p-values reached by the most extreme data, and nothing below them."""

import itertools

import numpy as np
import pytest

from polyvalues.analysis.hypothesis_tests.chance_test import chance
from polyvalues.analysis.hypothesis_tests.paired_differences import languages_difference
from polyvalues.analysis.hypothesis_tests.transfer_direction import direction
from polyvalues.analysis.statistics.attainable_p import power_seen, sign_flip_smallest
from polyvalues.analysis.statistics.rank_correlation import rank_smallest, rank_test
from polyvalues.analysis.statistics.sign_flip_test import sign_flip_p
from polyvalues.config import StatisticsSpec
from reference.measure_cases import make_choice, make_scores

SPEC = StatisticsSpec(draws=20)


def scores_of(right: np.ndarray, languages: tuple[str, ...]) -> list:
    """`right` `[pair, source, target]`, 1 or 0, as scores of +-1."""
    found = []
    for at, target in enumerate(languages):
        gap = np.where(right[:, :, at] > 0, 1.0, -1.0)
        sides = np.stack([gap, np.zeros_like(gap)], axis=1)[:, :, None]
        found.append(make_scores(sides, target=target, sources=languages))
    return found


@pytest.mark.parametrize("groups", [1, 3, 5, 8])
def test_flips_reach_their_smallest_p_and_no_less(groups: int) -> None:
    signs = np.array(list(itertools.product([-0.5, 0.5], repeat=groups))).T
    p = sign_flip_p(signs)
    assert p.min() == pytest.approx(2.0 ** (1 - groups))
    assert sign_flip_smallest(np.array([groups]))[0] == pytest.approx(p.min())
    assert np.isnan(sign_flip_smallest(np.array([0]))).all()


@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_ranks_reach_their_smallest_p(count: int) -> None:
    values = np.arange(count, dtype=float)
    smallest = rank_smallest(values, values, "key", 0)
    assert smallest == rank_test(values, values, "key", 0)[1]
    if count <= 5:
        assert smallest == pytest.approx(2 / np.prod(range(1, count + 1)))
        seen = [rank_test(values, values[list(order)], "key", 0)[1] for order in itertools.permutations(range(count))]
        assert min(seen) == pytest.approx(smallest)
    tied = np.array([0.0] * (count - 1) + [1.0])
    assert rank_smallest(values, tied, "key", 0) > smallest


@pytest.mark.parametrize(("shares", "smallest"), [((100.0, 10.0, 1.0), 1 / 3), ((100.0, 50.0, 1.0), 1 / 6)])
def test_three_languages_cannot_show_a_direction(shares: tuple[float, ...], smallest: float) -> None:
    languages = ("en", "fr", "sw")
    right = np.zeros((30, 3, 3))
    right[:20] = np.eye(3)
    right[20:, 0, 1:] = right[20:, 1, 2] = 1  # the better-resourced give and do not get
    found = direction(scores_of(right, languages), [make_choice(0)], dict(zip(languages, shares, strict=True)), SPEC)
    cell = found.sel(concept="all")
    assert float(cell["p_smallest"]) == pytest.approx(smallest)
    assert float(cell["p"]) >= float(cell["p_smallest"]) - 1e-12
    assert float(cell["slope"].sel(interval="lower")) > 0  # and yet the interval over items leaves out 0
    assert float(cell["power"]) == 0


def test_few_groups_are_out_of_reach() -> None:
    few, many = (np.ones((groups, 2, 2)) for groups in (5, 6))
    for right, reached in ((few, False), (many, True)):
        found = chance(scores_of(right, ("en", "fr")), [make_choice(0)])
        assert (found["p"].values == found["p_smallest"].values).all()
        assert ((found["p_smallest"].values <= 0.05) == reached).all()
        assert ((found["power"].values > 0) == reached).all()
    alike = languages_difference(scores_of(many, ("en", "fr")), [make_choice(0)], SPEC)
    cell = alike.sel(concept="honesty", target="en", other="fr")
    assert (float(cell["p"]), float(cell["p_smallest"])) == (1.0, 2.0**-5)


def test_power_at_the_effect_seen() -> None:
    p = np.array([0.05, 0.001, 1.0, np.nan, 0.2])
    found = power_seen(p, np.array([0.01, 0.0001, 0.01, np.nan, 0.1]))
    assert found[0] == pytest.approx(0.5, abs=0.001)
    assert found[1] > 0.9
    assert found[2] == pytest.approx(0.05)
    assert np.isnan(found[3])
    assert found[4] == 0
