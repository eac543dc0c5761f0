"""Several finished studies at once: traits against training mixtures, paired differences of models, advice.

Reads finished folders only; no model is loaded. Writes `traits.csv`, `correlations.csv`, `languages.csv`, a
`differences_A_B.csv` for every two studies of the same pairs, figures and `compare.html` into a folder.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import xarray as xr

from polyvalues.analysis.across_models.training_mixture import multilinguality
from polyvalues.analysis.hypothesis_tests.paired_differences import models_difference
from polyvalues.artifacts import ModelFindings
from polyvalues.dimensions import ALL_CONCEPTS, INTERVAL, TARGET
from polyvalues.errors import MeasureError, SpecError
from polyvalues.report.figures.comparison import recognition_by_share, traits_against_mixture
from polyvalues.report.figures.figure_set import save_figure
from polyvalues.report.figures.heatmaps import model_difference
from polyvalues.report.formatting import Interval, interval_text, number
from polyvalues.report.html.comparison_page import ComparisonReport, comparison_page
from polyvalues.report.text.hypothesis_results import dataset_csv
from polyvalues.report.text.mixture_advice import Advice, advise
from polyvalues.report.text.smallest_p import beyond_reach, smallest_p, untested_words
from polyvalues.storage.package_versions import package_versions
from polyvalues.storage.store import Store
from polyvalues.study.outputs import views_of
from polyvalues.study.study import Study, measured, study_names


@dataclass(frozen=True, eq=False)
class Comparison:
    """What several studies say together.

    Attributes:
        table: as `analysis.across_models.training_mixture.multilinguality`.
        differences: by the names of two studies, as `analysis.hypothesis_tests.paired_differences.models_difference`.
        advice: sentences on the mixture, with their caveats.
        notes: what could not be compared, and why.
    """

    table: xr.Dataset
    differences: Mapping[tuple[str, str], xr.Dataset]
    advice: tuple[Advice, ...]
    notes: tuple[str, ...]


def compare_studies(studies: Sequence[Study], out: Path | None = None) -> Comparison:
    """Compare finished studies of the strict protocol.

    Args:
        studies: one per model; they may have been made on the same pairs or on others.
        out: folder for tables, figures and the page; None writes nothing.

    Raises:
        SpecError: no study, or one of the paper protocol.
    """
    if not studies:
        raise SpecError("no study to compare: give at least one folder of a finished study")
    names = study_names(studies)
    parts = {name: measured(study) for name, study in zip(names, studies, strict=True)}
    models = [
        ModelFindings(name, study.findings, study.claims, study.shares)
        for name, study in zip(names, studies, strict=True)
    ]
    table = multilinguality(models)
    differences, notes = {}, []
    for (first, one), (second, other) in combinations(zip(names, studies, strict=True), 2):
        if one.pairs().table.select(["concept", "item", "language"]) != other.pairs().table.select(
            ["concept", "item", "language"]
        ):
            notes.append(f"{first} and {second}: made on other pairs; only the pairs both tested are compared")
        try:
            differences[first, second] = models_difference(parts[first][1:], parts[second][1:], one.spec.statistics)
        except MeasureError as error:
            notes.append(f"{first} and {second}: {error}")
    found = Comparison(table, differences, advise(models, table), tuple(notes))
    if out is not None:
        _write(found, Store(out, package_versions()))
    return found


def difference_words(found: Comparison) -> tuple[str, ...]:
    """Per two studies: how many differences of recognition are certain, the largest own one, means over languages."""
    said = []
    for (first, second), data in found.differences.items():
        q, size = data["q"].values, data["difference"].sel({INTERVAL: "estimate"}).values
        out = beyond_reach(data)
        certain = (q <= 0.05) & ~out
        rest = untested_words(int(out.sum()), float(smallest_p(data).values[out].max(initial=0.0)))
        text = (
            f"{first} less {second}: {int(certain.sum())} of {int((~np.isnan(q) & ~out).sum())} differences are "
            f"certain at q ≤ 0.05{rest}"
        )
        if certain.any():
            at = np.unravel_index(int(np.where(certain, np.abs(size), -1).argmax()), size.shape)
            cell = data["difference"][at[0], at[1], at[2]]
            where = f"{cell['source'].item()} on {cell['target'].item()} for {cell['concept'].item()}"
            text += f"; the largest is {where}, {interval_text(Interval.of(cell), signed=True, reference=0.0)}"
        said.append(text + ".")
        said += _mean_words(data, first, second)
    return tuple(said)


def _mean_words(data: xr.Dataset, first: str, second: str) -> list[str]:
    """Means over languages: of these languages, and of languages in general."""
    said = []
    for quantity, what in (("within", "own vectors"), ("cross", "vectors of other languages")):
        at = {"mean_concept": ALL_CONCEPTS, "quantity": quantity}
        items, both = (Interval.of(data[name].sel(at)) for name in ("mean", "both"))
        if not items.measured:
            continue
        text = f"{first} less {second}, {what}, mean over languages and concepts: "
        text += f"{interval_text(items, signed=True, reference=0.0)} for other items in these languages"
        lower, upper = (number(bound, signed=True) for bound in (both.lower, both.upper))
        text += f", {lower} to {upper} for other items in other languages" if both.bounded else ""
        said.append(text + ".")
    return said


def trait_rows(table: xr.Dataset) -> list[tuple[str, ...]]:
    """Per study: name, mixture and traits with their intervals, as text."""
    rows = []
    for name in map(str, table["study"].values):
        mixture = [number(float(value), digits=1) for value in table["mixture_value"].sel(study=name).values]
        traits = [_trait(table.sel(study=name, trait=trait)) for trait in map(str, table["trait"].values)]
        rows.append((name, *mixture, *traits))
    return rows


def _trait(cell: xr.Dataset) -> str:
    """With the interval over items, then the one over items and languages."""
    items, both = (Interval.of(cell[name]) for name in ("trait_value", "trait_both"))
    bounds = f" [{number(both.lower)}, {number(both.upper)}]" if both.bounded else ""
    return interval_text(items) + bounds


def _write(found: Comparison, store: Store) -> None:
    table = found.table
    parts = {
        "traits": table[["trait_value", "trait_both"]],
        "mixtures": table[["mixture_value"]],
        "correlations": table[["rho", "p", "q", "n"]],
        "languages": table[["own", "share"]],
        "within": table[["own_rho", "own_p", "own_n"]],
    }
    files: dict[str, bytes | str] = {}
    for name, data in parts.items():
        files |= dataset_csv(name, data.reset_coords(drop=True))
    for pair, data in found.differences.items():
        files |= dataset_csv("differences_" + "_".join(_plain(name) for name in pair), data)
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(("supported", "text", "caveat"))
    writer.writerows((advice.supported, advice.text, advice.caveat) for advice in found.advice)
    files["advice.csv"] = rows.getvalue()
    differences = {" less ".join(pair): data["difference"] for pair, data in found.differences.items()}
    languages = views_of([str(tag) for tag in table[TARGET].values])
    drawn = {"traits": traits_against_mixture(table), "shares": recognition_by_share(table)}
    for pair, values in list(differences.items())[:1]:
        drawn["differences"] = model_difference(values, languages, pair)
    svgs = {name: save_figure(figure, "svg").decode() for name, figure in drawn.items()}
    files |= {f"{name}.svg": svg for name, svg in svgs.items()}
    report = ComparisonReport(
        table, differences, languages,
        ("model", *(str(name).replace("_", " ") for part in ("mixture", "trait") for name in table[part].values)),
        trait_rows(table), difference_words(found), found.advice, found.notes,
    )  # fmt: skip
    files["compare.html"] = comparison_page(report, svgs)
    for name, content in files.items():
        store.write(name, content)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-")
