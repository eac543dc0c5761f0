"""Intervals from refits without one fold and without two, on plain arrays.

    V(x, y) = (K - 1)/K sum_k (x_(k) - mean)(y_(k) - mean)                            jackknife covariance
    Q_kl    = K x - (K - 1) (x_(k) + x_(l)) + (K - 2) x_(kl)
    C(x, x) = sum_{k < l} (Q_kl - mean)^2 / (K (K - 1))                               its excess
    v       = V - C/2          where V >= 2 C
            = (V + C)/2        elsewhere, and never more than V

A product of sums over folds is not linear in the folds. The jackknife counts the part of its variance that is quadratic
twice (Efron and Stein 1981, Annals of Statistics 9:586-596), and V - C is unbiased, but so variable with ten folds that
intervals from it cover 86 to 95 % (`verify`); V alone covers 94 to 99.8 %. `v` lies half way. With K folds Student's t
has K - 1 degrees of freedom. Without the replicates that lack two folds, v = V.

Ratio. The interval of theta = x / y holds every value c for which x - c y is within t standard errors of 0 (Fieller
1954, JRSS B 16:175-185): (x - c y)^2 <= t^2 f (V_xx - 2 c V_xy + c^2 V_yy), f = v / V at c = x / y. When y itself
is within t standard errors of 0 no finite interval has the coverage, and the limits of the quantity are returned.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float64
from scipy import stats

from polyvalues.analysis.statistics.bootstrap import bounded
from polyvalues.analysis.statistics.formulas import fisher_z

Scale = Literal["fisher", "plain"]


def jackknife_covariance(
    x: Float64[np.ndarray, "*cell replicate"], y: Float64[np.ndarray, "*cell replicate"], folds: int
) -> tuple[Float64[np.ndarray, "*cell"], Float64[np.ndarray, "*cell"]]:
    """Jackknife covariance of two statistics, and its excess.

    Args:
        x: replicates: all folds, all but each one, and (optional) all but each two.
        y: replicates of another statistic.
        folds: number of folds K.

    Returns:
        V and C of the module's formula; C is zero without the replicates that lack two folds.
    """
    first = (_centred(part[..., 1 : folds + 1]) for part in (x, y))
    covariance = (folds - 1) / folds * np.sum(np.multiply(*first), axis=-1)
    if x.shape[-1] == folds + 1:
        return np.asarray(covariance), np.zeros(np.shape(covariance))
    second = (_centred(_second_order(part, folds)) for part in (x, y))
    return np.asarray(covariance), np.asarray(np.sum(np.multiply(*second), axis=-1) / (folds * (folds - 1)))


def corrected_variance(values: Float64[np.ndarray, "*cell replicate"], folds: int) -> Float64[np.ndarray, "*cell"]:
    """Variance `v` of the module's formula; NaN where a replicate is NaN."""
    variance, excess = jackknife_covariance(values, values, folds)
    return np.asarray(variance * _share(variance, excess))


def student_quantile(confidence: float, folds: int) -> float:
    """Quantile of Student's t with one degree of freedom less than there are folds."""
    return float(stats.t.ppf((1 + confidence) / 2, folds - 1))


def ratio_interval(
    numerator: Float64[np.ndarray, "*cell replicate"],
    denominator: Float64[np.ndarray, "*cell replicate"],
    folds: int,
    confidence: float,
    limits: tuple[float, float] = (-1.0, 1.0),
    more: float = 0.0,
) -> Float64[np.ndarray, "*cell interval"]:
    """Estimate, lower and upper of a ratio by Fieller's method.

    Args:
        numerator: in every replicate.
        denominator: in every replicate; not negative.
        folds: number of folds.
        confidence: coverage aimed at.
        limits: smallest and largest possible value; the interval where the denominator may be zero.
        more: variance of the denominator that its replicates do not show.

    Returns:
        All NaN where a replicate is NaN or the denominator is not positive. The estimate is not clipped.
    """
    x, y = np.asarray(numerator[..., 0]), np.asarray(denominator[..., 0])
    known = np.isfinite(numerator).all(axis=-1) & np.isfinite(denominator).all(axis=-1) & (y > 0)
    x, y = np.where(known, x, 0.0), np.where(known, y, 1.0)
    numerator, denominator = (np.where(known[..., None], part, 0.0) for part in (numerator, denominator))
    (vxx, cxx), (vxy, cxy), (vyy, cyy) = (
        jackknife_covariance(*pair, folds)
        for pair in ((numerator, numerator), (numerator, denominator), (denominator, denominator))
    )
    theta = x / y
    at = np.clip(theta, *limits)
    share = _share(vxx - 2 * at * vxy + at**2 * vyy, cxx - 2 * at * cxy + at**2 * cyy)
    reach = student_quantile(confidence, folds) ** 2
    factor = reach * share
    a, b, c = y**2 - factor * vyy - reach * more, x * y - factor * vxy, x**2 - factor * vxx
    finite = a > 1e-12 * y**2
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    safe = np.where(finite, a, 1.0)
    lower, upper = np.where(finite, (b - root) / safe, limits[0]), np.where(finite, (b + root) / safe, limits[1])
    out = np.stack([theta, np.minimum(lower, theta), np.maximum(upper, theta)], axis=-1)
    return np.where(known[..., None], out, np.nan)


