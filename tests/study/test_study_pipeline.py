"""The whole line on a tiny model: against a plain oracle, again, changed, damaged, interrupted."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from line_examples import FIXTURES, build_model, settings, write_pairs
from polyvalues.artifacts import PairSet
from polyvalues.errors import CorruptArtifact, StoreError
from polyvalues.models.model_handle import load_model
from polyvalues.study.run import run_study
from polyvalues.study.study import Study, load_study
from reference.plain_line import paper_protocol, strict_accuracy

LANGUAGES = ("en", "fi", "ta")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("line")
    build_model(home / "model")
    write_pairs(home / "pairs.jsonl")
    return home


@pytest.fixture(scope="module")
def study(home: Path) -> Study:
    return run_study(settings(home / "model", home / "pairs.jsonl", home / "study"))


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Drawing takes seconds and has tests of its own; one study here is drawn for real."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr("polyvalues.study.run.publish", lambda *_: ())


@pytest.fixture(scope="module")
def drawn(home: Path) -> Study:
    pairs = f"{FIXTURES / 'pairs.jsonl'}"
    return run_study(settings(home / "model", Path(pairs), home / "drawn", split={"mode": "auto", "folds": 4}))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def stamps(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def test_the_folder_holds_everything_the_documentation_lists(drawn: Study) -> None:
    folder = drawn.folder
    for name in ("study.toml", "run.json", "pairs.parquet", "report.html"):
        assert (folder / name).stat().st_size > 0, name
    for pattern in ("vectors/*.safetensors", "scores/*/*.nc", "findings/*.nc", "findings/*.csv", "figures/*.svg"):
        assert list(folder.glob(pattern)), pattern
    assert list(folder.glob("figures/*.svg"))
    assert list(folder.glob("tables/*.tex"))
    record = json.loads((folder / "run.json").read_text())
    assert {"versions", "fingerprint", "data_hash", "spec", "seconds", "texts"} <= set(record)
    layers, cells = 6, 2 * 3 * 3
    assert len(rows(folder / "findings" / "recognition.csv")) == cells * (layers + 1)
    assert len(rows(folder / "findings" / "consistency.csv")) == cells * (layers + 1)


def test_csv_and_netcdf_agree(drawn: Study) -> None:
    accuracy = xr.open_dataset(drawn.folder / "findings" / "recognition.nc")["accuracy"]
    for row in rows(drawn.folder / "findings" / "recognition.csv"):
        if row["chosen"] == "False":
            cell = accuracy.sel(concept=row["concept"], source=row["source"], target=row["target"])
            values = cell.sel(layer=int(row["layer"])).values
            assert [float(row[name]) for name in ("estimate", "lower", "upper")] == values.tolist()


def test_every_estimate_has_an_interval_around_it(drawn: Study) -> None:
    for part in (drawn.findings.recognition, drawn.findings.consistency, drawn.findings.transfer):
        for name, quantity in part.data_vars.items():
            if "interval" not in quantity.dims:
                continue
            estimate, lower, upper = (quantity.sel(interval=bound).values for bound in ("estimate", "lower", "upper"))
            measured = np.isfinite(estimate)
            assert np.isfinite(lower[measured]).all(), name
            assert (lower[measured] <= estimate[measured] + 1e-12).all(), name
            assert (upper[measured] >= estimate[measured] - 1e-12).all(), name


def test_accuracy_equals_the_plain_loop(study: Study, home: Path) -> None:
    """Splits, texts, reading, sums, projections and counting, against `output_hidden_states` one text at a time."""
    expected = strict_accuracy(home / "model", study.pairs().table.to_pylist(), LANGUAGES)
    found = study.findings.recognition["accuracy"].sel(concept="morality", interval="estimate")
    found = found.sel(source=list(LANGUAGES), target=list(LANGUAGES)).transpose("source", "target", "layer")
    np.testing.assert_allclose(found.values[:, :, :-1], expected[:, :, :-1], atol=1e-12)
    assert len(np.unique(expected)) > 3


def test_the_paper_protocol_equals_the_plain_loop(home: Path) -> None:
    finished = run_study(settings(home / "model", home / "pairs.jsonl", home / "paper", protocol="paper", split={}))
    accuracy, cosine = paper_protocol(home / "model", home / "pairs.jsonl", LANGUAGES)
    found = finished.findings.recognition["accuracy"].sel(concept="morality", interval="estimate")
    assert found["layer"].values.tolist() == [1, 2, 3, 4, 5, 6]
    order = {"source": list(LANGUAGES), "target": list(LANGUAGES)}
    np.testing.assert_allclose(found.sel(order).transpose("source", "target", "layer").values, accuracy, atol=1e-5)
    best = finished.findings.recognition["chosen"].sel(order).sel(concept="morality", interval="estimate")
    np.testing.assert_allclose(best.transpose("source", "target").values, accuracy.max(axis=-1), atol=1e-5)
    found = finished.findings.consistency["cosine"].sel(order).sel(concept="morality", interval="estimate")
    np.testing.assert_allclose(found.transpose("source", "target", "layer").values, cosine, atol=1e-5)
    best = finished.findings.consistency["chosen"].sel(order).sel(concept="morality", interval="estimate")
    np.testing.assert_allclose(best.transpose("source", "target").values, cosine.max(axis=-1), atol=1e-5)


def test_the_published_options_equal_the_plain_loop(home: Path) -> None:
    """Two concepts in one call, all tested on the first one's texts, and fitted on shuffled labels."""
    rows = [json.loads(line) for line in (home / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    others = [row | {"concept": "honesty", "positive": row["negative"] + "!"} for row in rows if "fox" in row["item"]]
    path = home / "two.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows + others), encoding="utf-8")
    options = {"tested_on": "first", "random_direction": True}
    spec = settings(home / "model", path, home / "options", protocol="paper", split={}, paper=options)
    finished = run_study(spec)
    where = {"concept": "honesty", "interval": "estimate", "source": list(LANGUAGES), "target": list(LANGUAGES)}
    accuracy, cosine = paper_protocol(home / "model", path, LANGUAGES, "honesty", shuffled=True)
    order = ("source", "target", "layer")
    found = finished.findings.recognition["accuracy"].sel(where).transpose(*order).values
    np.testing.assert_allclose(found, accuracy, atol=1e-5)
    np.testing.assert_allclose(
        finished.findings.consistency["cosine"].sel(where).transpose(*order).values, cosine, atol=1e-5
    )
    own_texts, _ = paper_protocol(home / "model", path, LANGUAGES, "honesty", "honesty", shuffled=True)
    labelled, _ = paper_protocol(home / "model", path, LANGUAGES, "honesty")
    assert min(np.abs(other - accuracy).max() for other in (own_texts, labelled)) > 0.05
    assert (
        finished.findings.recognition["n_pairs"].sel(concept="honesty") == len(rows) // 3 - len(rows) // 3 * 4 // 5
    ).all()


def test_a_second_run_reads_nothing_and_changes_nothing(study: Study) -> None:
    before = stamps(study.folder)
    again = run_study(study.spec)
    after = stamps(study.folder)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"run.json", "study.toml", ".lock"}
    assert json.loads((study.folder / "run.json").read_text())["texts"]["read"] == 0
    xr.testing.assert_identical(again.findings.recognition, study.findings.recognition)


def test_a_changed_setting_redoes_exactly_what_depends_on_it(study: Study) -> None:
    before = stamps(study.folder)
    fewer = study.spec.model_copy(update={"statistics": study.spec.statistics.model_copy(update={"draws": 60})})
    run_study(fewer)
    changed = {name for name, stamp in stamps(study.folder).items() if before.get(name) != stamp}
    assert {name.split("/")[0] for name in changed} == {"findings", "run.json", "study.toml"}
    before = stamps(study.folder)
    halves = study.spec.model_copy(update={"vectors": study.spec.vectors.model_copy(update={"half_splits": 3})})
    run_study(halves)
    changed = {name for name, stamp in stamps(study.folder).items() if before.get(name) != stamp}
    assert not any(name.startswith(("moments", "pairs")) for name in changed)
    assert "vectors/morality.replicates.nc" in changed
    run_study(study.spec)


def test_a_damaged_artefact_is_named_and_made_again(study: Study, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("moments/morality/fi.safetensors", "scores/morality/ta.nc", "vectors/morality.safetensors"):
        path = study.folder / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        caplog.clear()
        run_study(study.spec)
        assert path.read_bytes() == whole
        assert name in caplog.text


def test_an_opened_study_equals_the_run(study: Study) -> None:
    run_study(study.spec)
    opened = load_study(study.folder)
    for name in ("recognition", "consistency", "transfer", "overview"):
        xr.testing.assert_identical(getattr(opened.findings, name), getattr(study.findings, name))
    assert opened.findings.warnings == study.findings.warnings
    assert opened.spec == study.spec
    assert isinstance(opened.pairs(), PairSet)
    assert opened.vectors("morality").data.attrs["concept"] == "morality"
    assert opened.scores("morality", "fi").data.attrs["target"] == "fi"


def test_a_folder_that_is_no_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="finished study"):
        load_study(tmp_path)


def test_a_damaged_run_record_is_named(study: Study) -> None:
    path = study.folder / "run.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    with pytest.raises(CorruptArtifact, match=r"run\.json"):
        load_study(study.folder)
    path.write_bytes(whole)


class Interrupting:
    """Progress that is interrupted (Ctrl-C) after some texts."""

    def __init__(self, after: int) -> None:
        self.left = after

    def start(self, texts: int) -> None:
        assert texts > self.left

    def unit(self, label: str, texts: int, stored: bool) -> None:
        pass

    def advance(self, texts: int) -> None:
        self.left -= texts
        if self.left < 0:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_a_folder_that_goes_on(study: Study, home: Path) -> None:
    spec = study.spec.model_copy(update={"out": str(home / "interrupted")})
    for after in (150, 250, 300):
        with pytest.raises(KeyboardInterrupt):
            run_study(spec, Interrupting(after))
    finished = run_study(spec)
    xr.testing.assert_identical(finished.findings.recognition, study.findings.recognition)
    texts = json.loads((home / "interrupted" / "run.json").read_text())["texts"]
    assert texts["stored"] > 0


def test_kept_activations_give_the_same_findings(study: Study, home: Path) -> None:
    reading = study.spec.reading.model_copy(update={"keep_activations": True})
    spec = study.spec.model_copy(update={"out": str(home / "kept"), "reading": reading})
    kept = run_study(spec).findings
    np.testing.assert_allclose(kept.recognition["accuracy"], study.findings.recognition["accuracy"], atol=1e-12)
    np.testing.assert_allclose(kept.consistency["cosine"], study.findings.consistency["cosine"], atol=1e-6)


@pytest.mark.parametrize("estimator", ["pca", "lda", "logistic", "leace"])
def test_every_estimator_runs_the_line_crossed_and_split(home: Path, estimator: str) -> None:
    for mode in ("split", "cross"):
        spec = settings(
            home / "model",
            home / "pairs.jsonl",
            home / f"{estimator}-{mode}",
            check={"limit": 40, "languages": ["en", "fi"]},
            split={"mode": mode, "folds": 3},
            reading={"layers": [1, 4]},
            vectors={"estimator": estimator, "control_draws": 2, "half_splits": 2},
        )
        found = run_study(spec).findings.recognition
        assert found["layer"].values.tolist() == [1, 4]
        own = found["accuracy"].sel(concept="morality", source="en", target="en", interval="estimate")
        assert float(own.max()) > 0.7


def test_a_concept_run_with_others_is_tested_on_its_own_texts(home: Path, study: Study) -> None:
    """Mistake 1 of the official code: every concept after the first was tested on the first one's texts."""
    other = home / "other.jsonl"
    write_pairs(other, concept="fairness")
    swapped = [json.loads(line) for line in other.read_text(encoding="utf-8").splitlines()]
    for row in swapped:
        row["positive"], row["negative"] = row["negative"] + " !", row["positive"]
    other.write_text("\n".join(json.dumps(row) for row in swapped), encoding="utf-8")
    both = study.spec.model_copy(
        update={
            "out": str(home / "both"),
            "pairs": (*study.spec.pairs, study.spec.pairs[0].model_copy(update={"path": str(other)})),
        }
    )
    found = run_study(both).findings.recognition
    alone = study.findings.recognition
    np.testing.assert_array_equal(
        found["accuracy"].sel(concept="morality").values, alone["accuracy"].sel(concept="morality").values
    )
    assert not np.array_equal(
        found["accuracy"].sel(concept="fairness").values, found["accuracy"].sel(concept="morality").values
    )


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_memory_does_not_grow_with_the_pairs(home: Path, one_thread: None, tmp_path: Path) -> None:
    """What the reducers hold is the same for 20 and for 132 items: sums, not states."""
    sizes = []
    for limit in (40, 132):
        spec = settings(home / "model", home / "pairs.jsonl", tmp_path / str(limit), check={"limit": limit})
        run_study(spec)
        sizes.append((tmp_path / str(limit) / "moments" / "morality" / "en.safetensors").stat().st_size)
        assert not (tmp_path / str(limit) / "activations").exists()
    assert abs(sizes[0] - sizes[1]) < 64


def test_the_same_model_loaded_twice_has_one_fingerprint(home: Path, study: Study) -> None:
    handle = load_model(study.spec.model)
    assert json.loads((study.folder / "run.json").read_text())["fingerprint"] == handle.fingerprint
