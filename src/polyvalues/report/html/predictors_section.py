"""Predictors of steerability on the page and in words, from finished numbers."""

from collections.abc import Sequence
from typing import Final

import xarray as xr

from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, LANGUAGE
from polyvalues.report.formatting import Interval, interval_text
from polyvalues.report.html.figure_tables import Cell, Grid, full
from polyvalues.report.html.parts import Section
from polyvalues.report.views import LanguageView

_HEADS: Final = {
    "among": "cosine between differences",
    "along": "cosine with the vector",
    "separation": "separation d′",
    "against": "the wrong way round",
}
_WORDS: Final = (
    "Cosine between differences: mean cosine between the pair differences (positive less negative side) of two items. "
    "Cosine with the vector: mean cosine of a pair difference with the vector fitted without it.",
    "Separation d′: distance between the means of the two sides along the vector, in standard deviations of a side; "
    "the wrong way round: share of pairs whose negative side lies further along. Both on unseen pairs.",
    "In published work (Tan et al. 2024, Braun et al. 2025) higher cosines and separation went with steering that "
    "works for more inputs. What steering does in this model is measured by `polyvalues control`.",
)


def predictors_section(data: xr.Dataset, languages: Sequence[LanguageView]) -> Section:
    """The section of the page: one table per concept, one row per language."""
    tags = [str(tag) for tag in data[LANGUAGE].values]
    names = [str(name) for name in data["predictor"].values]
    grids = []
    for concept in map(str, data[CONCEPT].values):
        rows = []
        for language in languages:
            if language.tag in tags:
                own = data["chosen"].sel({CONCEPT: concept, LANGUAGE: language.tag})
                cells = tuple(full(Interval.of(own.sel({"predictor": name}))) for name in names)
                count = int(data["pairs"].sel({CONCEPT: concept, LANGUAGE: language.tag}))
                rows.append((f"{language.name} ({language.tag})", (*cells, Cell(str(count)))))
        heads = ("language", *(_HEADS[name] for name in names), "pairs in the cosines")
        grids.append(Grid(f"{concept}: predictors of steerability at the chosen layer", heads, tuple(rows)))
    lead = "Is there one direction that most items share, as steering by it would need?"
    return Section("predictors", "Predictors of steerability", lead, (), tuple(grids), (), _WORDS)


def predictors_words(data: xr.Dataset) -> str:
    """The lowest and highest separation and cosine over concepts and languages, with their intervals."""
    if not data:
        return ""
    said = []
    for name, label in (
        ("among", "the mean cosine between two items' pair differences"),
        ("separation", "the separation d′"),
    ):
        cells = data["chosen"].sel({"predictor": name}).stack(cell=(CONCEPT, LANGUAGE))
        known = cells.where(cells.notnull().all(INTERVAL), drop=True)
        if not known.sizes["cell"]:
            continue
        order = known.sel({INTERVAL: "estimate"}).argsort().values
        ends = [known.isel(cell=int(order[at])) for at in (0, -1)]
        texts = [
            f"{interval_text(Interval.of(end.sel({INTERVAL: list(BOUNDS)})))} "
            f"({end[LANGUAGE].item()}, {end[CONCEPT].item()})"
            for end in ends
        ]
        said.append(f"{label} runs from {texts[0]} to {texts[1]}" if len(order) > 1 else f"{label} is {texts[0]}")
    return f"Predictors of steerability: {'; '.join(said)}." if said else ""
