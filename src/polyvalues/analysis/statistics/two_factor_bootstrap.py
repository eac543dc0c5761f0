"""Intervals where items and languages are both samples: what other items in other languages would give.

An interval over items keeps the languages that were read; this one asks about languages in general, of which those
read are a sample, and about other items. Neither drawing items nor leaving out languages alone knows the whole
variance; adding the two counts what is particular to one item in one language twice. With theta(l, r) the quantity
without language l (l = 0: with all) in resample or fold replicate r (r = 0: all items):

    V_items        variance over r of theta(0, r): bootstrap, or grouped jackknife
    V_languages    (L - 1) / L sum_l (theta(l, 0) - mean)^2                     jackknife
    V_interaction  (L - 1) / L sum_l variance over r of theta(l, r) - mean_l theta(l, r)
    V              V_items + V_languages - V_interaction,   not below V_items or V_languages

For a mean over items and languages with variances a (items), b (languages) and c (particular to both) V_items is
a/n + c/nL, V_languages b/L + c/nL, V_interaction c/nL, so V is a/n + b/L + c/nL, the variance of the mean. It is the
corrected two-factor bootstrap of Schuett, Kipnis, Diedrichsen and Kriegeskorte (2023), 2 (V_i + V_l) - V_both, since
there V_both = V_i + V_l + V_interaction; leaving languages out instead of drawing them does the same
without random draws of languages, without pairs of a language with itself, and without the factor (L - 1) / L by which
a bootstrap variance is too small.

The interval is theta(0, 0) plus and minus Student's t times sqrt(V), its degrees of freedom by Welch and Satterthwaite
from those of items and languages (L - 1); never narrower than the interval over items.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy import special, stats

from polyvalues.analysis.statistics.formulas import fisher_z

Series = Float64[np.ndarray, "left_out replicate"]
"""A quantity by language left out (0: none) and by resample or replicate (0: all items)."""

Spread = Callable[[Float64[np.ndarray, "row replicate"]], Float64[np.ndarray, " row"]]
"""Variance over items from the replicates of each row, 0 among them."""

Ends = Sequence[tuple[str, str]]
"""Source and target of each cell."""

LEAST: Final = 3
"""Fewest languages of an interval over languages."""


@dataclass(frozen=True)
class Parts:
    """Variance of a quantity, by source.

    Attributes:
        items, languages, interaction: as in the module's formulas.
        languages_read: number of languages that were left out in turn.
        freedom: degrees of freedom of the items' variance.
    """

    items: float
    languages: float
    interaction: float
    languages_read: int
    freedom: float

    @property
    def variance(self) -> float:
        """Variance over items and languages."""
        return max(self.items + self.languages - self.interaction, self.items, self.languages)

    @property
    def degrees(self) -> float:
        """Degrees of freedom (Welch and Satterthwaite)."""
        fewest = float(min(self.freedom, self.languages_read - 1))
        spread = self.items**2 / self.freedom + self.languages**2 / (self.languages_read - 1)
        return max(self.variance**2 / spread, fewest) if spread > 0 else fewest


def without_each(values: Float64[np.ndarray, "cell replicate"], ends: Ends, languages: Sequence[str]) -> Series:
    """Mean over the cells that were measured, without each language (row 0: with all), in every replicate.

    The cells are summed in the order of their labels, so that the order of languages changes nothing.
    """
    order = sorted(range(len(ends)), key=lambda at: ends[at])
    values = values[order]
    measured = ~np.isnan(values[:, 0])
    kept = np.array([[True] * len(order), *([tag not in ends[at] for at in order] for tag in languages)], dtype=bool)
    weights = (kept & measured).astype(np.float64)
    there = ~np.isnan(values)
    count = weights @ there.astype(np.float64)
    total = weights @ np.where(there, values, 0.0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def bootstrap_spread(values: Float64[np.ndarray, "row replicate"]) -> Float64[np.ndarray, " row"]:
    """Variance over the resamples after 0; those in which the quantity is not defined are left out."""
    return np.asarray(np.nanvar(values[:, 1:], axis=1, ddof=1))


@dataclass(frozen=True, eq=False)
class Stratum:
    """A summand of a quantity, from items of its own.

    Attributes:
        series: the summand, by language left out and replicate.
        spread: variance over its items.
        freedom: degrees of freedom of that variance.
    """

    series: Series
    spread: Spread
    freedom: float


def parts(strata: Sequence[Stratum], *, fisher: bool = False) -> Parts:
    """Variance of a sum over independent sets of items, whose languages are the same.

    Args:
        strata: the summands; languages left out in the same order.
        fisher: of the sum on Fisher's scale.
    """
    total = np.sum([part.series[:, :1] for part in strata], axis=0)
    series = [total - part.series[:, :1] + part.series for part in strata]
    series = [fisher_z(part) for part in series] if fisher else series
    count = len(total) - 1
    factor = (count - 1) / count
    items = [float(part.spread(values[:1])[0]) for part, values in zip(strata, series, strict=True)]
    inside = [
        factor * float(part.spread(values[1:] - values[1:].mean(axis=0)).sum())
        for part, values in zip(strata, series, strict=True)
    ]
    left = series[0][1:, 0]
    languages = factor * float(((left - left.mean()) ** 2).sum())
    squares = sum(value**2 / part.freedom for part, value in zip(strata, items, strict=True))
    freedom = sum(items) ** 2 / squares if squares > 0 else min(part.freedom for part in strata)
    return Parts(sum(items), languages, sum(inside), count, freedom)


@dataclass(frozen=True)
class Over:
    """How an interval over items and languages is made.

    Attributes:
        confidence: coverage aimed at.
        fisher: whether the quantity is spread evenly on Fisher's scale.
        share: whether it is a share, whose bounds are those of its log odds (by the delta method).
        limits: smallest and largest possible value.
    """

    confidence: float
    fisher: bool = False
    share: bool = False
    limits: tuple[float, float] = (-np.inf, np.inf)


def both_interval(
    strata: Sequence[Stratum], items: Float64[np.ndarray, " interval"], over: Over
) -> Float64[np.ndarray, " interval"]:
    """Estimate, lower and upper over items and languages.

    Args:
        strata: as for `parts`.
        items: the interval over items, whose estimate is kept.
        over: how.

    Returns:
        NaN with fewer than `LEAST` languages, or where the quantity is not known without one of them.
    """
    unknown = any(np.isnan(part.series[:, 0]).any() or part.freedom <= 0 for part in strata)
    if not strata or unknown or len(strata[0].series) - 1 < LEAST:
        return np.full(3, np.nan)
    found = parts(strata, fisher=over.fisher)
    reach = float(stats.t.ppf((1 + over.confidence) / 2, found.degrees)) * np.sqrt(found.variance)
    middle = float(items[0])
    if over.fisher:
        lower, upper = np.tanh(fisher_z(np.array([middle])) + np.array([-reach, reach]))
    elif over.share and 0 < middle < 1:
        lower, upper = special.expit(special.logit(middle) + np.array([-reach, reach]) / (middle * (1 - middle)))
    else:
        lower, upper = middle - reach, middle + reach
    low, high = over.limits
    inside = np.clip([min(lower, items[1]), max(upper, items[2])], low, high)
    return np.array([middle, *inside])


def resampled(series: Series, groups: float) -> Stratum:
    """A mean of accuracies, from resamples of groups.

    Args:
        series: row 0 with all languages; replicates are resamples, 0 the data itself.
        groups: number of groups of equal size that are worth as much (`resample.GroupCount`), above 1.
    """
    grown = groups / (groups - 1)  # a bootstrap variance is too small by this
    return Stratum(series, lambda values: grown * bootstrap_spread(values), groups - 1)


def resampled_interval(
    series: Series,
    groups: float,
    items: Float64[np.ndarray, " interval"],
    confidence: float,
    limits: tuple[float, float],
) -> Float64[np.ndarray, " interval"]:
    """Interval over items and languages of a mean of accuracies; NaN with fewer than two groups."""
    if groups <= 1:
        return np.full(3, np.nan)
    return both_interval(
        [resampled(series, groups)], items, Over(confidence, share=limits == (0.0, 1.0), limits=limits)
    )
