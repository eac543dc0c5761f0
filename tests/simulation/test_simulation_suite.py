"""The planted-truth suite, short: coverage and level as far as so few runs can show, and it can fail."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from polyvalues.analysis.recognition import recognition
from polyvalues.config import StatisticsSpec
from polyvalues.simulation import suite
from polyvalues.simulation.simulated_scores import (
    CHOICE,
    CONCEPT_NAME,
    Simulation,
    simulated_scores,
    true_accuracy,
    true_auroc,
)
from polyvalues.simulation.suite import GOALS, Verified, verify, verify_steps, write_verified
from unchecked import unchecked

REPLICATIONS = 150


@pytest.fixture(scope="module")
def found() -> list[Verified]:
    with unchecked():  # `test_the_same_seed...` runs the same functions with checks
        return list(verify(REPLICATIONS, seed=1, with_power=False, quick=True))


def test_intervals_cover_and_tests_keep_their_level(found: list[Verified]) -> None:
    """No share may be so far from its goal that chance would do it once in 10,000 runs."""
    for row in found:
        low, high = GOALS[row.kind]
        count = round(row.share * row.replications)
        too_many = stats.binom.sf(count - 1, row.replications, high)
        too_few = stats.binom.cdf(count, row.replications, low)
        assert row.kind == "coverage" or too_many > 1e-4, row
        assert row.kind == "size" or too_few > 1e-4, row


def test_estimates_have_little_bias(found: list[Verified]) -> None:
    assert all(abs(row.bias) < 0.03 for row in found if row.kind == "coverage")


def test_it_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interval half as wide as it should be, and a test that says yes too often, are caught."""

    def narrow(rng: np.random.Generator) -> dict[str, tuple[float, float, float, float]]:
        value = float(rng.normal())
        return {"narrow": (value, value - 0.98, value + 0.98, 0.0)}

    eager = Simulation("eager", "size", lambda rng: {"eager": float(rng.random()) / 3})
    monkeypatch.setattr(suite, "SIMULATIONS", (Simulation("narrow", "coverage", narrow), eager))
    rows = list(verify(400, with_power=False))
    assert [row.verdict for row in rows] == ["low", "high"]


def test_the_same_seed_gives_the_same_and_ticks_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "NUMBERS", (20,))
    ticks: list[int] = []
    first = list(verify(2, 5, lambda: ticks.append(1), quick=True))
    assert repr(first) == repr(list(verify(2, 5, quick=True)))
    assert len(ticks) == verify_steps(2, quick=True)
    assert {row.kind for row in first} == {"coverage", "size", "power"}


def test_simulated_scores_have_the_truth_they_claim() -> None:
    mu = np.array([[1.0, 0.2], [0.0, -0.5]])
    scores = simulated_scores(mu, ("en", "sw"), 40_000, np.random.default_rng(0))
    found = recognition(scores, [CHOICE], StatisticsSpec(draws=20))
    cells = found["chosen"].sel(concept=CONCEPT_NAME, interval="estimate").values
    np.testing.assert_allclose(cells, true_accuracy(mu), atol=0.01)
    area = found["auroc"].sel(concept=CONCEPT_NAME, interval="estimate").values
    np.testing.assert_allclose(area, true_auroc(mu), atol=0.01)


def test_results_are_written(found: list[Verified], tmp_path: Path) -> None:
    write_verified(found, tmp_path / "a/verify.csv")
    lines = (tmp_path / "a/verify.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(found)
    assert lines[0].endswith("verdict")
