"""English pairs of the seven concepts from their original sources: read, checked, filtered, sampled, accounted for.

Contract: pairs come concept by concept, each in the order in which they are drawn, so the first N of a concept are the
sample of N. Groups are those of the pairs that were taken (`sampling.sample_groups`). What is left out is in the drops
with its reason; pairs beyond `max_per_group` or the size asked for are usable, and no drops.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA, PairSet
from polyvalues.config import CheckSpec, PairSource
from polyvalues.config.mvalue import MvalueConcept, MvalueSpec
from polyvalues.data.readers.parsing.text_files import FileRead, watch_files
from polyvalues.data.readers.registry import read_source
from polyvalues.data.validation import check_pairs
from polyvalues.errors import PairsError
from polyvalues.mvalue.filters import unfit
from polyvalues.mvalue.sampling import Row, draw_order, pair_rank, sample_groups
from polyvalues.mvalue.sources import recipe_sources

_LANGUAGE: Final = "en"


@dataclass(frozen=True)
class Stratum:
    """Pairs of one category and one file.

    Attributes:
        name: the two.
        usable: pairs that could be taken.
        taken: pairs that were.
    """

    name: str
    usable: int
    taken: int


@dataclass(frozen=True)
class Account:
    """What became of a source.

    Attributes:
        concept, reader: names.
        options: of the reader, where they are not its defaults.
        files: that were read.
        pairs: that the reader made; `unread` counts what it could not, by reason.
        left_out: pairs that are not usable, by reason.
        usable: pairs left, in so many groups.
        spare: of these, pairs beyond the most per group.
        asked, taken: pairs that were wanted, and that are there.
        strata: by category and file.
        notes: of the reader.
    """

    concept: MvalueConcept
    reader: str
    options: Mapping[str, str | int | float | bool]
    files: tuple[FileRead, ...]
    pairs: int
    unread: Mapping[str, int]
    left_out: Mapping[str, int]
    usable: int
    groups: int
    spare: int
    asked: int
    taken: int
    strata: tuple[Stratum, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class English:
    """The English part of a set.

    Attributes:
        pairs: that were taken, with everything that was left out, and the notes.
        accounts: by concept.
    """

    pairs: PairSet
    accounts: tuple[Account, ...]


def build_english(spec: MvalueSpec) -> English:
    """Read the sources, and take as many pairs of each concept as are asked for, or as there are.

    Raises:
        SpecError: a concept has no source (all are named, with how to obtain them), or an option is wrong.
        ReaderError: a file is missing, or not what its format promises.
        PairsError: nothing usable is left of a concept, or a source is in another language.
    """
    found = [_concept(spec, concept, source) for concept, source in recipe_sources(spec).items()]
    pairs = PairSet(
        pa.concat_tables([own.table for own, _ in found]).combine_chunks(),
        pa.concat_tables([own.drops for own, _ in found]).combine_chunks(),
        tuple(dict.fromkeys(note for own, _ in found for note in own.notes)),
    )
    return English(pairs, tuple(account for _, account in found))


def _concept(spec: MvalueSpec, concept: MvalueConcept, source: PairSource) -> tuple[PairSet, Account]:
    with watch_files() as seen:
        read = read_source(source)
    spoken = set(read.table["language"].to_pylist())
    if spoken - {_LANGUAGE}:
        raise PairsError(f"{concept}: {source.path} is in {', '.join(sorted(spoken))}; the recipe starts from English")
    usable, reasons, drops = _usable(spec, concept, read)
    ranks = [pair_rank(spec.seed, row) for row in usable]
    strata = [(row["category"], row["source"]) for row in usable]
    order = draw_order(ranks, [row["group"] for row in usable], strata, spec.max_per_group)
    taken = order[: spec.size.of(concept)]
    rows = [usable[at] for at in taken]
    groups = sample_groups(rows)
    table = [row | {"group": group} for row, group in zip(rows, groups, strict=True)]
    there, drawn = Counter(strata), Counter(strata[at] for at in taken)
    account = Account(
        concept=concept,
        reader=source.reader,
        options=source.options,
        files=tuple(seen.values()),
        pairs=read.table.num_rows,
        unread=Counter(read.drops["reason"].to_pylist()),
        left_out=reasons,
        usable=len(usable),
        groups=len({row["group"] for row in usable}),
        spare=len(usable) - len(order),
        asked=spec.size.of(concept),
        taken=len(taken),
        strata=tuple(
            Stratum(", ".join(filter(None, key)).replace(f"{source.reader}:", ""), there[key], drawn[key])
            for key in sorted(there)
        ),
        notes=read.notes,
    )
    return PairSet(pa.Table.from_pylist(table, schema=PAIR_SCHEMA), drops, read.notes), account


def _usable(
    spec: MvalueSpec, concept: MvalueConcept, read: PairSet
) -> tuple[list[dict[str, str]], Counter[str], pa.Table]:
    """Rows that can be taken, how many cannot be by reason, and all drops.

    Raises:
        PairsError: none can.
    """
    checked = check_pairs(read, CheckSpec(align=False, max_characters=spec.filters.max_characters))
    rows: list[dict[str, str]] = checked.table.select(PAIR_SCHEMA.names).to_pylist()
    ranks = [pair_rank(spec.seed, row) for row in rows]
    wrong = unfit(rows, ranks, spec.filters)
    records = [_drop(rows[at], *why) for at, why in sorted(wrong.items())]
    drops = pa.concat_tables([checked.drops, pa.Table.from_pylist(records, schema=DROP_SCHEMA)])
    own = drops.slice(read.drops.num_rows)
    kinds = zip(own["reason"].to_pylist(), own["action"].to_pylist(), strict=True)
    reasons = Counter(reason for reason, action in kinds if action == "dropped")
    usable = [row for at, row in enumerate(rows) if at not in wrong]
    if not usable:
        counted = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
        raise PairsError(f"{concept}: no pair is left; left out: {counted}. Widen the limits of the filters")
    return usable, reasons, drops


def _drop(row: Row, reason: str, detail: str) -> dict[str, str]:
    ids = {name: row[name] for name in ("concept", "language", "item")}
    return ids | {"reason": reason, "detail": detail, "action": "dropped"}
