"""What can be asked of a finished study without its model: which items diverge, what translations' quality does."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import xarray as xr

from polyvalues.analysis.followups.quality_effect import quality_effect, quality_notes
from polyvalues.analysis.followups.quality_regression import column_notes, quality_columns
from polyvalues.analysis.followups.without_flagged import exclusion, exclusion_notes
from polyvalues.artifacts.quality_ratings import flagged_of, joined_ratings
from polyvalues.dimensions import CONCEPT
from polyvalues.report.text.hypothesis_results import dataset_csv
from polyvalues.storage.store import Provenance, content_key
from polyvalues.study.followup_results import (
    EXCLUSION,
    QUALITY,
    QUALITY_COLUMNS,
    RATED,
    made_from,
)
from polyvalues.study.study import Study, measured, republish
from polyvalues.translation.data_card import CARD
from polyvalues.translation.quality.metrics import measure_translations
from polyvalues.translation.quality.pair_ratings import rate_pairs
from polyvalues.translation.quality.quality_summary import table_csv
from polyvalues.translation.quality.ratings_file import MEASURED, read_quality


@dataclass(frozen=True, eq=False)
class QualityFindings:
    """A study held against the measured quality of its translations.

    Attributes:
        effect: as `analysis.followups.quality_effect.quality_effect`.
        columns: as `analysis.followups.quality_regression.quality_columns`.
        exclusion: as `analysis.followups.without_flagged.exclusion`.
        notes: the same in sentences.
    """

    effect: xr.Dataset
    columns: xr.Dataset
    exclusion: xr.Dataset
    notes: tuple[str, ...]


def rate_study(study: Study, source: str = "en") -> pa.Table:
    """Rated pairs of a study's own translations, by their texts alone (`translation.quality`); no model.

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
