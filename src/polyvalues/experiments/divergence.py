"""Which items of a finished study diverge between languages."""

from dataclasses import dataclass

import pyarrow as pa

from polyvalues.analysis.followups.item_divergence import divergence
from polyvalues.analysis.followups.topic_enrichment import enrichment
from polyvalues.artifacts.quality_ratings import flagged_of
from polyvalues.report.html.divergence_page import divergence_csv, divergence_page
from polyvalues.report.tables.csv_tables import csv_text
from polyvalues.storage.store import Provenance, content_key
from polyvalues.study.followup_results import DIVERGENCE, RATED, is_current, made_from
from polyvalues.study.study import Study, measured, republish
from polyvalues.translation.quality.outliers import doubts


@dataclass(frozen=True, eq=False)
class Diverging:
    """Divergence of a study.

    Attributes:
        table: rows as in `analysis.followups.item_divergence.DIVERGENCE_SCHEMA`.
        categories: rows as in `analysis.followups.topic_enrichment.ENRICHMENT_SCHEMA`.
        files: what was written, relative to the study's folder.
    """

    table: pa.Table
    categories: pa.Table
    files: tuple[str, ...]


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
