"""What a study's page shows beside the findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr

from polyvalues.artifacts import Generations
from polyvalues.dimensions import Language

LEFT_ALONE: Final = "left alone"
"""Setting of a target in which nothing is steered; it has no changes of its own, and counts as 0 in the means."""


@dataclass(frozen=True, eq=False)
class ControlReport:
    """What the report is made from.

    Attributes:
        findings: as `analysis.followups.steering_effects.control_findings`, with `reading` and `kl`.
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

    @property
    def alone(self) -> tuple[Language, ...]:
        """Targets in which nothing is steered."""
        return tuple(tag for tag, setting in self.settings.items() if setting == LEFT_ALONE)


@dataclass(frozen=True)
class Version:
    """One language's texts of an item; `here` marks the language the row is about."""

    language: str
    positive: str
    negative: str
    here: bool


@dataclass(frozen=True)
class Entry:
    """One row of the page."""

    concept: str
    target: str
    item: str
    category: str
    status: str
    doubts: str
    numbers: tuple[tuple[str, str], ...]
    versions: tuple[Version, ...]


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
        clusters: by concept, languages so that neighbours have alike vectors (`analysis.statistics.clustering`).
        kinship: as in `Claims`.
        direction: as in `Claims`.
        predictors: as in `Claims`.
        distances: by table, one variable per kind, `[source, target]`.
        controls: control experiments.
        noise: as `analysis.followups.noise_robustness.noise`.
        quality: as `analysis.followups.quality_effect.quality_effect`.
        columns: as `analysis.followups.quality_regression.quality_columns`.
        exclusion: as `analysis.followups.without_flagged.exclusion`.
        languages: quality by language, as `translation.quality.pair_ratings.summarise_rated`.
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
