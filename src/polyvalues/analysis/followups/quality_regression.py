"""Accuracy regressed on the measured quality of translations, one column after the other and all at once.

    y = right (1), wrong (0) or tied (1/2) under the language's own vector, less its mean in the language
    x = a column, less its mean in the language, over its standard deviation in the language
    alone      b = sum x y / sum x x              over the pairs of all languages of a concept
    together   b = (X' X)^-1 X' y                 all measures in one regression, the combined quality left out
    adjusted   accuracy + b_raw (1 - mean quality)    with b_raw in units of quality: what accuracy would be if every
                                                      text were as good as a usual one, if the slope were an effect

A slope is the change in accuracy per standard deviation, languages held fixed: positive says that better texts of the
same language are recognised better. It is an association: hard items are hard to translate, too. Intervals: bootstrap
over groups, the same groups in every language, centres and scales as in the data. Columns with no spread are left out;
so are those known for less than nine pairs in ten, and, where columns are used together, pairs that lack one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import xarray as xr
from jaxtyping import Float64, Int64

from polyvalues.analysis.scoring.pair_outcomes import labels_of, picked_differences
from polyvalues.analysis.statistics.bootstrap import GroupCount, bootstrap_interval, group_weights
from polyvalues.analysis.statistics.formulas import correctness
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.artifacts.quality_ratings import IDS, measures_of
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, TARGET
from polyvalues.errors import MeasureError

COLUMN: Final = "column"
QUALITY: Final = "quality"
_KNOWN: Final = 0.9
_PAIRS_PER_COLUMN: Final = 10


def quality_columns(
    scores: Sequence[Scores], choices: Sequence[LayerChoice], rated: pa.Table, spec: StatisticsSpec
) -> xr.Dataset:
    """Regress recognition on the columns of rated pairs.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.
        rated: rated pairs (`polyvalues.artifacts.quality_ratings`); pairs without a row are left out.
        spec: confidence, draws, seed.

    Returns:
        `alone`, `together` `[concept, column, interval]` in accuracy per standard deviation, columns `quality` and the
        measures; `n_pairs` int32 `[concept]`; `adjusted` `[concept, target, interval]`. NaN where there is nothing to
        say: no spread, too few pairs, columns that say the same.

    Raises:
        MeasureError: no tested pair has a quality, or a concept without a choice.
    """
    labels, by_concept = labels_of(scores), {choice.concept: choice for choice in choices}
    names = (QUALITY, *measures_of(rated))
    values = dict(
        zip(
            zip(*(rated[name].to_pylist() for name in IDS), strict=True),
            np.stack([rated[name].to_numpy() for name in names], axis=1),
            strict=True,
        )
    )
    shape = (len(labels.concepts), len(names), 3)
    alone, together, n = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape[0], np.int32)
    adjusted = np.full((shape[0], len(labels.targets), 3), np.nan)
    for row, concept in enumerate(labels.concepts):
        own = [part for part in scores if str(part.data.attrs["concept"]) == concept]
        table = _table(own, by_concept[concept], values, len(names))
        n[row] = len(table.correct)
        if n[row]:
            weights = group_weights(concept, table.groups, spec.draws, spec.seed)
            alone[row], adjusted[row] = _alone(table, weights, labels.targets, spec.confidence)
            together[row, 1:] = _together(table, weights, spec.confidence)
    if not n.any():
        raise MeasureError("no tested pair has a quality: name concept, language and item as the study does")
    return xr.Dataset(
        {
            "alone": ((CONCEPT, COLUMN, INTERVAL), alone),
            "together": ((CONCEPT, COLUMN, INTERVAL), together),
            "n_pairs": ((CONCEPT,), n),
            "adjusted": ((CONCEPT, TARGET, INTERVAL), adjusted),
        },
        coords={
            CONCEPT: list(labels.concepts),
            COLUMN: list(names),
            TARGET: list(labels.targets),
            INTERVAL: list(BOUNDS),
        },
        attrs={"confidence": spec.confidence},
    )


def column_notes(found: xr.Dataset) -> list[str]:
    """A sentence per concept: which columns go with recognition, and how."""
    notes = []
    for concept in map(str, found[CONCEPT].values):
        cell = found["alone"].sel({CONCEPT: concept}).transpose(COLUMN, INTERVAL)
        known = [(str(n), v) for n, v in zip(cell[COLUMN].values, cell.values, strict=True) if not np.isnan(v).any()]
        certain = [f"{name} {v[0]:+.3f}" for name, v in known if v[1] > 0 or v[2] < 0]
        said = f"certain for {', '.join(certain) or 'none'} of {len(known)} columns"
        if not known:
            said = "nothing can be said, since accuracy or quality has no spread"
        notes.append(f"{concept}: accuracy per standard deviation of quality, within languages: {said}")
    return notes


@dataclass(frozen=True, eq=False)
class _Table:
    """Rated pairs of one concept, all languages one after another; `groups` is how many groups there are."""

    correct: Float64[np.ndarray, " pair"]
    columns: Float64[np.ndarray, "pair column"]
    language: tuple[str, ...]
    group: Int64[np.ndarray, " pair"]
    groups: int

    def centred(self, values: np.ndarray, *, scaled: bool) -> np.ndarray:
        """Less the language's mean, and over its standard deviation; 0 where there is none, NaN where unknown."""
        tags, out = np.array(self.language, dtype=str), np.array(values, dtype=np.float64)
        for tag in dict.fromkeys(self.language):
            own = tags == tag
            present = own & ~np.isnan(values)
            if present.any():
                middle, spread = values[present].mean(), values[present].std()
                out[own] = (values[own] - middle) / (spread if scaled and spread > 1e-12 else 1.0)
        return out


