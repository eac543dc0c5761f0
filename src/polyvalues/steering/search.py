"""A sequential search for where and how strongly to steer, under a budget; pure, whatever the trials are made by.

Round 0 tries every set of layers at a few strengths. Each further round goes on from the best settings of each target
and tries the strengths half way (geometrically) to their neighbours. Every trial is kept, so the whole curve can be
drawn. The best setting is the one with the largest effect among those within the budget; of equals, the one with the
least loss of willingness, then the least strength. None is chosen where nothing within the budget beats not steering.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from polyvalues.config import BudgetSpec
from polyvalues.dimensions import Language

_KEPT = 3


@dataclass(frozen=True, order=True)
class Point:
    """Where and how strongly.

    Attributes:
        layers: blocks steered together.
        strength: in mean norms.
    """

    layers: tuple[int, ...]
    strength: float


@dataclass(frozen=True)
class Trial:
    """A setting, tried on one target.

    Attributes:
        target: the language.
        point: layers and strength.
        gate: share of upholding prompts let through; NaN: every prompt is steered.
        effect: rate of the behaviour on violating prompts, larger is better.
        benign: rate of willing answers on upholding prompts.
        language: share of answers that keep their language; NaN where it cannot be told.
        kl: nats on neutral text; NaN where not measured.
        perplexity: times that of unsteered answers; NaN where not measured.
    """

    target: Language
    point: Point
    gate: float
    effect: float
    benign: float
    language: float
    kl: float = math.nan
    perplexity: float = math.nan


@dataclass(frozen=True)
class Base:
    """The unsteered rates of one target."""

    effect: float
    benign: float
    language: float


Evaluate = Callable[[int, Language, Sequence[Point]], Sequence[Trial]]
"""`(round, target, points) -> trials`, one or more per point (a trial per gate)."""


def admitted(trial: Trial, base: Base, budget: BudgetSpec) -> bool:
    """Whether a trial is within the budget. What could not be measured does not exclude it."""
    least = None if budget.language is None else min(budget.language, base.language)  # never stricter than no steering
    return not (
        (budget.benign is not None and base.benign - trial.benign > budget.benign + 1e-9)
        or (least is not None and trial.language < least - 1e-9)
        or (budget.kl is not None and trial.kl > budget.kl)
        or (budget.perplexity is not None and trial.perplexity > budget.perplexity)
    )


def layer_sets(layers: Sequence[int], windows: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Sets of neighbouring layers of the given sizes; a size over the number of layers is left out."""
    return tuple(
        tuple(layers[start : start + size])
        for size in dict.fromkeys(windows)
        for start in range(len(layers) - size + 1)
    )


def search(
    bases: Mapping[Language, Base],
    sets: Sequence[tuple[int, ...]],
    strengths: Sequence[float],
    evaluate: Evaluate,
    budget: BudgetSpec,
    rounds: int,
) -> tuple[Trial, ...]:
    """Every trial of the search, in the order they were made.

    Args:
        bases: unsteered rates of each target.
        sets: sets of layers.
        strengths: of round 0.
        evaluate: makes trials.
        budget: what may be spent.
        rounds: further rounds.
    """
    trials: list[Trial] = []
    first = [Point(layers, strength) for layers in sets for strength in sorted(strengths)]
    for target in bases:
        trials += evaluate(0, target, first)
    for number in range(1, rounds + 1):
        for target, base in bases.items():
            own = [trial for trial in trials if trial.target == target]
            points = _between(own, base, budget)
            if points:
                trials += evaluate(number, target, points)
    return tuple(trials)


def _between(own: Sequence[Trial], base: Base, budget: BudgetSpec) -> list[Point]:
    """Untried points next to the best ones."""
    best = list(dict.fromkeys(trial.point for trial in ranked(own, base, budget)))[:_KEPT]
    tried = sorted({trial.point for trial in own})
    found = []
    for point in best:
        ladder = [0.0, *(other.strength for other in tried if other.layers == point.layers)]
        for low, high in pairwise(ladder):
            if point.strength in (low, high):
                middle = math.sqrt(low * high) if low else high / 2
                found.append(Point(point.layers, round(middle, 6)))
        if point.strength == ladder[-1]:
            found.append(Point(point.layers, round(2 * point.strength, 6)))
    return [point for point in dict.fromkeys(found) if point not in tried]


def ranked(trials: Sequence[Trial], base: Base, budget: BudgetSpec) -> list[Trial]:
    """Best first: those within the budget, then the others by how little they lose."""

    def key(trial: Trial) -> tuple[bool, float, float, float]:
        inside = admitted(trial, base, budget)
        return (
            not inside,
            -trial.effect if inside else base.benign - trial.benign,
            -trial.benign,
            trial.point.strength,
        )

    return sorted(trials, key=key)


def choose(
    trials: Sequence[Trial], bases: Mapping[Language, Base], budget: BudgetSpec
) -> Mapping[Language, Trial | None]:
    """The best setting of each target; None where none within the budget beats not steering."""
    chosen: dict[Language, Trial | None] = {}
    for target, base in bases.items():
        own = ranked([trial for trial in trials if trial.target == target], base, budget)
        good = own and admitted(own[0], base, budget) and own[0].effect > base.effect
        chosen[target] = own[0] if good else None
    return chosen


def choose_jointly(
    trials: Sequence[Trial], bases: Mapping[Language, Base], budget: BudgetSpec
) -> Mapping[Language, Trial | None]:
    """One setting for all targets: the largest mean effect whose mean costs are within the budget."""
    by_setting: dict[tuple[Point, float], list[Trial]] = {}
    for trial in trials:
        gate = -1.0 if math.isnan(trial.gate) else trial.gate
        by_setting.setdefault((trial.point, gate), []).append(trial)
    whole = {setting: own for setting, own in by_setting.items() if len(own) == len(bases)}
    base = Base(*(_mean([getattr(own, name) for own in bases.values()]) for name in ("effect", "benign", "language")))
    means = {setting: _average(own) for setting, own in whole.items()}
    order = ranked(list(means.values()), base, budget)
    if not order or not admitted(order[0], base, budget) or order[0].effect <= base.effect:
        return dict.fromkeys(bases)
    setting = next(setting for setting, mean in means.items() if mean is order[0])
    return {trial.target: trial for trial in whole[setting]}


def _average(own: Sequence[Trial]) -> Trial:
    names = ("effect", "benign", "language", "kl", "perplexity")
    return Trial("", own[0].point, own[0].gate, *(_mean([getattr(trial, name) for trial in own]) for name in names))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def pareto(trials: Sequence[Trial], base: Base) -> tuple[Trial, ...]:
    """Trials that no other beats in effect without losing more willingness, by falling loss."""
    found: list[Trial] = []
    for trial in sorted(trials, key=lambda one: (base.benign - one.benign, -one.effect)):
        if not found or trial.effect > found[-1].effect:
            found.append(trial)
    return tuple(found)
