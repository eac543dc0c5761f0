"""Does a similarity of languages explain their cosines beyond genealogy? A test against simulated languages.

Related languages are alike in everything. So two matrices of pairs of languages go together without either having to
do with the other, as soon as both follow genealogy; permuting languages (`polyvalues.analysis.statistics.mantel`)
does not know
that, and neither does holding the genetic distance fixed linearly (Guillot and Rousset 2011). Here the null is
simulated instead:

    design      columns over pairs s < t: one per language (1 in its pairs), and each given distance d as d and d^2
    r           correlation of y_st with x_st, both less their least squares fit on the design
    null        cosines of languages whose traits w_s in R^k are Gaussian with covariance C between languages:
                  C = least squares fit of y on the design, 1 on the diagonal, made positive semidefinite
                  k = mean (1 - C_st^2)^2 / variance of the residuals of y     since var cos_st = (1 - C_st^2)^2 / k
    p           (1 + #{|r*| >= |r|}) / (1 + draws),  r* the same r of simulated cosines

The columns of the languages take up what some languages have less in common with all others. With few languages the
design must leave half of the pairs: first d^2 goes, then the columns of the languages (`RUNGS`). Pairs not known in
all matrices are left out; in C they have the mean of the fit.

Spearman: x and y are ranked before the fit, in the simulated cosines too; C and k come from y as it is.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64
from scipy import stats

from polyvalues.analysis.statistics.mantel import LEAST, Method, upper

Square = Float64[np.ndarray, "language language"]

RUNGS: Final = ((True, 2), (True, 1), (False, 2), (False, 1))
"""Designs from rich to poor: whether every language has a column, and up to which power a distance enters."""

_MOST_TRAITS: Final = 1000
_BLOCK: Final = 1 << 22
"""Most numbers held at once while simulating."""


@dataclass(frozen=True, eq=False)
class Design:
    """What is held fixed: distances between the same languages, and a column per language.

    Attributes:
        distances: matrices; NaN where missing.
        bases: found before, by rung and known pairs.
    """

    distances: tuple[Square, ...]
    bases: dict[tuple[int, bytes], Float64[np.ndarray, "known column"]] = field(default_factory=dict)

    def basis(self, rung: int, known: Bool[np.ndarray, " pair"]) -> Float64[np.ndarray, "known column"]:
        """An orthonormal basis of the columns over the known pairs."""
        key = rung, known.tobytes()
        if key not in self.bases:
            self.bases[key] = self._basis(rung, known)
        return self.bases[key]

    def rung(self, known: Bool[np.ndarray, " pair"]) -> int | None:
        """The richest of `RUNGS` that leaves half of the pairs; None with too few pairs for any."""
        count = int(known.sum())
        rungs = range(len(RUNGS)) if count >= LEAST else ()
        return next((rung for rung in rungs if count - self.basis(rung, known).shape[1] >= count / 2), None)

    def known(self, *matrices: Square) -> Bool[np.ndarray, " pair"]:
        """Which pairs have a value in every matrix and every distance."""
        return ~np.any([np.isnan(upper(matrix)) for matrix in (*matrices, *self.distances)], axis=0)

    def _basis(self, rung: int, known: Bool[np.ndarray, " pair"]) -> Float64[np.ndarray, "known column"]:
        count = len(self.distances[0])
        rows, columns = np.triu_indices(count, 1)
        single, power = RUNGS[rung]
        ends = [((rows == at) | (columns == at)).astype(np.float64) for at in range(count)]
        parts = ends if single else [np.ones(len(rows))]
        for distance in self.distances:
            values = upper(distance)
            values = values - values[known].mean()
            values = values / max(float(np.abs(values[known]).max()), 1e-12)
            parts = [*parts, *(values**by for by in range(1, power + 1))]
        basis, sizes, _ = np.linalg.svd(np.stack(parts, axis=1)[known], full_matrices=False)
        return np.asarray(basis[:, sizes > 1e-8 * sizes[0]])


@dataclass(frozen=True)
class Beyond:
    """A tested correlation.

    Attributes:
        r: given the design; NaN where it cannot be taken.
        p: two-sided.
        pairs: known in all matrices.
        least: smallest p there can be.
    """

    r: float
    p: float
    pairs: int
    least: float


def residual_correlations(
    x: Float64[np.ndarray, " known"],
    y: Float64[np.ndarray, "row known"],
    basis: Float64[np.ndarray, "known column"],
    method: Method,
) -> Float64[np.ndarray, " row"]:
    """Correlation of x with every row of y, all less their fit on the design; NaN where nothing is left of one."""
    if len(x) - basis.shape[1] < 2:
        return np.full(len(y), np.nan)
    return _correlated(residuals(_scaled(x[None], method), basis)[0], residuals(_scaled(y, method), basis))


def beyond(x: Square, y: Square, design: Design, *, method: Method, draws: int, rng: np.random.Generator) -> Beyond:
    """Test a correlation against languages that are alike by the design alone.

    Args:
        x: similarities that are tested; NaN where missing.
        y: cosines; NaN where missing.
        design: what is held fixed.
        method: pearson or spearman.
        draws: simulated sets of languages.
        rng: draws them.

    Returns:
        r and p NaN where nothing can be tested: too few pairs, or x or y are explained wholly by the design.
    """
    nothing = float("nan")
    known = design.known(x, y)
    pairs, rung = int(known.sum()), design.rung(known)
    if rung is None:
        return Beyond(nothing, nothing, pairs, nothing)
    basis, tested, values = design.basis(rung, known), upper(x)[known], upper(y)[known]
    seen = float(residual_correlations(tested, values[None], basis, method)[0])
    if np.isnan(seen):
        return Beyond(nothing, nothing, pairs, nothing)
    root, traits = _null(values, basis, known, len(x))
    extreme, step = 0, max(1, _BLOCK // len(x) ** 2)
    for start in range(0, draws, step):
        cosines = _simulated(root, traits, min(step, draws - start), rng)[:, known]
        drawn = residual_correlations(tested, cosines, basis, method)
        extreme += int(np.sum(np.abs(np.nan_to_num(drawn)) >= abs(seen) - 1e-12))
    return Beyond(seen, (1 + extreme) / (1 + draws), pairs, 1 / (1 + draws))


def _null(
    values: Float64[np.ndarray, " known"],
    basis: Float64[np.ndarray, "known column"],
    known: Bool[np.ndarray, " pair"],
    count: int,
) -> tuple[Square, int]:
    """A root of C, C = root root^T, and the number of traits k."""
    fit = basis @ (values @ basis)
    every = np.full(len(known), fit.mean())
    every[known] = fit
    covariance = np.eye(count)
    rows, columns = np.triu_indices(count, 1)
    covariance[rows, columns] = covariance[columns, rows] = np.clip(every, -1.0, 1.0)
    sizes, axes = np.linalg.eigh(covariance)
    root = axes * np.sqrt(np.maximum(sizes, 0.0))
    root = root / np.linalg.norm(root, axis=1, keepdims=True)
    spread = (1 - upper(root @ root.T)[known] ** 2) ** 2
    noise = float(((values - fit) ** 2).sum()) / (len(values) - basis.shape[1])
    traits = spread.mean() / noise if noise > 0 else _MOST_TRAITS
    return root, int(np.clip(np.rint(traits), 2, _MOST_TRAITS))


def _simulated(root: Square, traits: int, draws: int, rng: np.random.Generator) -> Float64[np.ndarray, "draw pair"]:
    """Cosines of languages with so many Gaussian traits, of covariance root root^T between languages.

    From the triangular root of a Wishart matrix (Bartlett 1933), whose size does not grow with the traits.
    """
    count = len(root)
    if traits < count:
        points = root @ rng.standard_normal((draws, count, traits))
    else:
        triangle = np.tril(rng.standard_normal((draws, count, count)), -1)
        at = np.arange(count)
        triangle[:, at, at] = np.sqrt(rng.chisquare(traits - at, size=(draws, count)))
        points = root @ triangle
    points = points / np.linalg.norm(points, axis=2, keepdims=True)
    return upper(points @ np.swapaxes(points, 1, 2))


def _scaled(values: Float64[np.ndarray, "draw known"], method: Method) -> Float64[np.ndarray, "draw known"]:
    return np.asarray(stats.rankdata(values, axis=1), dtype=np.float64) if method == "spearman" else values


def residuals(
    values: Float64[np.ndarray, "draw known"], basis: Float64[np.ndarray, "known column"]
) -> Float64[np.ndarray, "draw known"]:
    """What the design does not explain; exactly 0 where what is left is rounding error."""
    left = values - (values @ basis) @ basis.T
    flat = (left**2).sum(axis=1) <= 1e-20 * (values**2).sum(axis=1)
    return np.where(flat[:, None], 0.0, left)


def _correlated(
    first: Float64[np.ndarray, " known"], second: Float64[np.ndarray, "draw known"]
) -> Float64[np.ndarray, " draw"]:
    """Cosine of residuals; NaN where one is 0."""
    scale = np.sqrt((first**2).sum() * (second**2).sum(axis=1))
    product = second @ first
    return np.asarray(np.divide(product, scale, out=np.full(len(second), np.nan), where=scale > 0))
