"""The paper's tables: every number is one of the labelled data, in its place, and foreign text runs nothing."""

import re

import numpy as np
import pytest
import xarray as xr
from paper_examples import control, kinship, model
from report_examples import HOSTILE

from polyvalues.analysis.across_models.concept_means import kinship_means
from polyvalues.report.tables.latex import environment, escape_latex
from polyvalues.report.tables.paper_latex import PaperTable, control_table, kinship_table, recognition_table

RATES = {"en": (0.2, 0.7), "sw": (0.1, 0.35), "ta": (0.0, 0.0)}


def rows(table: PaperTable) -> list[list[str]]:
    """Cells of every row, without rules."""
    body = table.latex.split("\\toprule\n")[1].split("\n\\bottomrule")[0]
    lines = [line for line in body.split("\n") if line.endswith(r"\\")]
    return [[cell.strip() for cell in line.removesuffix(r"\\").split(" & ")] for line in lines]


def test_recognition_has_a_block_per_concept_and_a_row_per_model() -> None:
    first, second = model("first", holes=True), model("second", ("en", "fr"), ("fairness", "toxicity"))
    made = recognition_table([first, second], ["en", "fr", "zh", "ta", "sw"])
    found = rows(made)
    assert found[0] == ["", *(rf"\textbf{{{tag}}}" for tag in ("en", "fr", "zh", "ta", "sw", "avg"))]
    assert [row[0] for row in found[1:]] == [
        r"\multicolumn{7}{l}{\textbf{fairness}}", "first", "second", r"\multicolumn{7}{l}{\textbf{morality}}", "first",
        "second", r"\multicolumn{7}{l}{\textbf{toxicity}}", "first", "second",
    ]  # fmt: skip
    for at, concept in ((2, "fairness"), (5, "morality")):
        chosen = first.findings.recognition["chosen"].sel(concept=concept, interval="estimate")
        for tag, cell in zip(("en", "fr", "zh", "ta", "sw"), found[at][1:], strict=False):
            value = float(chosen.sel(source=tag, target=tag)) if tag != "fr" else np.nan
            assert cell == ("--" if np.isnan(value) else f"{100 * value:.1f}")
        mean = first.findings.overview["value"].sel(concept=concept, quantity="within", interval="estimate")
        assert found[at][-1] == f"{100 * float(mean):.1f}"
    assert set(found[6][1:]) == {"--"}, "the second model was not measured on morality"
    own = made.data["own"].sel(concept="fairness", model="second", target="fr")
    np.testing.assert_array_equal(
        own.values,
        second.findings.recognition["chosen"].sel(concept="fairness", source="fr", target="fr").values,
    )


def test_kinship_means_are_those_of_a_loop() -> None:
    models = [model("one"), model("none", ("en", "fr")), model("two", concepts=("a", "b", "c"))]
    means = kinship_means(models)
    assert means["model"].values.tolist() == ["one", "two"]
    for name, concepts in (("one", ("fairness", "morality")), ("two", ("a", "b", "c"))):
        given = kinship(concepts).sel(table="computed", of="cosine", coefficient="pearson")
        for kind in ("genetic", "phonological"):
            for form in ("direct", "split"):
                cells = [given.sel(concept=concept, kind=kind, form=form) for concept in concepts]
                found = means.sel(model=name, kind=kind, form=form)
                r = sum(float(cell["items"].sel(interval="estimate")) for cell in cells) / len(cells)
                assert float(found["r"]) == pytest.approx(r)
                beyond = [given.sel(concept=concept, kind=kind, form="beyond") for concept in concepts]
                assert int(found["certain"]) == sum(float(cell["q"]) <= 0.05 for cell in beyond)
                assert int(found["concepts"]) == len(cells)
    assert not kinship_means([model("none", ("en", "fr"))])