def jackknife_interval(
    replicates: Float64[np.ndarray, "*cell replicate"], folds: int, confidence: float, scale: Scale
) -> Float64[np.ndarray, "*cell interval"]:
    """Estimate, lower and upper from replicates.

    `fisher` for quantities within [-1, 1]. All NaN with fewer than two folds or where a replicate is NaN.
    """
    return stratified_interval([(replicates, folds)], confidence, scale)


def stratified_interval(
    strata: Sequence[tuple[Float64[np.ndarray, "*cell _"], int]], confidence: float, scale: Scale
) -> Float64[np.ndarray, "*cell interval"]:
    """Interval of a sum over independent data sets, each with folds of its own.

    Each stratum holds its summand in every one of its replicates, and its number of folds. Folds of a stratum are left
    out while the others stay whole; variances add up over strata, degrees of freedom by Welch and Satterthwaite.
    """
    estimate = np.asarray(np.sum([part[..., 0] for part, _ in strata], axis=0))
    transform = fisher_z if scale == "fisher" else np.asarray
    variances, freedom = [], []
    for part, folds in strata:
        if folds < 2:
            return np.full((*estimate.shape, 3), np.nan)
        rest = (estimate - part[..., 0])[..., None]
        variances.append(corrected_variance(transform(rest + part), folds))
        freedom.append(folds - 1)
    variance = np.sum(variances, axis=0)
    spread = np.sum([v**2 / f for v, f in zip(variances, freedom, strict=True)], axis=0)
    degrees = np.divide(variance**2, spread, out=np.full(np.shape(variance), float(min(freedom))), where=spread > 0)
    reach = np.asarray(stats.t.ppf((1 + confidence) / 2, degrees)) * np.sqrt(variance)
    bounds = np.stack([transform(estimate) - reach, transform(estimate) + reach])
    lower, upper = np.tanh(bounds) if scale == "fisher" else bounds
    return bounded(estimate, np.asarray(lower), np.asarray(upper))


def student_p(values: Float64[np.ndarray, "*cell replicate"], folds: int) -> Float64[np.ndarray, "*cell"]:
    """Two-sided p of a statistic that is 0 on average without an effect; NaN where its variance is not known."""
    variance = corrected_variance(values, folds)
    known = variance > 0
    t = np.abs(values[..., 0]) / np.sqrt(np.where(known, variance, 1.0))
    return np.where(known, 2 * stats.t.sf(t, folds - 1), np.nan)


def _share(
    variance: Float64[np.ndarray, "*cell"], excess: Float64[np.ndarray, "*cell"]
) -> Float64[np.ndarray, "*cell"]:
    """Ratio v / V, between 1/2 and 1; 1 where there is no variance."""
    half = np.where(variance >= 2 * excess, variance - excess / 2, (variance + excess) / 2)
    share = np.divide(half, variance, out=np.ones(np.shape(variance)), where=variance > 0)
    return np.where(np.isnan(variance), np.nan, np.clip(share, 0.5, 1.0))


def _centred(values: Float64[np.ndarray, "*cell part"]) -> Float64[np.ndarray, "*cell part"]:
    return values - values.mean(axis=-1, keepdims=True)


def _second_order(values: Float64[np.ndarray, "*cell replicate"], folds: int) -> Float64[np.ndarray, "*cell two"]:
    """Q_kl of the module's formula."""
    one, two = values[..., 1 : folds + 1], values[..., folds + 1 :]
    first, second = np.triu_indices(folds, 1)
    return folds * values[..., :1] - (folds - 1) * (one[..., first] + one[..., second]) + (folds - 2) * two
