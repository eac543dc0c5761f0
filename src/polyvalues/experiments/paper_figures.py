"""The paper's figures 2, 4, 5, 7, 8 and tables 1, 2, 6, in form, from any finished studies. No model is loaded.

What a study cannot give is said in a sentence, and the rest is made.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import xarray as xr

from polyvalues.analysis.across_models.concept_means import concept_means, kinship_means
from polyvalues.artifacts import ModelFindings
from polyvalues.dimensions import Language
from polyvalues.errors import SpecError
from polyvalues.languages.metadata import order_by_family
from polyvalues.report.figures.figure_set import KINDS, Kind, save_figure
from polyvalues.report.figures.paper.consistency_figure import consistency_grid, consistency_main
from polyvalues.report.figures.paper.paper_style import STYLES, PaperFigure, Style
from polyvalues.report.figures.paper.recognition_figure import recognition_bars
from polyvalues.report.figures.paper.transfer_figure import transfer_grid, transfer_main
from polyvalues.report.formatting import listed
from polyvalues.report.tables.latex import escape_latex
from polyvalues.report.tables.paper_latex import PaperTable, control_table, kinship_table, recognition_table
from polyvalues.storage.package_versions import package_versions
from polyvalues.storage.store import Store
from polyvalues.study.followup_results import is_current
from polyvalues.study.study import Study, study_names

_DRAW: Final[Mapping[int, Callable[[xr.Dataset, Style], PaperFigure]]] = {
    2: recognition_bars,
    4: consistency_main,
    5: transfer_main,
    7: consistency_grid,
    8: transfer_grid,
}
FIGURES: Final = tuple(_DRAW)
"""Numbers of the figures that can be made."""
TABLES: Final = (1, 2, 6)
"""Numbers of the tables that can be made."""
MOST: Final = 21
"""Models that still look different in one figure."""


@dataclass(frozen=True, eq=False)
class PaperSet:
    """What was made of studies.

    Attributes:
        figures: in the order of their numbers.
        tables: in the order of their numbers; table 2 once per concept that was steered.
        missing: what could not be made, or lacks a model, and why.
    """

    figures: tuple[PaperFigure, ...]
    tables: tuple[PaperTable, ...]
    missing: tuple[str, ...]


def paper_set(studies: Sequence[Study], style: str = "paper", only: Sequence[int] | None = None) -> PaperSet:
    """Draw the paper's figures and tables from finished studies.

    Args:
        studies: one per model, in the order wanted.
        style: `paper` (two-column page, 8 point) or `talk` (16:9, large letters).
        only: numbers of figures and tables; None: all.

    Raises:
        SpecError: no study, an unknown style, or a number that is no figure and no table.
    """
    if not studies:
        raise SpecError("no study to draw: give at least one folder of a finished study")
    if len(studies) > MOST:
        raise SpecError(f"{len(studies)} studies do not fit into one figure; give at most {MOST}")
    if style not in STYLES:
        raise SpecError(f"style {style!r} is unknown; known: {', '.join(STYLES)}")
    wrong = [number for number in only or () if number not in (*FIGURES, *TABLES)]
    if wrong:
        raise SpecError(
            f"{wrong[0]} is no figure or table that can be made; figures: {', '.join(map(str, FIGURES))}; "
            f"tables: {', '.join(map(str, TABLES))}"
        )
    wanted = (*FIGURES, *TABLES) if only is None else tuple(only)
    names = study_names(studies)
    models = [
        ModelFindings(name, study.findings, study.claims, study.shares)
        for name, study in zip(names, studies, strict=True)
    ]
    tags = (str(tag) for model in models for tag in model.findings.recognition["target"].values)
    languages = order_by_family(dict.fromkeys(tags))
    figures, missing = _figures(models, languages, STYLES[style], wanted)
    tables = []
    for table in (number for number in TABLES if number in wanted):
        made, lacking = _tables(table, models, languages, dict(zip(names, studies, strict=True)))
        tables += made
        missing += lacking
    return PaperSet(tuple(figures), tuple(tables), tuple(missing))


def write_paper_set(found: PaperSet, folder: Path, kinds: Sequence[str] = KINDS) -> tuple[str, ...]:
    """Write figures, tables, and `figures.tex`, which has a captioned LaTeX environment for each figure.

    Args:
        found: what was made.
        folder: where to; made if it is not there.
        kinds: of files for each figure, of `svg`, `pdf`, `png`.

    Returns:
        Names of the files, relative to the folder.

    Raises:
        SpecError: no kind, or an unknown one.
        StorageFull: the folder cannot be written.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise SpecError(f"format {', '.join(unknown) or '(none)'} is unknown; known: {', '.join(KINDS)}")
    files: dict[str, bytes | str] = {}
    chosen: list[Kind] = [kind for kind in KINDS if kinds.count(kind)]
    for item in found.figures:
        for kind in chosen:
            files[f"{item.name}.{kind}"] = save_figure(item.figure, kind, outlines=True)
    if found.figures:
        files["figures.tex"] = "\n".join(_environment(item) for item in found.figures)
    files |= {f"{item.name}.tex": item.latex for item in found.tables}
    store = Store(folder, package_versions())
    for name, content in files.items():
        store.write(name, content)
    return tuple(files)


