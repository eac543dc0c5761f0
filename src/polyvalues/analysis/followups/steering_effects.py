"""What steering did: rates and paired changes of every variant, per target, with intervals and tests.

    rate[k, q, t]      mean over items of quantity q under variant k in target t
    change[k, q, t]    rate[k, q, t] - rate[base, q, t], item by item
    mean[k, q]         mean of the change over the targets named (those that could be expected to move)
    matrix[s, t]       change of the behaviour on violating prompts in t under the vector of s

Variants: `prompt` (asked to refuse), `source` (the source's vector, safer side), `opposite` (the same, other side),
`own` (the target's vector), `random` (mean over random directions of the same length). Several seeds or draws of an
item are averaged first. Intervals: bootstrap over groups, the same groups in all languages and variants; p: exact sign
flips over groups; q: Benjamini-Hochberg over the targets of a variant. Perplexity is on a log scale (base e).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float64, Int

from polyvalues.analysis.statistics.attainable_p import sign_flip_smallest
from polyvalues.analysis.statistics.bootstrap import GroupCount, bootstrap_interval, group_sums, group_weights
from polyvalues.analysis.statistics.cohen_kappa import kappa_interval
from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg, sign_flip_p
from polyvalues.artifacts import Generations, Judged
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, INTERVAL, QUANTITY, SOURCE, TARGET, Language

VARIANTS: Final = ("prompt", "source", "opposite", "own", "random")
"""What is compared with no steering."""

QUANTITIES: Final = ("behaviour", "behaviour_upholding", "willing", "language", "log_perplexity", "repetition")
"""The judged behaviour on violating and on upholding prompts; willing answers on upholding prompts; language kept,
log perplexity and repetition on both."""

Cell = Float64[np.ndarray, "target group 2"]
"""Mean over the items of a group, and how many there are; NaN without any."""

_SIDES: Final = {"behaviour": "negative", "behaviour_upholding": "positive", "willing": "positive"}


@dataclass(frozen=True, eq=False)
class Judgements:
    """Scores of all generations, aligned with their rows."""

    aim: Judged
    willing: Judged
    language: Judged
    perplexity: Judged
    repetition: Judged


def control_findings(
    generations: Generations,
    judged: Judgements,
    source: Language,
    averaged: Sequence[Language],
    statistics: StatisticsSpec,
) -> xr.Dataset:
    """Rates, changes, means and the matrix.

    Args:
        generations: test answers of one concept, all targets and variants.
        judged: scores of their rows.
        source: language of the vector.
        averaged: targets over which `mean` goes.
        statistics: draws, confidence, seed.

    Returns:
        `rate`, `change` `[variant, quantity, target, interval]` (`rate` has `base` as first variant); `p`, `q`,
        `p_smallest` `[variant, target]` of the change in behaviour; `mean` `[variant, quantity, interval]`; `matrix`
        `[source, target, interval]`; `groups` int32 `[target]`, those with an unsteered answer. `p_smallest` counts
        only groups whose change is not 0. attrs: concept, steered_by, behaviour, judge, averaged.
    """
    frame = _frame(generations, judged)
    concept = str(generations.table["concept"][0])
    targets = list(dict.fromkeys(frame["target"]))
    groups = {name: at for at, name in enumerate(dict.fromkeys(frame["group"]))}
    weights = group_weights(concept, len(groups), statistics.draws, statistics.seed)
    cells = {
        (variant, quantity): _cell(frame, frame["variant"].to_numpy() == variant, quantity, targets, groups)
        for variant in ("base", *VARIANTS)
        for quantity in QUANTITIES
    }
    named = [at for at, target in enumerate(targets) if target in averaged]
    rate, change, mean = _tables(cells, weights, named, statistics.confidence)
    flipped = [_flips(_less(cells[name, "behaviour"], cells["base", "behaviour"])) for name in VARIANTS]
    p = np.stack([sign_flip_p(sums, 1e-3) for sums in flipped])
    smallest = [_smallest(sums) for sums in flipped]
    matrix, sources = _matrix(frame, targets, groups, weights, statistics.confidence)
    counted = np.isfinite(cells["base", "behaviour"][..., 0]).sum(axis=1)
    return xr.Dataset(
        {
            "rate": (("variant_or_base", QUANTITY, TARGET, INTERVAL), rate),
            "change": (("variant", QUANTITY, TARGET, INTERVAL), change),
            "mean": (("variant", QUANTITY, INTERVAL), mean),
            "p": (("variant", TARGET), p),
            "q": (("variant", TARGET), np.stack([benjamini_hochberg(row) for row in p])),
            "p_smallest": (("variant", TARGET), np.stack(smallest)),
            "matrix": ((SOURCE, TARGET, INTERVAL), matrix),
            "groups": (TARGET, counted.astype(np.int32)),
        },
        coords={
            "variant_or_base": ["base", *VARIANTS], "variant": list(VARIANTS), QUANTITY: list(QUANTITIES),
            TARGET: targets, INTERVAL: list(BOUNDS), SOURCE: sources,
        },
        attrs={
            "concept": concept, "steered_by": source, "behaviour": judged.aim.behaviour, "judge": judged.aim.judge,
            "averaged": " ".join(target for target in targets if target in averaged),
        },
    )  # fmt: skip


def _tables(
    cells: Mapping[tuple[str, str], Cell],
    weights: Int[np.ndarray, "resample group"],
    named: list[int],
    confidence: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rates of every variant, their changes, and the mean change over the named targets."""
    targets = len(cells["base", QUANTITIES[0]])
    rate = np.full((len(VARIANTS) + 1, len(QUANTITIES), targets, 3), np.nan)
    change, mean = rate[1:].copy(), np.full((len(VARIANTS), len(QUANTITIES), 3), np.nan)
    for column, quantity in enumerate(QUANTITIES):
        base = cells["base", quantity]
        for row, variant in enumerate(("base", *VARIANTS)):
            own = cells[variant, quantity]
            rate[row, column] = _interval(_resampled(own, weights), own, confidence, _limits(quantity, signed=False))
            if row:
                gap = _less(own, base)
                moved = _resampled(gap, weights)
                change[row - 1, column] = _interval(moved, gap, confidence, _limits(quantity, signed=True))
                if named:
                    whole = moved[named].mean(axis=0, keepdims=True)
                    mean[row - 1, column] = _interval(whole, gap[named], confidence, _limits(quantity, signed=True))[0]
    return rate, change, mean


