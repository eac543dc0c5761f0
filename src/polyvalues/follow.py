"""What can be asked of a finished study without its model: which items diverge, what translations' quality does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import xarray as xr

from polyvalues.artifacts import LayerChoice, PairSet, Scores
from polyvalues.axes import CONCEPT
from polyvalues.data.doubt import doubts
from polyvalues.data.quality.measure import measure_translations
from polyvalues.data.quality.pairwise import rate_pairs
from polyvalues.data.quality.ratings import MEASURED, read_quality
from polyvalues.data.quality.report import table_csv
from polyvalues.data.translate.card import CARD
from polyvalues.errors import SpecError
from polyvalues.further import DIVERGENCE, EXCLUSION, QUALITY, QUALITY_COLUMNS, RATED, is_current, made_from
from polyvalues.measure.divergence import divergence
from polyvalues.measure.enrichment import enrichment
from polyvalues.measure.exclusion import exclusion, exclusion_notes
from polyvalues.measure.quality import quality_effect, quality_notes
from polyvalues.measure.quality_columns import column_notes, quality_columns
from polyvalues.measure.select import choose_layers
from polyvalues.opened import Study, republish
from polyvalues.rated import flagged_of, joined_ratings
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


@dataclass(frozen=True, eq=False)
class QualityFindings:
    """A study held against the measured quality of its translations.

    Attributes:
        effect: as `measure.quality.quality_effect`.
        columns: as `measure.quality_columns.quality_columns`.
        exclusion: as `measure.exclusion.exclusion`.
        notes: the same in sentences.
    """

    effect: xr.Dataset
    columns: xr.Dataset
    exclusion: xr.Dataset
    notes: tuple[str, ...]


def find_divergence(study: Study, *, source: str | None = None, rated: pa.Table | None = None) -> Diverging:
    """Candidates for a real difference of values; writes `divergence.html` and CSV tables into the study's folder.

    Args:
        study: a finished study (strict protocol).
        source: language to compare with; None takes `en` if it is there, else the first.
        rated: measured quality of pairs (`read_quality`, `rate_study`); flagged ones count as doubtful translations.
            None: what `measure_quality` has left in the folder, if anything.

    Raises:
        SpecError: a study of the paper protocol.
        MeasureError: no vectors of the source.
    """
    pairs, scores, choices = measured(study)
    if rated is None and is_current(study.store, RATED, pa.Table):
        rated = study.store.get(RATED, pa.Table)
    flagged = flagged_of(rated) if rated is not None else {}
    table = divergence(scores, choices, source=source, doubts=doubts(pairs, flagged=flagged))
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
        "flagged": content_key(sorted((*names, why) for names, why in flagged.items())),
    }
    with study.store.locked():
        for name, content in files.items():
            study.store.write(name, content)
        study.store.put(DIVERGENCE, table, Provenance("divergence", asked, made_from(study.store)))
        republish(study)
    return Diverging(table, topics, tuple(files))


def rate_study(study: Study, source: str = "en") -> pa.Table:
    """Rated pairs of a study's own translations, by their texts alone (`data.quality`); no model.

    Raises:
        PairsError: nothing is translated from the source.
    """
    return rate_pairs(measure_translations(study.pairs(), source))


def quality_beside(study: Study) -> pa.Table | None:
    """What `translate` measured and left beside a study's pairs; None where no source of pairs has such a folder.

    Raises:
        ReaderError: a `quality.csv` there is not what it should be.
    """
    tables = []
    for source in study.spec.pairs:
        folder = Path(source.path).parent
        if source.reader == "table" and (folder / CARD).is_file() and (folder / MEASURED).is_file():
            rated = read_quality(folder / MEASURED)
            if source.concept:
                at = rated.column_names.index(CONCEPT)
                rated = rated.set_column(at, rated.schema.field(at), pa.array([source.concept] * rated.num_rows))
            tables.append(rated)
    return joined_ratings(tables) if tables else None


def measure_quality(study: Study, rated: pa.Table) -> QualityFindings:
    """Hold recognition against the measured quality of translations; no model.

    Writes `findings/rated.parquet`, `quality.nc`, `quality_columns.nc`, `exclusion.nc` and CSV tables. From then on
    `find_divergence` sets flagged pairs apart.

    Args:
        study: a finished study (strict protocol).
        rated: of its pairs (`read_quality`, `rate_study`).

    Raises:
        SpecError: a study of the paper protocol.
        MeasureError: no tested pair has a quality.
    """
    _, scores, choices = measured(study)
    spec = study.spec.statistics
    effect = quality_effect(scores, choices, rated, spec)
    columns = quality_columns(scores, choices, rated, spec)
    without = exclusion(scores, choices, flagged_of(rated), spec)
    asked = {"statistics": spec.model_dump(mode="json")}
    inputs = {"rated": content_key(rated.to_pylist()), **made_from(study.store)}
    made = Provenance("quality", asked, inputs)
    with study.store.locked():
        study.store.put(RATED, rated, made)
        study.store.write("findings/rated.csv", table_csv(rated))
        for path, found in ((QUALITY, effect), (QUALITY_COLUMNS, columns), (EXCLUSION, without)):
            study.store.put(path, found, made)
            for name, content in dataset_csv(Path(path).stem, found).items():
                study.store.write(f"findings/{name}", content)
        republish(study)
    notes = (*quality_notes(effect), *column_notes(columns), *exclusion_notes(without))
    return QualityFindings(effect, columns, without, notes)


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