def _figures(
    models: Sequence[ModelFindings], languages: Sequence[Language], style: Style, wanted: Sequence[int]
) -> tuple[list[PaperFigure], list[str]]:
    asked = [number for number in FIGURES if number in wanted]
    if not asked:
        return [], []
    means = concept_means(models, languages)
    figures, missing = [], []
    several = [str(name) for name in means["model"].values if int((means["rank"].sel(model=name) >= 0).sum()) > 1]
    lone = [model.name for model in models if model.name not in several]
    for number in asked:
        if number == 2:
            figures.append(_DRAW[number](means, style))
        elif several:
            figures.append(_DRAW[number](means.sel(model=several), style))
        if number != 2 and lone:
            missing.append(
                f"figure {number}, {listed(tuple(lone))}: one language has nothing to be compared with; run a study of "
                "several"
            )
    return figures, missing


def _tables(
    table: int, models: Sequence[ModelFindings], languages: Sequence[Language], studies: Mapping[str, Study]
) -> tuple[list[PaperTable], list[str]]:
    if table == 6:
        return [recognition_table(models, languages)], []
    if table == 1:
        lacking = [model.name for model in models if not model.claims.kinship]
        means = kinship_means(models)
        said = (
            f"table 1, {listed(tuple(lacking))}: kinship was not tested; it needs a study of the strict protocol with "
            "four languages or more"
        )
        return [kinship_table(means)] if means else [], [said] if lacking else []
    controls = {name: dict(_controls(study)) for name, study in studies.items()}
    concepts = dict.fromkeys(concept for own in controls.values() for concept in own)
    made = [
        control_table({name: own[concept] for name, own in controls.items() if concept in own}) for concept in concepts
    ]
    lacking = [name for name, own in controls.items() if not own]
    said = f"table 2, {listed(tuple(lacking))}: no control experiment in the folder; make one with `polyvalues control`"
    return made, [said] if lacking else []


def _controls(study: Study) -> Iterator[tuple[str, xr.Dataset]]:
    """Findings of the control experiments in a study's folder, by concept and behaviour."""
    for path in sorted((study.folder / "findings").glob("control_*.nc")):
        if not is_current(study.store, f"findings/{path.name}", xr.Dataset):
            continue
        found = study.store.get(f"findings/{path.name}", xr.Dataset)
        yield str(found.attrs["concept"]), found


def _environment(item: PaperFigure) -> str:
    """A figure with its caption, to be read into a document; the picture is found by its name without ending."""
    kind = "figure" if item.figure.get_figwidth() < STYLES["paper"].text else "figure*"
    return (
        f"\\begin{{{kind}}}[t]\n\\centering\n\\includegraphics[width=\\linewidth]{{{item.name}}}\n"
        f"\\caption{{{escape_latex(item.caption)}}}\n\\label{{fig:{item.name}}}\n\\end{{{kind}}}\n"
    )
