"""Baselines: their variance against a slow oracle and against known laws, their verdict, and a vector's place."""

import numpy as np
import pytest

from polyvalues.analysis.hypothesis_tests.baseline_check import (
    Drawn,
    centre,
    drawn_accuracy,
    draws_needed,
    mean_of,
    mean_over_strata,
    placement,
    spread,
    verdict,
)

CONFIDENCE = 0.95


def coins(pairs: int, draws: int, *, common: float, seed: int) -> np.ndarray:
    """Right or wrong by pair and draw; `common` is the share of the variance that all pairs of a draw share."""
    rng = np.random.default_rng(seed)
    latent = np.sqrt(common) * rng.standard_normal((1, draws)) + np.sqrt(1 - common) * rng.standard_normal(
        (pairs, draws)
    )
    return (latent > 0).astype(np.float32)


def drawn(correct: np.ndarray, size: int = 1) -> Drawn:
    group = np.arange(len(correct)) // size
    return drawn_accuracy(correct, group, int(group[-1]) + 1)


def slow_variance(correct: np.ndarray, size: int) -> tuple[float, float]:
    """Both parts of the variance, one draw and one group at a time."""
    pairs, draws = correct.shape
    accuracy = [float(np.mean(correct[:, d])) for d in range(draws)]
    count, single, seen = pairs // size, 0.0, 0.0
    for g in range(count):
        own = [sum(float(correct[p, d]) - accuracy[d] for p in range(g * size, (g + 1) * size)) for d in range(draws)]
        single += sum((value / pairs) ** 2 for value in own) / draws
        seen += (sum(own) / draws / pairs) ** 2
    single, seen = single * count / (count - 1), seen * count / (count - 1)
    mean = sum(accuracy) / draws
    between = sum((value - mean) ** 2 for value in accuracy) / (draws - 1)
    return between / draws, max(0.0, seen - (single - seen) / (draws - 1))


@pytest.mark.parametrize(("size", "common"), [(1, 0.0), (3, 0.3), (1, 0.5)])
def test_the_variance_is_that_of_the_slow_loop(size: int, common: float) -> None:
    correct = coins(24, 6, common=common, seed=size)
    found = centre(drawn(correct, size), CONFIDENCE)
    draws, items = slow_variance(correct, size)
    assert float(found.draws) == pytest.approx(draws)
    assert float(found.items) == pytest.approx(items, abs=1e-12)
    assert float(found.interval[0]) == pytest.approx(correct.mean())


def test_the_luck_of_draws_is_in_the_interval() -> None:
    """Pairs that all follow the draw: more of them tell nothing more, and the interval must not shrink with them."""
    few, many = (centre(drawn(coins(pairs, 16, common=0.9, seed=1)), CONFIDENCE).interval for pairs in (50, 2000))
    assert (many[2] - many[1]) > 0.8 * (few[2] - few[1])
    more = centre(drawn(coins(2000, 256, common=0.9, seed=1)), CONFIDENCE).interval
    assert (more[2] - more[1]) < 0.35 * (many[2] - many[1])


def test_items_that_every_draw_gets_right_are_in_the_interval() -> None:
    """An advantage that items have in every draw varies between items, not between draws."""
    rng = np.random.default_rng(2)
    right = np.repeat((rng.random((40, 1)) < 0.7).astype(np.float32), 64, axis=1)
    found = centre(drawn(right), CONFIDENCE)
    assert float(found.draws) < 1e-20
    assert float(found.items) == pytest.approx(right.mean() * (1 - right.mean()) / 39, rel=1e-6)


def test_no_spread_is_no_certainty() -> None:
    found = centre(drawn(np.ones((10, 8), np.float32)), CONFIDENCE).interval
    assert found[0] == found[2] == 1
    assert found[1] == pytest.approx((0.025) ** (1 / 10))
    one = centre(drawn(coins(4, 8, common=0.0, seed=0), 4), CONFIDENCE)
    assert one.interval[2] - one.interval[1] > 0.9
    assert float(one.p) == 1
    assert np.isnan(centre(drawn(np.ones((10, 1), np.float32)), CONFIDENCE).interval).all()


def test_means_are_those_of_the_joined_pairs() -> None:
    """Languages with the same groups: their mean is that of all their pairs, group by group."""
    parts = [coins(30, 8, common=0.2, seed=seed) for seed in (3, 4)]
    mean = mean_of([drawn(part) for part in parts])
    group = np.tile(np.arange(30), 2)
    whole = drawn_accuracy(np.concatenate(parts), group, 30)
    np.testing.assert_allclose(mean.accuracy, whole.accuracy)
    np.testing.assert_allclose(centre(mean, CONFIDENCE).interval, centre(whole, CONFIDENCE).interval)
    apart = mean_over_strata([[drawn(parts[0])], [drawn(parts[1])]])
    assert apart.groups == 60
    np.testing.assert_allclose(apart.accuracy, mean.accuracy)
    joined = mean_over_strata([[drawn(part) for part in parts]])
    np.testing.assert_allclose(joined.error, mean.error)


def test_a_vector_is_placed_among_the_draws() -> None:
    accuracy = np.array([0.4, 0.45, 0.5, 0.55, 0.7])
    part = Drawn(accuracy, np.zeros((1, 5)), 1)
    assert float(placement(0.9, part)) == pytest.approx(1 / 6)  # the smallest there is
    assert float(placement(0.6, part)) == pytest.approx(3 / 6)
    assert float(placement(0.3, part)) == pytest.approx(2 / 6)  # two-sided
    assert float(placement(0.5, part)) == 1
    assert np.isnan(placement(np.nan, part))
    assert spread(part, 0.5).tolist() == pytest.approx([0.52, 0.45, 0.55])


def kinds(*accuracies: float, spread_by: float = 0.01, draws: int = 64) -> Drawn:
    steps = np.linspace(-1, 1, draws) * spread_by
    accuracy = np.stack([value + steps for value in accuracies])
    return Drawn(accuracy, np.zeros((20, *accuracy.shape)), 20)


@pytest.mark.parametrize(
    ("accuracies", "spread_by", "expected"),
    [
        ((0.5, 0.5), 0.01, "pass"),
        ((0.5, 0.53), 0.01, "fail"),
        ((0.47, 0.5), 0.01, "fail"),
        ((0.5, 0.5), 0.49, "cannot tell"),
    ],
)
def test_the_verdict(accuracies: tuple[float, float], spread_by: float, expected: str) -> None:
    assert verdict(centre(kinds(*accuracies, spread_by=spread_by), CONFIDENCE)) == expected


def test_more_draws_are_asked_for_where_draws_are_what_is_lacking() -> None:
    wide = centre(kinds(0.5, 0.5, spread_by=0.49), CONFIDENCE).interval
    wanted = draws_needed(wide, 64)
    assert wanted > 64
    enough = centre(kinds(0.5, 0.5, spread_by=0.49, draws=wanted), CONFIDENCE)
    assert verdict(enough) == "pass"
