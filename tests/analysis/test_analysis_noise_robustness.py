"""Damage lowers accuracy by what it costs, changes the order of languages when it is large enough, and not before."""

import numpy as np
import pytest
from scipy import stats

from polyvalues.analysis.followups.noise_robustness import noise, noise_notes
from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.statistics.kendall import kendall_tau
from polyvalues.artifacts import Scores
from polyvalues.config import StatisticsSpec
from polyvalues.errors import MeasureError
from reference.measure_cases import make_choice, make_scores

SPEC = StatisticsSpec(draws=200)
LANGUAGES = ("en", "fr", "fi", "sw", "ta")
CHOICE = [make_choice(0, layers=1)]


def damaged(levels: dict[str, float], seed: int = 0, foreign: float = 0.0) -> list[Scores]:
    """Own accuracies as given; a vector from elsewhere does better by `foreign`."""
    rng = np.random.default_rng(seed)
    scores = []
    for target, level in levels.items():
        luck = rng.random((300, 1))
        reach = np.array([level if source == target else level + foreign for source in levels])
        values = np.zeros((300, 2, 1, len(levels)))
        values[:, 0, 0] = np.where(luck < reach, 1.0, -1.0)
        scores.append(make_scores(values, target=target, sources=tuple(levels)))
    return scores


LEVELS: dict[str, float] = dict(zip(LANGUAGES, (0.95, 0.88, 0.8, 0.72, 0.64), strict=True))


def test_kendall_is_kendall() -> None:
    rng = np.random.default_rng(0)
    first, second = np.round(rng.normal(size=(2, 9, 40)))
    expected = [float(np.asarray(stats.kendalltau(a, b))[0]) for a, b in zip(first.T, second.T, strict=True)]
    np.testing.assert_allclose(kendall_tau(first, second), expected)
    first[3] = np.nan
    expected = [
        float(np.asarray(stats.kendalltau(np.delete(a, 3), np.delete(b, 3)))[0])
        for a, b in zip(first.T, second.T, strict=True)
    ]
    np.testing.assert_allclose(kendall_tau(first, second), expected)
    assert np.isnan(kendall_tau(np.ones((4, 1)), second[:4, :1]))[0]


def test_an_even_loss_keeps_the_order_and_an_uneven_one_does_not() -> None:
    even = {d: damaged({name: level - d * 0.2 for name, level in LEVELS.items()}) for d in (0.0, 0.02, 0.3)}
    uneven = {
        d: damaged({name: level - d * (1.5 if name == "en" else 0) for name, level in LEVELS.items()})
        for d in (0.0, 0.02, 0.3)
    }
    found = noise({"drop": even, "swap": uneven}, CHOICE, SPEC).sel(concept="honesty")
    assert np.isnan(found["order_dose"].sel(damage="drop"))
    assert float(found["order_dose"].sel(damage="swap")) == 0.3
    np.testing.assert_array_equal(found["tau"].sel(dose=0, interval="estimate"), 1)
    np.testing.assert_array_equal(found["drop"].sel(dose=0, interval="estimate"), 0)
    cell = found["drop"].sel(damage="swap", dose=0.3, source="en", target="en")
    assert float(cell.sel(interval="lower")) < -0.45 < float(cell.sel(interval="upper"))
    said = noise_notes(noise({"drop": even, "swap": uneven}, CHOICE, SPEC))
    assert "at no dose up to 0.3" in said[0]
    assert "from dose 0.3 on" in said[1]


def test_a_sign_that_turns_is_named_with_its_dose() -> None:
    doses = {d: damaged(LEVELS, foreign=0.04 - d * 0.4) for d in (0.0, 0.05, 0.2, 0.4)}
    found = noise({"drop": doses}, CHOICE, SPEC)
    assert float(found["sign_dose"].sel(damage="drop", concept="honesty", conclusion="transfer")) == 0.2
    assert np.isnan(found["sign_dose"].sel(conclusion="above_chance")).all()
    assert "transfer from dose 0.2 on" in noise_notes(found)[0]


def test_shares_bring_the_direction_in() -> None:
    shares: dict[str, float] = dict(zip(LANGUAGES, (60.0, 10.0, 3.0, 1.0, 0.1), strict=True))
    without = noise({"drop": {0.0: damaged(LEVELS)}}, CHOICE, SPEC)
    assert np.isnan(without["value"].sel(conclusion="high_minus_low")).all()
    found = noise({"drop": {0.0: damaged(LEVELS)}}, CHOICE, SPEC, shares=shares)
    assert np.isfinite(found["value"].sel(conclusion="high_minus_low")).all()


def test_accuracies_are_those_of_recognition() -> None:
    scores = damaged(LEVELS)
    found = noise({"drop": {0.0: scores}}, CHOICE, SPEC)["accuracy"].sel(damage="drop", dose=0)
    expected = recognition(scores, CHOICE, SPEC)["chosen"]
    np.testing.assert_allclose(found.values, expected.values)


def test_order_of_languages_permutes_labels_only() -> None:
    mixed = ("ta", "en", "sw", "fi", "fr")
    doses = {d: damaged({name: level - d * 0.2 for name, level in LEVELS.items()}) for d in (0.0, 0.3)}
    turned = {
        d: [
            Scores(next(p for p in parts if p.data.attrs["target"] == name).data.sel(source=list(mixed)))
            for name in mixed
        ]
        for d, parts in doses.items()
    }
    first, second = (noise({"drop": part}, CHOICE, SPEC) for part in (doses, turned))
    np.testing.assert_array_equal(second["drop"].sel(source=first.source, target=first.target), first["drop"])
    for name in ("tau", "value", "order_dose", "sign_dose"):
        np.testing.assert_allclose(second[name], first[name])


def test_what_cannot_be_compared_is_refused() -> None:
    scores = damaged(LEVELS)
    with pytest.raises(MeasureError, match="dose 0"):
        noise({"drop": {0.1: scores}}, CHOICE, SPEC)
    with pytest.raises(MeasureError, match="has doses"):
        noise({"drop": {0.0: scores}, "swap": {0.0: scores, 0.1: scores}}, CHOICE, SPEC)
    with pytest.raises(MeasureError, match="other concepts or languages"):
        noise({"drop": {0.0: scores, 0.1: scores[:2]}}, CHOICE, SPEC)
    with pytest.raises(MeasureError, match="no damage"):
        noise({}, CHOICE, SPEC)
