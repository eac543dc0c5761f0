"""Means over concepts are what a loop with no array in it finds."""

import math

import numpy as np
import pytest
import xarray as xr

from polyvalues.analysis.across_models.concept_means import concept_means
from polyvalues.artifacts import Findings, ModelFindings
from polyvalues.dimensions import BOUNDS
from polyvalues.errors import MeasureError
from polyvalues.study.hypothesis_tests import no_claims

CELL = ("concept", "source", "target", "interval")


def made(name: str, tags: list[str], concepts: int, shares: dict[str, float]) -> ModelFindings:
    rng = np.random.default_rng(len(name) + len(tags))
    labels = {"concept": [f"c{at}" for at in range(concepts)], "source": tags, "target": tags, "interval": list(BOUNDS)}

    def cells() -> xr.DataArray:
        values = rng.random((concepts, len(tags), len(tags), 3))
        values[rng.random(values.shape[:3]) < 0.2] = np.nan
        return xr.DataArray(values, dims=CELL, coords=labels)

    recognition = xr.Dataset({"chosen": cells()}, attrs={"protocol": "strict"})
    parts = xr.Dataset({"chosen": cells()}), xr.Dataset({"transfer": cells()})
    return ModelFindings(name, Findings(recognition, *parts, xr.Dataset()), no_claims(), shares)


def oracle(values: xr.DataArray, source: str, target: str, bound: str = "estimate") -> tuple[float, int]:
    """One cell at a time."""
    found = []
    for concept in values["concept"].values:
        if source in values["source"].values and target in values["target"].values:
            value = float(values.sel(concept=concept, source=source, target=target, interval=bound))
            if not math.isnan(value):
                found.append(value)
    return (sum(found) / len(found) if found else math.nan), len(found)


@pytest.fixture(scope="module")
def both() -> tuple[list[ModelFindings], xr.Dataset]:
    models = [made("one", ["en", "fr", "sw"], 4, {"en": 60.0, "sw": 0.5}), made("two", ["sw", "zh"], 1, {})]
    return models, concept_means(models, ["zh", "en", "fr", "sw"])


def test_every_cell_is_the_mean_over_the_concepts_that_have_it(both: tuple[list[ModelFindings], xr.Dataset]) -> None:
    models, means = both
    checked = 0
    for model in models:
        findings = model.findings
        parts = {"cosine": findings.consistency["chosen"], "transfer": findings.transfer["transfer"]}
        for source in means["source"].values:
            for target in means["target"].values:
                for name, values in parts.items():
                    mean, count = oracle(values, source, target)
                    cell = means.sel(model=model.name, source=source, target=target)
                    assert float(cell[name]) == pytest.approx(mean, nan_ok=True)
                    assert int(cell[f"{name}_concepts"]) == count
                    checked += count
            mean, count = oracle(findings.recognition["chosen"], source, source)
            own = means["own"].sel(model=model.name, target=source)
            assert float(own.sel(interval="estimate")) == pytest.approx(mean, nan_ok=True)
            assert int(means["own_concepts"].sel(model=model.name, target=source)) == count
    assert checked > 30


def test_only_a_single_concept_keeps_its_interval(both: tuple[list[ModelFindings], xr.Dataset]) -> None:
    models, means = both
    for model in models:
        for tag in means["target"].values:
            count = int(means["own_concepts"].sel(model=model.name, target=tag))
            bounds = means["own"].sel(model=model.name, target=tag, interval=["lower", "upper"]).values
            wanted = [oracle(model.findings.recognition["chosen"], tag, tag, bound)[0] for bound in ("lower", "upper")]
            assert bounds.tolist() == (
                pytest.approx(wanted) if count == 1 else pytest.approx([np.nan] * 2, nan_ok=True)
            )


def test_languages_rank_by_share_and_those_that_were_not_measured_have_no_place(
    both: tuple[list[ModelFindings], xr.Dataset],
) -> None:
    _, means = both
    ranks = {name: dict(zip(means["target"].values, row, strict=True)) for name, row in
             zip(means["model"].values, means["rank"].values.tolist(), strict=True)}  # fmt: skip
    assert ranks == {"one": {"zh": -1, "en": 0, "fr": 2, "sw": 1}, "two": {"zh": 0, "en": -1, "fr": -1, "sw": 1}}


def test_what_cannot_be_shown_is_named() -> None:
    one = made("one", ["en", "fr"], 2, {})
    with pytest.raises(MeasureError, match="expected at least one"):
        concept_means([], ["en"])
    with pytest.raises(MeasureError, match="one, one: expected"):
        concept_means([one, one], ["en", "fr"])
    with pytest.raises(MeasureError, match="'fr' is not among"):
        concept_means([one], ["en"])