def agreement(
    generations: Generations, judged: Sequence[Judged], statistics: StatisticsSpec
) -> Sequence[tuple[str, str, str, Float64[np.ndarray, " interval"]]]:
    """Kappa of every two judges of one behaviour: behaviour, both judges, estimate with bounds."""
    names = generations.table["group"].to_pylist()
    order = {name: at for at, name in enumerate(dict.fromkeys(names))}
    group = np.array([order[name] for name in names])
    weights = group_weights("kappa", len(order), statistics.draws, statistics.seed)
    return [
        (
            one.behaviour,
            one.judge,
            other.judge,
            kappa_interval(one.scores, other.scores, group, weights, statistics.confidence),
        )
        for at, one in enumerate(judged)
        for other in judged[at + 1 :]
        if one.behaviour == other.behaviour
    ]


def _frame(generations: Generations, judged: Judgements) -> pd.DataFrame:
    """A row per answer: where it belongs, and every quantity; NaN where a quantity is not asked of that side."""
    frame = generations.table.select(["target", "item", "group", "side", "vector", "source", "sign"]).to_pandas()
    frame["variant"] = np.where(frame["sign"] < 0, "opposite", frame["vector"])
    with np.errstate(divide="ignore", invalid="ignore"):
        logged = np.log(judged.perplexity.scores)
    values = {
        "behaviour": judged.aim.scores,
        "behaviour_upholding": judged.aim.scores,
        "willing": judged.willing.scores,
        "language": judged.language.scores,
        "log_perplexity": logged,
        "repetition": judged.repetition.scores,
    }
    for name, scores in values.items():
        side = _SIDES.get(name)
        frame[name] = np.where((frame["side"] == side) | (side is None), scores, np.nan)
    # the source's own vector in all targets is `source`; those of other languages are for the matrix
    others = (frame["variant"] == "source") & (frame["source"] != _first_source(frame))
    frame["variant"] = frame["variant"].where(~others, "matrix")
    return frame


