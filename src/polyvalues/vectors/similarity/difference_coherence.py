"""How alike the pair differences of a language are: what is known to predict whether its vector steers.

    u_p            d_p / |d_p|, the difference of pair p at unit length
    (`polyvalues.vectors.accumulators.unit_differences`)
    among[s, l]    sum_{k != j} U_k . U_j / sum_{k != j} n_k n_j        mean cosine between the differences of two items
    along[s, l]    sum_k U_k . v_{-k} / (|v_{-k}| sum_k n_k)            mean cosine of a difference with the vector

`U_k` sums over the `n_k` pairs of fold k, and `v_{-k}` is the vector fitted without fold k. No difference is compared
with itself, with one of its own group, or with a vector it was fitted into: the mean cosine of differences with a
vector they are part of is near 1 / sqrt(n) where there is nothing (0.10 with 100 pairs), and `among` would be 1 / n.

Tan et al. (2024, arXiv 2407.12404) and Braun et al. (2025, arXiv 2505.22637) looked at how reliably vectors steer; the
latter found that the mean cosine with the vector, and the separation of the two sides along it
(`polyvalues.analysis.steerability_predictors`), go with how well they do.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Float64, Int

from polyvalues.artifacts import Activations, Moments
from polyvalues.dimensions import LANGUAGE, LAYER
from polyvalues.errors import VectorError
from polyvalues.vectors.accumulators.unit_differences import unit_counts, unit_rows, unit_sums
from polyvalues.vectors.fit import fit_language_subsets
from polyvalues.vectors.fitting_data import fold_sums, layout
from polyvalues.vectors.leave_fold_out import leave_one_out


def coherence(inputs: Mapping[str, Moments | Activations], estimator: str) -> xr.Dataset:
    """Mean cosines of the pair differences of one concept, by language and layer, with folds left out.

    Args:
        inputs: by language.
        estimator: of the vectors.

    Returns:
        `among` and `along` float64 `[language, layer, replicate]`: all folds, then all but each one, NaN without pairs;
        `reliability` float64 `[language, layer]` of the mean difference, 0 to 1; `pairs` int64 `[language]`, how many
        take part. attrs: concept, estimator, folds.

    Raises:
        VectorError: the inputs do not belong together, or there are fewer than two folds.
    """
    shape = layout(inputs)
    if shape.folds < 2:
        raise VectorError(f"concept {shape.concept!r}: {shape.folds} fold leaves nothing when one is left out")
    kept = leave_one_out(shape.folds).astype(np.float64)
    cells = (len(shape.languages), len(shape.layers))
    among, along = np.full((*cells, len(kept)), np.nan), np.full((*cells, len(kept)), np.nan)
    reliability, pairs = np.full(cells, np.nan), np.zeros(cells[0], np.int64)
    for row, fitting in enumerate(inputs.values()):
        count = _counts(fitting, shape.folds)
        pairs[row] = count.sum()
        for layer in range(cells[1]):
            sums = _sums(fitting, shape.folds, layer)
            among[row, layer] = _across_folds(sums, count, kept)
            along[row, layer] = _along(fitting, estimator, layer, sums, count)
            reliability[row, layer] = _reliability(fitting, shape.folds, layer)
    dims = (LANGUAGE, LAYER, "replicate")
    return xr.Dataset(
        {
            "among": (dims, among),
            "along": (dims, along),
            "reliability": (dims[:2], reliability),
            "pairs": ((LANGUAGE,), pairs),
        },
        coords={LANGUAGE: list(shape.languages), LAYER: list(shape.layers)},
        attrs={"concept": shape.concept, "estimator": estimator, "folds": shape.folds},
    )


def _counts(fitting: Moments | Activations, folds: int) -> Int[np.ndarray, " fold"]:
    data = fitting.data
    if isinstance(fitting, Activations):
        return unit_counts(data["item"].values, data["fold"].values, folds)
    return np.pad(data["unit_count"].values, (0, folds - data.sizes["fold"]))


def _sums(fitting: Moments | Activations, folds: int, layer: int) -> Float64[np.ndarray, "fold hidden"]:
    if isinstance(fitting, Activations):
        return unit_sums(fitting, folds, layer)
    return np.pad(fitting.data["unit"].values[:, layer], ((0, folds - fitting.data.sizes["fold"]), (0, 0)))


def _across_folds(
    sums: Float64[np.ndarray, "fold hidden"],
    count: Int[np.ndarray, " fold"],
    kept: Float64[np.ndarray, "replicate fold"],
) -> Float64[np.ndarray, " replicate"]:
    """Mean product of two pairs of different folds, in every replicate."""
    between = 1.0 - np.eye(len(sums))
    total = np.einsum("rk,kj,rj->r", kept, (sums @ sums.T) * between, kept)
    number = np.einsum("rk,kj,rj->r", kept, np.outer(count, count) * between, kept)
    return np.divide(total, number, out=np.full(len(kept), np.nan), where=number > 0)


def _along(
    fitting: Moments | Activations,
    estimator: str,
    layer: int,
    sums: Float64[np.ndarray, "fold hidden"],
    count: Int[np.ndarray, " fold"],
) -> Float64[np.ndarray, " replicate"]:
    """Mean cosine with the vector fitted without the pair's fold, in every replicate."""
    folds, kept = len(sums), leave_one_out(len(sums))
    subsets = (kept[:, None] & ~np.eye(folds, dtype=bool)[None]).reshape(-1, folds)
    wanted, place = np.unique(subsets, axis=0, return_inverse=True)
    units = unit_rows(fit_language_subsets(fitting, estimator, wanted, layer))
    cosine = (units @ sums.T)[place.reshape(-1), np.tile(np.arange(folds), len(kept))].reshape(len(kept), folds)
    total, number = np.where(kept & (count > 0), cosine, 0.0).sum(axis=1), kept @ count
    return np.divide(total, number, out=np.full(len(kept), np.nan), where=number > 0)


def _reliability(fitting: Moments | Activations, folds: int, layer: int) -> float:
    """Reliability of the mean difference on all folds: its squared length without noise, by that with it."""
    sums = fold_sums(fitting, layer, folds)
    total = sums.positive - sums.negative
    square = float((total.sum(axis=0) ** 2).sum()) / float(sums.count.sum()) ** 2
    product = float(_across_folds(total, sums.count, np.ones((1, folds)))[0])
    return float(np.clip(product / square, 0.0, 1.0)) if square > 0 and np.isfinite(product) else 0.0
