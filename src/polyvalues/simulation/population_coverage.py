"""Intervals over items and languages: in every replication both are drawn anew.

gap[p, s, t] = m[s, t] + a_g + b_t + d_s + f_gt + e_pst        p a pair of group g, s source, t target language

m      1.0 for own vectors, 0.6 for foreign ones
a, b, d, f, e   of variance 0.25, 0.15, 0.1 (foreign vectors only), 0.25, 0.5; normal, Student's t with 4 degrees of
       freedom, or exponential (skewed), with mean 0
truth  P(gap > 0) over all of them; for the normal law Phi(m / sqrt(sum of variances)), else from 2^22 draws
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64
from scipy import stats

from polyvalues.analysis.consistency import chosen_pick
from polyvalues.analysis.hypothesis_tests.distance_correlation import kinship
from polyvalues.analysis.overview import tabulate
from polyvalues.analysis.population_intervals import Cosines, with_languages
from polyvalues.analysis.scoring.pair_outcomes import ConceptOutcomes, labels_of, strict_outcomes
from polyvalues.analysis.statistics.mantel import upper
from polyvalues.artifacts import Replicates, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONTROL, CONTROLS, INTERVAL, SIDES
from polyvalues.simulation.simulated_scores import CHOICE, CONCEPT_NAME, Simulation

OWN: Final = 1.0
FOREIGN: Final = 0.6
VARIANCES: Final = {"group": 0.25, "target": 0.15, "source": 0.1, "group and target": 0.25, "pair": 0.5}
_DRAWS: Final = 200
FOLDS: Final = 10

Covered = dict[str, tuple[float, float, float, float]]


@dataclass(frozen=True)
class Law:
    """What is drawn.

    Attributes:
        name: for the line of the table.
        languages: how many are read.
        groups: how many.
        tails: `normal`, `t4` or `skewed`.
        unequal: groups of 1 to 7 pairs, else of one.
    """

    name: str
    languages: int
    groups: int
    tails: str = "normal"
    unequal: bool = False

    def draw(self, shape: tuple[int, ...], part: str, rng: np.random.Generator) -> np.ndarray:
        """Effects of mean 0 and the variance of this part."""
        scale = np.sqrt(VARIANCES[part])
        if self.tails == "t4":
            return scale / np.sqrt(2) * rng.standard_t(4, size=shape)
        if self.tails == "skewed":
            return scale * (rng.exponential(size=shape) - 1)
        return scale * rng.standard_normal(shape)


def gaps(law: Law, rng: np.random.Generator) -> tuple[Float64[np.ndarray, "pair source target"], np.ndarray]:
    """Differences between the sides of all pairs, and the group of each pair."""
    count, groups = law.languages, law.groups
    sizes = rng.integers(1, 8, groups) if law.unequal else np.ones(groups, np.int64)
    group = np.repeat(np.arange(groups), sizes)
    foreign = 1 - np.eye(count)
    target = law.draw((groups, 1, 1), "group", rng) + law.draw((1, 1, count), "target", rng)
    target = target + law.draw((groups, 1, count), "group and target", rng)
    source = foreign * law.draw((count, 1), "source", rng)
    own = law.draw((len(group), count, count), "pair", rng)
    return OWN - (OWN - FOREIGN) * foreign + target[group] + source + own, group


@cache
def truth(tails: str) -> tuple[float, float]:
    """Accuracy of own and of foreign vectors over all items and languages."""
    shared = sum(value for part, value in VARIANCES.items() if part != "source")
    if tails == "normal":
        return float(stats.norm.cdf(OWN / np.sqrt(shared))), float(stats.norm.cdf(FOREIGN / np.sqrt(shared + 0.1)))
    rng, law = np.random.default_rng(0), Law("", 0, 0, tails)
    drawn = sum(law.draw((1 << 22,), part, rng) for part in VARIANCES if part != "source")
    return float(np.mean(OWN + drawn > 0)), float(np.mean(FOREIGN + drawn + law.draw((1 << 22,), "source", rng) > 0))


def scores_of(gap: Float64[np.ndarray, "pair source target"], group: np.ndarray) -> list[Scores]:
    """Scores of one concept, all pairs tested."""
    pairs, count = len(gap), gap.shape[1]
    languages = [f"l{at:02d}" for at in range(count)]
    control = np.zeros((pairs, 1, len(CONTROLS), 2), np.float32)
    coords = {
        "side": list(SIDES),
        "layer": np.array([0], np.int32),
        "source": languages,
        CONTROL: list(CONTROLS),
        "item": ("pair", np.array([f"i{at:05d}" for at in range(pairs)])),
        "group": ("pair", np.array([f"g{at:05d}" for at in group])),
        "split": ("pair", np.full(pairs, "test")),
        "fold": ("pair", np.full(pairs, -1, np.int32)),
    }
    found = []
    for at, target in enumerate(languages):
        half = gap[:, :, at] / 2
        sides = np.stack([half, -half], axis=1)[:, :, None].astype(np.float32)
        variables = {
            "projection": (("pair", "side", "layer", "source"), sides),
            "control": (("pair", "layer", CONTROL, "draw"), control),
        }
        attrs = {"concept": CONCEPT_NAME, "target": target, "protocol": "strict", "layer_numbering": "block"}
        found.append(Scores(xr.Dataset(variables, coords=coords, attrs=attrs)))
    return found


def means(law: Law) -> Callable[[np.random.Generator], Covered]:
    """Mean accuracies over languages with the interval over items and languages."""

    def replication(rng: np.random.Generator) -> Covered:
        spec = StatisticsSpec(draws=_DRAWS, seed=int(rng.integers(2**31)))
        scores, pick = scores_of(*gaps(law, rng)), chosen_pick([CHOICE])
        labels = labels_of(scores)

        def outcomes() -> Iterator[ConceptOutcomes]:
            return strict_outcomes(scores, {CONCEPT_NAME: CHOICE})

        found = with_languages(tabulate(labels, outcomes, [], pick, spec), labels, outcomes, Cosines([], pick), spec)
        own, foreign = truth(law.tails)
        cells = found["both"].sel(concept=ALL_CONCEPTS).sel({INTERVAL: list(BOUNDS)})
        true = {"within": own, "cross": foreign, "transfer": foreign - own}
        covered = {}
        for name, value in true.items():
            estimate, lower, upper = (float(bound) for bound in cells.sel(quantity=name).values)
            covered[f"{name}, items and languages, {law.name}"] = estimate, lower, upper, value
        return covered

    return replication


def _apart(points: Float64[np.ndarray, "language axis"]) -> Float64[np.ndarray, "language language"]:
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def _languages(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Distances and true cosines of languages whose traits and vectors go together in part."""
    traits = rng.standard_normal((count, 3))
    vectors = (traits + rng.standard_normal((count, 3))) / np.sqrt(2)
    return _apart(traits), np.exp(-(_apart(vectors) ** 2) / 6)


