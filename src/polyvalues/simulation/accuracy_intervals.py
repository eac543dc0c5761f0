"""Coverage of accuracies and their paired differences with few and unequal groups.

    gap[p, c] = mu[c] + (a_g + b_gc + d_p + e_pc) / 2         p a pair of group g, c one of two vectors

a, b, d and e have mean 0 and variance 1, so half of the variance is common to a group and half of that to both vectors:
normal, Student's t with 4 degrees of freedom, or exponential (skewed). A pair is right where its gap is positive.

    accuracy  P(gap > 0): Phi(mu) for the normal law, else from 2^22 draws
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from jaxtyping import Float64, Int
from scipy import stats

from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.transfer import transfer
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, INTERVAL
from polyvalues.simulation.population_coverage import scores_of
from polyvalues.simulation.simulated_scores import CHOICE, CONCEPT_NAME, Simulation

UNEQUAL: Final = (1, 1, 1, 2, 2, 3, 5)
"""Sizes of unequal groups, over and over."""
DRAWS: Final = 400

Covered = Mapping[str, tuple[float, float, float, float]]


@dataclass(frozen=True)
class Grouped:
    """Data of one simulation.

    Attributes:
        name: for the line of the table.
        sizes: pairs per group, over and over.
        groups: how many.
        mu: of the own and of the foreign vector.
        tails: `normal`, `t4` or `skewed`.
    """

    name: str
    sizes: tuple[int, ...]
    groups: int
    mu: tuple[float, float]
    tails: str = "normal"

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Float64[np.ndarray, "*cell"]:
        """Effects of mean 0 and variance 1."""
        if self.tails == "t4":
            return rng.standard_t(4, size=shape) / np.sqrt(2)
        return rng.exponential(size=shape) - 1 if self.tails == "skewed" else rng.standard_normal(shape)

    def group(self) -> Int[np.ndarray, " pair"]:
        """Group of each pair."""
        return np.repeat(np.arange(self.groups), np.resize(self.sizes, self.groups))


@cache
def truth(law: Grouped) -> tuple[float, float]:
    """Accuracy of the own and of the foreign vector."""
    if law.tails == "normal":
        own, foreign = stats.norm.cdf(law.mu)
        return float(own), float(foreign)
    rng = np.random.default_rng(0)
    noise = sum((law.draw((1 << 22,), rng) for _ in range(4)), np.zeros(1 << 22)) / 2
    return float(np.mean(noise > -law.mu[0])), float(np.mean(noise > -law.mu[1]))


def grouped(law: Grouped) -> Callable[[np.random.Generator], Covered]:
    """Accuracy of an own vector, and transfer from a foreign one."""

    def replication(rng: np.random.Generator) -> Covered:
        group = law.group()
        shared = law.draw((law.groups, 1), rng) + law.draw((law.groups, 2), rng)
        pairs = law.draw((len(group), 1), rng) + law.draw((len(group), 2), rng)
        own, foreign = (np.array(law.mu) + (shared[group] + pairs) / 2).T
        gap = np.stack([np.stack([own, foreign], axis=1), np.stack([foreign, own], axis=1)], axis=2)
        spec = StatisticsSpec(draws=DRAWS, seed=int(rng.integers(2**31)))
        scores = scores_of(gap, group)
        where = {"concept": CONCEPT_NAME, "target": "l00", INTERVAL: list(BOUNDS)}
        chosen = recognition(scores, [CHOICE], spec)["chosen"].sel(source="l00", **where).values.tolist()
        gained = transfer(scores, [CHOICE], spec)["transfer"].sel(source="l01", **where).values.tolist()
        right, other = truth(law)
        return {
            f"accuracy, {law.name}": (chosen[0], chosen[1], chosen[2], right),
            f"transfer, {law.name}": (gained[0], gained[1], gained[2], other - right),
        }

    return replication


LAWS: Final = (
    Grouped("28 unequal groups", UNEQUAL, 28, (1.0, 0.5)),
    Grouped("14 unequal groups", UNEQUAL, 14, (0.5, 0.2)),
    Grouped("56 unequal groups, heavy tails", UNEQUAL, 56, (1.0, 0.5), "t4"),
    Grouped("56 unequal groups, near 1", UNEQUAL, 56, (1.645, 1.0)),
    Grouped("28 unequal groups, skewed", UNEQUAL, 28, (0.5, 0.2), "skewed"),
    Grouped("20 groups of 3", (3,), 20, (1.0, 0.5)),
    Grouped("20 groups of 3, heavy tails", (3,), 20, (0.5, 0.2), "t4"),
    Grouped("120 groups of 1, near 1", (1,), 120, (1.645, 1.0)),
    Grouped("10 groups of 1", (1,), 10, (0.5, 0.0)),
)

ACCURACIES: Final[tuple[Simulation, ...]] = tuple(
    Simulation(f"accuracies, {law.name}", "coverage", grouped(law), quick=at == 0) for at, law in enumerate(LAWS)
)
"""Coverage of accuracies and their paired differences, one simulation per law."""
