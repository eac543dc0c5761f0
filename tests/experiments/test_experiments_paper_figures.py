"""Figures and tables for papers, from folders of finished studies: what is written, missing, refused."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from paper_examples import control

import polyvalues as pv
from command_line import Run
from line_examples import build_model, settings, write_pairs
from polyvalues.errors import SpecError
from polyvalues.experiments.paper_figures import MOST, paper_set, write_paper_set
from polyvalues.report.figures.figure_set import save_figure
from polyvalues.report.figures.paper.paper_style import STYLES
from polyvalues.storage.store import Provenance, Store
from polyvalues.study.followup_results import FINDINGS, PAIRS, made_from
from polyvalues.study.hypothesis_tests import no_claims
from polyvalues.study.run import run_study
from polyvalues.study.study import Study, load_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("paper")
    build_model(home / "model")
    write_pairs(home / "pairs.jsonl")
    run_study(settings(home / "model", home / "pairs.jsonl", home / "study", split={"mode": "split", "folds": 4}))
    write_pairs(home / "one.jsonl", languages=("en",))
    run_study(settings(home / "model", home / "one.jsonl", home / "lone", split={"mode": "split", "folds": 4}))
    return home


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return load_study(folder / "study")


def test_everything_that_can_be_made_is_made_and_the_rest_is_said(study: Study) -> None:
    found = paper_set([study])
    assert [figure.number for figure in found.figures] == [2, 4, 5, 7, 8]
    assert [table.number for table in found.tables] == [6]
    assert len(found.missing) == 2
    assert "table 1" in found.missing[0]
    assert "four languages" in found.missing[0]
    assert "table 2" in found.missing[1]
    assert "polyvalues control" in found.missing[1]
    assert all(figure.caption.endswith(".") for figure in found.figures)
    accuracy = study.findings.recognition["chosen"].sel(concept="morality", source="fi", target="fi").values
    assert found.figures[0].data["own"].sel(target="fi").squeeze().values.tolist() == accuracy.tolist()


@pytest.mark.parametrize("name", ["study", "lone"])
def test_the_figures_in_python_are_those_of_the_folder(folder: Path, name: str) -> None:
    figures = pv.study_figures(load_study(folder / name))
    files = {path.stem: path.read_bytes() for path in (folder / name / "figures").glob("*.svg")}
    assert {name: save_figure(figure, "svg") for name, figure in figures.items()} == files
    assert ("recognition" in figures) == (name == "study")


def test_one_language_has_no_matrices_but_the_other_study_has(folder: Path, study: Study) -> None:
    lone = load_study(folder / "lone")
    found = paper_set([lone])
    assert [figure.number for figure in found.figures] == [2]
    assert [words.partition(",")[0] for words in found.missing[:4]] == [f"figure {at}" for at in (4, 5, 7, 8)]
    both = paper_set([lone, study], only=[2, 4])
    assert [figure.data.sizes["model"] for figure in both.figures] == [2, 1]
    assert "(lone): one language has nothing to be compared with" in both.missing[0]


def test_a_control_experiment_in_the_folder_makes_table_2(study: Study, tmp_path: Path) -> None:
    store = Store(tmp_path / "copy")
    (tmp_path / "copy/findings").mkdir(parents=True)
    for name in (FINDINGS, PAIRS):
        shutil.copy(study.folder / name, tmp_path / "copy" / name)
    now, older = (Provenance("control findings", {}, inputs) for inputs in (made_from(store), {"findings": "0"}))
    store.put("findings/control_harmfulness.nc", control({"fi": (0.25, 0.75)}), now)
    store.put("findings/control_morality.nc", control({"fi": (0.25, 0.5)}), older)
    found = paper_set([replace(study, store=store)], only=[2])
    assert [table.name for table in found.tables] == ["table2-control-harmfulness"]
    assert "+50.0" in found.tables[0].latex
    assert not found.missing


def test_the_same_bytes_each_time_in_every_format(study: Study, tmp_path: Path) -> None:
    for style in STYLES:
        names = write_paper_set(paper_set([study], style, only=[2, 4, 6]), tmp_path / "a")
        again = write_paper_set(paper_set([study], style, only=[6, 4, 2]), tmp_path / "b")
        assert names == again
        assert len(names) == 2 * 3 + 2
        for name in names:
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    listing = (tmp_path / "a" / "figures.tex").read_text()
    assert listing.count(r"\includegraphics") == 2
    assert r"\includegraphics[width=\linewidth]{figure4-consistency}" in listing
    assert r"50 \%" in listing


def test_claims_that_are_not_there_are_no_mistake(study: Study) -> None:
    found = paper_set([replace(study, claims=no_claims(), shares={})])
    assert len(found.figures) == 5
    assert "Languages by family." in found.figures[1].caption


def test_what_cannot_be_asked_is_refused(study: Study, tmp_path: Path) -> None:
    for studies, style, only, said in (
        ([], "paper", None, "no study"),
        ([study], "poster", None, "style 'poster' is unknown; known: paper, talk"),
        ([study], "paper", [3], "3 is no figure or table"),
        ([study] * (MOST + 1), "paper", None, "at most 21"),
    ):
        with pytest.raises(SpecError, match=said):
            paper_set(studies, style, only)
    for kinds in (["gif"], []):
        with pytest.raises(SpecError, match="known: svg, pdf, png"):
            write_paper_set(paper_set([study], only=[6]), tmp_path, kinds)
    assert not list(tmp_path.iterdir())


def test_the_command_writes_into_the_study_and_says_what(folder: Path, tmp_path: Path, polyvalues: Run) -> None:
    done = polyvalues("figures", str(folder / "study"), "--style", "talk", "--format", "svg", "--only", "2,6")
    assert done.returncode == 0, done.stderr
    home = folder / "study" / "figures" / "talk"
    assert sorted(path.name for path in home.iterdir()) == [
        "figure2-recognition.svg", "figures.tex", "table6-recognition.tex"
    ]  # fmt: skip
    assert str(home / "figure2-recognition.svg") in done.stdout
    assert "! table 2" in done.stdout
    studies = [str(folder / name) for name in ("study", "lone")]
    done = polyvalues("figures", *studies, "--out", str(tmp_path / "both"), "--format", "png", "--only", "4")
    assert [path.name for path in sorted((tmp_path / "both").iterdir())] == ["figure4-consistency.png", "figures.tex"]
    assert "one language" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["figures", "{study}", "--style", "poster"], "style 'poster' is unknown; known: paper, talk"),
        (["figures", "nowhere"], "nowhere"),
        (["figures", "{home}"], "is"),
        (["figures", "{study}", "--only", "two"], "'two' is not a number of a figure"),
    ],
)
def test_what_is_foreseen_is_one_message(folder: Path, arguments: list[str], said: str, polyvalues: Run) -> None:
    done = polyvalues(*(part.format(study=folder / "study", home=folder) for part in arguments))
    assert done.returncode == 2
    assert done.stderr.count("error") == 1
    assert said in done.stderr
    assert not done.stdout


def test_the_functions_are_public() -> None:
    assert pv.paper_set is paper_set
    assert pv.write_paper_set is write_paper_set
    assert pv.PaperSet.__name__ == "PaperSet"
