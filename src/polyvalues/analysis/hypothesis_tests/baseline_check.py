"""What directions that mean nothing reach: their mean with its interval, their range, and a vector's place among them.

    a[d]      accuracy of draw d on the tested pairs: sum over groups of right pairs / number of pairs
    centre    mean of a over the D draws, m
    range     middle part of a: where a single direction without meaning falls on these pairs
    p         (1 + #{d: |a[d] - 1/2| >= |A - 1/2|}) / (1 + D), A the vector's accuracy, at least 1 / (1 + D)

Two things vary: which directions were drawn, and which items. With e[g, d] the share of group g in the error of a[d]
(linearised: right pairs less a[d] times pairs, over all pairs), G groups and c = G / (G - 1):

    draws       var(a) / D                                         holds the interaction of draws and items already
    items       c sum_g mean_d(e[g, d])^2 - interaction,           not below 0
    interaction (c mean_d sum_g e[g, d]^2 - c sum_g mean_d(e)^2) / (D - 1)
    interval    m -+ t sqrt(draws + items),  degrees of freedom by Satterthwaite from D - 1 and G - 1

Means over languages are taken draw by draw (draws are shared by languages), and over concepts likewise; groups that
concepts share are added up, others stand side by side.

A direction and its opposite are equally probable, so the true centre is 1/2 on any pairs, unless the procedure itself
favours what it draws, as choosing the layer on the tested pairs does. The verdict on a study rests on that:

    fail          the centre of either kind differs from 1/2 at 5 % (two tests, Bonferroni)
    pass          it does not, and both intervals lie within `NARROW` of 1/2
    cannot tell   it does not, but an interval is wider than that: more draws, or more items, would tell
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from scipy import stats

from polyvalues.analysis.statistics.bootstrap import bounded, group_sums, unlike_share
from polyvalues.analysis.statistics.formulas import ordered_mean

NARROW: Final = 0.05
"""How far from 1/2 an interval may reach in a baseline that passes."""

LEVEL: Final = 0.05
VERDICTS: Final = ("pass", "fail", "cannot tell")


@dataclass(frozen=True, eq=False)
class Drawn:
    """Accuracies of directions that mean nothing.

    Attributes:
        accuracy: of each draw.
        error: share of each group in its error; zero for groups without pairs.
        groups: how many groups have pairs.
    """

    accuracy: Float64[np.ndarray, "*cell draw"]
    error: Float64[np.ndarray, "group *cell draw"]
    groups: int


@dataclass(frozen=True, eq=False)
class Centre:
    """Mean accuracy over draws.

    Attributes:
        interval: estimate, lower, upper.
        p: two-sided, against 1/2.
        draws, items: the two parts of its variance.
    """

    interval: Float64[np.ndarray, "*cell interval"]
    p: Float64[np.ndarray, "*cell"]
    draws: Float64[np.ndarray, "*cell"]
    items: Float64[np.ndarray, "*cell"]


def drawn_accuracy(
    correct: Float32[np.ndarray, " pair *cell"], group: Int64[np.ndarray, " pair"], groups: int
) -> Drawn:
    """Accuracy of every draw on the pairs of one language, with the errors of its groups.

    Args:
        correct: 1, 1/2 or 0 by pair and draw (the last axis).
        group: of each pair.
        groups: number of groups of the concept.
    """
    sums = group_sums(correct.astype(np.float64), group, groups)
    counts = np.bincount(group, minlength=groups).astype(np.float64)
    total = counts.sum()
    accuracy = sums.sum(axis=0) / total
    error = (sums - counts.reshape(-1, *(1,) * accuracy.ndim) * accuracy) / total
    return Drawn(accuracy, error, int(np.count_nonzero(counts)))


def mean_of(parts: Sequence[Drawn]) -> Drawn:
    """Mean, draw by draw, over parts that have their groups in common (languages of a concept)."""
    return Drawn(
        ordered_mean(np.stack([part.accuracy for part in parts])),
        ordered_mean(np.stack([part.error for part in parts])),
        min(part.groups for part in parts),
    )


def mean_over_strata(strata: Sequence[Sequence[Drawn]]) -> Drawn:
    """Mean, draw by draw, over parts of several strata; only parts of one stratum have their groups in common."""
    everything = [part for stratum in strata for part in stratum]
    shares = [len(stratum) / len(everything) for stratum in strata]
    error = [share * mean_of(stratum).error for share, stratum in zip(shares, strata, strict=True)]
    return Drawn(
        ordered_mean(np.stack([part.accuracy for part in everything])),
        np.concatenate(error),
        sum(min(part.groups for part in stratum) for stratum in strata),
    )


def centre(drawn: Drawn, confidence: float) -> Centre:
    """Mean over draws, its interval and its p; NaN with fewer than two draws.

    Where nothing varies, or there is one group, the bounds are those of `resample.unlike_share`.
    """
    accuracy, error, count = drawn.accuracy, drawn.error, drawn.accuracy.shape[-1]
    estimate = np.asarray(accuracy.mean(axis=-1))
    if count < 2:
        nothing = np.full(estimate.shape, np.nan)
        return Centre(np.full((*estimate.shape, 3), np.nan), nothing, nothing, nothing)
    few = drawn.groups < 2
    scale = 1.0 if few else drawn.groups / (drawn.groups - 1)
    seen = np.asarray(scale * np.sum(error.mean(axis=-1) ** 2, axis=0))
    single = np.asarray(scale * np.mean(np.sum(error**2, axis=0), axis=-1))
    items = np.asarray(np.maximum(seen - (single - seen) / (count - 1), 0.0))
    draws = np.asarray(accuracy.var(axis=-1, ddof=1) / count)
    variance = np.asarray(draws + items)
    below = draws**2 / (count - 1) + items**2 / max(drawn.groups - 1, 1)
    freedom = np.divide(variance**2, below, out=np.ones(variance.shape), where=below > 0)
    error_of = np.sqrt(variance)
    reach = np.asarray(stats.t.ppf((1 + confidence) / 2, freedom)) * error_of
    share = unlike_share(np.full(estimate.shape, drawn.groups), confidence)
    flat = (variance <= 1e-18) | few
    lower = np.where(flat, estimate * (1 - share), np.maximum(estimate - reach, 0.0))
    upper = np.where(flat, estimate + share * (1 - estimate), np.minimum(estimate + reach, 1.0))
    away = np.abs(estimate - 0.5)
    t = np.divide(away, error_of, out=np.where(away > 1e-12, np.inf, 0.0), where=~flat)
    p = np.asarray(np.where(few, 1.0, 2 * np.asarray(stats.t.sf(t, freedom))))
    return Centre(bounded(estimate, lower, upper), p, draws, items)


def unmeasured(kinds: int) -> Centre:
    """The centre of so many kinds of which nothing is known."""
    nothing = np.full(kinds, np.nan)
    return Centre(np.full((kinds, 3), np.nan), nothing, nothing, nothing)


def spread(drawn: Drawn, confidence: float) -> Float64[np.ndarray, "*cell interval"]:
    """Mean over draws, and the middle part of their accuracies: where a single one falls on these pairs."""
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(drawn.accuracy, [tail, 1 - tail], axis=-1)
    return bounded(np.asarray(drawn.accuracy.mean(axis=-1)), np.asarray(lower), np.asarray(upper))


def placement(accuracy: float, drawn: Drawn) -> Float64[np.ndarray, "*cell"]:
    """Two-sided p of a vector's accuracy among those of the draws; NaN where it has none."""
    if np.isnan(accuracy):
        return np.full(drawn.accuracy.shape[:-1], np.nan)
    beyond = np.abs(drawn.accuracy - 0.5) >= abs(accuracy - 0.5) - 1e-9
    return np.asarray((1 + beyond.sum(axis=-1)) / (1 + drawn.accuracy.shape[-1]))


def verdict(kinds: Centre) -> str:
    """One of `VERDICTS` on the kinds of baseline along the first axis; empty where one was not measured."""
    if np.isnan(kinds.interval).any() or np.isnan(kinds.p).any():
        return ""
    if np.min(kinds.p) * len(kinds.p) <= LEVEL:
        return "fail"
    return "pass" if np.abs(kinds.interval - 0.5).max() <= NARROW else "cannot tell"


def draws_needed(kinds: Float[np.ndarray, "control interval"], draws: int) -> int:
    """Draws with which both intervals would be narrow, were all of their width due to draws."""
    reach = float(np.max(kinds[:, 2] - kinds[:, 1])) / 2
    return int(np.ceil(draws * (reach / NARROW) ** 2 / 8) * 8)
