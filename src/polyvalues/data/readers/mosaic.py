"""Mosaic, the data set in the package: 7 concepts x 60 items x 16 languages. It has no path.

Format: see `data.mosaic.files`. The group is the item; the order is by concept, then language. The key `note` (where an
item may be read differently in some cultures) stays in the files.
"""

from typing import Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.concepts import CONCEPTS
from polyvalues.data.mosaic.files import FOLDER, MOSAIC_LANGUAGES, pairs_file
from polyvalues.data.readers.base import Licence, Reader, choose_options
from polyvalues.data.readers.parsing.column_mapping import table_records
from polyvalues.data.readers.parsing.pair_rows import PairRow, assemble
from polyvalues.errors import SpecError

_NAME: Final = "mosaic"
_TEXTS: Final = ("item", "category", "prefix", "positive", "negative")


def read(source: PairSource) -> PairSet:
    """All pairs; `check.concepts` and `check.languages` choose among them.

    Raises:
        SpecError: a path, a concept or a language is given, or an option.
    """
    choose_options(_NAME, (), source)
    if source.path or source.concept or source.language:
        raise SpecError(
            "reader 'mosaic' reads the data set in the package: give no path, concept or language "
            "(--concepts and --languages choose among its 7 concepts and 16 languages)"
        )
    rows: dict[str, list[PairRow]] = {concept.name: [] for concept in CONCEPTS}
    for language in MOSAIC_LANGUAGES:
        path = pairs_file(language)
        _, records = table_records(path)
        for record in records:
            texts = {key: str(record.values[key]) for key in _TEXTS}
            concept = str(record.values["concept"])
            rows[concept].append(PairRow(concept=concept, language=language, file=path, line=record.line, **texts))
    return assemble(_NAME, FOLDER, [row for own in rows.values() for row in own])


READER: Final = Reader(
    name=_NAME,
    title="Mosaic: 7 concepts x 60 items x 16 languages, in the package",
    concept=None,
    languages=None,
    obtain="Nowhere: it is part of polyvalues (CC BY 4.0; its card says how it was written and checked).",
    options=(),
    read=read,
    licence=(Licence("CC-BY-4.0", "CARD.md of the data, in the package"),),
)
