"""The data of the interactive figures: packed numbers are the findings', and the block can hold no markup."""

import base64
import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from beside_examples import beside_example
from divergence_examples import divergence_parts
from report_examples import HOSTILE, Example, build

from polyvalues.report.content import Beside
from polyvalues.report.html.divergence_page import strongest
from polyvalues.report.html.figure_data import block_text, live_data, packed


def unpacked(block: dict[str, Any]) -> np.ndarray:
    whole = np.frombuffer(base64.b64decode(block["data"]), dtype="<i2").reshape(block["shape"])
    return np.where(whole == -32768, np.nan, whole * block["step"])


def data_of(example: Example, beside: Beside | None = None) -> dict[str, Any]:
    text = live_data(example.findings, example.info, example.languages, beside or Beside())
    assert text.isascii()
    return json.loads(text)


@pytest.mark.parametrize("largest", [0.0, 1.0, 3.2767, 3.3, 250.0, 1e6])
def test_packing_is_exact_to_a_step(largest: float):
    values = np.random.default_rng(0).uniform(-largest, largest, (3, 5))
    values[0, 0], values[1, 1] = largest, np.nan
    block = packed(values)
    found = unpacked(block)
    assert block["step"] == 1e-4 or np.nanmax(np.abs(values)) / (block["step"] / 10) > 32767
    assert np.isnan(found[1, 1])
    assert np.nanmax(np.abs(found - values)) <= block["step"] * 1.5


def test_two_decimals_are_those_of_the_number_itself():
    """Rounding twice would show 0.0450 as 0.05 or 0.04, whatever came before."""
    ties = np.arange(-2.0, 2.0, 0.01) + 0.005
    near = np.concatenate([ties, ties - 3e-5, ties + 3e-5, np.random.default_rng(1).uniform(-3, 3, 5000)])
    found = unpacked(packed(near))
    assert [f"{value:.2f}" for value in found] == [f"{value:.2f}" for value in near]
    assert np.abs(found - near).max() <= 1.5e-4


def test_the_block_holds_no_markup_and_no_hidden_character():
    text = block_text({"a": ["</script><script>alert(1)</script>", "\u202e&amp;", float("nan"), np.float64(2.0)]})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"a": ["</script><script>alert(1)</script>", "⟨U+202E⟩&amp;", None, 2.0]}


def test_every_number_is_the_findings(study: Example):
    data = data_of(study)
    tags = [language["tag"] for language in data["languages"]]
    found = study.findings
    figures = {figure["name"]: figure for figure in data["figures"]}
    order = {"source": tags, "target": tags}
    accuracy = found.recognition["accuracy"].sel(order).transpose("concept", "source", "target", "layer", "interval")
    series = {part["name"]: part for figure in figures.values() for part in figure.get("series", [])}
    shown = unpacked(series["recognition"]["values"])
    assert np.allclose(shown[..., 1:, :], accuracy.values, atol=1.5e-4, equal_nan=True)
    chosen = found.recognition["chosen"].sel(order).transpose("concept", "source", "target", "interval")
    assert np.allclose(shown[..., 0, :], chosen.values, atol=1.5e-4, equal_nan=True)
    for name, variable in (("change in accuracy", "transfer"), ("asymmetry", "asymmetry")):
        values = found.transfer[variable].sel(order).transpose("concept", "source", "target", "interval").values
        assert np.allclose(unpacked(series[name]["values"]), values, atol=1.5e-4, equal_nan=True)
    for name, variable in (("cosine", "cosine"), ("disattenuated cosine", "disattenuated")):
        values = (
            found.consistency[variable].sel(order).transpose("concept", "source", "target", "layer", "interval").values
        )
        half = unpacked(series[name]["values"])[..., 1:, :]
        for at, (row, column) in enumerate(zip(*np.triu_indices(len(tags)), strict=True)):
            assert np.allclose(half[:, at], values[:, row, column], atol=1.5e-4, equal_nan=True)
            assert np.allclose(half[:, at], values[:, column, row], atol=1.5e-4, equal_nan=True), "symmetric indeed"
    assert data["pairs"] == found.recognition["n_pairs"].sel(target=tags).values.tolist()
    assert data["chosen"] == found.recognition["chosen_layer"].values.tolist()


