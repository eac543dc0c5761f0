"""ETHICS utilitarianism: two situations, the more pleasant one first.

Format: CSV **without a header**, two columns; column 1 is the better, so positive. Spaces around texts are removed.

Many texts occur in several rows, on either side. The option `group` says what must not be split: `text` (default)
keeps all rows together that share a text, directly or through other rows; `better` those with the same first column;
`row` nothing. In the public test file `text` makes one very large group; a note gives the share of the largest.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Option, Reader, choose_options
from polyvalues.data.readers.parsing.ethics_files import CITATION, LICENCE, OBTAIN, PART, ethics_parts
from polyvalues.data.readers.parsing.grouping import joined_groups
from polyvalues.data.readers.parsing.pair_rows import PairRow, assemble, concept_of, language_of
from polyvalues.data.readers.parsing.text_files import csv_lines
from polyvalues.errors import ReaderError

_NAME: Final = "ethics-utilitarianism"
_OPTIONS: Final = (
    PART,
    Option(
        "group",
        "text",
        "Rows that must not be split: those that share a text, or the better text.",
        ("text", "better", "row"),
    ),
)
_HEADER: Final = ["baseline", "less_pleasant"]
"""Column names that some copies of the data carry."""


def read(source: PairSource) -> PairSet:
    """Pairs of a more and a less pleasant situation.

    Raises:
        ReaderError: a row has not two columns.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    names = concept_of(_NAME, source, "utilitarianism"), language_of(_NAME, source, "en")
    parts, notes = ethics_parts(_NAME, source, chosen, ("utilitarianism", "util"))
    rows: list[PairRow] = []
    for part in parts:
        rows += [
            PairRow(*names, f"{part.name}-{number}", better, worse, part.path, line)
            for number, (line, better, worse) in enumerate(_situations(part.path), start=1)
        ]
    groups = _groups(rows, chosen.text("group"))
    largest = max(Counter(groups).values(), default=0)
    if rows:
        notes.append(
            f"{_NAME}: {len(set(groups))} groups (group={chosen.text('group')}); the largest holds "
            f"{largest / len(rows):.1%} "
            f"of the pairs" + ("; group=better or group=row make finer ones" if largest > 0.1 * len(rows) else "")
        )
    grouped = [row._replace(group=group) for row, group in zip(rows, groups, strict=True)]
    return assemble(_NAME, parts[0].path, grouped, (), notes)


def _situations(path: Path) -> list[tuple[int, str, str]]:
    rows = csv_lines(path)
    if rows and [cell.strip() for cell in rows[0][1]] == _HEADER:
        rows = rows[1:]
    for line, cells in rows:
        if len(cells) != 2:
            expected = f"two columns without a header, the more pleasant situation first; got {len(cells)} columns"
            raise ReaderError(path, expected, line=line)
    return [(line, cells[0].strip(), cells[1].strip()) for line, cells in rows]


def _groups(rows: Sequence[PairRow], mode: str) -> list[str]:
    if mode == "row":
        return [row.item for row in rows]
    shared = [(row.positive, row.negative) if mode == "text" else (row.positive,) for row in rows]
    return joined_groups([row.item for row in rows], shared)


READER: Final = Reader(
    _NAME,
    "ETHICS, utilitarianism (CSV without header)",
    "utilitarianism",
    "en",
    OBTAIN,
    _OPTIONS,
    read,
    LICENCE,
    CITATION,
)
