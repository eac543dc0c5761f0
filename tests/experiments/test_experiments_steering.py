"""The control experiment end to end: nothing tested is fitted or chosen on; it resumes; its files hold its numbers."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from line_examples import build_model, settings, write_pairs
from polyvalues.config import ControlSpec, build
from polyvalues.errors import SpecError, SteeringError, StoreError
from polyvalues.experiments.steering.conditions import Gates, gate_layer, read_gates, threshold
from polyvalues.experiments.steering.directions import control_directions
from polyvalues.experiments.steering.generation_rows import Maker, Row
from polyvalues.experiments.steering.judge_factory import Words, load_words
from polyvalues.experiments.steering.prompts import CHOOSE, TEST, control_prompts
from polyvalues.experiments.steering.run import run_control
from polyvalues.models.model_handle import load_model
from polyvalues.steering.judges.base import Openings
from polyvalues.study.pipeline import Silent
from polyvalues.study.run import run_study
from polyvalues.study.study import Study, load_study
from polyvalues.study.vectors_to_steer import steering_vectors

LANGUAGES = ("en", "fi", "ta")
SMALL: dict[str, Any] = {
    "layers": [2, 4], "windows": [1], "strengths": [0.5], "rounds": 1, "gates": [0.2], "random_draws": 2,
    "budget": {"benign": 1.0, "language": None}, "generation": {"max_new_tokens": 6, "batch_rows": 128},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("control")
    build_model(home / "model")
    write_pairs(home / "pairs.jsonl", languages=LANGUAGES, concept="harmfulness")
    for mode in ("cross", "split"):
        run_study(
            settings(home / "model", home / "pairs.jsonl", home / mode, split={"mode": mode, "folds": 4},
                     check={"limit": 24 if mode == "cross" else 40})
        )  # fmt: skip
    return home


@pytest.fixture(scope="module")
def words(folder: Path) -> Words:
    """Openings made of what the model says at some strength and without: so that there is something to find."""
    plain: dict[str, set[str]] = {target: set() for target in LANGUAGES}
    moved: dict[str, set[str]] = {target: set() for target in LANGUAGES}
    for mode in ("cross", "split"):
        maker, prompts = maker_of(load_study(folder / mode))
        for found, rows in (
            (plain, [Row(prompt) for prompt in prompts]),
            (moved, [Row(prompt, "source", "en", 1, (4,), 0.5, steered=True) for prompt in prompts]),
        ):
            for row, answer in zip(rows, maker.answers(rows), strict=True):
                found[row.prompt.target].add(answer.text[:8])
    lists = {
        target: Openings(tuple(sorted(moved[target] - plain[target])), tuple(sorted(plain[target] - {""})))
        for target in LANGUAGES
    }
    return replace(load_words(), openings=lists)


def maker_of(study: Study) -> tuple[Maker, Any]:
    prompts = control_prompts(study.pairs(), "harmfulness")
    vectors = steering_vectors(study)
    handle = load_model(study.spec.model, head=True)
    norms = {layer: vectors.norm(layer) for layer in vectors.layers}
    return Maker(handle, control_directions(study, "harmfulness", prompts), norms, build(ControlSpec, SMALL)), prompts


@pytest.mark.parametrize("mode", ["cross", "split"])
def test_test_prompts_are_in_no_vector_and_no_threshold(folder: Path, mode: str) -> None:
    study = load_study(folder / mode)
    prompts = control_prompts(study.pairs(), "harmfulness")
    parts = {part: {prompt.group for prompt in prompts if prompt.part == part} for part in (CHOOSE, TEST)}
    assert not parts[CHOOSE] & parts[TEST]
    assert all(parts.values())
    directions = control_directions(study, "harmfulness", prompts)
    if mode == "split":
        vectors = study.vectors("harmfulness").data["vector"].values
        unit = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
        np.testing.assert_allclose(directions.whole, -unit, atol=1e-6)  # harmfulness is turned to its safer side
        return
    # refit by hand: the choosing half alone, and without a prompt's own fold
    table = study.pairs().table.to_pandas()
    own = table[table["language"] == "fi"]
    states = np.load(folder / "cross/activations/harmfulness/fi.fit.npy")
    index = xr.load_dataset(folder / "cross/activations/harmfulness/fi.fit.nc", engine="scipy")["index"].values
    half = own["fold"].to_numpy() < 2
    for fold, found in ((None, directions.whole[1]), (0, directions.without[1, 0])):
        keep = half if fold is None else half & (own["fold"].to_numpy() != fold)
        difference = (states[:, index[keep, 0]] - states[:, index[keep, 1]]).mean(axis=1)
        expected = -difference / np.linalg.norm(difference, axis=-1, keepdims=True)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_gates_let_through_the_share_they_are_asked_to(folder: Path) -> None:
    study = load_study(folder / "cross")
    prompts = control_prompts(study.pairs(), "harmfulness")
    directions = control_directions(study, "harmfulness", prompts)
    handle = load_model(study.spec.model)
    gates = read_gates(handle, directions, prompts, study.spec.reading, 4)
    benign = np.array([p.part == CHOOSE and p.side == "positive" and p.target == "fi" for p in prompts])
    for share in (0.05, 0.2, 0.5):
        passed = gates.passes("en", share, "fi")
        assert passed[benign].mean() <= share
        assert passed[benign].sum() == math.floor(share * benign.sum())
        assert not passed[[p.target != "fi" for p in prompts]].any()
    assert gates.passes("en", float("nan"), "fi").sum() == sum(p.target == "fi" for p in prompts)
    assert threshold(np.array([1.0, 2.0, 3.0, 4.0]), 0.25) == 3.0
    turned = Gates(gates.prompts, {"en": -gates.suspicion["en"]}, 4)
    assert (turned.passes("en", 0.2, "fi") != gates.passes("en", 0.2, "fi")).any()


def test_a_batch_serves_a_whole_grid(folder: Path) -> None:
    maker, prompts = maker_of(load_study(folder / "cross"))
    some = [prompt for prompt in prompts if prompt.part == TEST][:12]
    rows = [
        Row(prompt, vector, source, sign, layers, strength, steered=vector != "base", draw=at % 2)
        for at, prompt in enumerate(some)
        for vector, source, sign, layers, strength in (
            ("base", "", 0, (), 0.0), ("source", "en", 1, (4,), 0.5), ("source", "fi", -1, (2, 4), 0.3),
            ("random", "en", 1, (3,), 0.6), ("own", prompt.target, 1, (2,), 0.9),
        )
    ]  # fmt: skip
    together = maker.answers(rows)
    assert together == tuple(maker.answers([row])[0] for row in rows)
    assert len({answer.text for answer in together}) > 12
    held = [replace(row, steered=False) for row in rows]
    assert {(row.text, answer.text) for row, answer in zip(held, maker.answers(held), strict=True)} == {
        (row.text, answer.text) for row, answer in zip(rows, together, strict=True) if row.vector == "base"
    }


class Units(Silent):
    """Remembers which units were made."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def unit(self, label: str, texts: int, stored: bool) -> None:  # noqa: ARG002
        if not stored:
            self.made.append(label)


