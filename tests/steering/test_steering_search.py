"""The search finds the best setting within a budget, on curves whose best is known, and says when there is none."""

import math
from collections.abc import Sequence

import pytest

from polyvalues.config import BudgetSpec
from polyvalues.steering.search import (
    Base,
    Point,
    Trial,
    admitted,
    choose,
    choose_jointly,
    layer_sets,
    pareto,
    ranked,
    search,
)

BUDGET = BudgetSpec()
BASE = {"fi": Base(0.1, 1.0, 1.0), "sw": Base(0.0, 1.0, 1.0)}
NAN = float("nan")


def curve(best_layer: int, limit: float):
    """Effect grows with strength at one layer; willingness breaks down beyond `limit`."""

    def evaluate(_: int, target: str, points: Sequence[Point]) -> list[Trial]:
        found = []
        for point in points:
            good = 1.0 if point.layers == (best_layer,) else 0.3
            effect = good * min(1.0, point.strength / 0.5)
            found.append(Trial(target, point, NAN, effect, 1.0 if point.strength <= limit else 0.5, 1.0))
        return found

    return evaluate


def test_layer_sets_are_windows() -> None:
    assert layer_sets((0, 3, 6), (1, 2)) == ((0,), (3,), (6,), (0, 3), (3, 6))
    assert layer_sets((0, 3), (1, 5)) == ((0,), (3,))


@pytest.mark.parametrize("limit", [0.27, 0.33, 0.45])
def test_the_strongest_admissible_strength_at_the_best_layer_is_approached(limit: float) -> None:
    chosen = []
    for rounds in (0, 1, 4):
        trials = search(BASE, layer_sets((0, 1, 2), (1, 2)), (0.2, 0.8), curve(1, limit), BUDGET, rounds)
        best = choose(trials, BASE, BUDGET)["fi"]
        assert best is not None
        assert best.point.layers == (1,)
        assert best.point.strength <= limit
        chosen.append(best.point.strength)
        points = [trial.point for trial in trials if trial.target == "fi"]
        assert len(points) == len(set(points))  # nothing is tried twice
    assert chosen == sorted(chosen)
    assert chosen[-1] > 0.85 * limit


def test_nothing_is_chosen_where_nothing_helps() -> None:
    def useless(_: int, target: str, points: Sequence[Point]) -> list[Trial]:
        return [Trial(target, point, NAN, 0.1, 1.0, 1.0) for point in points]

    trials = search(BASE, ((0,),), (0.2,), useless, BUDGET, 2)
    assert choose(trials, BASE, BUDGET)["fi"] is None
    assert choose(trials, BASE, BUDGET)["sw"] is not None  # 0.1 is more than 0 there


@pytest.mark.parametrize(
    ("change", "inside"),
    [
        ({}, True),
        ({"benign": 0.96}, True),
        ({"benign": 0.94}, False),
        ({"language": 0.94}, False),
        ({"language": NAN}, True),
        ({"kl": 0.6}, False),
        ({"kl": 0.4}, True),
        ({"perplexity": 3.0}, False),
    ],
)
def test_budgets(change: dict[str, float], inside: bool) -> None:
    trial = Trial("fi", Point((0,), 0.2), NAN, **{"effect": 0.5, "benign": 1.0, "language": 1.0} | change)
    assert admitted(trial, Base(0.1, 1.0, 1.0), BudgetSpec(kl=0.5, perplexity=2.0)) == inside


def test_a_language_that_is_mixed_anyway_is_not_held_to_more_than_it_does() -> None:
    trial = Trial("fi", Point((0,), 0.2), NAN, 0.5, 1.0, 0.7)
    assert admitted(trial, Base(0.1, 1.0, 0.7), BUDGET)
    assert not admitted(trial, Base(0.1, 1.0, 0.8), BUDGET)


def test_of_equals_the_cheaper_and_then_the_weaker() -> None:
    one, two, three = (
        Trial("fi", Point((0,), strength), NAN, 0.5, benign, 1.0)
        for strength, benign in ((0.2, 0.96), (0.4, 1.0), (0.3, 1.0))
    )
    assert ranked([one, two, three], BASE["fi"], BUDGET) == [three, two, one]


def test_jointly_one_setting_serves_all() -> None:
    def trial(target: str, strength: float, effect: float, benign: float = 1.0) -> Trial:
        return Trial(target, Point((0,), strength), NAN, effect, benign, 1.0)

    trials = [trial("fi", 0.2, 0.9), trial("sw", 0.2, 0.1), trial("fi", 0.4, 0.6), trial("sw", 0.4, 0.6)]
    chosen = choose_jointly(trials, BASE, BUDGET)
    assert {one.point.strength for one in chosen.values() if one} == {0.4}
    broken = [*trials[:2], trial("fi", 0.4, 0.6, 0.8), trial("sw", 0.4, 0.6, 1.0)]  # 0.1 lost on average
    assert {one.point.strength for one in choose_jointly(broken, BASE, BUDGET).values() if one} == {0.2}
    assert choose_jointly([trial("fi", 0.2, 0.0), trial("sw", 0.2, 0.0)], BASE, BUDGET) == {"fi": None, "sw": None}


def test_pareto_front() -> None:
    points = [(0.2, 1.0), (0.5, 0.9), (0.4, 0.8), (0.9, 0.3), (0.1, 1.0)]
    trials = [
        Trial("fi", Point((0,), at + 1.0), NAN, effect, benign, 1.0) for at, (effect, benign) in enumerate(points)
    ]
    assert [(trial.effect, trial.benign) for trial in pareto(trials, BASE["fi"])] == [
        (0.2, 1.0),
        (0.5, 0.9),
        (0.9, 0.3),
    ]
    assert not math.isnan(pareto(trials, BASE["fi"])[0].effect)
