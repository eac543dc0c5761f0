"""p-values of outlying values hold whatever the tail, and see outliers where there are some."""

import numpy as np
import pytest
from scipy import stats

from polyvalues.analysis.statistics.robust_location import biweight
from polyvalues.analysis.statistics.tail_p_values import LEAST, LEVELS, Tail, outlying, tail_of
from reference import divergence_oracle as oracle

ITEMS = np.arange(200)


def drawn(seed: int, nu: float = np.inf, items: int = 200, columns: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_t(nu, (1, items, columns)) if nu < np.inf else rng.standard_normal((1, items, columns))


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("nu", [2.5, 4.0, 30.0])
def test_tails_agree_with_the_oracle(levels: tuple[float, float], nu: float) -> None:
    values = np.abs(drawn(1, nu, 300, 1)[0, :, 0])
    group = np.arange(300) // 3
    mine = tail_of(values, group, levels, 1.4)
    assert mine is not None
    expected = oracle.tail(values.tolist(), group.tolist(), *levels, 1.4)
    if np.isfinite(expected[0]) and expected[0] < 100:
        np.testing.assert_allclose((mine.nu, mine.scale), expected, rtol=2e-3)
    else:
        assert mine.nu > 90


@pytest.mark.parametrize("nu", [3.0, 8.0])
def test_the_tail_of_a_t_is_recovered(nu: float) -> None:
    values = 2.5 * np.abs(np.random.default_rng(3).standard_t(nu, 200_000))
    found = tail_of(values, np.arange(len(values)), LEVELS[0], 0.0)
    assert found is not None
    assert found.nu == pytest.approx(nu, rel=0.1)
    assert found.scale == pytest.approx(2.5, rel=0.02)


def test_a_tail_gives_the_p_of_students_t_and_its_inverse() -> None:
    tail = Tail(4.0, 2.0)
    np.testing.assert_allclose(tail.p(np.array([-6.0, 0.0])), np.array([2 * float(stats.t.sf(3, 4)), 1.0]))
    assert tail.p(np.array(tail.needed(1e-4))) == pytest.approx(1e-4)


@pytest.mark.parametrize("nu", [3.0, 4.0, np.inf])
def test_nothing_is_outlying_in_heavy_tails_and_normal_p_would_say_so(nu: float) -> None:
    columns = normal = 0
    for seed in range(20):
        z = drawn(seed, nu)
        columns += int((outlying(z, ITEMS, 0.05).q <= 0.05).any(axis=1).sum())
        bound = stats.norm.isf(0.025 / 200)
        normal += int((np.abs(z / biweight(z[0])[1]) > bound).any(axis=1).sum())
    assert columns <= 0.07 * 120
    assert (normal > 0.5 * 120) == (nu < np.inf)  # the test can fail


def test_an_outlier_is_seen_from_needed_on() -> None:
    z = drawn(5)
    needed = outlying(z, ITEMS, 0.05).needed[0, 2]
    assert 4 < needed < 8
    for factor, seen in ((0.9, False), (1.1, True)):
        changed = z.copy()
        changed[0, 7, 2] = -factor * needed
        assert (outlying(changed, ITEMS, 0.05).q[0, 7, 2] <= 0.05) == seen


def test_columns_and_items_have_no_order_and_magnitudes_no_sign() -> None:
    z, rng = drawn(8, 4.0), np.random.default_rng(0)
    items, columns = rng.permutation(200), rng.permutation(6)
    group = ITEMS // 4
    first = outlying(z, group, 0.05)
    second = outlying(-z[:, items][:, :, columns], group[items], 0.05)
    assert np.array_equal(first.p[:, items][:, :, columns], second.p)
    assert np.array_equal(first.needed[:, columns], second.needed)


def test_too_few_values_have_no_p() -> None:
    z = drawn(2, items=LEAST - 1, columns=1)
    found = outlying(z, np.arange(LEAST - 1), 0.05)
    assert np.isnan(found.p).all()
    assert np.isnan(found.needed).all()
    more = drawn(2, items=LEAST, columns=1)
    assert not np.isnan(outlying(more, np.arange(LEAST), 0.05).p).any()


def test_missing_values_stay_missing() -> None:
    z = drawn(4)
    z[0, 10, :3] = np.nan
    z[0, :, 5] = np.nan
    found = outlying(z, ITEMS, 0.05)
    assert np.array_equal(np.isnan(found.p), np.isnan(z))
    assert np.isnan(found.needed[0, 5])


def test_the_biweight_agrees_with_the_oracle_and_hardly_sees_outliers() -> None:
    values = np.random.default_rng(6).standard_normal((100, 2))
    values[:5, 1] = 50.0
    location, scale = biweight(values)
    for column in range(2):
        np.testing.assert_allclose((location[column], scale[column]), oracle.biweight(values[:, column].tolist()))
    assert scale[1] == pytest.approx(np.std(values[5:, 1]), rel=0.15)
    assert np.isnan(biweight(values[:7])[1]).all()
    assert np.isnan(biweight(np.zeros((9, 1)))[1]).all()
