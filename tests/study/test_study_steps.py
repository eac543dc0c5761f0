"""The four jobs: states, a vector for my pairs, steering a model in memory, a study in a notebook."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import polyvalues as pv
from line_examples import build_model, settings, write_pairs
from polyvalues.errors import MeasureError, PairsError, SpecError
from polyvalues.study.run import run_study


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("steps")
    build_model(folder / "model")
    write_pairs(folder / "pairs.jsonl")
    return folder


@pytest.fixture(scope="module")
def model(home: Path) -> pv.LanguageModel:
    hf = AutoModelForCausalLM.from_pretrained(home / "model")
    return pv.LanguageModel.from_transformers(hf, AutoTokenizer.from_pretrained(home / "model"))


@pytest.fixture(scope="module")
def frame(home: Path) -> Any:
    return pd.DataFrame([json.loads(line) for line in (home / "pairs.jsonl").read_text(encoding="utf-8").splitlines()])


def test_a_vector_is_the_mean_difference_of_the_states(model: pv.LanguageModel, frame: Any) -> None:
    pairs = pv.PairSet.from_pandas(frame)
    vectors = pv.fit_vectors(model, pairs, layers=[2, 4])
    own = frame[frame.language == "fi"]
    states = [model.hidden_states(list(own[side]), layers=[4])[0].mean("text") for side in ("positive", "negative")]
    found = vectors.sel(concept="morality", language="fi", layer=4).data["vector"].values.reshape(-1)
    np.testing.assert_allclose(found, (states[0] - states[1]).values, rtol=1e-3, atol=1e-5)
    assert vectors.layers == (2, 4)


def test_recognition_and_transfer_count_pairs(model: pv.LanguageModel, frame: Any) -> None:
    items = frame["item"].drop_duplicates().tolist()
    fitted, held = (pv.PairSet.from_pandas(frame[frame["item"].isin(some)]) for some in (items[:80], items[80:]))
    vectors = pv.fit_vectors(model, fitted, layers=[3])
    accuracy = pv.recognition(model, vectors, held)
    own = frame[frame["item"].isin(items[80:])]
    v = {tag: vectors.sel(language=tag).data["vector"].values.reshape(-1).astype(np.float64) for tag in vectors.sources}
    right = {}
    for target in v:
        rows = own[own.language == target]
        positive, negative = (
            model.hidden_states(list(rows[side]), layers=[3])[0].values for side in ("positive", "negative")
        )
        for source in v:
            right[source, target] = float((((positive - negative) @ v[source]) > 0).mean())
        cell = accuracy.sel(concept="morality", target=target, layer=3)
        assert float(cell.sel(interval="estimate")) == pytest.approx(right[target, target])
        assert float(cell.sel(interval="lower")) <= right[target, target] <= float(cell.sel(interval="upper"))
    moved = pv.transfer(model, vectors, held).sel(concept="morality", layer=3, interval="estimate")
    assert float(moved.sel(source="en", target="ta")) == pytest.approx(right["en", "ta"] - right["ta", "ta"])
    assert float(moved.sel(source="en", target="en")) == 0.0
    with pytest.raises(MeasureError):
        pv.recognition(model, vectors, pv.PairSet.from_pandas(frame.assign(concept="care")))


def test_a_model_that_i_hold_is_steered_and_let_go(model: pv.LanguageModel, frame: Any) -> None:
    vectors = pv.fit_vectors(model, pv.PairSet.from_pandas(frame), layers=[2])
    hf: Any = model.causal
    assert hf is not None
    given = model.tokenizer("The cat was", return_tensors="pt")
    states = model.hidden_states(["The cat was"], layers=[2])[0, 0].values
    plain = hf(**given).logits
    with vectors.sel(concept="morality", language="en", layer=2).steer(model, strength=0.5):
        steered = model.hidden_states(["The cat was"], layers=[2])[0, 0].values
        assert not torch.equal(hf(**given).logits, plain)
        hf.generate(**given, max_new_tokens=2, do_sample=False)
    assert torch.equal(hf(**given).logits, plain)
    moved = steered - states
    vector = vectors.sel(language="en").data["vector"].values.reshape(-1)
    assert float(moved @ vector / np.linalg.norm(moved) / np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-4)
    assert float(np.linalg.norm(moved)) == pytest.approx(0.5 * float(vectors.data["norm"].sel(layer=2)), rel=1e-3)


def test_a_study_from_memory_is_the_study_from_files(
    home: Path, model: pv.LanguageModel, frame: Any, tmp_path: Path
) -> None:
    few = frame[frame["item"].isin(frame["item"].drop_duplicates()[:40])]
    more: dict[str, Any] = {"split": {"folds": 4}, "vectors": {"control_draws": 2, "half_splits": 2}}
    more["statistics"] = {"draws": 50}
    study = run_study(
        model=model, pairs=pv.PairSet.from_pandas(few), languages=["en", "fi"], out=tmp_path / "a", **more
    )
    table = tmp_path / "few.csv"
    few.to_csv(table, index=False)
    other = run_study(model=str(home / "model"), pairs=str(table), languages=["en", "fi"], out=tmp_path / "b", **more)
    assert study.recognition.identical(other.recognition)
    assert study.recognition.sizes["target"] == 2
    assert "morality" in repr(study)
    assert "report.html" in study._repr_html_()
    assert len(study.describe()) > 2
    assert "recognition" in study.figures()
    assert pv.load_study(tmp_path / "a").recognition.identical(study.recognition)


def test_wrong_arguments_name_the_nearest_one(home: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="'vectors'"):
        run_study(model="babel", pairs="mosaic", out=tmp_path / "x", vector={"estimator": "lda"})
    with pytest.raises(SpecError, match="'out'"):
        run_study(model="babel", pairs="mosaic")
    spec = settings(home / "model", home / "pairs.jsonl", tmp_path / "y")
    with pytest.raises(SpecError, match="one or the other"):
        run_study(spec, out=tmp_path / "z")


def test_pairs_from_frames_and_files(frame: Any, tmp_path: Path) -> None:
    pairs = pv.PairSet.from_pandas(frame)
    for name, write in (
        ("a.csv", lambda path: frame.to_csv(path, index=False)),
        ("a.jsonl", lambda path: frame.to_json(path, orient="records", lines=True, force_ascii=False)),
        ("a.parquet", lambda path: frame.to_parquet(path)),
    ):
        write(tmp_path / name)
        assert pv.PairSet.from_file(tmp_path / name).table.equals(pairs.table), name
    assert pairs.languages == ("en", "fi", "ta")
    assert len(pairs) == len(frame)
    hostile = frame.head(1).assign(positive="<script>alert(1)</script>")
    assert "<script>" not in pv.PairSet.from_pandas(hostile)._repr_html_()
    for wrong in (frame.drop(columns="positive"), frame.assign(positive=np.nan), frame.assign(language="xx-no-tag")):
        with pytest.raises(PairsError):
            pv.PairSet.from_pandas(wrong)
    with pytest.raises(PairsError):
        pv.PairSet.from_file(tmp_path / "none.csv")


def test_pairs_are_divided_by_groups(frame: Any) -> None:
    pairs = pv.PairSet.from_pandas(frame)
    fitted, held = pairs.divide(0.25, seed=3)
    assert len(fitted) + len(held) == len(pairs)
    one, other = (set(part.table["group"].to_pylist()) for part in (fitted, held))
    assert not one & other
    assert len(other) == round(0.25 * len(one | other))
    assert held.table.equals(pairs.divide(0.25, seed=3)[1].table)
    assert not held.table.equals(pairs.divide(0.25, seed=4)[1].table)
    with pytest.raises(PairsError):
        pairs.divide(1.0)
