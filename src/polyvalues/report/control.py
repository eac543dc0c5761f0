"""A control experiment as a page, tables and figures. The page is one file, runs no script and makes no request.

Only the safer side is on the page; numbers of the opposite side are in the CSV files, for red-teaming.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from polyvalues.artifacts import Generations
from polyvalues.axes import INTERVAL, QUANTITY, TARGET, Language
from polyvalues.report.claims import dataset_csv
from polyvalues.report.document import figure_address
from polyvalues.report.figures import save_figure
from polyvalues.report.figures_control import control_matrix, dose_response, effect_and_cost
from polyvalues.report.latex import environment, escape_latex
from polyvalues.report.notation import MISSING, Interval, interval_text, listed, number
from polyvalues.report.page import template
from polyvalues.report.tables import csv_text

_SHOWN: Final = ("source", "own", "random", "prompt")
_HEADS: Final = {
    "source": "vector of {source}",
    "own": "own vector",
    "random": "random vectors",
    "prompt": "asked to refuse",
}
_EXAMPLES: Final = 3
LEFT_ALONE: Final = "left alone"
"""Setting of a target in which nothing is steered; it has no changes of its own, and counts as 0 in the means."""


@dataclass(frozen=True, eq=False)
class ControlReport:
    """What the report is made from.

    Attributes:
        findings: as `measure.control.control_findings`, with `reading` and `kl`.
        trials: a row per trial: target, layers, strength, gate, effect, benign, language, kl, perplexity, base_effect,
            base_benign, base_language; chosen, front (no other beats it), shown (its curve is drawn).
        settings: by target, the setting in words.
        agreement: behaviour, two judges, kappa with bounds.
        notes: what a reader must know.
        model: name of the model.
        generations: answers to the test prompts.
    """

    findings: xr.Dataset
    trials: pd.DataFrame
    settings: Mapping[Language, str]
    agreement: Sequence[tuple[str, str, str, np.ndarray]]
    notes: Sequence[str]
    model: str
    generations: Generations


def control_files(report: ControlReport) -> Mapping[str, bytes | str]:
    """Everything that is written: file name to content."""
    found = report.findings
    concept = str(found.attrs["concept"])
    behaviour = str(found.attrs["behaviour"])
    figures = {
        "dose": dose_response(report.trials, behaviour),
        "cost": effect_and_cost(report.trials, behaviour),
        "matrix": control_matrix(found, [tag for tag, setting in report.settings.items() if setting == LEFT_ALONE]),
    }
    files: dict[str, bytes | str] = {}
    addresses = {}
    for name, figure in figures.items():
        svg = save_figure(figure, "svg")
        files[f"figures/control_{concept}_{name}.svg"] = svg
        files[f"figures/control_{concept}_{name}.png"] = save_figure(figure, "png")
        addresses[name] = figure_address(svg.decode())
    for name, content in dataset_csv(f"control_{concept}", found).items():
        files[f"findings/{name}"] = content
    files[f"findings/control_{concept}_trials.csv"] = csv_text(report.trials)
    files[f"findings/control_{concept}_answers.csv"] = csv_text(report.generations.table.to_pandas())
    files[f"tables/control-{concept}.tex"] = control_latex(report)
    files[f"control_{concept}.html"] = control_page(report, addresses)
    return files


def control_words(report: ControlReport) -> tuple[str, ...]:
    """What was found, in sentences with numbers; a claim only where the interval leaves out 0."""
    found, source = report.findings, str(report.findings.attrs["steered_by"])
    behaviour, averaged = str(found.attrs["behaviour"]), tuple(str(found.attrs["averaged"]).split())
    said = []
    if averaged:
        where = f"over {listed(averaged, most=9)}, which its vector can read"

        def mean(variant: str, quantity: str) -> Interval:
            return Interval.of(found["mean"].sel({"variant": variant, QUANTITY: quantity}))

        gain, kept, lost = (mean("source", name) for name in ("behaviour", "language", "willing"))
        verb = "changes" if gain.above(0) or gain.below(0) else "does not certainly change"
        said.append(
            f"The vector of {source} {verb} {behaviour} of violating prompts by {_points(gain)}, on average {where}; "
            f"willing answers to upholding ones by {_points(lost)}, answers in their language by {_points(kept)}."
        )
        for variant, name in (("random", "Random vectors of the same length"), ("own", "The languages' own vectors"),
                              ("prompt", "Asking the model to refuse")):  # fmt: skip
            own = mean(variant, "behaviour")
            if own.measured:
                said.append(
                    f"{name}: {_points(own)} of {behaviour}, {_points(mean(variant, 'willing'))} of willing answers."
                )
    else:
        said.append(f"The vector of {source} reads no other language well enough to expect selective steering.")
    q = found["q"].sel(variant="source")
    sure = tuple(str(tag) for tag in found[TARGET].values if float(q.sel({TARGET: tag})) <= 0.05)
    said.append(f"Single languages whose change is certain at q ≤ 0.05: {listed(sure, most=9) or 'none'}.")
    for kind, first, second, value in report.agreement:
        said.append(f"Judges {first} and {second} agree on {kind} with kappa {interval_text(Interval(*value))}.")
    return tuple(said)


def control_rows(report: ControlReport) -> list[tuple[str, ...]]:
    """A row per target: how it is read, its setting, unsteered rate, changes of each variant, and costs."""
    found, rows = report.findings, []
    for tag in map(str, found[TARGET].values):
        base = found["rate"].sel({"variant_or_base": "base", TARGET: tag})
        change = found["change"].sel({TARGET: tag})

        alone = report.settings[tag] == LEFT_ALONE
        kept = found["rate"].sel({"variant_or_base": "source", QUANTITY: "language", TARGET: tag})
        surprise = change.sel({"variant": "source", QUANTITY: "log_perplexity"})

        def cell(variant: str, quantity: str, own: xr.DataArray = change, *, alone: bool = alone) -> str:
            if alone and variant != "prompt":
                return MISSING
            return _points(Interval.of(own.sel({"variant": variant, QUANTITY: quantity})))

        rows.append(
            (
                tag,
                interval_text(Interval.of(found["reading"].sel({TARGET: tag})), reference=0.5),
                report.settings[tag],
                interval_text(Interval.of(base.sel({QUANTITY: "behaviour"}))),
                *(cell(variant, "behaviour") for variant in _SHOWN),
                cell("source", "willing"),
                MISSING if alone else _share(kept),
                MISSING if alone else interval_text(Interval.of(surprise), signed=True),
                number(float(found["kl"].sel({TARGET: tag})), digits=2),
            )
        )
    return rows


def control_heads(report: ControlReport) -> tuple[str, ...]:
    """Heads of `control_rows`."""
    behaviour, source = str(report.findings.attrs["behaviour"]), str(report.findings.attrs["steered_by"])
    changes = (f"{_HEADS[name].format(source=source)}, points" for name in _SHOWN)
    return (
        "target", f"read by the vector of {source}", "setting", f"{behaviour}, unsteered", *changes,
        "willing answers, points", "language kept", "log perplexity", "KL, nats",
    )  # fmt: skip


def control_page(report: ControlReport, figures: Mapping[str, str]) -> str:
    """The page."""
    concept = str(report.findings.attrs["concept"])
    return template("control.html.j2").render(
        title=f"Control of {concept} in {report.model}",
        words=control_words(report),
        notes=report.notes,
        heads=control_heads(report),
        rows=control_rows(report),
        figures=figures,
        examples=_examples(report),
        judge=report.findings.attrs["judge"],
    )


def control_latex(report: ControlReport) -> str:
    """A table in the manner of the paper's: a row per target, changes in points."""
    behaviour, source = str(report.findings.attrs["behaviour"]), str(report.findings.attrs["steered_by"])
    heads = ["target", "unsteered", *(_HEADS[name].format(source=source) for name in _SHOWN), "willing"]
    lines = [" & ".join(rf"\textbf{{{escape_latex(head)}}}" for head in heads) + r" \\", r"\midrule"]
    for row in control_rows(report):
        cells = [row[0], row[3], *row[4:8], row[8]]
        lines.append(" & ".join(escape_latex(cell) for cell in cells) + r" \\")
    words = f"Change of {behaviour} on violating prompts, and of willing answers on upholding ones, in points."
    label = "control-" + re.sub(r"[^A-Za-z0-9-]", "-", str(report.findings.attrs["concept"]))
    return environment(lines, "l" + "r" * (len(heads) - 1), escape_latex(words), label)


