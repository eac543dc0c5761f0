"""Does recognition go with the measured quality of translations?

    within   mean accuracy of the better half of a language's items less that of the worse half, own vector, where the
             halves are cut at the median of the quality (items at the median are left out)
    across   Spearman's rho over languages of mean quality with own accuracy, p by permuting languages

Quality is any number per pair, larger is better (a rating, a back-translation score). `within` speaks of items in one
language, `across` of languages: the order of languages may be the order of their translators. Positive: better texts
are recognised better. Interval of `within`: bootstrap over groups, the halves drawn together. A language with no spread
of quality has no halves (NaN).
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import xarray as xr

from polyvalues.analysis.scoring.pair_outcomes import labels_of, picked_differences
from polyvalues.analysis.statistics.attainable_p import LEVEL
from polyvalues.analysis.statistics.bootstrap import (
    GroupCount,
    bootstrap_interval,
    group_sums,
    group_weights,
    resampled_ratio,
)
from polyvalues.analysis.statistics.formulas import correctness, ordered_mean
from polyvalues.analysis.statistics.rank_correlation import rank_smallest, rank_test
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.artifacts.quality_ratings import ratings_of
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, TARGET
from polyvalues.errors import MeasureError


def quality_effect(
    scores: Sequence[Scores], choices: Sequence[LayerChoice], rated: pa.Table, spec: StatisticsSpec
) -> xr.Dataset:
    """Relate recognition to measured quality.

    Args:
        scores: one per concept and target. Only `test` pairs count (cross-fitted: all pairs).
        choices: one per concept.
        rated: rated pairs (`polyvalues.artifacts.quality_ratings`); pairs without a row are left out.
        spec: confidence, draws, seed.

    Returns:
        `within` `[concept, target, interval]`, `n_pairs` int32 `[concept, target]` with a quality, `mean_quality`
        `[concept, target]`, `accuracy` `[concept, target]` of the pairs that have one, `rho`, `p`, `p_smallest`
        `[concept]` across languages.

    Raises:
        MeasureError: no tested pair has a quality, or a concept without a choice.
    """
    labels, by_concept = labels_of(scores), {choice.concept: choice for choice in choices}
    quality = ratings_of(rated)
    shape = (len(labels.concepts), len(labels.targets))
    within, n = np.full((*shape, 3), np.nan), np.zeros(shape, np.int32)
    means, accuracy = np.full(shape, np.nan), np.full(shape, np.nan)
    for part in scores:
        concept, target = str(part.data.attrs["concept"]), str(part.data.attrs["target"])
        at = labels.concepts.index(concept), labels.targets.index(target)
        data = picked_differences(part, by_concept[concept])
        if target not in data["source"].values:
            continue
        values = np.array([quality.get((concept, target, str(item)), np.nan) for item in data["item"].values])
        known = ~np.isnan(values)
        n[at] = known.sum()
        if not known.any():
            continue
        correct = correctness(data["difference"].sel(source=target).values)[known].astype(np.float64)
        means[at], accuracy[at] = values[known].mean(), correct.mean()
        within[at] = _halves(correct, values[known], data["group"].values[known], concept, spec)
    if not n.any():
        raise MeasureError("no tested pair has a quality: name concept, language and item as the study does")
    pairs = [(accuracy[row], means[row], f"quality {name}", spec.seed) for row, name in enumerate(labels.concepts)]
    rank, smallest = [rank_test(*pair) for pair in pairs], [rank_smallest(*pair) for pair in pairs]
    dims = (CONCEPT, TARGET)
    return xr.Dataset(
        {
            "within": ((*dims, INTERVAL), within),
            "n_pairs": (dims, n),
            "mean_quality": (dims, means),
            "accuracy": (dims, accuracy),
            "rho": ((CONCEPT,), np.array([found[0] for found in rank])),
            "p": ((CONCEPT,), np.array([found[1] for found in rank])),
            "p_smallest": ((CONCEPT,), np.array(smallest)),
        },
        coords={CONCEPT: list(labels.concepts), TARGET: list(labels.targets), INTERVAL: list(BOUNDS)},
        attrs={"confidence": spec.confidence, "test": "permutation of languages, two-sided"},
    )


def quality_notes(found: xr.Dataset) -> list[str]:
    """One sentence per concept."""
    notes = []
    for concept in map(str, found[CONCEPT].values):
        cell = found.sel({CONCEPT: concept})
        lower, upper = (cell["within"].sel({INTERVAL: bound}).values for bound in ("lower", "upper"))
        mean = float(ordered_mean(cell["within"].sel({INTERVAL: "estimate"}).values[:, None])[0])
        certain = int(((lower > 0) | (upper < 0)).sum())
        rho, p = float(cell["rho"]), float(cell["p"])
        across = "too few languages to compare" if np.isnan(rho) else f"rho {rho:+.2f}, p = {p:.2g}"
        if float(cell["p_smallest"]) > LEVEL:
            across = f"cannot be tested (rho {rho:+.2f}, smallest possible p {float(cell['p_smallest']):.2g})"
        notes.append(
            f"{concept}: the better half of the texts is recognised {mean:+.2f} better than the worse half, on average "
            f"over languages (certain in {certain} of {int((~np.isnan(lower)).sum())}); across languages: {across}"
        )
    return notes


def _halves(
    correct: np.ndarray, quality: np.ndarray, group: np.ndarray, concept: str, spec: StatisticsSpec
) -> np.ndarray:
    middle = float(np.median(quality))
    better, worse = quality > middle, quality < middle
    if not better.any() or not worse.any():
        return np.full(3, np.nan)
    names, row = np.unique(group, return_inverse=True)
    weights = group_weights(concept, len(names), spec.draws, spec.seed)
    counts = [np.bincount(row[half], minlength=len(names)) for half in (better, worse)]
    halves = [
        resampled_ratio(
            group_sums(correct[half][:, None], row[half], len(names)),
            count,
            weights,
        )
        for half, count in zip((better, worse), counts, strict=True)
    ]
    return bootstrap_interval(
        halves[0] - halves[1], GroupCount.of(np.stack(counts, axis=1)).least(), spec.confidence, (-1.0, 1.0)
    )[0]
