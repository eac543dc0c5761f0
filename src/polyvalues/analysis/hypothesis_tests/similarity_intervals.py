"""Intervals of the companions of the cosine (`polyvalues.vectors.similarity.similarities`), per concept and pair of
languages.

    value[c, companion, s, t]    jackknife over folds; cosines are ratios (Fieller), CKA and overlap as they are
    mean[c, companion]           mean over s < t of the value, in every replicate, then the interval

The diagonal is 1 by definition and carries no interval of its own.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.analysis.statistics.jackknife import jackknife_interval, ratio_interval
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.errors import MeasureError

COMPANION: Final = "companion"


def companion_intervals(parts: Sequence[xr.Dataset], spec: StatisticsSpec) -> xr.Dataset:
    """All concepts together.

    Args:
        parts: one per concept, from `polyvalues.vectors.similarity.similarities.companions`.
        spec: confidence.

    Returns:
        `value` `[concept, companion, source, target, interval]` and `mean` `[concept, companion, interval]`; NaN
        where a companion was not measured. attrs: confidence, directions, `subspace_chance`.

    Raises:
        MeasureError: no parts, or a concept twice.
    """
    concepts = [str(part.attrs["concept"]) for part in parts]
    if not parts or len(set(concepts)) < len(concepts):
        raise MeasureError(f"companions of the cosine: each concept once, but given {concepts}")
    languages = list(dict.fromkeys(str(name) for part in parts for name in part[SOURCE].values))
    names = [str(name) for name in parts[0][COMPANION].values]
    value = np.full((len(parts), len(names), len(languages), len(languages), 3), np.nan)
    mean = np.full((len(parts), len(names), 3), np.nan)
    for row, part in enumerate(parts):
        own = [str(name) for name in part[SOURCE].values]
        at = np.array([languages.index(name) for name in own])
        upper, folds = np.triu_indices(len(own), 1), int(part.attrs["folds"])
        for column, name in enumerate(names):
            above, below = (part[side].sel({COMPANION: name}).values for side in ("numerator", "denominator"))
            if np.isnan(above[..., folds + 1 :]).all():
                above, below = above[..., : folds + 1], below[..., : folds + 1]
            cells = np.clip(ratio_interval(above, below, folds, spec.confidence), -1.0, 1.0)
            known = ~np.isnan(np.einsum("ssi->si", cells)).any(axis=-1)
            cells[np.arange(len(own)), np.arange(len(own))] = np.where(known[:, None], 1.0, np.nan)
            value[row, column, at[:, None], at[None]] = cells
            if len(own) > 1:
                with np.errstate(invalid="ignore", divide="ignore"):
                    averaged = (above[upper] / below[upper]).mean(axis=0)
                mean[row, column] = np.clip(jackknife_interval(averaged, folds, spec.confidence, "plain"), -1.0, 1.0)
    return xr.Dataset(
        {
            "value": ((CONCEPT, COMPANION, SOURCE, TARGET, INTERVAL), value),
            "mean": ((CONCEPT, COMPANION, INTERVAL), mean),
        },
        coords={
            CONCEPT: concepts,
            COMPANION: names,
            SOURCE: languages,
            TARGET: languages,
            INTERVAL: list(BOUNDS),
        },
        attrs={
            "confidence": spec.confidence,
            "directions": parts[0].attrs["directions"],
            "subspace_chance": parts[0].attrs["subspace_chance"],
        },
    )
