"""Divergence and noise of a finished study: from its folder, resumable, safe to look at."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from command_line import Run
from line_examples import build_model, settings, write_pairs
from polyvalues.analysis.followups.item_divergence import DIVERGENCE_SCHEMA
from polyvalues.analysis.followups.topic_enrichment import ENRICHMENT_SCHEMA
from polyvalues.artifacts import PAIR_SCHEMA, PairSet
from polyvalues.artifacts.quality_ratings import joined_ratings
from polyvalues.config import PairSource
from polyvalues.config.toml import dump_toml
from polyvalues.errors import SpecError
from polyvalues.experiments.divergence import find_divergence
from polyvalues.experiments.noise import Damage
from polyvalues.experiments.noise_run import measure_noise
from polyvalues.experiments.translation_quality import measure_quality, quality_beside, rate_study
from polyvalues.report.html.divergence_page import divergence_page
from polyvalues.storage.store import write_pairs as store_pairs
from polyvalues.study.run import run_study
from polyvalues.study.study import Study, load_study
from polyvalues.translation.quality.quality_summary import table_csv

DAMAGE = Damage(("drop", "characters"), (0.5,), seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("follow")
    build_model(home / "model")
    write_pairs(home / "pairs.jsonl", languages=("en", "fi", "ta"))
    run_study(settings(home / "model", home / "pairs.jsonl", home / "cross", split={"mode": "cross", "folds": 4}))
    run_study(settings(home / "model", home / "pairs.jsonl", home / "split", split={"mode": "split", "folds": 4}))
    return home


@pytest.mark.parametrize("name", ["cross", "split"])
def test_noise_is_measured_kept_and_resumed(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    study = load_study(folder / name)
    found, notes = measure_noise(study, DAMAGE)
    assert found["dose"].values.tolist() == [0.0, 0.5]
    sound = study.findings.recognition["chosen"]
    np.testing.assert_allclose(
        found["accuracy"].sel(damage="drop", dose=0).values, sound.sel(concept=found.concept).values
    )
    assert len(notes) == 2 * found.sizes["concept"]
    assert (study.folder / "findings/noise.csv").exists()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("polyvalues.study.work_units.record", never)
    again, _ = measure_noise(study, DAMAGE)
    assert again.identical(found)


def test_divergence_writes_a_page_and_tables(folder: Path) -> None:
    study = load_study(folder / "cross")
    found = find_divergence(study)
    assert found.table.schema == DIVERGENCE_SCHEMA
    assert set(found.table["target"].to_pylist()) == {"fi", "ta"}
    page = (study.folder / "divergence.html").read_text(encoding="utf-8")
    assert "Nothing here shows a cultural difference" in page
    rows = (study.folder / "findings/divergence.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + found.table.num_rows
    assert set(find_divergence(study, source="fi").table["target"].to_pylist()) == {"en", "ta"}


def test_quality_is_kept_shown_and_sets_items_apart(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "cross", tmp_path / "study")
    study = load_study(tmp_path / "study")
    rated = rate_study(study)
    assert set(rated["language"].to_pylist()) == {"fi", "ta"}
    worst = sorted(rated.to_pylist(), key=lambda row: (row["quality"], row["item"]))[0]
    key = (worst["concept"], worst["language"], worst["item"])
    rows = [
        row | {"flagged": (row["concept"], row["language"], row["item"]) == key, "reasons": "negative: <b>odd</b>"}
        for row in rated.to_pylist()
    ]
    rated = pa.Table.from_pylist(rows, schema=rated.schema)
    before = {cell(row) for row in find_divergence(study).table.to_pylist() if row["doubts"] == "quality"}
    found = measure_quality(study, rated)
    one = {"excluded": "own", "concept": key[0], "target": key[1]}
    assert int((found.exclusion["n_pairs"] - found.exclusion["n_kept"]).sel(one)) == 1
    assert any("1 of" in note for note in found.notes)
    assert study.store.get("findings/rated.parquet", pa.Table).equals(rated)
    for name in ("quality", "quality_columns", "exclusion"):
        assert (study.folder / f"findings/{name}.csv").exists()
    page = (study.folder / "report.html").read_text(encoding="utf-8")
    assert "Quality of translations" in page
    assert "&lt;b&gt;odd" in page
    assert "<b>odd" not in page
    assert (study.folder / "figures/exclusion.svg").exists()
    after = {cell(row) for row in find_divergence(study).table.to_pylist() if "quality" in row["doubts"]}
    assert before == set()
    assert after == {key}


def test_quality_is_found_beside_translated_pairs(folder: Path, tmp_path: Path) -> None:
    study = load_study(folder / "split")
    concept = study.pairs().table["concept"][0].as_py()
    kept = study.pairs()
    one = replace(kept, table=kept.table.filter(pa.array([c == concept for c in kept.table["concept"].to_pylist()])))
    store_pairs(one, tmp_path / "translated/pairs.parquet")
    rated = rate_study(study)
    own = rated.filter(pa.array([name == concept for name in rated["concept"].to_pylist()]))
    source = PairSource(reader="table", path=str(tmp_path / "translated/pairs.parquet"), concept="renamed")
    other = replace(study, spec=study.spec.model_copy(update={"pairs": (source,)}))
    assert quality_beside(study) is None
    assert quality_beside(other) is None
    (tmp_path / "translated/card.json").write_text("{}", encoding="utf-8")
    assert quality_beside(other) is None
    (tmp_path / "translated/quality.csv").write_text(table_csv(own), encoding="utf-8")
    found = quality_beside(other)
    assert found is not None
    assert set(found["concept"].to_pylist()) == {"renamed"}
    assert found["item"].equals(own["item"])
    np.testing.assert_allclose(found["quality"].to_numpy(), own["quality"].to_numpy(), atol=1e-4)
    both = joined_ratings([found, found.drop_columns(["length"])])
    assert both.num_rows == 2 * found.num_rows
    assert np.isnan(both["length"].to_numpy()[found.num_rows :]).all()


def test_the_command_measures_the_texts_or_takes_a_file(folder: Path, tmp_path: Path, polyvalues: Run) -> None:
    shutil.copytree(folder / "cross", tmp_path / "study")
    done = polyvalues("quality", str(tmp_path / "study"))
    assert done.returncode == 0, done.stderr
    assert "tested pairs are flagged" in done.stdout
    pairs = load_study(tmp_path / "study").pairs().table.select(["concept", "language", "item"]).to_pylist()
    finnish = [row for row in pairs if row["language"] == "fi"]
    rows = [[*row.values(), 0.9 + 0.01 * (at % 3)] for at, row in enumerate(finnish)]
    rows[3][3] = 0.1
    lines = ["concept,language,item,quality", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "quality.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = polyvalues("quality", str(tmp_path / "study"), "--quality", str(tmp_path / "quality.csv"))
    assert done.returncode == 0, done.stderr
    assert "low quality 1" in done.stdout
    rated = load_study(tmp_path / "study").store.get("findings/rated.parquet", pa.Table)
    assert [row["item"] for row in rated.to_pylist() if row["flagged"]] == [rows[3][2]]
    for wrong, said in (("nothing.csv", "expected UTF-8 text"), ("study", "there is no quality.csv in it")):
        done = polyvalues("quality", str(tmp_path / "study"), "--quality", str(tmp_path / wrong))
        assert done.returncode == 2
        assert said in " ".join(done.stderr.split())


def test_a_run_on_translated_pairs_takes_their_quality_along(folder: Path, tmp_path: Path, polyvalues: Run) -> None:
    study = load_study(folder / "split")
    store_pairs(study.pairs(), tmp_path / "translated/pairs.parquet")
    (tmp_path / "translated/card.json").write_text("{}", encoding="utf-8")
    (tmp_path / "translated/quality.csv").write_text(table_csv(rate_study(study)), encoding="utf-8")
    split = {"mode": "split", "folds": 4}
    spec = settings(folder / "model", tmp_path / "translated/pairs.parquet", tmp_path / "study", split=split)
    (tmp_path / "study.toml").write_text(dump_toml(spec), encoding="utf-8")
    done = polyvalues("run", str(tmp_path / "study.toml"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "study/findings/exclusion.nc").exists()
    assert "Quality of translations" in (tmp_path / "study/report.html").read_text(encoding="utf-8")


def cell(row: dict[str, str]) -> tuple[str, str, str]:
    return row["concept"], row["target"], row["item"]


def test_without_a_flag_there_is_nothing_to_leave_out(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "split", tmp_path / "study")
    study = load_study(tmp_path / "study")
    rated = rate_study(study)
    rows = [row | {"flagged": False, "reasons": ""} for row in rated.to_pylist()]
    measure_quality(study, pa.Table.from_pylist(rows, schema=rated.schema))
    page = (study.folder / "report.html").read_text(encoding="utf-8")
    assert "Quality by language" in page
    assert "without pairs flagged" not in page
    assert not (study.folder / "figures/exclusion.svg").exists()


def test_what_makes_no_sense_is_refused(folder: Path, tmp_path: Path) -> None:
    paper = run_study(
        settings(folder / "model", folder / "pairs.jsonl", tmp_path / "paper", protocol="paper", split={})
    )
    rated = rate_study(paper)
    for refused in (
        lambda: find_divergence(paper),
        lambda: measure_noise(paper, DAMAGE),
        lambda: measure_quality(paper, rated),
    ):
        with pytest.raises(SpecError, match="strict protocol"):
            refused()
    study = load_study(folder / "cross")
    with pytest.raises(SpecError, match="melt"):
        measure_noise(study, Damage(("melt",), (0.1,)))
    with pytest.raises(SpecError, match="outside 0"):
        measure_noise(study, Damage(("drop",), (0.9,)))
    other = Study(study.store, study.spec, study.findings, {**study.model, "fingerprint": "0" * 16}, {}, study.claims)
    with pytest.raises(SpecError, match="run the study again first"):
        measure_noise(other, DAMAGE)


HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)> "quoted" \u202eevil\u202c =cmd()'


def test_hostile_texts_are_shown_and_do_nothing() -> None:
    row = dict.fromkeys(("concept", "item", "group", "positive", "negative", "category", "source"), HOSTILE)
    pairs = PairSet(pa.Table.from_pylist([row | {"language": "en", "prefix": ""}], schema=PAIR_SCHEMA))
    numbers = dict.fromkeys(
        [name for name in DIVERGENCE_SCHEMA.names if name.startswith(("score", "dis", "dep", "p_", "q_"))], 1.5
    )
    cell = {
        "concept": HOSTILE,
        "item": HOSTILE,
        "target": "en",
        "source": "en",
        "doubts": HOSTILE,
        "status": "candidate",
    }
    table = pa.Table.from_pylist([cell | numbers], schema=DIVERGENCE_SCHEMA)
    topic = {"concept": HOSTILE, "target": "en", "category": HOSTILE, "candidates": 1, "items": 1, "all_candidates": 1}
    topics = pa.Table.from_pylist([topic | {"all_items": 1, "p": 0.5, "q": 0.5}], schema=ENRICHMENT_SCHEMA)
    page = divergence_page(table, topics, pairs, HOSTILE)
    assert page.count("<script") == 1  # our own
    assert "alert(1)</script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "⟨U+202E⟩" in page
    assert "Content-Security-Policy" in page
