"""Quality of translations, from settings to files."""

from pathlib import Path

from polyvalues.artifacts import PairSet
from polyvalues.artifacts.quality_ratings import ratings_of
from polyvalues.config import ModelSpec, PairSource
from polyvalues.config.translation import QualitySpec
from polyvalues.data.pairs import read_pairs
from polyvalues.dimensions import SIDES
from polyvalues.errors import SpecError
from polyvalues.models.sentence_embeddings import load_embedder
from polyvalues.storage.store import Store
from polyvalues.translation.quality.metrics import Helpers, TextKey, TextQuality, measure_translations
from polyvalues.translation.quality.pair_ratings import rate_pairs
from polyvalues.translation.quality.quality_summary import summarise_quality, table_csv
from polyvalues.translation.quality.ratings_file import MEASURED, read_quality


def rate_translations(pairs: PairSet, spec: QualitySpec, out: Path) -> TextQuality:
    """Measure translations with everything the settings name; writes `quality.csv`, `texts.csv` and `summary.csv`.

    Args:
        pairs: source and translations.
        spec: what to measure with.
        out: folder for the tables: quality by pair (for `--quality`), all measures by text, summary by language.

    Raises:
        PolyvaluesError: there is nothing to measure, or a file or model that is named cannot be read.
    """
    helpers = Helpers(
        back=_whole_texts(spec.back) if spec.back else None,
        embed=load_embedder(ModelSpec(id=spec.embed), prefix=spec.embed_prefix) if spec.embed else None,
        learned=ratings_of(read_quality(Path(spec.learned))) if spec.learned else None,
        names=spec.names,
    )
    found = measure_translations(pairs, spec.source, helpers)
    write_quality(found, Store(out))
    return found


def write_quality(found: TextQuality, store: Store) -> None:
    """`quality.csv` (by pair, for `--quality`), `texts.csv` (all measures), `summary.csv` (by language).

    Raises:
        StorageFull: they cannot be written.
    """
    store.write(MEASURED, table_csv(rate_pairs(found)))
    store.write("texts.csv", table_csv(found.table))
    store.write("summary.csv", table_csv(summarise_quality(found)))


def _whole_texts(source: str) -> dict[TextKey, str]:
    """Texts by concept, language, item and side, of a source as on the command line."""
    bare = source.endswith(".parquet") and ":" not in source
    rows = read_pairs([PairSource.parse(f"table:{source}" if bare else source)]).table.to_pylist()
    if not rows:
        raise SpecError(f"{source}: there are no back-translations")
    return {
        (row["concept"], row["language"], row["item"], side): row["prefix"] + row[side]
        for row in rows
        for side in SIDES
    }
