"""The test beyond genealogy written out pair by pair."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import stats


def residual_correlation(x: np.ndarray, y: np.ndarray, given: Sequence[np.ndarray], method: str) -> float:
    """With a column per language, every given distance and its square."""
    count = len(x)
    pairs = [(s, t) for s, t in combinations(range(count), 2) if not any(np.isnan(m[s, t]) for m in (x, y, *given))]
    design = np.zeros((len(pairs), count + 2 * len(given)))
    for row, (s, t) in enumerate(pairs):
        design[row, s] = design[row, t] = 1
        for at, matrix in enumerate(given):
            design[row, count + 2 * at : count + 2 * at + 2] = matrix[s, t], matrix[s, t] ** 2
    values = [np.array([m[s, t] for s, t in pairs]) for m in (x, y)]
    values = [stats.rankdata(v) for v in values] if method == "spearman" else values
    first, second = (v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in values)
    return float(np.corrcoef(first, second)[0, 1])


def simulated(root: np.ndarray, traits: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Cosines of languages with so many Gaussian traits, `[draw, pair]`."""
    places = np.triu_indices(len(root), 1)
    out = np.empty((draws, len(places[0])))
    for at in range(draws):
        points = root @ rng.standard_normal((len(root), traits))
        points = points / np.linalg.norm(points, axis=1, keepdims=True)
        out[at] = (points @ points.T)[places]
    return out
