"""A correlation beyond genealogy: the statistic by hand, the law of simulated languages, size and power."""

import numpy as np
import pytest

from polyvalues.analysis.hypothesis_tests.distance_correlation_forms import Form, correlations, without_languages
from polyvalues.analysis.statistics.mantel import METHODS, Method, mantel, smallest_p, upper
from polyvalues.analysis.statistics.phylogenetic_test import RUNGS, Design, _null, _simulated, beyond
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.languages.distances import distances
from polyvalues.simulation.genealogy_tests import cosines_of
from reference import genealogy_oracle as oracle
from unchecked import unchecked

TABLE = {name: values.values for name, values in distances(MOSAIC_LANGUAGES).items()}
GENETIC, PLACES, SYNTAX = (TABLE[str(kind)] for kind in ("genetic", "geographic", "syntactic"))


def points(rng: np.random.Generator, count: int) -> np.ndarray:
    place = rng.normal(size=(count, 3))
    return np.linalg.norm(place[:, None] - place[None], axis=-1)


@pytest.mark.parametrize("method", METHODS)
def test_the_statistic_is_the_correlation_of_least_squares_residuals(method: Method) -> None:
    rng = np.random.default_rng(0)
    x, y, first, second = (points(rng, 9) for _ in range(4))
    first[0, 4] = first[4, 0] = y[2, 3] = y[3, 2] = np.nan
    design = Design((first, second))
    found = beyond(x, y, design, method=method, draws=9, rng=rng)
    assert found.pairs == 34
    assert design.rung(design.known(x, y)) == 0
    assert found.r == pytest.approx(oracle.residual_correlation(x, y, [first, second], method), abs=1e-9)
    form = Form(design=design)
    assert correlations(x, y[..., None], form, method)[0] == pytest.approx(found.r, abs=1e-12)


def test_a_similarity_that_is_scaled_or_moved_along_the_design_is_the_same() -> None:
    rng = np.random.default_rng(1)
    x, y, distance = points(rng, 8), points(rng, 8), points(rng, 8)
    single = rng.normal(size=8)
    other = 3 * x - 2 + distance**2 + single[:, None] + single[None]
    first, second = (
        beyond(one, y, Design((distance,)), method="pearson", draws=99, rng=np.random.default_rng(2))
        for one in (x, other)
    )
    assert first.r == pytest.approx(second.r, abs=1e-9)
    assert first.p == second.p


@pytest.mark.parametrize("traits", [5, 40])
def test_simulated_cosines_have_the_covariance_and_the_spread_asked_for(traits: int) -> None:
    root = np.linalg.cholesky(np.array([[1, 0.7, 0.2], [0.7, 1, 0.4], [0.2, 0.4, 1]]).repeat(2, 0).repeat(2, 1) * 0.9
                              + 0.1 * np.eye(6))  # fmt: skip
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    drawn = _simulated(root, traits, 20_000, np.random.default_rng(3))
    wanted = upper(root @ root.T)
    spread = (1 - wanted**2) ** 2 / traits
    assert np.abs(drawn.mean(axis=0) - wanted).max() < 0.6 / traits + 0.01  # a mean cosine is smaller by order 1 / k
    if traits > 20:
        np.testing.assert_allclose(drawn.var(axis=0), spread, rtol=0.1, atol=0.002)


def test_both_ways_of_simulating_draw_one_law() -> None:
    root = np.linalg.cholesky(0.5 + 0.5 * np.eye(4))
    few, many = (_simulated(root, traits, 40_000, np.random.default_rng(4)) for traits in (3, 4))
    plain = oracle.simulated(root, 4, 40_000, np.random.default_rng(5))
    np.testing.assert_allclose(np.quantile(many, [0.1, 0.5, 0.9], axis=0), np.quantile(plain, [0.1, 0.5, 0.9], axis=0),
                               atol=0.02)  # fmt: skip
    assert few.std() > many.std()


def test_the_number_of_traits_is_found_again() -> None:
    rng = np.random.default_rng(6)
    found = []
    for _ in range(40):
        y = cosines_of(np.exp(-GENETIC / 0.3), 24, rng)
        known = np.ones(120, dtype=bool)
        found.append(_null(upper(y), Design((GENETIC,)).basis(0, known), known, 16)[1])
    assert 18 < np.median(found) < 32


