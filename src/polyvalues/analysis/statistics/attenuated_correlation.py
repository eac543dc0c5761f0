"""Correlations with cosines that carry noise, on plain arrays.

    y_p          cosine of a pair of languages p; y' its residual given the mean (and a third variable z)
    V            mean over pairs of the sampling variance of y'_p, from the jackknife over folds
    r            = cov(x', y') / (sd(x') sqrt(var(y') - V))

Noise in the cosines adds to their variance and not to their covariance with `x`, so a plain correlation is too small by
the factor sqrt((var(y') - V) / var(y')) (Spearman 1904, American Journal of Psychology 15:72-101). `V` holds the
covariance between the noise of different pairs, since it is taken from the residuals. Intervals are those of a ratio
(`polyvalues.analysis.statistics.jackknife`), with their half-width laid out on Fisher's scale, for their width falls
with 1 - r^2:
otherwise intervals of correlations near 1 cover 83 to 90 %. In replicates without a fold V is larger by K / (K - 1).

Ranks have no such sum. A rank correlation is turned into the product-moment correlation that has it under a normal law,
2 sin(pi rho / 6) (Pearson 1907), divided by the same factor, and turned back.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64

from polyvalues.analysis.statistics.formulas import fisher_z
from polyvalues.analysis.statistics.jackknife import corrected_variance, ratio_interval
from polyvalues.analysis.statistics.mantel import LEAST

_NEAR_ONE: Final = 0.99
LEAST_SHARE: Final = 0.05
"""Smallest share of the variance of the cosines, beyond noise, at which a correlation is reported."""


def residuals(
    values: Float64[np.ndarray, "pair series"], third: Float64[np.ndarray, " pair"] | None
) -> Float64[np.ndarray, "pair series"]:
    """What the mean, and `third` if given, leave of each series."""
    columns = [np.ones(len(values))] if third is None else [np.ones(len(values)), third]
    basis = np.linalg.qr(np.stack(columns, axis=1))[0]
    return values - basis @ (basis.T @ values)


def share_beyond_noise(rest: Float64[np.ndarray, "pair replicate"], folds: int) -> tuple[float, float]:
    """Share of the variance of residual cosines that is not noise, and the noise variance V."""
    noise = float(np.mean(corrected_variance(rest, folds)))
    variance = float(np.mean(rest[:, 0] ** 2))
    return (1 - noise / variance if variance > 0 else float("nan")), noise


def noise_error(rest: Float64[np.ndarray, "pair replicate"], folds: int) -> float:
    """Variance of the noise variance V, itself estimated from few folds.

    With covariance S between n pairs, from K - 1 degrees of freedom, it is 2 tr(S S) / ((K - 1) n^2). Few degrees of
    freedom enlarge tr(S S) by tr(S)^2 / (K - 1), which is taken away; what is left is at least tr(S)^2 / n.
    """
    single = rest[:, 1 : folds + 1] - rest[:, 1 : folds + 1].mean(axis=1, keepdims=True)
    gram = (folds - 1) / folds * (single.T @ single)
    trace, freedom, pairs = float(np.trace(gram)), folds - 1, len(rest)
    square = max(float(np.sum(gram**2)) - trace**2 / freedom, trace**2 / pairs)
    return 2 * square / (freedom * pairs**2)


def noise_free_correlation(
    x: Float64[np.ndarray, " pair"],
    y: Float64[np.ndarray, "pair replicate"],
    third: Float64[np.ndarray, " pair"] | None,
    folds: int,
    confidence: float,
) -> tuple[Float64[np.ndarray, " interval"], float, float]:
    """Correlation of `x` with noisy `y`, as if `y` had no noise, and the factor by which it was enlarged.

    Args:
        x: without noise.
        y: in every replicate; no NaN.
        third: what is held fixed.
        folds: number of folds.
        confidence: coverage aimed at.

    Returns:
        Estimate, lower and upper, within [-1, 1], NaN where fewer than `LEAST` pairs are known, a variable is constant,
        or at most `LEAST_SHARE` of the variance is not noise; the factor; the half-width on Fisher's scale, infinite
        where there is no finite interval; NaN likewise.
    """
    unknown = np.full(3, np.nan), float("nan"), float("nan")
    if len(x) < LEAST:
        return unknown
    fixed, rest = residuals(x[:, None], third)[:, 0], residuals(y, third)
    spread = float(np.sqrt(np.mean(fixed**2)))
    if spread <= 1e-12 * (1 + float(np.abs(x).max())):
        return unknown
    share, noise = share_beyond_noise(rest, folds)
    if not share > LEAST_SHARE:
        return unknown
    above = fixed @ rest / (len(x) * spread)
    variance = np.mean(rest**2, axis=0) - noise * inflation(y.shape[1], folds)
    below = np.sqrt(np.maximum(variance, 0.0))
    more = noise_error(rest, folds) / (4 * below[0] ** 2)
    found = ratio_interval(above[None], below[None], folds, confidence, more=more)[0]
    estimate, lower, upper = found
    reach = np.inf if (lower, upper) == (-1.0, 1.0) else (upper - lower) / 2 / (1 - min(abs(estimate), _NEAR_ONE) ** 2)
    return np.clip(_on_fishers_scale(found), -1.0, 1.0), float(share**-0.5), float(reach)


def _on_fishers_scale(found: Float64[np.ndarray, " interval"]) -> Float64[np.ndarray, " interval"]:
    """The interval of a correlation below 1, as wide on Fisher's scale as its half-width says at the estimate."""
    estimate, lower, upper = found
    if not abs(estimate) < 1 or (lower, upper) == (-1.0, 1.0):
        return found
    reach = (upper - lower) / 2 / (1 - estimate**2)
    return np.array([estimate, np.tanh(np.arctanh(estimate) - reach), np.tanh(np.arctanh(estimate) + reach)])


def noise_free_ranks(seen: float, factor: float, reach: float) -> Float64[np.ndarray, " interval"]:
    """Interval of a rank correlation, enlarged by a factor known from the product-moment correlation.

    Args:
        seen: rank correlation as it is.
        factor: from `noise_free_correlation`.
        reach: likewise, half-width on Fisher's scale; ranks add the factor sqrt(1 + r^2 / 2) of Bonett and Wright
            (2000, Psychometrika 65:23-28).
    """
    if np.isnan(factor) or np.isnan(seen):
        return np.full(3, np.nan)
    product = float(np.clip(2 * np.sin(np.pi * seen / 6) * factor, -1.0, 1.0))
    width = reach * np.sqrt(1 + product**2 / 2)
    centre = float(fisher_z(np.array(product)))
    bounds = np.array([product, *(np.tanh(centre + side * width) for side in (-1, 1))])
    if abs(product) == 1:  # the estimate is at its limit: the bound on the other side is that of a correlation of 0.99
        bounds[1 if product > 0 else 2] = np.tanh(np.arctanh(product * _NEAR_ONE) - np.sign(product) * width)
    return 6 / np.pi * np.arcsin(bounds / 2)


def inflation(replicates: int, folds: int) -> Float64[np.ndarray, " replicate"]:
    """By how much sampling variances grow in each replicate, with one or two of the folds left out."""
    single, double = folds / (folds - 1), folds / max(folds - 2, 1)
    return np.concatenate([[1.0], np.full(folds, single), np.full(replicates - folds - 1, double)])