def test_the_layer_of_gates_is_chosen_on_the_choosing_half_alone(folder: Path) -> None:
    study = load_study(folder / "cross")
    prompts = control_prompts(study.pairs(), "harmfulness")
    directions = control_directions(study, "harmfulness", prompts)
    handle = load_model(study.spec.model)
    chosen = gate_layer(handle, directions, prompts, study.spec.reading)
    scrambled = tuple(replace(prompt, text="nothing at all") if prompt.part == TEST else prompt for prompt in prompts)
    assert gate_layer(handle, directions, scrambled, study.spec.reading) == chosen
    # the plain way: every pair by its own language's vector, layer by layer
    right = {}
    for layer in directions.layers:
        gates = read_gates(handle, directions, prompts, study.spec.reading, layer)
        shares = []
        for target in LANGUAGES:
            own = [at for at, p in enumerate(prompts) if p.target == target and p.part == CHOOSE]
            suspicion = gates.suspicion[target][own]
            shares.append(np.mean(suspicion[1::2] > suspicion[::2]))  # the violating side is the more suspicious one
        right[layer] = np.mean(shares)
    assert right[chosen] == max(right.values())


@pytest.mark.parametrize("mode", ["cross", "split"])
def test_the_experiment_finds_what_there_is_and_resumes(folder: Path, words: Words, mode: str) -> None:
    study, spec, units = load_study(folder / mode), build(ControlSpec, SMALL), Units()
    found = run_control(study, spec, units, words=words)
    assert len(units.made) == len(set(units.made)) >= 3 * 3
    change = found.findings["change"].sel(variant="source", quantity="behaviour", interval="estimate")
    assert found.findings.attrs["steered_by"] == "en"
    assert any(trial is not None for trial in found.chosen.values())
    for target, trial in found.chosen.items():
        if trial is None:
            assert float(change.sel(target=target)) == 0
    assert float(change.max()) > 0.2
    vectors = set(found.generations.table["vector"].to_pylist())
    assert vectors == {"base", "prompt", "source", "own", "random"}
    for file in found.files:
        assert (study.folder / file).is_file(), file
    again = Units()
    repeated = run_control(study, spec, again, words=words)
    assert again.made == []
    assert repeated.findings.identical(found.findings)
    assert repeated.generations.table.equals(found.generations.table)


