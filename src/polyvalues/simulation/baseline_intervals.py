"""Coverage of the baseline's interval, and how often its check fails where nothing is wrong."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from polyvalues.analysis.hypothesis_tests.baseline_check import Drawn, centre, drawn_accuracy, verdict
from polyvalues.simulation.simulated_scores import Simulation

DRAWS: Final = 64
_HIDDEN: Final = 24


def _drawn(rng: np.random.Generator, *, heavy: bool) -> Drawn:
    """Both kinds on 60 pairs whose differences share a strong direction; groups of unequal size, or t4 noise."""
    size = rng.integers(1, 6, 60) if heavy else np.ones(60, dtype=np.int64)
    group = np.repeat(np.arange(60), size)[:60]
    noise = rng.standard_t(4, (60, _HIDDEN)) if heavy else rng.standard_normal((60, _HIDDEN))
    noise = noise + rng.standard_normal((60, _HIDDEN))[group]
    difference = noise + 3.0 * rng.standard_normal(_HIDDEN)  # longer texts, say: the same in every pair
    fitted = rng.standard_normal((60, _HIDDEN)) + 3.0 * rng.standard_normal(_HIDDEN)
    permuted = rng.choice([-1.0, 1.0], (DRAWS, 60)) @ fitted
    directions = np.stack([rng.standard_normal((DRAWS, _HIDDEN)), permuted])
    correct = (np.einsum("ph,kdh->pkd", difference, directions) > 0).astype(np.float32)
    return drawn_accuracy(correct, group, int(group[-1]) + 1)


def covered(name: str, *, heavy: bool) -> Callable[[np.random.Generator], Mapping[str, tuple[float, ...]]]:
    """One replication: the mean of label-permuted directions, whose truth is one half."""

    def replication(rng: np.random.Generator) -> Mapping[str, tuple[float, ...]]:
        estimate, lower, upper = centre(_drawn(rng, heavy=heavy), 0.95).interval[1].tolist()
        return {name: (estimate, lower, upper, 0.5)}

    return replication


def failed(rng: np.random.Generator) -> Mapping[str, float]:
    """One replication: 0 where the check fails, 1 where it does not."""
    return {
        name: 0.0 if verdict(centre(_drawn(rng, heavy=heavy), 0.95)) == "fail" else 1.0
        for name, heavy in (("baseline fails", False), ("baseline fails, t4 and unequal groups", True))
    }


BASELINES: Final[tuple[Simulation, ...]] = (
    Simulation("baseline", "coverage", covered("baseline", heavy=False)),
    Simulation("baseline, t4", "coverage", covered("baseline, t4 and unequal groups", heavy=True)),
    Simulation("baseline", "size", failed),
)
