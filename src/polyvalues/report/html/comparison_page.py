"""Several studies on one page: traits and mixtures, recognition by share, differences of every two models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from markupsafe import Markup

from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.report.html.figure_data import block_text, packed
from polyvalues.report.html.figure_tables import Cell, Grid, matrices
from polyvalues.report.html.parts import Figure, drawn
from polyvalues.report.html.templating import script, template
from polyvalues.report.text.mixture_advice import Advice
from polyvalues.report.views import LanguageView, edge

_SCRIPTS: Final = ("d3.min.js", "plot.umd.min.js", "chart_data.js", "matrices.js", "comparison.js", "interaction.js")


@dataclass(frozen=True, eq=False)
class ComparisonReport:
    """What the page is made from.

    Attributes:
        table: as `analysis.across_models.training_mixture.multilinguality`.
        differences: by two models in words, `difference` as
            `analysis.hypothesis_tests.paired_differences.models_difference`.
        languages: all languages, in order.
        heads: of the table of traits.
        rows: of the table of traits.
        words: differences in sentences.
        advice: on the mixture.
        notes: what could not be compared.
    """

    table: xr.Dataset
    differences: Mapping[str, xr.DataArray]
    languages: Sequence[LanguageView]
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[str]
    advice: Sequence[Advice]
    notes: Sequence[str]


def comparison_page(report: ComparisonReport, figures: Mapping[str, str]) -> str:
    """The page.

    Args:
        report: the numbers.
        figures: SVG text of `traits`, `shares` and `differences`; one that is missing is left out.
    """
    names = [str(name) for name in report.table["study"].values]
    traits = Grid(
        "Traits and mixtures; intervals: other items in these languages, then other items in other languages",
        tuple(report.heads),
        tuple((row[0], tuple(map(Cell, row[1:]))) for row in report.rows),
    )
    return template("compare.html.j2").render(
        title="Comparison of " + ", ".join(names),
        differences=report.words,
        advice=report.advice,
        notes=report.notes,
        traits=traits,
        figures=[*_figures(report, figures, traits)],
        live=comparison_data(report),
        scripts=[script(name) for name in _SCRIPTS],
    )


def _figures(report: ComparisonReport, figures: Mapping[str, str], traits: Grid) -> list[Figure]:
    tables = [
        grid
        for pair, values in report.differences.items()
        for grid in matrices(
            values, [view for view in report.languages if view.tag in values[TARGET].values], pair, signed=True
        )
    ]
    caption = (
        "Accuracy of the first model less that of the second, on the pairs that both tested, at their chosen layers."
    )
    alt = "Matrices of the difference in accuracy, source by target language. Numbers in the tables below."
    found = drawn(figures, "differences", alt, caption, tables)
    caption = "Each language's own vector on its own unseen pairs, mean over concepts; a colour per model."
    alt = "Points: recognition of each language against its training share. Numbers in languages.csv."
    found += drawn(figures, "shares", alt, caption, ())
    caption = "A point per model. p by permuting models; with few models it cannot be small."
    alt = "Points: traits of models against their training mixtures. Numbers in the table below."
    return [*found, *drawn(figures, "traits", alt, caption, [traits])]


def comparison_data(report: ComparisonReport) -> Markup:
    """What the interactive figures are drawn from, as `report.html.figure_data.live_data`."""
    tags = [view.tag for view in report.languages]
    concepts = list(dict.fromkeys(str(name) for part in report.differences.values() for name in part[CONCEPT].values))
    figures = [_shares(report, tags), _traits(report)]
    if report.differences:
        series = [_difference(pair, part, concepts, tags) for pair, part in report.differences.items()]
        figures.append({"name": "differences", "form": "matrix", "counted": False, "series": series})
    return block_text(
        {
            "languages": [{"tag": view.tag, "name": view.name, "family": view.family} for view in report.languages],
            "concepts": concepts,
            "orders": {"clustering": {}},
            "chosen": [None] * len(concepts),
            "layer": "block",
            "figures": figures,
        }
    )


def _difference(pair: str, part: xr.DataArray, concepts: Sequence[str], tags: Sequence[str]) -> dict[str, Any]:
    values = part.reindex({CONCEPT: list(concepts), SOURCE: list(tags), TARGET: list(tags)})
    largest = edge(part)
    return {
        "name": pair, "label": "difference in accuracy", "domain": [-largest, largest], "colours": "PuOr",
        "reference": 0.0, "signed": True, "diagonal": True, "layers": None, "symmetric": False,
        "tags": [tag for tag in tags if tag in part[TARGET].values],
        "values": packed(values.sel({INTERVAL: list(BOUNDS)}).transpose(CONCEPT, SOURCE, TARGET, INTERVAL)),
    }  # fmt: skip


def _shares(report: ComparisonReport, tags: Sequence[str]) -> dict[str, Any]:
    table = report.table
    rows = [
        {
            "study": name, "language": tag, "share": float(table["share"].sel({"study": name, TARGET: tag})),
            "estimate": float(table["own"].sel({"study": name, TARGET: tag})),
        }
        for name in map(str, table["study"].values) for tag in tags
    ]  # fmt: skip
    return {"name": "shares", "form": "shares", "studies": [str(name) for name in table["study"].values], "rows": rows}


def _traits(report: ComparisonReport) -> dict[str, Any]:
    table = report.table
    values = table["trait_value"].sel({INTERVAL: list(BOUNDS)}).transpose("study", "trait", INTERVAL)
    tests = np.stack([table[name].transpose("trait", "mixture").values for name in ("rho", "p", "n")], axis=-1)
    return {
        "name": "traits", "form": "traits", "studies": [str(name) for name in table["study"].values],
        "traits": [str(name) for name in table["trait"].values],
        "mixtures": [str(name) for name in table["mixture"].values],
        "values": packed(values), "mixture": table["mixture_value"].transpose("study", "mixture").values.tolist(),
        "tests": packed(tests),
    }  # fmt: skip
