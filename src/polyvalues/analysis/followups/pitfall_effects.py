"""What known mistakes in measuring do to a study's numbers, one function each, on the study's own data.

    selection     every cell at the layer where it scores best on the tested pairs, not at one chosen elsewhere
    ties          a tie counts as right, instead of one half
    leakage       translations of tested items are fitted on in the other language, instead of one split for all
    post-norm     the last layer read after the final norm, instead of the block's output
    shift         each distance correlated with the cosine of the previous pair of languages, instead of its own

Each gives the right number, the mistaken one, and their difference with an interval. These are mistakes found in the
published code of Xu et al. (2024), see `docs/protocols.md`; what they do elsewhere depends on the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from polyvalues.analysis.scoring.pair_outcomes import ConceptOutcomes, strict_outcomes
from polyvalues.analysis.statistics.bootstrap import GroupCount, bootstrap_interval, group_sums, resampled_ratio
from polyvalues.analysis.statistics.formulas import correctness, ordered_mean
from polyvalues.analysis.statistics.mantel import correlation, upper
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec

FIT_SHARE: Final = 0.8

Differences = Float64[np.ndarray, "pair hidden"]
"""Positive less negative side of every pair, rows in the same order of items in all languages."""


@dataclass(frozen=True)
class Mistake:
    """One mistake and what it does.

    Attributes:
        mistake: its name.
        quantity: what is looked at.
        right, mistaken: the number without and with it.
        lower, upper: interval of mistaken less right; NaN where there is none.
        interval: what the interval is over.
    """

    mistake: str
    quantity: str
    right: float
    mistaken: float
    lower: float
    upper: float
    interval: str


def selection_and_ties(
    scores: Sequence[Scores], choices: Sequence[LayerChoice], spec: StatisticsSpec
) -> tuple[Mistake, Mistake]:
    """Selection on the tested pairs, and ties counted as right; mean accuracy over all cells and concepts.

    Args:
        scores: one per concept and target (strict protocol).
        choices: one per concept.
        spec: confidence, draws, seed.
    """
    series: dict[str, list[Float64[np.ndarray, " resample"]]] = {"right": [], "best": [], "ties": []}
    least = []
    for concept in strict_outcomes(scores, {choice.concept: choice for choice in choices}):
        weights = concept.weights(spec.draws, spec.seed)
        found = [_cells(concept, at, weights) for at in range(len(concept.targets))]
        for name, values in zip(series, zip(*found, strict=True), strict=True):
            series[name].append(ordered_mean(np.concatenate(values)))
        counts = np.stack([concept.counts(target) for target in concept.targets], axis=1)
        least.append(GroupCount.of(counts).least())
    right, best, ties = (ordered_mean(np.stack(values)) for values in series.values())
    groups = GroupCount.stack(least).least()
    return _made("selection", right, best, groups, spec), _made("ties", right, ties, groups, spec)


def leakage(differences: Sequence[Mapping[str, Differences]], rng: np.random.Generator, splits: int = 50) -> Mistake:
    """Accuracy of foreign vectors when every language has a split of its own.

    Args:
        differences: per concept, by language: of the same items in the same order, at one layer.
        rng: draws the splits.
        splits: how many.

    Returns:
        Mean accuracy over source != target and concepts, of mean differences fitted on 80 % of the items; the interval
        is that of its mean over random splits.
    """
    gaps, clean = [], []
    for _ in range(splits):
        per_concept = []
        for concept in differences:
            rows = len(next(iter(concept.values())))
            shared = rng.permutation(rows)
            own = {language: rng.permutation(rows) for language in concept}
            per_concept.append((_foreign(concept, dict.fromkeys(concept, shared)), _foreign(concept, own)))
        means = np.mean(per_concept, axis=0)
        clean.append(means[0])
        gaps.append(means[1] - means[0])
    error = 1.96 * float(np.std(gaps, ddof=1)) / np.sqrt(splits)
    right, gap = float(np.mean(clean)), float(np.mean(gaps))
    return Mistake(
        "leakage", "accuracy of foreign vectors", right, right + gap, gap - error, gap + error, "random splits"
    )


def post_norm(
    before: Sequence[Differences], after: Sequence[Differences], folds: int, rng: np.random.Generator
) -> Mistake:
    """Own-language accuracy at the last layer, read before and after the final norm, cross-fitted.

    Args:
        before: per concept and language: pair differences of the block's output.
        after: the same after the final norm.
        folds: of the cross-fitting; pairs are dealt out at random.
        rng: deals them.
    """
    values = []
    for plain, normed in zip(before, after, strict=True):
        fold = rng.permutation(np.arange(len(plain)) % folds)
        values.append((_crossed(plain, fold), _crossed(normed, fold)))
    right, mistaken = np.array(values).T
    error = 1.96 * float(np.std(mistaken - right, ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    gap = float(np.mean(mistaken - right))
    return Mistake(
        "post-norm", "own-language accuracy at the last layer", float(right.mean()), float(mistaken.mean()),
        gap - error, gap + error, "concepts and languages",
    )  # fmt: skip


def shifted(
    cosine: Float64[np.ndarray, "language language"], similarity: Float64[np.ndarray, "language language"], kind: str
) -> Mistake:
    """Pearson's r of cosines with similarity, and with every similarity beside the cosine of the previous pair.

    Args:
        cosine: symmetric, at the chosen layer.
        similarity: symmetric, 1 less the distance; NaN where missing.
        kind: of the distance.
    """
    values, other = upper(cosine), upper(similarity)
    right, mistaken = float(correlation(values[1:], other[1:])), float(correlation(values[:-1], other[1:]))
    nothing = float("nan")
    return Mistake("shift", f"r of cosines with {kind} similarity", right, mistaken, nothing, nothing, "")


def _cells(
    concept: ConceptOutcomes, at: int, weights: np.ndarray
) -> tuple[Float64[np.ndarray, "source resample"], ...]:
    """Accuracy of every source in one target in every resample: as it is, at the best layer, and with ties right."""
    target, groups = concept.targets[at], len(concept.groups)
    counts = concept.counts(target)

    def drawn(correct: np.ndarray) -> Float64[np.ndarray, "cell resample"]:
        return resampled_ratio(group_sums(correct.astype(np.float64), target.group, groups), counts, weights)

    sides = target.picked_sides()
    per_layer = target.correct()
    best: Int64[np.ndarray, " source"] = per_layer.mean(axis=0, dtype=np.float64).argmax(axis=0)
    chosen = np.take_along_axis(per_layer, best[None, None], axis=1)[:, 0]
    return drawn(target.picked_correct()), drawn(chosen), drawn(correctness(sides[:, 0] - sides[:, 1], "correct"))


def _made(name: str, right: np.ndarray, mistaken: np.ndarray, groups: GroupCount, spec: StatisticsSpec) -> Mistake:
    quantity = "accuracy, mean over cells and concepts"
    gap = bootstrap_interval(mistaken - right, groups, spec.confidence, (-1.0, 1.0))
    gap = np.maximum(gap, 0.0)  # neither can lower a number
    return Mistake(name, quantity, float(right[0]), float(mistaken[0]), float(gap[1]), float(gap[2]), "groups")


def _foreign(concept: Mapping[str, Differences], order: Mapping[str, np.ndarray]) -> float:
    """Mean accuracy of every language's vector on the unfitted pairs of every other one."""
    cut = {language: int(FIT_SHARE * len(rows)) for language, rows in order.items()}
    vectors = np.stack([concept[name][order[name][: cut[name]]].mean(axis=0) for name in concept])
    found = []
    for at, name in enumerate(concept):
        correct = correctness(concept[name][order[name][cut[name] :]] @ vectors.T).mean(axis=0, dtype=np.float64)
        found += np.delete(correct, at).tolist()
    return float(np.mean(found))


def _crossed(values: Differences, fold: np.ndarray) -> float:
    correct = np.empty(len(values))
    for number in np.unique(fold):
        inside = fold == number
        correct[inside] = correctness(values[inside] @ values[~inside].mean(axis=0))
    return float(correct.mean())