def test_the_tables_hold_the_findings_and_the_page_the_safer_side(folder: Path, words: Words) -> None:
    study = load_study(folder / "cross")
    found = run_control(study, build(ControlSpec, SMALL), words=words)
    frame = pd.read_csv(study.folder / "findings/control_harmfulness.csv")
    frame = frame.set_index(["variant", "quantity", "target"])
    value = found.findings["change"].sel(variant="source", quantity="behaviour", target="fi", interval="estimate")
    assert float(frame.loc[("source", "behaviour", "fi"), "change_estimate"]) == pytest.approx(float(value))  # type: ignore[arg-type]
    assert set(frame.index.get_level_values("variant")) == {"prompt", "source", "opposite", "own", "random"}
    trials = pd.read_csv(study.folder / "findings/control_harmfulness_trials.csv")
    assert len(trials) == len(found.trials)
    page = (study.folder / "control_harmfulness.html").read_text(encoding="utf-8")
    assert "opposite" not in page
    assert "<script" not in page
    assert "vector of en" in page
    assert len(found.rows) == 3
    assert all(len(row) == len(found.heads) for row in found.rows)


def test_a_run_that_was_stopped_goes_on_where_it_was(folder: Path, words: Words) -> None:
    class Stops(Units):
        def unit(self, label: str, texts: int, stored: bool) -> None:
            super().unit(label, texts, stored)
            if len(self.made) == 4:
                raise KeyboardInterrupt

    study = load_study(folder / "split")
    small = SMALL | {"targets": ["en", "fi"], "random_draws": 1, "matrix": False}
    spec = build(ControlSpec, small | {"seed": 5})  # other random directions: nothing of it is there yet
    first, second = Stops(), Units()
    with pytest.raises(KeyboardInterrupt):
        run_control(study, spec, first, words=words)
    found = run_control(study, spec, second, words=words)
    assert not set(first.made[:3]) & set(second.made)
    fresh = run_control(study, build(ControlSpec, small), words=words)
    assert str(found.chosen) == str(fresh.chosen)  # the search does not depend on random directions


