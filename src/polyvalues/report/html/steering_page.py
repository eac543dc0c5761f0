"""A control experiment as a page, tables and figures. The page is one file, runs no script and makes no request."""

import re
from collections.abc import Mapping

from polyvalues.report.content import ControlReport
from polyvalues.report.figures.figure_set import save_figure
from polyvalues.report.figures.steering_curves import control_matrix, dose_response, effect_and_cost
from polyvalues.report.html.templating import figure_address, template
from polyvalues.report.tables.csv_tables import csv_text
from polyvalues.report.tables.latex import environment, escape_latex
from polyvalues.report.text.hypothesis_results import dataset_csv
from polyvalues.report.text.steering_results import (
    HEADS,
    SHOWN,
    control_examples,
    control_heads,
    control_rows,
    control_words,
)


def control_files(report: ControlReport) -> Mapping[str, bytes | str]:
    """Everything that is written: file name to content."""
    found = report.findings
    concept = str(found.attrs["concept"])
    behaviour = str(found.attrs["behaviour"])
    figures = {
        "dose": dose_response(report.trials, behaviour),
        "cost": effect_and_cost(report.trials, behaviour),
        "matrix": control_matrix(found, report.alone),
    }
    files: dict[str, bytes | str] = {}
    addresses = {}
    for name, figure in figures.items():
        svg = save_figure(figure, "svg")
        files[f"figures/control_{concept}_{name}.svg"] = svg
        addresses[name] = figure_address(svg.decode())
    for name, content in dataset_csv(f"control_{concept}", found).items():
        files[f"findings/{name}"] = content
    files[f"findings/control_{concept}_trials.csv"] = csv_text(report.trials)
    files[f"findings/control_{concept}_answers.csv"] = csv_text(report.generations.table.to_pandas())
    files[f"tables/control-{concept}.tex"] = control_latex(report)
    files[f"control_{concept}.html"] = control_page(report, addresses)
    return files


def control_page(report: ControlReport, figures: Mapping[str, str]) -> str:
    """The page."""
    concept = str(report.findings.attrs["concept"])
    return template("steering.html.j2").render(
        title=f"Control of {concept} in {report.model}",
        words=control_words(report),
        notes=report.notes,
        heads=control_heads(report),
        rows=control_rows(report),
        figures=figures,
        examples=control_examples(report),
        judge=report.findings.attrs["judge"],
    )


def control_latex(report: ControlReport) -> str:
    """A table in the manner of the paper's: a row per target, changes in points."""
    behaviour, source = str(report.findings.attrs["behaviour"]), str(report.findings.attrs["steered_by"])
    heads = ["target", "unsteered", *(HEADS[name].format(source=source) for name in SHOWN), "willing"]
    lines = [" & ".join(rf"\textbf{{{escape_latex(head)}}}" for head in heads) + r" \\", r"\midrule"]
    for row in control_rows(report):
        cells = [row[0], row[3], *row[4:8], row[8]]
        lines.append(" & ".join(escape_latex(cell) for cell in cells) + r" \\")
    words = f"Change of {behaviour} on violating prompts, and of willing answers on upholding ones, in points."
    label = "control-" + re.sub(r"[^A-Za-z0-9-]", "-", str(report.findings.attrs["concept"]))
    return environment(lines, "l" + "r" * (len(heads) - 1), escape_latex(words), label)
