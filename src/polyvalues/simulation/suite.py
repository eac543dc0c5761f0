"""Runs the simulations and counts.

    coverage   share of replications whose 95 % interval holds the truth; goal 93 to 97 %
    size       share of replications without an effect in which p <= 0.05; goal 4 to 6 %, exact tests may be below
    power      share of replications with an effect in which p <= 0.05

Each share comes with its own Clopper-Pearson interval, for the number of replications is finite. The same seed gives
the same numbers; replication r of a simulation is drawn from its own stream, named for the simulation.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import stats

from polyvalues.analysis.statistics.bootstrap import stable_hash
from polyvalues.simulation import correlation_intervals, cosine_intervals
from polyvalues.simulation.accuracy_intervals import ACCURACIES
from polyvalues.simulation.baseline_intervals import BASELINES
from polyvalues.simulation.coverage import COVERAGE
from polyvalues.simulation.divergence_false_positives import OUTLYING
from polyvalues.simulation.false_positives import SIZE
from polyvalues.simulation.genealogy_tests import GENEALOGY
from polyvalues.simulation.mirrored_data import MIRRORED
from polyvalues.simulation.population_coverage import POPULATIONS
from polyvalues.simulation.power import NUMBERS, power
from polyvalues.simulation.predictor_coverage import PREDICTORS
from polyvalues.simulation.simulated_scores import Simulation

SIMULATIONS: Final[tuple[Simulation, ...]] = (
    *COVERAGE,
    *ACCURACIES,
    *SIZE,
    *MIRRORED,
    *BASELINES,
    *OUTLYING,
    *GENEALOGY,
    *POPULATIONS,
    *PREDICTORS,
    *cosine_intervals.SIMULATIONS,
    *correlation_intervals.SIMULATIONS,
)

GOALS: Final = {"coverage": (0.93, 0.97), "size": (0.04, 0.06)}


@dataclass(frozen=True)
class Verified:
    """One line of the result.

    Attributes:
        kind: coverage, size or power.
        name: the quantity or test.
        items: number of items (power), else 0.
        share: of the replications.
        lower, upper: its 95 % Clopper-Pearson interval.
        bias: mean of estimate less truth (coverage), else NaN.
        replications: how many; in coverage, those in which an interval was reported.
    """

    kind: str
    name: str
    items: int
    share: float
    lower: float
    upper: float
    bias: float
    replications: int

    @property
    def verdict(self) -> str:
        """`ok`, `low` or `high`: whether the goal lies wholly outside the interval of the share; empty for power."""
        if self.kind not in GOALS:
            return ""
        low, high = GOALS[self.kind]
        return "low" if self.upper < low else "high" if self.lower > high else "ok"


def verify(
    replications: int = 1000,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
    *,
    with_power: bool = True,
    quick: bool = False,
) -> Iterator[Verified]:
    """Run the simulations.

    Args:
        replications: of each simulation; slow ones run a share of them (`Simulation.weight`).
        seed: of everything.
        tick: called after each replication.
        with_power: whether the power curves are made, too.
        quick: run the quick simulations only.

    Yields:
        Results, simulation by simulation.
    """
    for simulation in _chosen(quick):
        count = simulation.replications(replications)
        rows = _rows(simulation.run, count, (seed, stable_hash(f"{simulation.kind} {simulation.name}")), tick)
        for name in rows[0]:
            if simulation.kind == "size":
                yield _counted("size", name, 0, np.array([row[name] <= 0.05 for row in rows]))
                continue
            cells = np.array([row[name] for row in rows])
            cells = cells[~np.isnan(cells).any(axis=1)]  # no interval was given: too noisy to be reported
            inside = (cells[:, 1] <= cells[:, 3]) & (cells[:, 3] <= cells[:, 2])
            yield _counted("coverage", name, 0, inside, float(np.mean(cells[:, 0] - cells[:, 3])))
    if with_power:
        for items in NUMBERS:
            key = (seed, stable_hash("power"), items)
            rows = _rows(lambda rng, items=items: power(items, rng), replications, key, tick)
            for name in rows[0]:
                yield _counted("power", name, items, np.array([row[name] for row in rows]))


def write_verified(found: Sequence[Verified], path: Path) -> None:
    """One row per result, as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(field.name for field in fields(Verified)), "verdict"])
        writer.writerows((*astuple(row), row.verdict) for row in found)


def verify_steps(replications: int, *, with_power: bool = True, quick: bool = False) -> int:
    """How often `verify` will call `tick`."""
    runs = sum(simulation.replications(replications) for simulation in _chosen(quick))
    return runs + (replications * len(NUMBERS) if with_power else 0)


def _chosen(quick: bool) -> tuple[Simulation, ...]:
    return tuple(simulation for simulation in SIMULATIONS if simulation.quick or not quick)


def _rows(
    simulate: Callable[[np.random.Generator], Any], replications: int, key: tuple[int, ...], tick: Callable[[], None]
) -> list[Any]:
    rows = []
    for replication in range(replications):
        rows.append(simulate(np.random.default_rng([*key, replication])))
        tick()
    return rows


def _counted(kind: str, name: str, items: int, happened: np.ndarray, bias: float = float("nan")) -> Verified:
    count, total = int(happened.sum()), len(happened)
    found = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
    return Verified(kind, name, items, count / total, float(found.low), float(found.high), bias, total)
