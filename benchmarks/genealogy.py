"""Compares tests of kinship on real distances: share of studies with p <= 0.05, as in `docs/statistics.md`.

python -m benchmarks.genealogy            # 300 studies a row
python -m benchmarks.genealogy 1000
"""

import sys
from collections.abc import Callable, Mapping

import numpy as np

from polyvalues.analysis.statistics.mantel import mantel, upper
from polyvalues.analysis.statistics.phylogenetic_test import Design, beyond
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.languages.metadata import language_family
from polyvalues.simulation.genealogy_tests import TRAITS, cosines_of, tables

PERMUTATIONS = 500
KINDS = ("syntactic", "geographic", "featural")
COUNT = len(MOSAIC_LANGUAGES)
Law = Callable[[np.random.Generator], np.ndarray]
Test = Callable[[np.ndarray, np.ndarray, tuple[np.ndarray, ...], np.random.Generator], float]


def laws() -> Mapping[str, Law]:
    """How cosines come about, by name."""
    genetic, places, syntactic = (tables()[kind] for kind in ("genetic", "geographic", "syntactic"))
    syntax = (1 - syntactic) ** 2
    covariances = {
        "genealogy, range 1": np.exp(-genetic),
        "genealogy, range 0.3": np.exp(-genetic / 0.3),
        "genealogy, linear": 1 - 0.9 * genetic,
        "places, range 0.2": np.exp(-places / 0.2),
        "genealogy and places": (np.exp(-genetic / 0.5) + np.exp(-places / 0.3)) / 2,
        "nothing": np.eye(COUNT),
        "genealogy 0.4, syntax 0.6": 0.4 * np.exp(-genetic / 0.5) + 0.6 * syntax,
    }
    return {name: lambda rng, c=covariance: cosines_of(c, TRAITS, rng) for name, covariance in covariances.items()}


def simple(x: np.ndarray, y: np.ndarray, _: tuple[np.ndarray, ...], rng: np.random.Generator) -> float:
    """Mantel 1967."""
    return mantel(x, y, permutations=PERMUTATIONS, rng=rng)[1]


def partial(x: np.ndarray, y: np.ndarray, given: tuple[np.ndarray, ...], rng: np.random.Generator) -> float:
    """Partial Mantel given the genetic distance (Smouse et al. 1986)."""
    return mantel(x, y, given[0], permutations=PERMUTATIONS, rng=rng)[1]


def semipartial(orders: Callable[[np.random.Generator], np.ndarray]) -> Test:
    """Multiple regression on matrices by double semipartialling (Dekker et al. 2007), languages in the orders given."""

    def test(x: np.ndarray, y: np.ndarray, given: tuple[np.ndarray, ...], rng: np.random.Generator) -> float:
        design = np.stack([np.ones(len(upper(x))), *map(upper, given)], axis=1)
        basis = np.linalg.qr(design)[0]
        rest = [values - basis @ (basis.T @ values) for values in map(upper, (x, y))]
        moving = np.zeros_like(x)
        rows, columns = np.triu_indices(len(x), 1)
        moving[rows, columns] = moving[columns, rows] = rest[0]
        order = orders(rng)
        drawn = upper(moving[order[:, :, None], order[:, None, :]])
        drawn = drawn - (drawn @ basis) @ basis.T
        r = drawn @ rest[1] / np.linalg.norm(drawn, axis=1)
        seen = rest[0] @ rest[1] / np.linalg.norm(rest[0])
        return (1 + int(np.sum(np.abs(r) >= abs(seen) - 1e-12))) / (1 + len(order))

    return test


def any_order(rng: np.random.Generator) -> np.ndarray:
    """All languages."""
    return np.argsort(rng.random((PERMUTATIONS, COUNT)), axis=1)


def within_families(rng: np.random.Generator) -> np.ndarray:
    """Languages of one family; those without a relative among themselves."""
    families = [language_family(tag) for tag in MOSAIC_LANGUAGES]
    names = [family if families.count(family) > 1 else "" for family in families]
    order = np.tile(np.arange(COUNT), (PERMUTATIONS, 1))
    for name in sorted(set(names)):
        at = np.array([row for row, other in enumerate(names) if other == name])
        order[:, at] = at[np.argsort(rng.random((PERMUTATIONS, len(at))), axis=1)]
    return order


def by_clades(rng: np.random.Generator) -> np.ndarray:
    """Near relatives more often than others (after Lapointe and Garland 2001)."""
    weight = 1.3 - tables()["genetic"]
    order = np.empty((PERMUTATIONS, COUNT), dtype=np.int64)
    left = np.ones((PERMUTATIONS, COUNT), dtype=bool)
    for at in range(COUNT):
        share = np.cumsum(np.where(left, weight[at], 0.0), axis=1)
        order[:, at] = (share > rng.random((PERMUTATIONS, 1)) * share[:, -1:]).argmax(axis=1)
        left[np.arange(PERMUTATIONS), order[:, at]] = False
    return order


def simulated(x: np.ndarray, y: np.ndarray, given: tuple[np.ndarray, ...], rng: np.random.Generator) -> float:
    """The test of the package."""
    return beyond(x, y, Design(given), method="pearson", draws=PERMUTATIONS, rng=rng).p


TESTS: Mapping[str, Test] = {
    "Mantel": simple,
    "partial Mantel given genetic": partial,
    "MRM, any order": semipartial(any_order),
    "MRM, within families": semipartial(within_families),
    "MRM, by clades": semipartial(by_clades),
    "simulated languages": simulated,
}


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print("| cosines follow | tested | " + " | ".join(TESTS) + " |")
    print("|---|---|" + "---|" * len(TESTS))
    for name, law in laws().items():
        for kind in KINDS:
            rng = np.random.default_rng(0)
            given = (tables()["genetic"],) if kind == "geographic" else (tables()["genetic"], tables()["geographic"])
            found = np.zeros(len(TESTS))
            for _ in range(studies):
                y = law(rng)
                found += [test(1 - tables()[kind], y, given, rng) <= 0.05 for test in TESTS.values()]
            print(
                f"| {name} | {kind} | " + " | ".join(f"{100 * share:.0f}" for share in found / studies) + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
