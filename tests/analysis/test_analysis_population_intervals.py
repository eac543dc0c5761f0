"""Headline numbers and differences of models over items and languages: what they average, and that order is nothing."""

import numpy as np
import pytest

from polyvalues.analysis.findings import measure
from polyvalues.analysis.hypothesis_tests.paired_differences import models_difference
from polyvalues.config import StatisticsSpec
from reference.measure_cases import make_choice, random_replicates, random_scores, reordered

SPEC = StatisticsSpec(draws=60)
NAMES = ("en", "fr", "sw", "ta")
QUANTITIES = ["within", "cross", "transfer", "cosine", "disattenuated", "reliability"]


def study(languages: tuple[str, ...] = NAMES, order: tuple[str, ...] | None = None):
    rng = np.random.default_rng(0)
    scores, parts = [], []
    for concept in ("honesty", "fairness"):
        found = random_scores(rng, concept=concept, languages=languages, layers=1)
        made = random_replicates(rng, concept=concept, languages=languages, layers=1)
        scores += (reordered(found, order) if order else found).values()
        parts.append(type(made)(made.data.sel(source=list(order), target=list(order))) if order else made)
    choices = [make_choice(0, layers=1, concept=concept) for concept in ("honesty", "fairness")]
    return measure(scores, parts, choices, SPEC, "strict").overview


def test_every_mean_over_languages_has_the_second_interval_around_the_first() -> None:
    found = study().sel(quantity=QUANTITIES)
    assert np.isfinite(found["both"]).all()
    np.testing.assert_allclose(found["both"].sel(interval="estimate"), found["value"].sel(interval="estimate"))
    assert (found["both"].sel(interval="lower") <= found["value"].sel(interval="lower")).all()
    assert (found["both"].sel(interval="upper") >= found["value"].sel(interval="upper")).all()
    wider = found["both"].sel(interval="upper") - found["both"].sel(interval="lower")
    assert (wider > 0).all()


def test_the_order_of_languages_changes_nothing() -> None:
    np.testing.assert_allclose(study()["both"], study(order=("ta", "en", "sw", "fr"))["both"], atol=1e-12)


def test_two_languages_are_no_sample() -> None:
    assert np.isnan(study(("en", "fr"))["both"]).all()


def test_models_are_compared_on_average_over_languages() -> None:
    rng = np.random.default_rng(1)
    first, second = (random_scores(rng, languages=NAMES, layers=1) for _ in range(2))
    for name, part in second.items():  # two models on the same pairs
        part.data["group"].values[:] = first[name].data["group"].values
    choice = [make_choice(0, layers=1)]
    found = models_difference((list(first.values()), choice), (list(second.values()), choice), SPEC)
    cells = found["difference"].sel(concept="honesty", interval="estimate").values
    own = np.eye(4, dtype=bool)
    for concept in ("honesty", "all"):
        mean = found["mean"].sel(mean_concept=concept, interval="estimate")
        assert float(mean.sel(quantity="within")) == pytest.approx(cells[own].mean())
        assert float(mean.sel(quantity="cross")) == pytest.approx(cells[~own].mean())
    items, both = (found[name].sel(mean_concept="all") for name in ("mean", "both"))
    assert (both.sel(interval="lower") < items.sel(interval="lower")).all()
    assert (both.sel(interval="upper") > items.sel(interval="upper")).all()
    turned = models_difference((list(second.values()), choice), (list(first.values()), choice), SPEC)
    np.testing.assert_allclose(turned["both"].sel(interval="lower"), -found["both"].sel(interval="upper"), atol=1e-12)
