"""Tests of kinship where cosines follow genealogy, places, or neither: the distances of 16 real languages.

    traits     w[:, k] of the languages, k = 1..24: Gaussian (or Student's t with 4 degrees of freedom) with covariance
               exp(-d / range) of a distance d; or of no distance: independent
    cosines    of the rows of w
    effects    languages differ in how much of their vector is common: sqrt(a) w + sqrt(1 - a) noise, a uniform

Nothing goes with syntactic or featural distance but by way of genealogy or places, so p <= 0.05 in 5 of 100. Geographic
distance is tested where cosines follow genealogy or nothing.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from jaxtyping import Float64

from polyvalues.analysis.statistics.phylogenetic_test import Design, beyond
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.languages.distances import distances
from polyvalues.simulation.simulated_scores import Simulation

TRAITS: Final = 24
_DRAWS: Final = 199
_TAILS: Final = 4.0
_GIVEN: Final = {
    "syntactic": ("genetic", "geographic"),
    "featural": ("genetic", "geographic"),
    "geographic": ("genetic",),
}

Square = Float64[np.ndarray, "language language"]


@cache
def tables() -> Mapping[str, Square]:
    """Distances of the 16 languages, by kind."""
    found = distances(MOSAIC_LANGUAGES)
    return {str(kind): found[kind].values for kind in found.data_vars}


def cosines_of(
    covariance: Square, traits: int, rng: np.random.Generator, *, tails: float = 0.0, effects: bool = False
) -> Square:
    """Cosines of languages whose traits have this covariance between languages.

    Args:
        covariance: made positive semidefinite, with 1 on the diagonal.
        traits: how many.
        rng: draws them.
        tails: degrees of freedom of Student's t; 0: Gaussian.
        effects: whether languages differ in how much they have in common with the others.
    """
    sizes, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(sizes, 0.0))
    root = root / np.linalg.norm(root, axis=1, keepdims=True)
    shape = len(root), traits
    points = root @ (rng.standard_t(tails, size=shape) if tails else rng.standard_normal(shape))
    if effects:
        share = rng.uniform(0.1, 1.0, len(root))[:, None]
        points = np.sqrt(share) * points + np.sqrt(1 - share) * rng.standard_normal(shape)
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    return points @ points.T


def _tested(cosines: Square, kind: str, rng: np.random.Generator) -> float:
    design = Design(tuple(tables()[name] for name in _GIVEN[kind]))
    return beyond(1 - tables()[kind], cosines, design, method="pearson", draws=_DRAWS, rng=rng).p


def beyond_genealogy(rng: np.random.Generator) -> dict[str, float]:
    """Three kinds of distance where cosines follow genealogy alone, and where they follow nothing."""
    genetic = tables()["genetic"]
    alike = cosines_of(np.exp(-genetic), TRAITS, rng)
    nothing = cosines_of(np.eye(len(genetic)), TRAITS, rng)
    by_genealogy = {f"{kind} beyond genealogy, genealogy alone": _tested(alike, kind, rng) for kind in _GIVEN}
    return by_genealogy | {"syntactic beyond genealogy, nothing there": _tested(nothing, "syntactic", rng)}


def harder(rng: np.random.Generator) -> dict[str, float]:
    """Other ranges, heavy tails, languages that differ, and places."""
    genetic, places = tables()["genetic"], tables()["geographic"]
    near = np.exp(-genetic / 0.3)
    laws = {
        "short range": cosines_of(near, TRAITS, rng),
        "heavy tails": cosines_of(near, TRAITS, rng, tails=_TAILS),
        "languages differ": cosines_of(np.exp(-genetic), TRAITS, rng, effects=True),
        "few traits": cosines_of(np.exp(-genetic), 8, rng),
        "places": cosines_of(np.exp(-places / 0.2), TRAITS, rng),
        "genealogy and places": cosines_of((np.exp(-genetic / 0.5) + np.exp(-places / 0.3)) / 2, TRAITS, rng),
    }
    return {f"syntactic beyond genealogy, {law}": _tested(cosines, "syntactic", rng) for law, cosines in laws.items()}


GENEALOGY: Final[tuple[Simulation, ...]] = (
    Simulation("genealogy", "size", beyond_genealogy),
    Simulation("genealogy, harder", "size", harder, quick=False),
)
"""Sizes of the tests beyond genealogy."""
