"""What can be asked of a finished study without its model: which items diverge, what translations' quality does."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import xarray as xr

from polyvalues.artifacts import LayerChoice, PairSet, Scores
from polyvalues.data.doubt import doubts
from polyvalues.errors import SpecError
from polyvalues.further import DIVERGENCE, QUALITY
from polyvalues.measure.divergence import divergence
from polyvalues.measure.enrichment import enrichment
from polyvalues.measure.quality import Quality, quality_effect, quality_notes
from polyvalues.measure.select import choose_layers
from polyvalues.opened import Study, republish
from polyvalues.report.claims import dataset_csv
from polyvalues.report.divergence import divergence_csv, divergence_page
from polyvalues.report.tables import csv_text
from polyvalues.store import Provenance, content_key


@dataclass(frozen=True, eq=False)
class Diverging:
    """Divergence of a study.

    Attributes:
        table: rows as in `measure.divergence.DIVERGENCE_SCHEMA`.
        categories: rows as in `measure.enrichment.ENRICHMENT_SCHEMA`.
        files: what was written, relative to the study's folder.
    """

    table: pa.Table
    categories: pa.Table
    files: tuple[str, ...]


def find_divergence(study: Study, *, source: str | None = None, quality: Quality | None = None) -> Diverging:
    """Candidates for a real difference of values; writes `divergence.html` and CSV tables into the study's folder.

    Args:
        study: a finished study (strict protocol).
        source: language to compare with; None takes `en` if it is there, else the first.
        quality: measured quality of pairs (`read_quality`); low ones count as doubtful translations.

    Raises:
        SpecError: a study of the paper protocol.
        MeasureError: no vectors of the source.
    """
    pairs, scores, choices = measured(study)
    table = divergence(scores, choices, source=source, doubts=doubts(pairs, quality=quality))
    columns = (pairs.table[name].to_pylist() for name in ("concept", "item", "category"))
    categories = {(concept, item): category for concept, item, category in zip(*columns, strict=True)}
    topics = enrichment(table, categories)
    files = {
        "findings/divergence.csv": divergence_csv(table, pairs),
        "findings/divergence_categories.csv": csv_text(topics.to_pandas()),
        "divergence.html": divergence_page(table, topics, pairs, study.model.get("name", "")),
    }
    asked = {
        "source": source or "",
        "quality": content_key(sorted((*names, q) for names, q in (quality or {}).items())),
    }
    with study.store.locked():
        for name, content in files.items():
            study.store.write(name, content)
        study.store.put(DIVERGENCE, table, Provenance(asked, {}))
        republish(study)
    return Diverging(table, topics, tuple(files))


def measure_quality(study: Study, quality: Quality) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Recognition against measured quality of translations; writes `findings/quality.nc` and CSV tables. No model.

    Args:
        study: a finished study (strict protocol).
        quality: of its pairs, by concept, language and item.

    Raises:
        SpecError: a study of the paper protocol.
        MeasureError: no tested pair has a quality.
    """
    _, scores, choices = measured(study)
    found = quality_effect(scores, choices, quality, study.spec.statistics)
    key = content_key(sorted((*names, value) for names, value in quality.items()))
    with study.store.locked():
        study.store.put(QUALITY, found, Provenance({}, {"quality": key}))
        for name, content in dataset_csv("quality", found).items():
            study.store.write(f"findings/{name}", content)
        republish(study)
    return found, tuple(quality_notes(found))


def measured(study: Study) -> tuple[PairSet, Sequence[Scores], Sequence[LayerChoice]]:
    """Pairs, scores in the order of the findings, and the layers chosen.

    Raises:
        SpecError: a study of the paper protocol.
    """
    if study.spec.protocol == "paper":
        raise SpecError(f"{study.folder}: this analysis needs a study of the strict protocol, not of the paper's")
    recognition = study.findings.recognition
    scores, choices = [], []
    for concept in map(str, recognition["concept"].values):
        counted = recognition["n_pairs"].sel(concept=concept)
        own = {
            target: study.scores(concept, target)
            for target in map(str, recognition["target"].values)
            if int(counted.sel(target=target)) > 0
        }
        scores += list(own.values())
        choices.append(choose_layers(own))
    return study.pairs(), scores, choices
