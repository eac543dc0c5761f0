"""Every LaTeX table the project can write, and the environments of figures, compiled by pdfLaTeX; `make test-latex`."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from paper_examples import control, means_of, model
from report_examples import CONCEPTS, HOSTILE, PAPER, build, hostile

from polyvalues.analysis.across_models.concept_means import kinship_means
from polyvalues.artifacts import GENERATION_SCHEMA, Generations
from polyvalues.experiments.paper_figures import PaperSet, write_paper_set
from polyvalues.report.content import LEFT_ALONE, ControlReport
from polyvalues.report.figures.paper.consistency_figure import consistency_main
from polyvalues.report.figures.paper.paper_style import STYLES
from polyvalues.report.figures.paper.recognition_figure import recognition_bars
from polyvalues.report.html.steering_page import control_latex
from polyvalues.report.tables.latex import latex_tables
from polyvalues.report.tables.paper_latex import control_table, kinship_table, recognition_table

NAMES = (
    "tiny-llama_7B", HOSTILE, r"\input{/etc/passwd}\write18{ls}", "[x]*&%#$_^~{}|<>\"'`@!?", "* starred", "[9cm]",
    "模型 नमूना", "Ça déjà ØÅ ÿ Ð þ", "\u202eevil\u202c · → ≤ … – −", "a" * 90,
)  # fmt: skip
TAGS = tuple(tag for tag, _, _ in PAPER)
RATES = {"en": (0.2, 0.7), "sw": (0.1, 0.35), "ta": (0.0, 0.0)}
DOCUMENT = (
    "\\documentclass[a4paper]{article}\n\\usepackage[margin=2cm]{geometry}\n"
    "\\usepackage{booktabs}\n\\usepackage{graphicx}\n\\begin{document}\n%s\n\\end{document}\n"
)


def compiled(folder: Path, parts: Mapping[str, str]) -> str:
    """Text of the PDF of a document with all parts, a page each; fails on an error or on what LaTeX cannot print."""
    assert shutil.which("pdflatex"), "no pdflatex: apt-get install texlive-latex-base texlive-latex-recommended"
    for name, content in parts.items():
        (folder / name).write_text(content, encoding="utf-8")
    body = "\n".join(f"\\input{{{name}}}\\clearpage" for name in parts)
    (folder / "all.tex").write_text(DOCUMENT % body, encoding="utf-8")
    log, command = "", ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    for _ in range(2):  # twice, so that what went into the .aux file is read
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300)
        log = (folder / "all.log").read_text(encoding="latin-1")
        wrong = re.findall(r"^!.*|.*Undefined control sequence.*|.*Missing character.*|.*multiply.defined.*", log, re.M)
        assert done.returncode == 0, "\n".join(wrong or log.splitlines()[-20:])
        assert not wrong, "\n".join(wrong)
    assert not re.findall(r"^Overfull .hbox.*in alignment", log, re.M), "a table is wider than the page"
    subprocess.run(["pdftotext", "-layout", "all.pdf"], cwd=folder, check=True, timeout=60)
    return (folder / "all.txt").read_text(encoding="utf-8")


def test_tables_of_studies(tmp_path: Path) -> None:
    whole = build(CONCEPTS, TAGS, 6)
    lone = build(("fairness",), ("sw",), 4, holes=False)
    paper = build(("fairness", "morality"), ("en", "zh", "sw"), 5, protocol="paper")
    odd = hostile()
    parts = {}
    for name, made in (("whole", whole), ("lone", lone), ("paper", paper), ("odd", odd)):
        tables = latex_tables(made.findings, made.info, made.languages)
        # labels are unique within a study, not within several
        parts |= {f"{name}-{file}": text.replace(r"\label{tab:", rf"\label{{{name}-") for file, text in tables.items()}
    assert len(parts) == (1 + 14) + 1 + (1 + 4) + (1 + 4)
    said = compiled(tmp_path, parts)
    assert "utilitarianism" in said
    assert "<script>alert" in said
    assert "⟨U+202E⟩evil" in said.replace(" ", "")


@pytest.mark.parametrize("at", range(len(NAMES)))
def test_the_papers_tables_with_any_name(tmp_path: Path, at: int) -> None:
    models = [model("plain"), replace(model("x", TAGS, CONCEPTS), name=NAMES[at])]
    tables = [
        recognition_table(models, TAGS),
        kinship_table(kinship_means(models)),
        control_table({"plain": control(RATES, alone=("ta",)), NAMES[at]: control(RATES, source="sw")}),
    ]
    said = compiled(tmp_path, {f"{table.name}.tex": table.latex for table in tables})
    assert said.count("plain") >= 3
    assert "LaTeX" not in said


def test_the_table_of_a_control_experiment(tmp_path: Path) -> None:
    parts = {}
    for at, (name, concept) in enumerate(zip(NAMES, ("harmfulness", *NAMES[1:]), strict=True)):
        found = control(RATES, alone=("ta",), concept=concept)
        found.attrs["behaviour"] = name
        settings = {"en": f"blocks 3, 4, strength 0.5, {name}", "sw": "block 2, strength 1", "ta": LEFT_ALONE}
        nothing = Generations(GENERATION_SCHEMA.empty_table())
        report = ControlReport(found, pd.DataFrame(), settings, (), (), name, nothing)
        text = control_latex(report)
        assert text.count("\n") > 8
        parts[f"control{at}.tex"] = re.sub(r"\\label\{tab:[A-Za-z0-9-]*\}", "", text)
        assert r"\label" not in parts[f"control{at}.tex"], "a label is plain letters"
    assert "+50 [+50, +50]" in compiled(tmp_path, parts)


def test_figures_with_their_captions(tmp_path: Path) -> None:
    means = means_of(*(replace(model("x"), name=name) for name in NAMES[1:4]))
    style = STYLES["paper"]
    made = PaperSet((recognition_bars(means, style), consistency_main(means.isel(model=[0]), style)), (), ())
    assert "figures.tex" in write_paper_set(made, tmp_path, ["pdf"])
    said = compiled(tmp_path, {"figures.tex": (tmp_path / "figures.tex").read_text(encoding="utf-8")})
    assert "Figure 2:" in said
    assert "<script>alert" in said
    assert "accuracy" in said, "words of the picture are words in the PDF"


@pytest.mark.parametrize(
    ("broken", "why"),
    [(r"\nosuchcommand", "Undefined control sequence"), ("a & b", "Misplaced alignment"), ("模", "Unicode character")],
)
def test_a_broken_table_is_noticed(tmp_path: Path, broken: str, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        compiled(tmp_path, {"broken.tex": broken})