def test_kinship_has_two_columns_per_kind_in_the_papers_order() -> None:
    means = kinship_means([model("one"), model("two")])
    means["r"].loc[{"model": "two", "kind": "genetic", "form": "split"}] = np.nan
    made = kinship_table(means)
    found = rows(made)
    assert [re.findall(r"\{(\w+)\}$", cell)[0] for cell in found[0][1:]] == [
        "Genetic", "Syntactic", "Geographic", "Phonological"
    ]  # fmt: skip
    assert found[1] == ["", *("Direct", "Split") * 4]
    cells = [
        (kind, form) for kind in ("genetic", "syntactic", "geographic", "phonological") for form in ("direct", "split")
    ]
    for row in found[2:]:
        for (kind, form), cell in zip(cells, row[1:], strict=True):
            value = made.data.sel(model=row[0], kind=kind, form=form)
            r = float(value["r"])
            count = f" ({int(value['certain'])})" if form == "direct" else ""
            assert cell == ("--" if np.isnan(r) else f"{r:.2f}{count}")
    assert found[3][2] == "--"


def test_control_shows_rates_change_and_the_mean_over_what_the_vector_reads() -> None:
    made = control_table({"one": control(RATES, alone=("ta",)), "two": control({"sw": (0.5, 0.4)}, source="fr")})
    found = rows(made)
    assert found[0] == ["", "", r"\textbf{en}", r"\textbf{sw}", r"\textbf{ta}", r"\textbf{mean}"]
    assert found[1:4] == [
        ["one", "unsteered", "20.0", "10.0", "0.0", ""],
        ["", "vector of en", "70.0", "35.0", "--", ""],
        ["", "change", "+50.0", "+25.0", "--", "+25.0"],
    ]
    assert found[4:] == [
        ["two", "unsteered", "--", "50.0", "--", ""],
        ["", "vector of fr", "--", "40.0", "--", ""],
        ["", "change", "--", "$-$10.0", "--", "$-$10.0"],
    ]
    assert "one over sw; two over sw" in made.caption
    change = made.data["value"].sel(model="one", step="change", target="sw", interval="estimate")
    assert float(change) == pytest.approx(0.25)
    assert made.name == "table2-control-harmfulness"
    alone = control_table({"one": control(RATES, alone=("sw", "ta"))})
    assert rows(alone)[3][-1] == "--"
    assert "none, since the vector reads no other language" in alone.caption


def test_a_table_of_more_than_six_columns_spans_the_page() -> None:
    narrow, wide = (environment([r"a \\"], columns, "c", "x") for columns in ("lccccc", "lcccccc"))
    assert narrow.startswith("\\begin{table}[t]")
    assert wide.startswith("\\begin{table*}[t]")
    assert narrow.replace("table}", "table*}").replace("lccccc", "lcccccc") == wide


@pytest.mark.parametrize(
    "name", [HOSTILE, r"\input{/etc/passwd}", "[x] * & % # $ _ ^ ~ { }", "*", "模型", "a\\\\[9cm]b"]
)
def test_foreign_names_run_nothing(name: str) -> None:
    one = model(name)
    tables = [recognition_table([one], ["en", "zh", "ta", "sw"]), kinship_table(kinship_means([one]))]
    tables.append(control_table({name: control(RATES)}))
    for table in tables:
        assert escape_latex(name[:39]) in table.latex
        assert table.latex.isascii() or all(ord(letter) < 256 for letter in table.latex)
        commands = set(re.findall(r"\\([A-Za-z]+|.)", table.latex))
        assert commands <= {
            "begin", "end", "centering", "setlength", "belowcaptionskip", "ldots",
            "caption", "label", "resizebox", "ifdim", "width", "linewidth", "else",
            "fi", "toprule", "midrule",
            "bottomrule", "cmidrule", "multicolumn", "textbf", "textbackslash", "textless", "textgreater",
            "textasciicircum", "textasciitilde", "langle", "rangle", "\\", "&", "%", "#", "$", "_", "{", "}",
        }  # fmt: skip
        for line in table.latex.splitlines():
            assert not line.startswith(("[", "*")), "after the end of a row that would be an argument"
    assert isinstance(tables[0].data, xr.Dataset)
