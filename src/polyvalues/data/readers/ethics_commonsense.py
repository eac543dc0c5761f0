"""ETHICS commonsense morality: single texts with a label, matched to pairs.

Format: CSV with a header and `label,input,is_short,edited`; quoted fields hold line breaks. **Label 1 is wrong**,
label 0 is not wrong, so the positive side is a text with label 0. Texts are matched within `is_short` (the category:
`short` or `long`) and part of the data. Spaces around a text are removed. `cm_ambig.csv` carries no labels and is
refused.
"""

from typing import Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Reader, choose_options
from polyvalues.data.readers.parsing.ethics_files import CITATION, LICENCE, OBTAIN, PART, Part, ethics_parts
from polyvalues.data.readers.parsing.length_matching import MATCHING_OPTIONS, Single, match_singles
from polyvalues.data.readers.parsing.pair_rows import assemble, concept_of, language_of
from polyvalues.data.readers.parsing.text_files import Record, csv_lines, csv_records, need_columns
from polyvalues.errors import ReaderError

_NAME: Final = "ethics-commonsense"
_OPTIONS: Final = (PART, *MATCHING_OPTIONS)
_SHORT: Final = {"True": "short", "False": "long"}


def read(source: PairSource) -> PairSet:
    """Pairs of a right and a wrong action or story, matched on length and category.

    Raises:
        ReaderError: the file has no labels, or a label is neither 0 nor 1.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    names = concept_of(_NAME, source, "morality"), language_of(_NAME, source, "en")
    parts, notes = ethics_parts(_NAME, source, chosen, ("commonsense", "cm"))
    rows = []
    for part in parts:
        found, said = match_singles(
            f"{_NAME}, {part.path.name}",
            _singles(part),
            names,
            chosen.number("max_length_ratio"),
            chosen.integer("seed"),
        )
        rows += found
        notes += said
    return assemble(_NAME, parts[0].path, rows, (), notes)


def _singles(part: Part) -> list[Single]:
    lines = csv_lines(part.path)
    if lines and len(lines[0][1]) == 1:
        expected = (
            "the columns 'label' and 'input'; it has one column, like the ambiguous set (cm_ambig.csv), which "
            "carries no labels to make pairs by. Use cm_train.csv, cm_test.csv or cm_test_hard.csv"
        )
        raise ReaderError(part.path, expected, line=lines[0][0])
    columns, records = csv_records(part.path)
    need_columns(part.path, columns, ("label", "input"))
    return [
        Single(
            f"{part.name}-{number}",
            record.text("input").strip(),
            _right(record),
            part.path,
            record.line,
            _length(record),
        )
        for number, record in enumerate(records, start=1)
    ]


def _right(record: Record) -> bool:
    label = record.text("label").strip()
    if label not in ("0", "1"):
        raise ReaderError(
            record.path, f"0 (not wrong) or 1 (wrong), got {label!r:.40}", line=record.line, field="label"
        )
    return label == "0"


def _length(record: Record) -> str:
    """`short` or `long`; empty when the file does not say."""
    value = record.values.get("is_short", "")
    if value and value not in _SHORT:
        raise ReaderError(record.path, f"True or False, got {value!r:.40}", line=record.line, field="is_short")
    return _SHORT.get(value, "")


READER: Final = Reader(
    _NAME, "ETHICS, commonsense morality (CSV)", "morality", "en", OBTAIN, _OPTIONS, read, LICENCE, CITATION
)