@unchecked()
def test_genealogy_alone_fools_the_simple_test_and_not_this_one() -> None:
    """And cosines that follow syntax beyond genealogy are found."""
    rng = np.random.default_rng(7)
    simple, ours, spatial, power = [], [], [], []
    design = Design((GENETIC, PLACES))
    for _ in range(60):
        alike = cosines_of(np.exp(-GENETIC), 24, rng)
        simple.append(mantel(1 - SYNTAX, alike, permutations=199, rng=rng)[1])
        ours.append(beyond(1 - SYNTAX, alike, design, method="pearson", draws=199, rng=rng).p)
        near = cosines_of(np.exp(-PLACES / 0.2), 24, rng)
        spatial.append(beyond(1 - SYNTAX, near, design, method="pearson", draws=199, rng=rng).p)
        real = cosines_of(0.4 * np.exp(-GENETIC / 0.5) + 0.6 * (1 - SYNTAX) ** 2, 24, rng)
        power.append(beyond(1 - SYNTAX, real, design, method="pearson", draws=199, rng=rng).p)
    simple, ours, spatial, power = (np.mean(np.array(p) <= 0.05) for p in (simple, ours, spatial, power))
    assert simple > 0.4
    assert ours < 0.15
    assert spatial < 0.15
    assert power > 0.6


@pytest.mark.parametrize(("count", "single", "power"), [(4, False, 1), (5, False, 2), (7, True, 1), (16, True, 2)])
def test_the_design_leaves_half_of_the_pairs(count: int, single: bool, power: int) -> None:
    rng = np.random.default_rng(8)
    x, y = points(rng, count), points(rng, count)
    design = Design((points(rng, count), points(rng, count)))
    rung = design.rung(design.known(x, y))
    assert rung is not None
    assert RUNGS[rung] == (single, power)
    found = beyond(x, y, design, method="pearson", draws=99, rng=rng)
    assert found.least == 0.01 <= found.p <= 1


def test_languages_of_one_family_many_languages_and_missing_distances() -> None:
    rng = np.random.default_rng(9)
    x, y = points(rng, 64), points(rng, 64)
    family = np.full((64, 64), 0.4)  # no two are nearer than others
    family[3] = family[:, 3] = np.nan
    found = beyond(x, y, Design((family,)), method="spearman", draws=49, rng=rng)
    assert found.pairs == 63 * 62 // 2
    assert 0.02 <= found.p <= 1
    nothing = beyond(np.ones((64, 64)), y, Design((family,)), method="pearson", draws=49, rng=rng)
    assert np.isnan([nothing.r, nothing.p, nothing.least]).all()
    three = points(rng, 3)
    assert np.isnan(beyond(three, three, Design((three,)), method="pearson", draws=49, rng=rng).p)


def test_without_a_language_is_the_rest_alone() -> None:
    rng = np.random.default_rng(10)
    x, values, given = points(rng, 9), np.stack([points(rng, 9) for _ in range(3)], axis=-1), points(rng, 9)
    rest = [0, 1, 3, 4, 5, 6, 7, 8]
    sub = np.ix_(rest, rest)
    for form, part in (
        (Form(), Form()),
        (Form(third=given), Form(third=given[sub])),
        (Form(design=Design((given,))), Form(design=Design((given[sub],)))),
    ):
        for method in METHODS:
            found = without_languages(x, values, form, method)
            assert found.shape == (10, 3)
            np.testing.assert_allclose(found[3], correlations(x[sub], values[sub], part, method), atol=1e-9)


def test_the_smallest_p_counts_orders_that_change_nothing() -> None:
    near = np.zeros((5, 5))
    near[0, 1] = near[1, 0] = 1  # one related pair: 2! 3! of 5! orders leave it as it is
    assert smallest_p(near, 10, np.random.default_rng(0)) == pytest.approx(12 / 120)
    assert smallest_p(points(np.random.default_rng(1), 9), 99, np.random.default_rng(0)) == pytest.approx(0.01)
