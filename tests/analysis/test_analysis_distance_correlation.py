"""Kinship is found when planted, not when not, by a test that pairs of languages do not fool."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from polyvalues.analysis.consistency import cosines
from polyvalues.analysis.hypothesis_tests.distance_correlation import kinship
from polyvalues.analysis.statistics.mantel import METHODS, Method, correlation, mantel, upper
from polyvalues.artifacts import Replicates
from polyvalues.config import StatisticsSpec
from polyvalues.errors import MeasureError
from polyvalues.vectors.similarity.cross_validated_products import leave_out
from reference import mantel_oracle as oracle
from reference.measure_cases import make_choice, make_replicates
from unchecked import unchecked

SPEC = StatisticsSpec()
NAMES = tuple(f"l{chr(97 + i)}" for i in range(10))


def symmetric(rng: np.random.Generator, count: int) -> np.ndarray:
    """Distances of random places: pairs of one language go together."""
    place = rng.normal(size=(count, 2))
    return np.linalg.norm(place[:, None] - place[None], axis=-1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("given", [False, True])
def test_against_every_order_written_out(method: Method, given: bool) -> None:
    rng = np.random.default_rng(0)
    x, y, z = (symmetric(rng, 6) for _ in range(3))
    r, p, pairs = mantel(x, y, z if given else None, method=method, rng=rng)
    expected = oracle.mantel(x, y, z if given else None, method)
    assert (r, p) == pytest.approx(expected, abs=1e-9)
    assert pairs == 15


def test_missing_pairs_are_left_out_after_permuting_too() -> None:
    rng = np.random.default_rng(1)
    x, y = symmetric(rng, 6), symmetric(rng, 6)
    y[0, 3] = y[3, 0] = np.nan
    r, p, pairs = mantel(x, y, rng=rng)
    assert pairs == 14
    assert (r, p) == pytest.approx(oracle.mantel(x, y, None, "pearson"), abs=1e-9)


def test_draws_are_close_to_all_orders_and_repeat_with_the_seed() -> None:
    rng = np.random.default_rng(2)
    x, y = symmetric(rng, 9), symmetric(rng, 9)
    first, second = (mantel(x, y, permutations=3000, rng=np.random.default_rng(5)) for _ in range(2))
    assert first == second
    assert 1 / 3001 <= first[1] <= 1


@unchecked()
def test_the_test_is_rightly_sized_where_the_naive_one_is_not() -> None:
    rng = np.random.default_rng(3)
    ours, naive = [], []
    for _ in range(300):
        x, y = symmetric(rng, 10), symmetric(rng, 10)
        x, y = (m + rng.normal(size=10)[:, None] + 0 for m in (x, y))
        x, y = ((m + m.T) / 2 for m in (x, y))
        ours.append(mantel(x, y, permutations=399, rng=rng)[1])
        naive.append(stats.pearsonr(upper(x), upper(y))[1])
    assert 0.02 <= np.mean(np.array(ours) <= 0.05) <= 0.085
    assert np.mean(np.array(naive) <= 0.05) > 0.15


@unchecked()
def test_a_partial_test_does_not_credit_kinship_with_what_resources_do() -> None:
    rng = np.random.default_rng(4)
    plain, given = [], []
    for _ in range(60):
        z = symmetric(rng, 10)
        x, y = (z + 0.3 * symmetric(rng, 10) for _ in range(2))
        plain.append(mantel(x, y, permutations=199, rng=rng)[1])
        given.append(mantel(x, y, z, permutations=199, rng=rng)[1])
    assert np.mean(np.array(plain) <= 0.05) > 0.8
    assert np.mean(np.array(given) <= 0.05) < 0.2


def test_constant_and_few_values_have_no_correlation() -> None:
    assert np.isnan(correlation(np.ones(6), np.arange(6.0)))
    assert np.isnan(correlation(np.arange(3.0), np.arange(3.0)))
    rng = np.random.default_rng(5)
    assert np.isnan(mantel(np.ones((5, 5)), symmetric(rng, 5), rng=rng)[1])


def planted(rng: np.random.Generator, near: np.ndarray, slope: float) -> Replicates:
    """Cosines that rise with nearness by `slope`, with noise of their own and of every fold."""
    count, folds = len(near), 10
    errors = rng.normal(size=(count, count, 1, folds)) * 0.03
    left = leave_out(folds)
    noise = (
        np.stack([errors[..., kept].mean(axis=-1) for kept in left], axis=-1)
        + rng.normal(size=(count, count, 1, 1)) * 0.05
    )
    cosine = 0.4 + slope * near[:, :, None, None] + (noise + np.swapaxes(noise, 0, 1)) / 2
    return make_replicates(cosine, np.full((count, 1, len(left)), 0.8), concept="care", languages=NAMES, folds=folds)


def distances(rng: np.random.Generator) -> xr.Dataset:
    values = symmetric(rng, 10)
    values /= values.max()
    coords = {"source": list(NAMES), "target": list(NAMES)}
    return xr.Dataset({"genetic": (("source", "target"), values)}, coords=coords, attrs={"source": "made up"})


CHOICE = [make_choice(0, layers=1, concept="care")]


def test_planted_kinship_is_found_in_every_form() -> None:
    rng = np.random.default_rng(6)
    given = distances(rng)
    shares = {name: float(share) for name, share in zip(NAMES, np.geomspace(60, 0.1, 10), strict=True)}
    found = kinship(
        [planted(rng, 1 - given["genetic"].values, 0.4)], CHOICE, given, SPEC,
        dominant=NAMES[:2], shares=shares, permutations=999,
    ).sel(concept="care", kind="genetic")  # fmt: skip
    assert (found["p"] <= 0.05).all()
    assert (found["items"].sel(interval="lower") > 0.5).all()
    wide = found["languages"].sel(form="direct", of="cosine")
    assert (wide.sel(interval="lower") < wide.sel(interval="estimate")).all()
    assert int(found["pairs"].sel(of="cosine")) == 45
    direct = found["items"].sel(of="cosine", coefficient="pearson", form="direct", interval="estimate")
    seen = found["observed"].sel(of="cosine", coefficient="pearson", form="direct")
    assert float(seen) < float(direct)  # noise makes a correlation smaller
    assert 0.7 < float(direct) <= 1


def test_split_is_the_mean_of_both_parts() -> None:
    rng = np.random.default_rng(7)
    given = distances(rng)
    made = planted(rng, 1 - given["genetic"].values, 0.2)
    found = kinship([made], CHOICE, given, SPEC, dominant=NAMES[:3], permutations=99).sel(
        concept="care", kind="genetic"
    )
    head = np.arange(10) < 3
    involved = upper((head[:, None] | head[None]).astype(float)) > 0
    near, cosine = upper(1 - given["genetic"].values), upper(cosines(made)[:, :, 0, 0])
    parts = [np.corrcoef(near[mask], cosine[mask])[0, 1] for mask in (involved, ~involved)]
    cell = found["observed"].sel(of="cosine", coefficient="pearson", form="split")
    assert float(cell) == pytest.approx(np.mean(parts))
    assert np.isnan(found["p"].sel(form="partial")).all()


@unchecked()
def test_without_kinship_none_is_found() -> None:
    rng = np.random.default_rng(8)
    p = []
    for _ in range(50):
        given = distances(rng)
        found = kinship([planted(rng, np.zeros((10, 10)), 0.0)], CHOICE, given, SPEC, permutations=199)
        p.append(
            float(found["p"].sel(concept="care", of="cosine", kind="genetic", coefficient="pearson", form="direct"))
        )
    assert np.mean(np.array(p) <= 0.05) <= 0.14


def test_order_of_languages_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    given = distances(rng)
    made = planted(rng, 1 - given["genetic"].values, 0.4)
    mixed = [NAMES[i] for i in (3, 0, 7, 1, 9, 2, 4, 8, 5, 6)]
    first, second = (
        kinship([part], CHOICE, given, SPEC, dominant=NAMES[:2], permutations=99)
        for part in (made, Replicates(made.data.sel(source=mixed, target=mixed)))
    )
    np.testing.assert_allclose(first["items"], second["items"])
    np.testing.assert_allclose(
        first["languages"].sel(interval="estimate"), second["languages"].sel(interval="estimate")
    )


def test_a_language_without_distances_is_named() -> None:
    rng = np.random.default_rng(10)
    given = distances(rng).drop_sel(source="lc")
    with pytest.raises(MeasureError, match="no distances for lc"):
        kinship([planted(rng, np.zeros((10, 10)), 0)], CHOICE, given, SPEC)


def test_what_beyond_holds_fixed_and_the_smallest_p() -> None:
    """Of genealogy itself it is the direct form with Mantel's p; of another kind it is tested on its own."""
    rng = np.random.default_rng(11)
    given = distances(rng)
    given = given.assign(geographic=(("source", "target"), distances(rng)["genetic"].values))
    given = given.assign(syntactic=(("source", "target"), distances(rng)["genetic"].values))
    made = planted(rng, 1 - given["syntactic"].values, 0.4)
    found = kinship([made], CHOICE, given, SPEC, permutations=199).sel(concept="care", of="cosine")
    assert found["given"].values.tolist() == ["", "genetic", "genetic and geographic"]
    direct, beyond = (found.sel(kind="genetic", form=form).drop_vars(("form", "q")) for form in ("direct", "beyond"))
    assert direct.identical(beyond)
    syntactic = found.sel(kind="syntactic", form="beyond", coefficient="pearson")
    assert float(syntactic["p"]) <= 0.01
    assert float(syntactic["p_smallest"]) == pytest.approx(1 / 200)
    assert float(found["p"].sel(kind="geographic", form="beyond", coefficient="pearson")) > 0.05
    both, items = (syntactic[name].values for name in ("both", "items"))
    assert both[1] <= items[1] <= items[0] <= items[2] <= both[2]
    alone = kinship([made], CHOICE, given[["syntactic"]], SPEC, permutations=19)
    assert np.isnan(alone["p"].sel(form="beyond")).all(), "nothing is beyond genealogy without genetic distances"


def test_q_adjusts_one_form_at_a_time() -> None:
    rng = np.random.default_rng(12)
    given = distances(rng)
    given = given.assign(syntactic=(("source", "target"), distances(rng)["genetic"].values))
    found = kinship([planted(rng, 1 - given["genetic"].values, 0.4)], CHOICE, given, SPEC, permutations=199)
    cells = found.sel(concept="care", of="cosine", coefficient="pearson", form="beyond")
    p = cells["p"].values
    assert cells["q"].values.max() == pytest.approx(p.max())
    assert cells["q"].values.min() == pytest.approx(min(2 * p.min(), p.max()))