@pytest.mark.parametrize("choice", ["source", "joint"])
def test_one_setting_for_all(folder: Path, words: Words, choice: str) -> None:
    spec = build(ControlSpec, SMALL | {"choice": choice, "random_draws": 1, "matrix": False})
    found = run_control(load_study(folder / "cross"), spec, words=words)
    settings_chosen = {(trial.point, str(trial.gate)) for trial in found.chosen.values() if trial is not None}
    assert len(settings_chosen) <= 1
    if choice == "source":
        assert {trial.target for trial in found.trials} == {"en"}


def test_costs_that_have_a_budget_are_measured(folder: Path, words: Words) -> None:
    budget = {"benign": 1.0, "language": None, "kl": 50.0, "perplexity": 1e6}
    spec = build(ControlSpec, SMALL | {"targets": ["fi"], "rounds": 0, "budget": budget, "matrix": False})
    found = run_control(load_study(folder / "cross"), spec, words=words)
    assert all(np.isfinite([trial.kl, trial.perplexity]).all() for trial in found.trials)
    assert found.findings["source"].values.tolist() in (["en"], ["en", "fi"])


def test_judges_are_compared(folder: Path, words: Words) -> None:
    spec = build(ControlSpec, SMALL | {"targets": ["fi"], "rounds": 0, "judges": ["openings", "likelihood", "probe"]})
    few = {tag: Openings(own.refuse[:2], own.comply[:2]) for tag, own in words.openings.items()}
    found = run_control(load_study(folder / "cross"), spec, words=replace(words, openings=few))
    ((behaviour, one, other, value),) = found.agreement
    assert (behaviour, one, other) == ("refusal", "openings", "likelihood")
    assert np.isnan(value[0]) or -1 <= value[0] <= 1


def test_lower_toxicity_is_safer(folder: Path) -> None:
    spec = build(ControlSpec, SMALL | {"targets": ["fi"], "rounds": 0, "judges": ["lexicon"]})
    found = run_control(load_study(folder / "cross"), spec)
    assert found.findings.attrs["behaviour"] == "toxicity"
    trials = pd.read_csv(folder / "cross/findings/control_harmfulness_trials.csv")
    assert trials["effect"].between(0, 1).all()  # a rate of toxicity, however the search counts it
    assert "prompt" not in set(found.generations.table["vector"].to_pylist())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"concept": "honesty"}, "no concept 'honesty'; there are: harmfulness"),
        ({"source": "sw"}, "source 'sw' has no vectors"),
        ({"targets": ["sw"]}, "target 'sw' has no pairs"),
        ({"layers": [77]}, "block 77 has no vectors"),
        ({"targets": ["fi"], "choice": "source"}, "needs the source 'en' among the targets"),
        ({"judges": ["oracle"]}, "judge 'oracle' is unknown"),
        ({"judges": ["classifier"]}, "needs a model"),
        ({"judges": ["openings", "classifier:x?lable=y"]}, "option 'lable'"),
    ],
)
def test_what_cannot_be_is_said(folder: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        run_control(load_study(folder / "cross"), build(ControlSpec, SMALL | {"rounds": 0} | change))


@pytest.mark.parametrize(
    "change",
    [
        {"strengths": [0.0]},
        {"strengths": []},
        {"gates": [], "unconditional": False},
        {"gates": [1.5]},
        {"windows": [0]},
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        build(ControlSpec, SMALL | change)


def test_another_model_in_the_folder_is_noticed(folder: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.jsonl", languages=("en", "fi"), concept="harmfulness")
    build_model(tmp_path / "model")
    study = run_study(
        settings(tmp_path / "model", tmp_path / "pairs.jsonl", tmp_path / "out", check={"limit": 40})
    )  # fmt: skip
    config = json.loads((tmp_path / "model/config.json").read_text())
    (tmp_path / "model/config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-3}))
    with pytest.raises(SteeringError, match="fingerprint"):
        run_control(study, build(ControlSpec, SMALL))
    (tmp_path / "out/vectors/norms.nc").unlink()
    with pytest.raises(StoreError, match="run the study once more"):
        steering_vectors(study)
