"""Correlation of cosines with a similarity of languages in its forms: all replicates, and each language left out.

A form says over which pairs the correlation is taken (the mean over several sets of them, or all together) and what is
held fixed: nothing, one matrix linearly (partial correlation), or a design
(`polyvalues.analysis.statistics.phylogenetic_test`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from scipy import stats

from polyvalues.analysis.statistics.mantel import LEAST, Method, statistic, upper
from polyvalues.analysis.statistics.phylogenetic_test import Design, residual_correlations, residuals

Square = Float64[np.ndarray, "language language"]
Stacked = Float64[np.ndarray, "language language replicate"]


@dataclass(frozen=True, eq=False)
class Form:
    """One form of the correlation.

    Attributes:
        masks: sets of pairs to take the mean of the correlation over; none: all pairs together.
        third: what is held fixed linearly.
        design: what is held fixed beyond that; then neither masks nor a third matrix.
    """

    masks: tuple[Bool[np.ndarray, " pair"], ...] = ()
    third: Square | None = None
    design: Design | None = None


def correlations(near: Square, values: Stacked, form: Form, method: Method) -> Float64[np.ndarray, " replicate"]:
    """The correlation in every replicate; pairs that are NaN in a matrix are left out, NaN with too few pairs."""
    return _taken(near, values, form, method, _rung(near, values, form))


def without_languages(
    near: Square, values: Stacked, form: Form, method: Method
) -> Float64[np.ndarray, "left_out replicate"]:
    """As `correlations`, with all languages (row 0) and without each of them, a design as fine as for all."""
    rung = _rung(near, values, form)
    rows = [_taken(near, values, form, method, rung)]
    for at in range(len(near)):
        rest = values.copy()
        rest[at] = rest[:, at] = np.nan
        rows.append(_taken(near, rest, form, method, rung))
    return np.stack(rows)


def pair_sets(
    near: Square, values: Stacked, form: Form
) -> list[
    tuple[Float64[np.ndarray, " pair"], Float64[np.ndarray, "pair replicate"], Float64[np.ndarray, " pair"] | None]
]:
    """What a correlation is taken of, one entry per set of pairs: similarity, cosines, what is held fixed linearly.

    With a design, both are what it leaves of them. Pairs that are NaN in a matrix or a replicate are left out.
    """
    x, y = upper(near), upper(np.moveaxis(values, -1, 0)).T
    known = ~(np.isnan(x) | np.isnan(y).any(axis=1))
    if form.design is not None:
        known &= form.design.known(near)
        rung = _rung(near, values, form)
        if rung is None:
            return []
        basis = form.design.basis(rung, known)
        return [(residuals(x[known][None], basis)[0], residuals(y[known].T, basis).T, None)]
    third = None if form.third is None else upper(form.third)
    known &= True if third is None else ~np.isnan(third)
    sets = [known & mask for mask in form.masks] or [known]
    return [(x[part], y[part], None if third is None else third[part]) for part in sets]


def _rung(near: Square, values: Stacked, form: Form) -> int | None:
    return None if form.design is None else form.design.rung(form.design.known(near, values[..., 0]))


def _taken(
    near: Square, values: Stacked, form: Form, method: Method, rung: int | None
) -> Float64[np.ndarray, " replicate"]:
    """The correlation in every replicate; replicates whose pairs are known alike are taken together."""
    x, y = upper(near), upper(np.moveaxis(values, -1, 0))
    given = () if form.design is None else form.design.distances
    fixed = [x, *(upper(matrix) for matrix in given), *([] if form.third is None else [upper(form.third)])]
    known = ~(np.isnan(y) | np.any(np.isnan(fixed), axis=0))
    out = np.full(len(y), np.nan)
    alike = bool(np.all(known == known[0]))
    for pattern in known[:1] if alike else np.unique(known, axis=0):
        rows = np.all(known == pattern, axis=1)
        if int(pattern.sum()) < LEAST:
            continue
        if form.design is None:
            out[rows] = _plain(y[rows], fixed, pattern, form, method)
        elif rung is not None:
            basis = form.design.basis(rung, pattern)
            out[rows] = residual_correlations(x[pattern], y[rows][:, pattern], basis, method)
    return out


def _plain(
    y: Float64[np.ndarray, "row pair"],
    fixed: Sequence[Float64[np.ndarray, " pair"]],
    known: Bool[np.ndarray, " pair"],
    form: Form,
    method: Method,
) -> Float64[np.ndarray, " row"]:
    """Correlation, or partial correlation, of rows over the known pairs."""
    both = np.stack([*fixed, *y])[:, known]
    both = np.asarray(stats.rankdata(both, axis=1), dtype=np.float64) if method == "spearman" else both
    spread = np.full((len(both), len(known)), np.nan)
    spread[:, known] = both
    return statistic(spread[len(fixed) :], list(spread[: len(fixed)]), form.masks)
