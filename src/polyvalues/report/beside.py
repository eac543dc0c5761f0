"""What a study's page shows beside the findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import xarray as xr

from polyvalues.report.control_report import ControlReport
from polyvalues.report.divergence import Entry

EXCLUDED_WORDS: Final = {
    "own": "without pairs flagged in that language",
    "any": "without pairs flagged in any language",
}
"""Which pairs are left out, in words."""


@dataclass(frozen=True)
class Doubted:
    """A flagged pair with its texts, translated and in the source language (empty: it has none)."""

    concept: str
    language: str
    item: str
    quality: float
    reasons: str
    texts: tuple[str, str]
    source: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Beside:
    """Claims that have a figure, and what was asked of the study after it was finished; all of it may be empty.

    Attributes:
        clusters: by concept, languages so that neighbours have alike vectors (`measure.clustering`).
        kinship: as in `Claims`.
        direction: as in `Claims`.
        predictors: as in `Claims`.
        distances: by table, one variable per kind, `[source, target]`.
        controls: control experiments.
        noise: as `measure.noise.noise`.
        quality: as `measure.quality.quality_effect`.
        columns: as `measure.quality_columns.quality_columns`.
        exclusion: as `measure.exclusion.exclusion`.
        languages: quality by language, as `data.quality.pairwise.summarise_rated`.
        doubted: flagged pairs of the lowest quality, as many as the page shows.
        items: items that diverge, the strongest first, as many as the page shows.
        item_counts: how many cells there are of each status.
    """

    clusters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kinship: xr.Dataset = field(default_factory=xr.Dataset)
    direction: xr.Dataset = field(default_factory=xr.Dataset)
    predictors: xr.Dataset = field(default_factory=xr.Dataset)
    distances: Mapping[str, xr.Dataset] = field(default_factory=dict)
    controls: Sequence[ControlReport] = ()
    noise: xr.Dataset = field(default_factory=xr.Dataset)
    quality: xr.Dataset = field(default_factory=xr.Dataset)
    columns: xr.Dataset = field(default_factory=xr.Dataset)
    exclusion: xr.Dataset = field(default_factory=xr.Dataset)
    languages: pa.Table = field(default_factory=lambda: pa.table({}))
    doubted: Sequence[Doubted] = ()
    items: Sequence[Entry] = ()
    item_counts: Mapping[str, int] = field(default_factory=dict)
