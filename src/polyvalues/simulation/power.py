"""How many pairs do I need? Share of studies in which a test finds what is there, by number of items."""

from typing import Final

import numpy as np
from scipy import stats

from polyvalues.analysis.hypothesis_tests.chance_test import chance
from polyvalues.analysis.hypothesis_tests.paired_differences import languages_difference
from polyvalues.config import StatisticsSpec
from polyvalues.simulation.simulated_scores import CHOICE, CONCEPT_NAME, simulated_scores

NUMBERS: Final = (10, 20, 30, 60, 100, 200, 400, 1000)
ACCURACIES: Final = (0.55, 0.6, 0.7, 0.8)
DIFFERENCES: Final = (0.05, 0.1, 0.2)
_BASE: Final = 0.75


def power(items: int, rng: np.random.Generator) -> dict[str, bool]:
    """One study of so many items: which effects its tests find at 5 percent."""
    spec = StatisticsSpec(draws=20, seed=0)
    found = {}
    for accuracy in ACCURACIES:
        scores = simulated_scores(np.full((1, 1), stats.norm.ppf(accuracy)), ("en",), items, rng)
        p = float(chance(scores, [CHOICE])["p"].sel(concept=CONCEPT_NAME, source="en", target="en"))
        found[f"accuracy {accuracy:g} against chance"] = p <= 0.05
    for gap in DIFFERENCES:
        mu = np.diag(stats.norm.ppf([_BASE + gap / 2, _BASE - gap / 2]))
        scores = simulated_scores(mu, ("en", "sw"), items, rng)
        table = languages_difference(scores, [CHOICE], spec)
        p = float(table["p"].sel(concept=CONCEPT_NAME, target="en", other="sw"))
        found[f"two languages {gap:g} apart"] = p <= 0.05
    return found