def _table(
    scores: Sequence[Scores], choice: LayerChoice, values: Mapping[tuple[str, ...], np.ndarray], columns: int
) -> _Table:
    correct: list[float] = []
    kept: list[np.ndarray] = []
    language: list[str] = []
    group: list[str] = []
    for part in scores:
        target, data = str(part.data.attrs["target"]), picked_differences(part, choice)
        if target not in data["source"].values:
            continue
        right = correctness(data["difference"].sel(source=target).values)
        for item, name, one in zip(data["item"].values, data["group"].values, right, strict=True):
            found = values.get((choice.concept, target, str(item)))
            if found is not None:
                correct.append(float(one))
                kept.append(found)
                language.append(target)
                group.append(str(name))
    names, rows = np.unique(np.array(group, dtype=str), return_inverse=True)
    table = np.stack(kept) if kept else np.empty((0, columns))
    return _Table(np.array(correct), table, tuple(language), rows.astype(np.int64), len(names))


def _alone(
    table: _Table, weights: np.ndarray, targets: Sequence[str], confidence: float
) -> tuple[Float64[np.ndarray, "column interval"], Float64[np.ndarray, "target interval"]]:
    """Slopes of every column by itself; accuracies adjusted by that of the quality, which is the first."""
    y = table.centred(table.correct, scaled=False)
    slopes = np.full((table.columns.shape[1], 3), np.nan)
    for at, column in enumerate(table.columns.T):
        if _usable(column):
            x = np.nan_to_num(table.centred(column, scaled=True))
            slopes[at] = _interval(
                _slope(table, x, y, weights)[None], GroupCount.of(np.bincount(table.group)), confidence
            )[0]
    adjusted, quality = np.full((len(targets), 3), np.nan), table.columns[:, 0]
    raw = _slope(table, table.centred(quality, scaled=False), y, weights)
    tags = np.array(table.language, dtype=str)
    for at, target in enumerate(targets):
        own = tags == target
        if own.any() and not np.isnan(raw).all():
            sums = [
                np.bincount(table.group[own], part, table.groups) for part in (table.correct[own], 1 - quality[own])
            ]
            sizes = np.bincount(table.group[own], minlength=table.groups)
            count = weights @ sizes
            with np.errstate(invalid="ignore", divide="ignore"):
                level, missing = (weights @ part / count for part in sums)
            adjusted[at] = bootstrap_interval(np.clip(level + raw * missing, 0, 1), GroupCount.of(sizes), confidence)
    return slopes, adjusted


def _slope(table: _Table, x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Float64[np.ndarray, " resample"]:
    above, below = (weights @ np.bincount(table.group, part, table.groups) for part in (x * y, x * x))
    return np.divide(above, below, out=np.full(len(weights), np.nan), where=below > 1e-12)


def _together(table: _Table, weights: np.ndarray, confidence: float) -> Float64[np.ndarray, "column interval"]:
    """Slopes of all measures in one regression; NaN for those that cannot be in it."""
    slopes = np.full((table.columns.shape[1] - 1, 3), np.nan)
    used = [at for at in range(1, table.columns.shape[1]) if _usable(table.columns[:, at])]
    whole = np.asarray(~np.isnan(table.columns[:, used]).any(axis=1))
    if len(used) < 2 or whole.sum() < _PAIRS_PER_COLUMN * len(used):
        return slopes
    part = _Table(
        table.correct[whole],
        table.columns[whole],
        tuple(tag for tag, kept in zip(table.language, whole.tolist(), strict=True) if kept),
        table.group[whole],
        table.groups,
    )
    y = part.centred(part.correct, scaled=False)
    x = np.stack([part.centred(part.columns[:, at], scaled=True) for at in used], axis=1)
    if np.linalg.matrix_rank(x) < len(used):
        return slopes
    squares = np.zeros((table.groups, len(used), len(used)))
    products = np.zeros((table.groups, len(used)))
    np.add.at(squares, part.group, x[:, :, None] * x[:, None, :])
    np.add.at(products, part.group, x * y[:, None])
    left = np.tensordot(weights.astype(np.float64), squares, axes=1)
    right = weights @ products
    solvable = np.linalg.matrix_rank(left, hermitian=True) == len(used)
    found = np.full((len(weights), len(used)), np.nan)
    found[solvable] = np.linalg.solve(left[solvable], right[solvable][..., None])[..., 0]
    slopes[[at - 1 for at in used]] = _interval(found.T, GroupCount.of(np.bincount(part.group)), confidence)
    return slopes


def _interval(draws: Float64[np.ndarray, "column resample"], groups: GroupCount, confidence: float) -> np.ndarray:
    """As everywhere; nothing is said of a slope that is the same in every draw, since slopes have no limits."""
    found = bootstrap_interval(draws, groups, confidence, (-np.inf, np.inf))
    found[np.isinf(found).any(axis=-1)] = np.nan
    return found


def _usable(column: np.ndarray) -> bool:
    known = column[~np.isnan(column)]
    return len(known) >= _KNOWN * len(column) and len(known) > 1 and bool(np.ptp(known) > 1e-12)
