"""Cosines between vectors refitted on parts of the folds: the raw material of consistency and its intervals.

    cosine[s, t, l, r]    = cos(v_s, v_t), both fitted on the folds of replicate r
    half_cosine[s, l, r, i] = cos(v_s on one half, v_s on the other half) of the i-th half-split of those folds
    control[s, t, l, c, d]  = cos between the control directions of s and t

Replicate 0 has all folds, replicate k all but fold k - 1 (the grouped jackknife). A half-split is a random division of
the replicate's folds into halves whose sizes differ by at most one, the same in every language. The half-splits of
replicate k are those of replicate 0 with fold k - 1 taken out (and one fold moved across when the sizes would then
differ by two), so that the luck of the halves is common to all replicates and does not inflate the jackknife.

A fold that is empty in one language stays in the division: an empty half gives NaN there.
Memory: one layer, one language and `folds + 1` times `1 + 2 half_splits` vectors at a time. Estimators other than the
mean difference are refitted that many times.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Bool

from polyvalues.artifacts import Activations, ConceptVectors, Moments, Replicates
from polyvalues.axes import CONTROL, CONTROLS, DRAW, LAYER, SOURCE, TARGET
from polyvalues.errors import VectorError
from polyvalues.specs import VectorSpec
from polyvalues.vectors.baselines import baseline_cosines
from polyvalues.vectors.controls import stable_rng
from polyvalues.vectors.cosine import cosine_table, row_cosines
from polyvalues.vectors.fit import fit_language_subsets
from polyvalues.vectors.inputs import layout


def replicates(inputs: Mapping[str, Moments | Activations], vectors: ConceptVectors, spec: VectorSpec) -> Replicates:
    """Refit one concept on parts of the folds and compare.

    Args:
        inputs: by language, in the order of `vectors`.
        vectors: what was fitted on all folds.
        spec: estimator, number of half-splits, seed.

    Returns:
        Cosines; NaN where a vector is zero or has no pairs.

    Raises:
        VectorError: `vectors` are not of these inputs, fewer than two folds, or sums where activations are needed.
    """
    shape = layout(inputs)
    data = vectors.data
    if tuple(data[SOURCE].values) != shape.languages or tuple(data[LAYER].values) != shape.layers:
        raise VectorError(
            f"concept {shape.concept!r}: vectors of {data[SOURCE].values.tolist()} at {data.sizes[LAYER]} layers do "
            f"not belong to inputs of {list(shape.languages)} at {len(shape.layers)} layers"
        )
    if shape.folds < 2:
        raise VectorError(f"concept {shape.concept!r}: {shape.folds} fold leaves nothing when one is left out")
    whole = leave_one_out(shape.folds)
    halves = half_splits(shape.folds, spec.half_splits, spec.seed)
    sources, layers, counted = len(shape.languages), len(shape.layers), len(whole)
    cosine = np.empty((sources, sources, layers, counted))
    half_cosine = np.empty((sources, layers, counted, spec.half_splits))
    subsets = np.concatenate([whole, halves.reshape(-1, shape.folds)])
    for layer in range(layers):
        refits = np.empty((counted, sources, shape.hidden))
        for row, fitting in enumerate(inputs.values()):
            fitted = fit_language_subsets(fitting, spec.estimator, subsets, layer)
            refits[:, row] = fitted[:counted]
            divided = fitted[counted:].reshape(counted, spec.half_splits, 2, shape.hidden)
            half_cosine[row, layer] = row_cosines(divided[:, :, 0], divided[:, :, 1])
        cosine[:, :, layer] = np.moveaxis(cosine_table(refits, refits), 0, -1)
    between = baseline_cosines(inputs, spec)
    out = xr.Dataset(
        {
            "cosine": ((SOURCE, TARGET, LAYER, "replicate"), cosine),
            "half_cosine": ((SOURCE, LAYER, "replicate", "half"), half_cosine),
            "control": ((SOURCE, TARGET, LAYER, CONTROL, DRAW), between),
        },
        coords={
            SOURCE: list(shape.languages),
            TARGET: list(shape.languages),
            LAYER: list(shape.layers),
            CONTROL: list(CONTROLS),
        },
        attrs={"concept": shape.concept, "estimator": spec.estimator},
    )
    return Replicates(out)


def leave_one_out(folds: int) -> Bool[np.ndarray, "replicate fold"]:
    """All folds, then all but each one in turn."""
    return np.concatenate([np.ones((1, folds), dtype=bool), ~np.eye(folds, dtype=bool)])


def half_splits(folds: int, count: int, seed: int) -> Bool[np.ndarray, "replicate half side fold"]:
    """Random half-splits of the folds of every replicate.

    Args:
        folds: number of folds.
        count: half-splits per replicate.
        seed: seed of the divisions; nothing else determines them, so all languages share them.

    Returns:
        For each replicate and half-split the folds of its two halves.
    """
    out = np.zeros((folds + 1, count, 2, folds), dtype=bool)
    for half in range(count):
        order = stable_rng(seed, "half-split", half).permutation(folds).tolist()
        for replicate in range(folds + 1):
            first, second = order[: (folds + 1) // 2], order[(folds + 1) // 2 :]
            left_out = replicate - 1
            first = [fold for fold in first if fold != left_out]
            second = [fold for fold in second if fold != left_out]
            if len(first) - len(second) > 1:
                second.append(first.pop())
            out[replicate, half, 0, first] = True
            out[replicate, half, 1, second] = True
    return out