def _first_source(frame: pd.DataFrame) -> str:
    """Language of the vector: the one that random directions and the opposite sign stand beside."""
    named = frame.loc[frame["variant"].isin(["random", "opposite"]), "source"]
    return str(named.iloc[0]) if len(named) else ""


def _cell(frame: pd.DataFrame, rows: np.ndarray, quantity: str, targets: list[str], groups: dict[str, int]) -> Cell:
    """Sums of item means and numbers of items, per target and group, as mean and weight; NaN mean without items."""
    own = frame.loc[rows & frame[quantity].notna().to_numpy(), ["target", "group", "item", "side", quantity]]
    found = np.full((len(targets), len(groups), 2), np.nan)
    if len(own):
        items = own.groupby(["target", "group", "item", "side"], sort=False)[quantity].mean().reset_index()
        for at, target in enumerate(targets):
            mine = items[items["target"] == target]
            if len(mine):
                place = mine["group"].map(groups).to_numpy()
                sums = group_sums(mine[quantity].to_numpy(), place, len(groups))
                counts = np.bincount(place, minlength=len(groups)).astype(float)
                present = counts > 0
                found[at, present, 0], found[at, present, 1] = sums[present] / counts[present], counts[present]
    return found


def _less(own: Cell, base: Cell) -> Cell:
    """Group by group, weighed by the items of `own`."""
    gap = own.copy()
    gap[..., 0] -= base[..., 0]
    return gap


def _resampled(cell: Cell, weights: Int[np.ndarray, "resample group"]) -> Float64[np.ndarray, "target resample"]:
    """Mean over groups, weighed by their items and by how often they were drawn; NaN without any."""
    value, size = cell[..., 0], cell[..., 1]
    known = np.isfinite(value) & np.isfinite(size)
    size = np.where(known, size, 0.0)
    above = (np.where(known, value, 0.0) * size) @ weights.T
    below = size @ weights.T
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _interval(
    values: Float64[np.ndarray, "target resample"],
    cell: Float64[np.ndarray, "named group 2"],
    confidence: float,
    limits: tuple[float, float] | None,
) -> Float64[np.ndarray, "target interval"]:
    """Bootstrap intervals; `limits` None: as far as the groups' own values go."""
    known = np.isfinite(cell[..., 0])
    if limits is None:
        seen = cell[..., 0][known]
        limits = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 0.0)
    groups = GroupCount.of(np.where(known, cell[..., 1], 0.0).T)
    return bootstrap_interval(values, groups if len(cell) == len(values) else groups.least(), confidence, limits)


def _limits(quantity: str, *, signed: bool) -> tuple[float, float] | None:
    """Between which values a rate or its change lies; None for what has no bounds."""
    if quantity == "log_perplexity":
        return None
    return (-1.0, 1.0) if signed else (0.0, 1.0)


def _flips(gap: Cell) -> Float64[np.ndarray, "group target"]:
    """Changes by group, in 1/1000, for the exact test."""
    return np.round(gap[..., 0].T, 3)


def _smallest(sums: Float64[np.ndarray, "group target"]) -> Float64[np.ndarray, " target"]:
    """Smallest p: a group whose change is 0 has no sign to flip; 1 if all are 0, NaN if nothing was measured."""
    moved = (np.nan_to_num(sums) != 0).sum(axis=0)
    return np.where(np.isfinite(sums).any(axis=0), sign_flip_smallest(np.maximum(moved, 1)), np.nan)


def _matrix(
    frame: pd.DataFrame, targets: list[str], groups: dict[str, int], weights: np.ndarray, confidence: float
) -> tuple[Float64[np.ndarray, "source target interval"], list[str]]:
    """Change of behaviour on violating prompts by the vector of every source."""
    forward = frame["variant"].isin(["source", "matrix"]).to_numpy()
    sources = list(dict.fromkeys(frame.loc[forward, "source"]))
    base = _cell(frame, frame["variant"].to_numpy() == "base", "behaviour", targets, groups)
    found = np.full((len(sources), len(targets), 3), np.nan)
    for row, name in enumerate(sources):
        gap = _less(_cell(frame, forward & (frame["source"].to_numpy() == name), "behaviour", targets, groups), base)
        found[row] = _interval(_resampled(gap, weights), gap, confidence, (-1.0, 1.0))
    return found, sources