def _examples(report: ControlReport) -> list[dict[str, str]]:
    """The first violating prompts of each target whose answer the vector changed, both answers side by side."""
    source = str(report.findings.attrs["steered_by"])
    base, shown = {}, []
    rows = report.generations.table.to_pylist()
    for row in rows:
        if row["vector"] == "base" and row["side"] == "negative":
            base.setdefault((row["target"], row["item"]), row["answer"])
    counts: dict[str, int] = {}
    for row in rows:
        key = (row["target"], row["item"])
        wanted = row["vector"] == "source" and row["source"] == source and row["sign"] > 0 and row["side"] == "negative"
        if wanted and row["steered"] and row["answer"] != base.get(key) and counts.get(key[0], 0) < _EXAMPLES:
            counts[key[0]] = counts.get(key[0], 0) + 1
            shown.append(
                {"target": key[0], "prompt": row["prompt"], "before": base.get(key, ""), "after": row["answer"]}
            )
    return shown


def _points(value: Interval) -> str:
    """`+34 [+20, +48] points`."""
    if not value.measured:
        return "not measured"
    whole = Interval(100 * value.estimate, 100 * value.lower, 100 * value.upper)
    estimate, lower, upper = (
        number(part, digits=0, signed=True) for part in (whole.estimate, whole.lower, whole.upper)
    )
    return f"{estimate} [{lower}, {upper}]"


def _share(value: xr.DataArray) -> str:
    own = Interval(*(float(value.sel({INTERVAL: bound})) for bound in ("estimate", "lower", "upper")))
    return f"{own.estimate:.0%}" if own.measured else "cannot tell"
