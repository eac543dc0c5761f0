"""ETHICS deontology: a scenario, with reasonable and unreasonable excuses or duties.

Format: CSV with a header and `label,scenario,excuse`; **label 1 is reasonable**, so positive. The rows of one scenario
may stand apart. Within a scenario the k-th reasonable is paired with the k-th unreasonable excuse; the group is the
scenario; the prefix is `scenario + " "`. Spaces around texts are removed. A scenario with one label only is dropped as
`unmatched`; excuses that are left over in other scenarios are counted in a note.
"""

from typing import Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Reader, choose_options
from polyvalues.data.readers.parsing.ethics_files import CITATION, LICENCE, OBTAIN, PART, Part, ethics_parts
from polyvalues.data.readers.parsing.pair_rows import DropRow, PairRow, assemble, concept_of, language_of
from polyvalues.data.readers.parsing.text_files import Record, csv_records, need_columns
from polyvalues.errors import ReaderError

_NAME: Final = "ethics-deontology"
_OPTIONS: Final = (PART,)


def read(source: PairSource) -> PairSet:
    """Pairs of a reasonable and an unreasonable excuse for the same scenario.

    Raises:
        ReaderError: a column is missing or a label is neither 0 nor 1.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    names = concept_of(_NAME, source, "deontology"), language_of(_NAME, source, "en")
    parts, notes = ethics_parts(_NAME, source, chosen, ("deontology", "deontology"))
    rows: list[PairRow] = []
    drops: list[DropRow] = []
    for part in parts:
        found, dropped, spare = _part_rows(part, names)
        rows += found
        drops += dropped
        if spare:
            notes.append(
                f"{_NAME}: {spare} excuses of {part.path.name} are unmatched: their scenario has more of one label "
                "than the other"
            )
    return assemble(_NAME, parts[0].path, rows, drops, notes)


def _part_rows(part: Part, names: tuple[str, str]) -> tuple[list[PairRow], list[DropRow], int]:
    """Rows, drops, and how many excuses are left over in scenarios that have pairs."""
    columns, records = csv_records(part.path)
    need_columns(part.path, columns, ("label", "scenario", "excuse"))
    scenarios: dict[str, tuple[list[Record], list[Record]]] = {}
    for record in records:
        sides = scenarios.setdefault(record.text("scenario").strip(), ([], []))
        sides[0 if _reasonable(record) else 1].append(record)
    rows: list[PairRow] = []
    drops: list[DropRow] = []
    spare = 0
    for number, (scenario, (reasonable, unreasonable)) in enumerate(scenarios.items(), start=1):
        group = f"{part.name}-{number}"
        pairs = list(zip(reasonable, unreasonable, strict=False))
        rows += [
            PairRow(
                *names,
                item=f"{group}-{at}",
                positive=first.text("excuse").strip(),
                negative=second.text("excuse").strip(),
                file=part.path,
                line=first.line,
                group=group,
                prefix=f"{scenario} ",
            )
            for at, (first, second) in enumerate(pairs, start=1)
        ]
        if pairs:
            spare += len(reasonable) + len(unreasonable) - 2 * len(pairs)
        else:
            label, some = ("1", reasonable) if reasonable else ("0", unreasonable)
            detail = f"{part.path.name}, line {some[0].line}: {len(some)} excuses, all with label {label}"
            drops.append(DropRow(*names, group, "unmatched", detail))
    return rows, drops, spare


def _reasonable(record: Record) -> bool:
    label = record.text("label").strip()
    if label not in ("0", "1"):
        expected = f"1 (reasonable) or 0 (unreasonable), got {label!r:.40}"
        raise ReaderError(record.path, expected, line=record.line, field="label")
    return label == "1"


READER: Final = Reader(_NAME, "ETHICS, deontology (CSV)", "deontology", "en", OBTAIN, _OPTIONS, read, LICENCE, CITATION)
