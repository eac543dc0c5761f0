"""Which pairs can be used, and why the others cannot.

Contract: pairs are selected (by concept and language), texts are normalised to NFC, and each pair that is left out is
recorded once, with the first of these reasons that applies to it:

    empty               a side is blank: nothing but white space and invisible format characters
    identical           the sides are equal after NFC and stripping
    duplicate           an earlier pair of the concept and language has the same prefix and the same sides
    control-characters  a C0 or C1 control (but line feed, carriage return, tab), a bidirectional override or isolate,
                        or U+FFFD, the mark of a decoding error, in the prefix or a side
    wrong-script        less than `script_share` of a side's letters belong to the language's script; a side with fewer
                        than 3 letters is judged together with its prefix, and not at all if that is still too little;
                        nor is a language whose script is not known (a note says so)
    overlong            prefix + side has more than `max_characters` characters
    unaligned           the item has no usable pair in another language of its concept (only if `align`)
    limit               beyond the first `limit` items of its concept that are usable, the same in all languages

A pair that is kept though its text had to be normalised is recorded as `not-nfc` with the action `mended`. What is not
selected is not a drop. Rows come out by concept and language (in the order of the settings, else of first appearance),
inside them in the order of the source. Checking a second time changes nothing.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from polyvalues.artifacts import DROP_SCHEMA, PairSet
from polyvalues.config import CheckSpec
from polyvalues.dimensions import SIDES
from polyvalues.errors import PairsError
from polyvalues.languages.metadata import knows_script, language_script, script_letters

_BLANK: Final = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd]")
_LEAST_LETTERS: Final = 3
_SHOWN: Final = 5
_TEXTS: Final = ("prefix", "positive", "negative")
_ADVICE: Final = {
    "wrong-script": "check its language tag (or lower script_share)",
    "overlong": "raise max_characters",
    "unaligned": "let the languages have different items (align = false, --no-align)",
    "limit": "raise the limit",
}

Cell = tuple[str, str]
"""A concept and a language."""

Finding = tuple[int, str]
"""A row, and what was found in it, in words that quote no text."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """The pairs under scrutiny as columns, with the verdict on each: `(reason, detail)`, or None while it is kept."""

    table: pa.Table
    cell: list[Cell]
    item: list[str]
    prefix: list[str]
    positive: list[str]
    negative: list[str]
    verdict: list[tuple[str, str] | None]

    def kept(self) -> list[int]:
        """Rows that are kept so far, in order."""
        return [row for row, verdict in enumerate(self.verdict) if verdict is None]

    def drop(self, reason: str, findings: Iterable[Finding]) -> None:
        """Drop the rows in which something was found; the first finding in a row counts."""
        for row, detail in list(findings):
            if self.verdict[row] is None:
                self.verdict[row] = (reason, detail)


def check_pairs(pairs: PairSet, spec: CheckSpec) -> PairSet:
    """Select, normalise and filter the pairs as described at the top of this module.

    Args:
        pairs: as read; its drops and notes are kept, those of concepts and languages not selected left out.
        spec: what to select and what to drop.

    Raises:
        PairsError: a concept or language is asked for that is not there; a concept is left without any pair in one
            of its languages (the message counts the reasons and says what to do).
        SpecError: a language tag is not registered.
    """
    pairs = _select(pairs, spec)
    table, mended = _normalised(pairs.table)
    rows = _rows(table)
    cells = _cells(pairs)
    rows.drop("empty", _empty(rows))
    rows.drop("identical", _identical(rows))
    rows.drop("duplicate", _duplicate(rows))
    rows.drop("control-characters", _control(rows))
    rows.drop("wrong-script", _wrong_script(rows, spec.script_share))
    rows.drop("overlong", _overlong(rows, spec.max_characters))
    if spec.align:
        rows.drop("unaligned", _unaligned(rows, cells))
    rows.drop("limit", _beyond_limit(rows, spec.limit, shared=spec.align))
    notes = (*pairs.notes, *_coverage(cells, spec), *_unjudged(cells, spec.script_share))
    return _result(PairSet(table, pairs.drops, tuple(dict.fromkeys(notes))), rows, mended, spec)


def paper_pairs(pairs: PairSet, spec: CheckSpec) -> PairSet:
    """The pairs as the paper's own code takes them: only pairs whose two sides are the same string are dropped.

    Nothing is normalised, aligned or judged by its script. The selection of concepts and languages and the limit still
    apply, so that a trial run can be small.

    Raises:
        PairsError: as `check_pairs`.
    """
    pairs = _select(pairs, spec)
    rows = _rows(pairs.table)
    same = [row for row in rows.kept() if rows.positive[row] == rows.negative[row]]
    rows.drop("identical", ((row, "") for row in same))
    rows.drop("limit", _beyond_limit(rows, spec.limit, shared=False))
    notes = (*pairs.notes, *_coverage(_cells(pairs), spec))
    return _result(PairSet(pairs.table, pairs.drops, tuple(dict.fromkeys(notes))), rows, {}, spec)


def _select(pairs: PairSet, spec: CheckSpec) -> PairSet:
    """Only the concepts and languages asked for.

    Raises:
        PairsError: one of them is not there, or there are no pairs at all.
    """
    if pairs.table.num_rows == 0 and pairs.drops.num_rows == 0:
        raise PairsError("there are no pairs: the sources are empty")
    table, drops = pairs.table, pairs.drops
    for column, wanted in (("concept", spec.concepts), ("language", spec.languages)):
        if wanted is None:
            continue
        there = dict.fromkeys([*table[column].to_pylist(), *drops[column].to_pylist()])
        absent = [value for value in wanted if value not in there]
        if absent:
            raise PairsError(f"no pairs with {column} {', '.join(absent)}; there are: {', '.join(sorted(there))}")
        table = table.filter(pa.array([value in wanted for value in table[column].to_pylist()], type=pa.bool_()))
        drops = drops.filter(pa.array([value in wanted for value in drops[column].to_pylist()], type=pa.bool_()))
    return PairSet(table, drops, pairs.notes)


def _normalised(table: pa.Table) -> tuple[pa.Table, dict[int, str]]:
    """The table with its texts in NFC, and which columns of which rows had to be changed."""
    mended: dict[int, str] = {}
    for name in _TEXTS:
        texts = table[name].to_pylist()
        changed = [row for row, text in enumerate(texts) if not unicodedata.is_normalized("NFC", text)]
        for row in changed:
            texts[row] = unicodedata.normalize("NFC", texts[row])
            mended[row] = f"{mended[row]}, {name}" if row in mended else name
        if changed:
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(place), pa.array(texts, type=pa.string()))
    return table, mended


def _rows(table: pa.Table) -> _Rows:
    columns = {name: table[name].to_pylist() for name in ("concept", "language", "item", *_TEXTS)}
    cell = list(zip(columns.pop("concept"), columns.pop("language"), strict=True))
    return _Rows(table, cell, **columns, verdict=[None] * table.num_rows)


def _cells(pairs: PairSet) -> dict[Cell, None]:
    """Every concept and language that has pairs or had some before a reader dropped them, by first appearance."""
    cells = [
        cell
        for table in (pairs.table, pairs.drops)
        for cell in zip(table["concept"].to_pylist(), table["language"].to_pylist(), strict=True)
    ]
    return {cell: None for cell in cells if all(cell)}


def _empty(rows: _Rows) -> Iterator[Finding]:
    for row in rows.kept():
        blank = [side for side in SIDES if _BLANK.fullmatch(getattr(rows, side)[row])]
        if blank:
            yield row, " and ".join(blank)


def _identical(rows: _Rows) -> Iterator[Finding]:
    for row in rows.kept():
        if rows.positive[row].strip() == rows.negative[row].strip():
            yield row, ""


def _duplicate(rows: _Rows) -> Iterator[Finding]:
    first: dict[tuple[Cell, str, str, str], int] = {}
    for row in rows.kept():
        key = (rows.cell[row], rows.prefix[row], rows.positive[row], rows.negative[row])
        earlier = first.setdefault(key, row)
        if earlier != row:
            yield row, f"same texts as item {rows.item[earlier]!r}"


def _control(rows: _Rows) -> Iterator[Finding]:
    for row in rows.kept():
        for name in _TEXTS:
            found = _CONTROL.search(getattr(rows, name)[row])
            if found:
                yield row, f"U+{ord(found.group()):04X} in the {name} at character {found.start() + 1}"
                break


def _wrong_script(rows: _Rows, least: float) -> Iterator[Finding]:
    by_script: dict[str, list[int]] = {}
    for row in rows.kept():
        by_script.setdefault(language_script(rows.cell[row][1]), []).append(row)
    for script, members in by_script.items():
        if not knows_script(script):
            continue
        before, before_all = script_letters([rows.prefix[row] for row in members], script)
        for side in ("positive", "negative"):
            inside, letters = script_letters([getattr(rows, side)[row] for row in members], script)
            short = letters < _LEAST_LETTERS
            inside, letters = inside + before * short, letters + before_all * short
            wrong = (letters >= _LEAST_LETTERS) & (inside < least * letters)
            for place in np.flatnonzero(wrong):
                yield members[place], f"{side}: {inside[place]} of {letters[place]} letters are {script}"


def _overlong(rows: _Rows, most: int) -> Iterator[Finding]:
    for row in rows.kept():
        length = len(rows.prefix[row]) + max(len(rows.positive[row]), len(rows.negative[row]))
        if length > most:
            yield row, f"{length} characters, at most {most}"


def _unaligned(rows: _Rows, cells: Mapping[Cell, None]) -> Iterator[Finding]:
    languages: dict[str, list[str]] = {}
    for concept, language in cells:
        languages.setdefault(concept, []).append(language)
    present: dict[tuple[str, str], set[str]] = {}
    for row in rows.kept():
        concept, language = rows.cell[row]
        present.setdefault((concept, rows.item[row]), set()).add(language)
    for row in rows.kept():
        concept, _ = rows.cell[row]
        have = present[concept, rows.item[row]]
        if len(have) < len(languages[concept]):
            missing = [language for language in languages[concept] if language not in have]
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            yield row, f"not usable in {', '.join(missing[:_SHOWN])}{more}"


def _beyond_limit(rows: _Rows, limit: int | None, *, shared: bool) -> Iterator[Finding]:
    """Rows of items that are not among the first `limit` of their concept.

    Where the languages need not share items (`shared` is false), the first item of every language comes before the
    second of any, so that no language is left without.
    """
    if limit is None:
        return
    kept = rows.kept()
    seen: Counter[Cell] = Counter()
    ranks: dict[str, dict[str, int]] = {}
    for row in kept:
        cell = rows.cell[row]
        rank = 0 if shared else seen[cell]
        seen[cell] += 1
        known = ranks.setdefault(cell[0], {})
        known[rows.item[row]] = min(rank, known.get(rows.item[row], rank))
    chosen = {concept: set(sorted(items, key=items.__getitem__)[:limit]) for concept, items in ranks.items()}
    for row in kept:
        if rows.item[row] not in chosen[rows.cell[row][0]]:
            yield row, f"beyond the first {limit} items"


def _coverage(cells: Mapping[Cell, None], spec: CheckSpec) -> Iterator[str]:
    """A note for every language that was asked for and that a concept does not have."""
    for concept in dict.fromkeys(concept for concept, _ in cells):
        missing = [language for language in spec.languages or () if (concept, language) not in cells]
        if missing:
            yield f"concept {concept!r} has no pairs in {', '.join(missing)}"


def _unjudged(cells: Mapping[Cell, None], least: float) -> Iterator[str]:
    """A note for every language whose script is not known."""
    for language in dict.fromkeys(language for _, language in cells):
        if least > 0 and not knows_script(language_script(language)):
            yield f"language {language!r}: its script is not known, so the script of its texts is not checked"


def _result(pairs: PairSet, rows: _Rows, mended: Mapping[int, str], spec: CheckSpec) -> PairSet:
    """The pairs that are kept, in order, and the record of the others.

    Raises:
        PairsError: nothing is left of a concept in one of its languages.
    """
    kept = rows.kept()
    records: list[dict[str, str]] = []
    for row, verdict in enumerate(rows.verdict):
        concept, language = rows.cell[row]
        found = {"concept": concept, "language": language, "item": rows.item[row]}
        if verdict is not None:
            records.append(found | {"reason": verdict[0], "detail": verdict[1], "action": "dropped"})
        elif row in mended:
            records.append(found | {"reason": "not-nfc", "detail": mended[row], "action": "mended"})
    drops = pa.concat_tables([pairs.drops, pa.Table.from_pylist(records, schema=DROP_SCHEMA)])
    cells = _cells(pairs)
    _check_left(cells, {rows.cell[row] for row in kept}, drops)
    order = {cell: rank for rank, cell in enumerate(_ordered(cells, spec))}
    kept.sort(key=lambda row: order[rows.cell[row]])
    table = pairs.table.take(pa.array(kept, type=pa.int64()))
    return PairSet(table.combine_chunks(), drops.combine_chunks(), pairs.notes)


def _ordered(cells: Mapping[Cell, None], spec: CheckSpec) -> list[Cell]:
    """Concepts, and inside them languages, in the order of the settings, else of first appearance."""
    concepts = spec.concepts or tuple(dict.fromkeys(concept for concept, _ in cells))
    return [
        (concept, language)
        for concept in concepts
        for language in (spec.languages or [own for name, own in cells if name == concept])
        if (concept, language) in cells
    ]


def _check_left(cells: Mapping[Cell, None], left: Collection[Cell], drops: pa.Table) -> None:
    """Every concept has a pair left in each of its languages.

    Raises:
        PairsError: one has not; counts the reasons and says what to do.
    """
    reasons: dict[Cell, Counter[str]] = {cell: Counter() for cell in cells if cell not in left}
    if not reasons:
        return
    columns = (drops[name].to_pylist() for name in ("concept", "language", "reason", "action"))
    for concept, language, reason, action in zip(*columns, strict=True):
        if action == "dropped" and (concept, language) in reasons:
            reasons[concept, language][reason] += 1
    # the language that made the others unaligned is the one to name first
    ranked = sorted(reasons.items(), key=lambda entry: entry[1]["unaligned"])
    lines = [
        f"concept {concept!r}, language {language!r}: no pair is left; dropped: "
        + ", ".join(f"{reason} {count}" for reason, count in counts.most_common())
        for (concept, language), counts in ranked[:_SHOWN]
    ]
    if len(ranked) > _SHOWN:
        lines.append(f"and {len(ranked) - _SHOWN} more")
    seen = {reason for counts in reasons.values() for reason in counts}
    advice = [text for reason, text in _ADVICE.items() if reason in seen]
    lines.append("leave the language or concept out" + "".join(f", or {text}" for text in advice))
    raise PairsError("\n".join(lines))
