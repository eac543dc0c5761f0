"""Scores drawn from a known law, so that every number a study reports has a true value in closed form.

    gap[p, s, t] = mu[s, t] + sqrt(share) c_p + sqrt(1 - share) e_pst        c, e standard normal
    positive side b_p + gap / 2, negative side b_p - gap / 2                 b standard normal

    accuracy  Phi(mu[s, t])
    AUROC     Phi(mu[s, t] / sqrt(5/2))       two independent texts: variances 1 + 1/4 each

`c_p` is what an item has in common in all languages; it makes accuracies of two cells depend on each other, as they do
in translated pairs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from jaxtyping import Float64
from scipy import stats

from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.dimensions import CONTROL, CONTROLS, SIDES

CONCEPT_NAME = "planted"
CHOICE = LayerChoice(CONCEPT_NAME, 0, np.array([], np.int32), np.array([0.5]), np.array([0], np.int32))
"""The only layer there is."""
SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Simulation:
    """One simulation: data drawn from a law with known answers, analysed as a study analyses them.

    Attributes:
        name: identifies its stream of random numbers; renaming it changes its draws, adding others does not.
        kind: `coverage` (`run` gives estimate, lower, upper, truth by quantity) or `size` (`run` gives p by test).
        run: one replication.
        weight: share of the replications asked for that are run, 0 to 1; below 1 for slow simulations.
        quick: whether `verify --quick` and the tests run it.
    """

    name: str
    kind: Literal["coverage", "size"]
    run: Callable[[np.random.Generator], Mapping[str, Any]]
    weight: float = 1.0
    quick: bool = True

    def replications(self, asked: int) -> int:
        """Number of replications that are run when `asked` are asked for; at least 20, or `asked` if fewer."""
        return min(asked, max(20, round(asked * self.weight)))


def simulated_scores(
    mu: Float64[np.ndarray, "source target"], languages: Sequence[str], items: int, rng: np.random.Generator
) -> list[Scores]:
    """Scores of one concept in every language, all pairs tested, one item a group."""
    count = len(languages)
    common = rng.standard_normal((items, 1, 1))
    own = rng.standard_normal((items, count, count))
    gap = mu[None] + np.sqrt(SHARE) * common + np.sqrt(1 - SHARE) * own
    middle = rng.standard_normal((items, 1, count))
    sides = np.stack([middle + gap / 2, middle - gap / 2], axis=1)  # item, side, source, target
    control = np.zeros((items, 1, len(CONTROLS), 2), np.int8)
    names = np.array([f"i{row:05d}" for row in range(items)])
    found = []
    for at, target in enumerate(languages):
        mine = sides[:, :, None, :, at].astype(np.float32)
        found.append(
            Scores(
                xr.Dataset(
                    {
                        "projection": (("pair", "side", "layer", "source"), mine),
                        "control": (("pair", "layer", CONTROL, "draw"), control),
                    },
                    coords={
                        "side": list(SIDES),
                        "layer": np.array([0], np.int32),
                        "source": list(languages),
                        CONTROL: list(CONTROLS),
                        "item": ("pair", names),
                        "group": ("pair", names),
                        "split": ("pair", np.full(items, "test")),
                        "fold": ("pair", np.full(items, -1, np.int32)),
                    },
                    attrs={
                        "concept": CONCEPT_NAME, "target": target, "protocol": "strict", "layer_numbering": "block",
                    },
                )
            )
        )  # fmt: skip
    return found


def true_accuracy(mu: Float64[np.ndarray, "*cell"]) -> Float64[np.ndarray, "*cell"]:
    """Phi(mu)."""
    return stats.norm.cdf(mu)


def true_auroc(mu: Float64[np.ndarray, "*cell"]) -> Float64[np.ndarray, "*cell"]:
    """Phi(mu / sqrt(5/2))."""
    return stats.norm.cdf(mu / np.sqrt(2.5))
