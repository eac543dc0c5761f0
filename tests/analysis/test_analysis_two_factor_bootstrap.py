"""Intervals over items and languages: the variance in closed form, against a plain two-factor bootstrap, its bounds."""

import numpy as np
import pytest

from polyvalues.analysis.statistics.jackknife import corrected_variance
from polyvalues.analysis.statistics.two_factor_bootstrap import (
    Over,
    Stratum,
    both_interval,
    parts,
    resampled,
    without_each,
)
from reference import two_factor_oracle as oracle


def left_out(values: np.ndarray) -> np.ndarray:
    """`[left_out, replicate]` of the mean over languages, from `[language, replicate]`."""
    count = len(values)
    return np.concatenate([values.mean(axis=0)[None], (values.sum(axis=0) - values) / (count - 1)])


def folds_of(table: np.ndarray) -> np.ndarray:
    """Means by language, over all items and without each of ten folds of them, from `[item, language]`."""
    fold = np.arange(len(table)) % 10
    return np.stack([table.mean(axis=0), *(table[fold != at].mean(axis=0) for at in range(10))], axis=1)


def fold_spread(values: np.ndarray) -> np.ndarray:
    return corrected_variance(values, 10)


def folded(series: np.ndarray) -> Stratum:
    return Stratum(series, fold_spread, 9.0)


def test_the_variance_of_a_mean_is_that_of_the_analysis_of_variance() -> None:
    """In a balanced table with an item per fold the three parts are the mean squares' own."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(10, 1)) + rng.normal(size=(1, 6)) + rng.normal(size=(10, 6))
    found = parts([folded(left_out(folds_of(table)))])
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    rest = table - rows[:, None] - columns + table.mean()
    inside = float((rest**2).sum() / (9 * 5))
    assert found.items == pytest.approx(rows.var(ddof=1) / 10)
    assert found.languages == pytest.approx(columns.var(ddof=1) / 6)
    assert found.interaction == pytest.approx(inside / 60)
    assert found.variance == pytest.approx(rows.var(ddof=1) / 10 + columns.var(ddof=1) / 6 - inside / 60)


def test_the_variance_is_unbiased_where_the_three_parts_are_planted() -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(1500):
        table = 0.6 * rng.normal(size=(20, 1)) + 0.3 * rng.normal(size=(1, 5)) + rng.normal(size=(20, 5))
        got = parts([folded(left_out(folds_of(table)))])
        found.append(got.items + got.languages - got.interaction)
    assert np.mean(found) == pytest.approx(0.36 / 20 + 0.09 / 5 + 1 / 100, rel=0.05)


def test_it_is_the_corrected_two_factor_bootstrap() -> None:
    """Schuett et al. 2023, with many draws, and the factor by which a bootstrap variance is too small."""
    rng = np.random.default_rng(2)
    table = 0.5 * rng.normal(size=(40, 1)) + 0.3 * rng.normal(size=(1, 30)) + 2 * rng.normal(size=(40, 30))
    draws = rng.integers(40, size=(2000, 40))
    drawn = np.stack([table[rows].mean(axis=0) for rows in draws], axis=1)
    series = left_out(np.concatenate([table.mean(axis=0)[:, None], drawn], axis=1))
    ours = parts([resampled(series, 40.0)]).variance
    theirs = oracle.corrected(table, 4000, np.random.default_rng(3))
    assert ours == pytest.approx(theirs, rel=0.12)
    both = oracle.uncorrected(table, 4000, np.random.default_rng(3))
    assert both > 1.3 * ours, "drawing both counts what is particular to an item in a language three times"


def test_strata_add_up_and_fisher_is_taken_of_the_sum() -> None:
    rng = np.random.default_rng(4)
    one, two = (left_out(0.2 + 0.02 * rng.normal(size=(5, 11))) for _ in range(2))
    found = parts([folded(one), folded(two)], fisher=True)
    assert 9 <= found.freedom <= 18
    slope = (1 / (1 - (one + two)[0, 0] ** 2)) ** 2
    assert found.items == pytest.approx(slope * float((fold_spread(one[:1]) + fold_spread(two[:1]))[0]), rel=0.02)
    plain = parts([folded(one), folded(two)])
    assert found.languages == pytest.approx(slope * plain.languages, rel=0.1)


def test_bounds() -> None:
    rng = np.random.default_rng(5)
    series = left_out(0.9 + 0.05 * rng.normal(size=(5, 200)))
    over = Over(0.95, limits=(0.0, 1.0))
    items = np.array([series[0, 0], series[0, 0] - 0.4, series[0, 0] + 0.01])
    found = both_interval([resampled(series, 51.0)], items, over)
    assert found[0] == items[0]
    assert found[1] <= items[1]
    assert items[2] <= found[2] <= 1
    assert np.isnan(both_interval([resampled(left_out(rng.normal(size=(2, 20))), 9.0)], items, over)).all()
    series[2, 0] = np.nan
    assert np.isnan(both_interval([resampled(series, 51.0)], items, over)).all()
    alike = np.full((5, 50), 0.7)
    np.testing.assert_allclose(both_interval([resampled(alike, 9.0)], np.array([0.7, 0.6, 0.8]), over), [0.7, 0.6, 0.8])


def test_means_without_each_language() -> None:
    rng = np.random.default_rng(6)
    names = ("en", "fr", "sw")
    ends = [(s, t) for s in names for t in names if s != t]
    values = rng.normal(size=(6, 4))
    values[1] = np.nan  # en to sw was not measured
    values[2, 3] = np.nan  # fr to en was not drawn once
    found = without_each(values, ends, names)
    for row, tag in enumerate((None, *names)):
        kept = [at for at, pair in enumerate(ends) if at != 1 and tag not in pair]
        np.testing.assert_allclose(found[row], np.nanmean(values[kept], axis=0))
    order = [3, 5, 0, 1, 4, 2]
    np.testing.assert_array_equal(found, without_each(values[order], [ends[at] for at in order], names))
