"""Sections on what was asked of a finished study: control, damaged texts, quality of translations."""

from collections.abc import Mapping

import xarray as xr

from polyvalues.dimensions import CONCEPT
from polyvalues.report.content import Beside, ControlReport
from polyvalues.report.formatting import Interval
from polyvalues.report.html.figure_tables import Cell, Grid, full
from polyvalues.report.html.parts import Section, drawn
from polyvalues.report.html.quality_section import quality_section
from polyvalues.report.text.steering_results import control_examples, control_heads, control_rows, control_words


def further_sections(beside: Beside, figures: Mapping[str, str]) -> list[Section]:
    """A section for each control experiment, one on noise and one on quality, as far as there are any."""
    sections = [_control(control, figures) for control in beside.controls]
    sections += [_noise(beside.noise, figures)] if beside.noise else []
    sections += [quality_section(beside, figures)] if beside.quality else []
    return sections


def _control(control: ControlReport, figures: Mapping[str, str]) -> Section:
    concept, behaviour = str(control.findings.attrs["concept"]), str(control.findings.attrs["behaviour"])
    heads, rows = control_heads(control), control_rows(control)
    table = Grid("Language by language", heads, tuple((row[0], tuple(map(Cell, row[1:]))) for row in rows))
    answers = Grid(
        "Answers that steering changed, the first of each language",
        ("target", "prompt", "unsteered", "steered"),
        tuple(
            (row["target"], tuple(Cell(row[name], long=True) for name in ("prompt", "before", "after")))
            for row in control_examples(control)
        ),
    )
    alt = f"Curves: rates against strength of steering, by language, for {concept}. Numbers in the CSV files."
    caption = "Every strength tried with the blocks and the gate that were chosen, or came closest."
    parts = drawn(figures, f"dose-{concept}", alt, caption, ())
    alt = f"Points: {behaviour} against willing answers lost, for every setting tried. Numbers in the CSV files."
    caption = "What an effect costs: willing answers that are lost on harmless prompts."
    parts += drawn(figures, f"cost-{concept}", alt, caption, ())
    alt = f"Matrix: change of {behaviour} by language of the vector and target. Numbers in the CSV files."
    caption = (
        "Change on violating test prompts, in points, when every language is steered by the vector of every other."
    )
    parts += drawn(figures, f"matrix-{concept}", alt, caption, ())
    words = (*control_words(control), *control.notes)
    lead = "What steering did, on test prompts that nothing was fitted or chosen on."
    tables = (table, answers) if answers.rows else (table,)
    return Section(f"control-{concept}", f"Control of {concept}", lead, parts, tables, (), words)


def _noise(data: xr.Dataset, figures: Mapping[str, str]) -> Section:
    head = ("concept", *(f"{float(dose):g}" for dose in data["dose"].values), "another order of languages from dose")
    tables = []
    for kind in map(str, data["damage"].values):
        rows = []
        for concept in map(str, data[CONCEPT].values):
            own = data["value"].sel({"damage": kind, CONCEPT: concept, "conclusion": "above_chance"})
            cells = [full(Interval.of(own.sel(dose=dose)), signed=True) for dose in data["dose"].values]
            order = float(data["order_dose"].sel({"damage": kind, CONCEPT: concept}))
            rows.append((concept, (*cells, Cell(f"{order:g}" if order == order else "none tried"))))
        tables.append(Grid(f"Recognition above chance by dose of damage: {kind}", head, tuple(rows)))
    alt = "Curves: recognition above chance against dose of damage, one panel per kind. Numbers in the tables below."
    caption = "Texts of the target damaged on purpose: what a bad translation of the test texts would do."
    shown = drawn(figures, "noise", alt, caption, tables)
    lead = "How much of a low number could be the translation's fault?"
    return Section("noise", "Damaged texts", lead, shown, (), () if shown else tuple(tables))