@cache
def kinship_truth() -> float:
    """Correlation of true cosines with similarity over all languages, from 1,500 of them."""
    distance, cosine = _languages(1500, np.random.default_rng(0))
    return float(np.corrcoef(upper(cosine), -upper(distance))[0, 1])


def kinship_of(languages: int) -> Callable[[np.random.Generator], Covered]:
    """Correlation with kinship, items in 10 folds and languages drawn anew."""

    def replication(rng: np.random.Generator) -> Covered:
        distance, cosine = _languages(languages, rng)
        noise = 0.15 * rng.standard_normal((languages, languages, FOLDS))
        folds = cosine[..., None] + (noise + np.swapaxes(noise, 0, 1)) / np.sqrt(2)
        left = [(), *((at,) for at in range(FOLDS)), *combinations(range(FOLDS), 2)]
        series = np.stack([np.delete(folds, out, axis=-1).mean(axis=-1) for out in left], axis=-1)[:, :, None]
        names = [f"l{at:02d}" for at in range(languages)]
        square = np.ones((languages, 1, len(left)))
        control = np.zeros((languages, languages, 1, len(CONTROLS), 1))
        made = xr.Dataset(
            {
                "product": (("source", "target", "layer", "replicate"), series),
                "plain": (("source", "target", "layer", "replicate"), series),
                "square": (("source", "layer", "replicate"), square),
                "control": (("source", "target", "layer", CONTROL, "draw"), control),
            },
            coords={"source": names, "target": names, "layer": np.array([0], np.int32), CONTROL: list(CONTROLS)},
            attrs={"concept": CONCEPT_NAME, "estimator": "mean-difference", "folds": FOLDS},
        )
        table = xr.Dataset(
            {"genetic": (("source", "target"), distance / distance.max())}, coords={"source": names, "target": names}
        )
        found = kinship([Replicates(made)], [CHOICE], table, StatisticsSpec(), permutations=1)
        where = {"concept": CONCEPT_NAME, "of": "cosine", "kind": "genetic", "coefficient": "pearson", "form": "direct"}
        estimate, lower, upper_ = (
            float(value) for value in found["both"].sel({**where, INTERVAL: list(BOUNDS)}).values
        )
        return {f"kinship, items and {languages} languages": (estimate, lower, upper_, kinship_truth())}

    return replication


LAWS: Final = (
    Law("4 languages", 4, 60),
    Law("8 languages, heavy tails, unequal groups", 8, 40, "t4", unequal=True),
    Law("16 languages", 16, 60),
    Law("4 languages, heavy tails", 4, 60, "t4"),
    Law("6 languages, skewed, unequal groups", 6, 40, "skewed", unequal=True),
    Law("16 languages, 20 unequal groups", 16, 20, unequal=True),
)

POPULATIONS: Final[tuple[Simulation, ...]] = (
    *(
        Simulation(f"items and languages, {law.name}", "coverage", means(law), quick=at == 0)
        for at, law in enumerate(LAWS)
    ),
    Simulation("kinship, items and 16 languages", "coverage", kinship_of(16), quick=False),
    Simulation("kinship, items and 8 languages", "coverage", kinship_of(8), quick=False),
)
"""Coverage of intervals over items and languages."""
