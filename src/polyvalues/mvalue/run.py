"""MVALUE anew, from settings to a folder: English pairs from the original sources, translated, measured, with a card.

The folder is that of a translation (`translation_run`), with `left_out.csv` beside it: every pair that was not usable,
with its reason; and `data/CONCEPT/CONCEPT_LANGUAGE.json` where the settings ask for it.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from polyvalues.config.mvalue import MvalueSpec
from polyvalues.config.translation import TranslateSpec
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.mvalue.data_card import about_mvalue
from polyvalues.mvalue.english_pairs import English, build_english
from polyvalues.mvalue.file_format import mvalue_files
from polyvalues.translation.pair_translation import Progress
from polyvalues.translation.quality.quality_summary import table_csv
from polyvalues.translation.run import Translation, TranslationJob, translation_job

MVALUE_TARGETS: Final = MOSAIC_LANGUAGES[1:]
"""The languages of Xu et al. (2024) other than English, in its order."""


@contextlib.contextmanager
def mvalue_job(spec: MvalueSpec, english: English, translate: TranslateSpec, out: Path) -> Iterator[TranslationJob]:
    """The translation of English pairs, with the recipe on its card; the folder is held while the block lasts.

    Raises:
        StudyLocked: another run holds the folder.
        PolyvaluesError: the model cannot be loaded.
    """
    with translation_job(english.pairs, translate, out, about_mvalue(spec, english.accounts)) as job:
        yield job


def finish_mvalue(spec: MvalueSpec, english: English, job: TranslationJob) -> Translation:
    """Measure, and write everything that belongs to the set besides its pairs.

    Raises:
        SpecError: `job.run` has not been called.
        StorageFull: a file cannot be written.
    """
    found = job.finish()
    job.store.write("left_out.csv", table_csv(english.pairs.drops))
    for name, text in (mvalue_files(found.pairs) if spec.mvalue_format else {}).items():
        job.store.write(name, text)
    return found


def build_mvalue(
    spec: MvalueSpec, out: Path, translate: TranslateSpec | None = None, progress: Progress | None = None
) -> Translation:
    """Build MVALUE anew: 7 concepts from their original sources, in 16 languages; resumable.

    Args:
        spec: sources, sizes, filters.
        out: folder for pairs, quality, card and memory.
        translate: languages, backend and its settings; by default the 15 other languages, by NLLB-200.
        progress: who is told.

    Raises:
        SpecError: a concept has no source (with how to obtain it).
        ReaderError: a file is not what its format promises.
        PolyvaluesError: what cannot be translated; what came before is kept.
    """
    english = build_english(spec)
    with mvalue_job(spec, english, translate or TranslateSpec(to=MVALUE_TARGETS), out) as job:
        job.run(progress)
        job.back(progress)
        return finish_mvalue(spec, english, job)
