"""The direction of transfer: recovered when planted, absent when not, and a matter of labels only."""

import numpy as np
import pytest

from polyvalues.analysis.hypothesis_tests.transfer_direction import direction, slope
from polyvalues.analysis.transfer import transfer
from polyvalues.artifacts import Scores
from polyvalues.config import StatisticsSpec
from polyvalues.errors import MeasureError
from reference import direction_oracle as oracle
from reference.measure_cases import make_choice, make_scores, random_scores, reordered
from unchecked import unchecked

SPEC = StatisticsSpec(draws=200)
LANGUAGES = ("en", "fr", "es", "sw", "ny")
SHARES = {"en": 60.0, "fr": 9.0, "es": 5.0, "sw": 0.5, "ny": 0.1}
LOGS = [float(np.log10(share)) for share in SHARES.values()]


def one_way(rng: np.random.Generator, strength: float, concept: str = "honesty", pairs: int = 150) -> list[Scores]:
    """Accuracy on target t under s: higher, the better-resourced the source, by `strength` per factor of ten."""
    scores = []
    for target in LANGUAGES:
        level = 0.75 + strength * (np.array(LOGS) - np.mean(LOGS))
        values = np.zeros((pairs, 2, 1, len(LANGUAGES)))
        values[:, 0, 0] = np.where(rng.random((pairs, 1 if strength else len(level))) < level, 1.0, -1.0)
        scores.append(make_scores(values, concept=concept, target=target, sources=LANGUAGES))
    return scores


def test_a_planted_direction_is_found_with_its_size() -> None:
    found = direction(one_way(np.random.default_rng(0), 0.05), [make_choice(0, layers=1)], SHARES, SPEC)
    cell = found["slope"].sel(concept="honesty")
    # T[s->t] - T[t->s] = level_s - level_t - (level_t - level_s): twice the level's slope
    assert float(cell.sel(interval="lower")) < 0.1 < float(cell.sel(interval="upper"))
    assert float(found["p"].sel(concept="honesty")) <= 0.05
    assert float(found["high_minus_low"].sel(concept="honesty", interval="lower")) > 0
    assert found["gain_word"].sel(concept="honesty", target="ny") == "gains"
    assert found["gain_mean_word"].sel(concept="honesty", target="en") == "loses"
    assert found["donor"].values.tolist() == ["fr", "en", "en", "en", "en"]


@unchecked()
def test_without_a_direction_the_test_is_rightly_sized() -> None:
    rng = np.random.default_rng(1)
    p = []
    for _ in range(150):
        found = direction(one_way(rng, 0.0, pairs=40), [make_choice(0, layers=1)], SHARES, StatisticsSpec(draws=20))
        p.append(float(found["p"].sel(concept="all")))
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.11


def test_it_agrees_with_the_oracle() -> None:
    scores = random_scores(np.random.default_rng(2), languages=LANGUAGES)
    found = direction(list(scores.values()), [make_choice(1)], SHARES, SPEC)
    cells = transfer(list(scores.values()), [make_choice(1)], SPEC)["transfer"].sel(
        interval="estimate", concept="honesty"
    )
    values = cells.values.copy()
    np.fill_diagonal(values, np.nan)
    cell = found.sel(concept="honesty")
    assert float(cell["slope"].sel(interval="estimate")) == pytest.approx(oracle.slope(values, LOGS))
    assert float(cell["p"]) == pytest.approx(oracle.permutation_p(values, LOGS))
    assert float(cell["high_minus_low"].sel(interval="estimate")) == pytest.approx(oracle.high_minus_low(values, LOGS))
    assert float(cell["gain"].sel(target="sw", interval="estimate")) == pytest.approx(values[0, 3])
    assert float(cell["gain_mean"].sel(target="sw", interval="estimate")) == pytest.approx(np.nanmean(values[:, 3]))


def test_missing_cells_are_left_out_of_the_slope() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(5, 5))
    values[0, 1] = np.nan
    assert slope(values, np.array(LOGS)) == pytest.approx(oracle.slope(values, LOGS))


def test_reversing_the_shares_turns_the_sign() -> None:
    scores = one_way(np.random.default_rng(4), 0.05)
    turned = {name: 1 / share for name, share in SHARES.items()}
    first = direction(scores, [make_choice(0, layers=1)], SHARES, SPEC)
    second = direction(scores, [make_choice(0, layers=1)], turned, SPEC)
    for name in ("slope", "high_minus_low"):
        np.testing.assert_allclose(
            second[name].sel(interval="estimate"), -first[name].sel(interval="estimate"), atol=1e-12
        )
    np.testing.assert_allclose(second["p"], first["p"])


def test_order_of_languages_and_units_of_shares_change_nothing() -> None:
    scores = random_scores(np.random.default_rng(5), languages=LANGUAGES)
    first = direction(list(scores.values()), [make_choice(1)], SHARES, SPEC)
    mixed = reordered(scores, ("ny", "en", "sw", "fr", "es"))
    second = direction(list(mixed.values()), [make_choice(1)], {k: v / 7 for k, v in SHARES.items()}, SPEC)
    for name in ("slope", "p", "high_minus_low"):
        np.testing.assert_allclose(second[name], first[name], atol=1e-12)
    np.testing.assert_allclose(second["gain"].sel(target=first.target), first["gain"], atol=1e-12)


def test_many_languages_are_permuted_by_draws_the_same_each_time() -> None:
    rng = np.random.default_rng(6)
    names = tuple(f"x{chr(97 + i)}" for i in range(9))
    scores = list(random_scores(rng, languages=names).values())
    shares = {name: 10.0 / (1 + i) for i, name in enumerate(names)}
    first = direction(scores, [make_choice(1)], shares, SPEC, permutations=500)
    second = direction(scores, [make_choice(1)], shares, SPEC, permutations=500)
    assert first.identical(second)
    assert float(first["p"][0]) >= 1 / 501


def test_several_concepts_are_averaged() -> None:
    rng = np.random.default_rng(7)
    scores = [*one_way(rng, 0.05), *one_way(rng, 0.05, concept="care")]
    found = direction(scores, [make_choice(0, layers=1), make_choice(0, layers=1, concept="care")], SHARES, SPEC)
    each = found["slope"].sel(interval="estimate")
    assert float(each.sel(concept="all")) == pytest.approx(float(each.sel(concept=["honesty", "care"]).mean()))
    assert float(found["p"].sel(concept="all")) <= 0.05


def test_languages_without_a_share_are_left_out_and_too_few_are_refused() -> None:
    scores = random_scores(np.random.default_rng(8), languages=LANGUAGES)
    some = {name: SHARES[name] for name in ("en", "fr", "sw")}
    found = direction(list(scores.values()), [make_choice(1)], some, SPEC)
    assert found.target.values.tolist() == ["en", "fr", "sw"]
    assert found.attrs["left_out"] == "es, ny"
    with pytest.raises(MeasureError, match="needs 3 languages"):
        direction(list(scores.values()), [make_choice(1)], {"en": 60.0}, SPEC)