def test_numbers_without_flagged_pairs_are_those_of_the_exclusion(study: Example):
    beside = beside_example(study)
    data = data_of(study, beside)
    tags, found = [language["tag"] for language in data["languages"]], beside.exclusion
    figures = {figure["name"]: figure for figure in data["figures"]}
    order = {"source": tags, "target": tags}
    for kind in ("own", "any"):
        part = found.sel({"excluded": kind, **order}).transpose("concept", "source", "target", "interval")
        for figure, series, variable in (("recognition", 0, "kept"), ("transfer", 0, "transfer")):
            shown = unpacked(figures[figure]["series"][series]["without"][kind])
            assert np.allclose(shown, part[variable].values, atol=1.5e-4)
        own = np.stack([part["kept"].values[:, at, at] for at in range(len(tags))], axis=1)
        assert np.allclose(unpacked(figures["accuracy"]["series"][0]["without"][kind]), own, atol=1.5e-4)
        assert data["excluded"][kind]["pairs"] == part["n_kept"].transpose("concept", "target").values.tolist()
        assert data["excluded"][kind]["groups"] == part["n_groups"].transpose("concept", "target").values.tolist()
    changes = [unpacked(part["values"]) for part in figures["exclusion"]["series"]]
    own = np.stack([found["change"].sel(excluded="any", source=tag, target=tag).values for tag in tags], axis=1)
    assert np.allclose(changes[1], own, atol=1.5e-4)
    without = data_of(study)
    assert without["excluded"] == {}
    assert "without" not in json.dumps(without)


def test_layers_are_thinned_only_when_they_do_not_fit(monkeypatch: pytest.MonkeyPatch, study: Example):
    whole = data_of(study)
    monkeypatch.setattr("polyvalues.report.html.figure_data._ROOM", 600)
    thin = data_of(study)
    layers = [
        next(part["layers"] for part in figure["series"] if part["name"] == "recognition")
        for data in (whole, thin)
        for figure in data["figures"]
        if figure["name"] == "recognition"
    ]
    assert layers[0] == list(range(8))
    assert layers[1] == [0, 2, 5, 7]


def test_orders(study: Example):
    shares = {"sw": 0.5, "zh": 7.0, "en": 60.0}
    example = dataclasses.replace(study, info=dataclasses.replace(study.info, shares=shares))
    orders = data_of(example, beside_example(example))["orders"]
    assert orders["share"] == ["en", "zh", "sw", "ta"], "what is not known comes last"
    assert orders["clustering"]["fairness"] == ["sw", "ta", "zh", "en"]
    unknown = dataclasses.replace(study, info=dataclasses.replace(study.info, shares={}))
    assert "share" not in data_of(unknown)["orders"]


def test_one_language_and_the_paper_protocol_have_their_figures(lone: Example, paper: Example):
    assert [figure["name"] for figure in data_of(lone)["figures"]] == ["accuracy", "layers", "reliability", "drops"]
    data = data_of(paper)
    assert data["chosen"] == [None, None]
    assert data["layer"] == "layer"


def test_hostile_text_survives_as_text(villain: Example):
    data = data_of(villain)
    assert "\u202e" not in json.dumps(data, ensure_ascii=False)
    assert any(HOSTILE[:20] in name for name in [*data["concepts"], *(part["name"] for part in data["languages"])])


def test_equal_inputs_give_equal_bytes():
    first, second = (
        live_data(one.findings, one.info, one.languages, beside_example(one)) for one in (build(), build())
    )
    assert first == second


def test_a_text_of_a_million_characters_is_cut_and_says_so():
    entries, counts = strongest(*divergence_parts(huge=True), 3, characters=50)
    assert len(entries) == 3
    assert counts == {"candidate": 3, "doubtful": 1, "bad item": 1, "no sign": 0, "cannot tell": 0}
    for entry in entries:
        for version in entry.versions:
            assert len(version.negative) < 90
            assert version.negative.endswith("more characters]")
            assert len(version.positive) < 90
    whole, _ = strongest(*divergence_parts(huge=True), 1)
    assert len(whole[0].versions[0].negative) > 10**6
