r"""Which pairs are fitted on, which choose the layer and which are tested on.

Strict protocol. With `H = blake2b(salt + "\0" + group)` (64 bytes, text in UTF-8, big-endian numbers):

    u = H[0:8] / 2^64        fit if u < fit;  select if u < fit + select;  else test
    h = H[8:16]              fold = h mod K for pairs in fit, -1 for the others

Items that mirror or repeat each other are put into one group before (`polyvalues.data.mirrored_items`).
The hash sees the group and nothing else, so a group is on the same side in every concept and language, whatever was
dropped where: no translation of a test item, and no sibling from its scenario or question, is ever fitted on. An item
must therefore belong to the same group in all its languages.
A concept that is cross-fitted (mode `cross`, or mode `auto` and fewer than `small` groups) has split `cross`
throughout, and every pair has a fold: the groups of the concept, over all its languages, are ranked by their number of
items, the largest first, then by `h`, and each goes to the fold with the fewest items so far (the first of several).
Groups of one size are so dealt in turn (`rank mod K`), and folds differ by at most one group.

Paper protocol (Xu et al. 2024, for comparison only). Per concept and language: the rows in file order are shuffled by
`random.Random(1).shuffle`; the first `floor(0.8 n)` are fit, the others test. Rows stay in the shuffled order. Folds,
by the hash above with K = 10, only serve the intervals. Two settings (`specs.PaperSpec`) repeat what the published code
does by its options: every concept tested on the first one's test pairs; labels of fitted pairs shuffled, with the
generator that shuffled the pairs, seeded anew for every language, so that translations in one row share their label.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import compress
from typing import Final

import pyarrow as pa

from polyvalues.artifacts import PairSet
from polyvalues.config import PaperSpec, SplitSpec
from polyvalues.errors import PairsError

_LEAST_FOLDS: Final = 3
_PAPER_LEAST: Final = 5

Cell = tuple[str, str]
"""A concept and a language."""

Place = tuple[str, int]
"""A split and a fold."""


def split_pairs(pairs: PairSet, spec: SplitSpec) -> PairSet:
    """Append the columns `split` and `fold`; rows and their order stay as they are.

    A language in which some folds hold no pair is told in the notes.

    Raises:
        PairsError: the pairs are split already; an item has different groups in two languages; a concept has fewer
            groups than folds; a concept and language has nothing to fit, select or test on, or its pairs fall into
            fewer than 3 folds.
    """
    _check_unsplit(pairs)
    columns = {name: pairs.table[name].to_pylist() for name in ("concept", "language", "item", "group")}
    _check_groups(columns["concept"], columns["language"], columns["item"], columns["group"])
    groups: dict[str, dict[str, set[str]]] = {}
    for concept, group, item in zip(columns["concept"], columns["group"], columns["item"], strict=True):
        groups.setdefault(concept, {}).setdefault(group, set()).add(item)
    places = {
        concept: _place_groups(concept, {group: len(items) for group, items in own.items()}, spec)
        for concept, own in groups.items()
    }
    placed = [places[concept][group] for concept, group in zip(columns["concept"], columns["group"], strict=True)]
    cells = list(zip(columns["concept"], columns["language"], strict=True))
    _check_parts(cells, placed)
    return _appended(pairs.table, pairs, cells, placed, spec.folds)


def paper_split(pairs: PairSet, paper: PaperSpec | None = None) -> PairSet:
    """The paper's split: rows regrouped by concept and language, shuffled, with the columns `split` and `fold`.

    Args:
        pairs: checked.
        paper: which test texts are used, and whether labels of fitted pairs are shuffled; None: the paper's choices.

    Raises:
        PairsError: the pairs are split already, a concept and language has fewer than 5 pairs, or the first concept
            lacks a language it is to be tested in.
    """
    paper = PaperSpec() if paper is None else paper
    _check_unsplit(pairs)
    spec, notes = SplitSpec(), pairs.notes
    groups = pairs.table["group"].to_pylist()
    fitted, tested, exchanged = _paper_parts(pairs.table)
    if paper.tested_on == "first":
        tested = _tested_on_first(tested)
        notes += (f"every concept is tested on the texts of {next(iter(tested))[0]}, as in one call of published code",)
    if paper.random_direction:
        notes += ("labels of the fitted pairs were shuffled, in the same way in all languages (random_direction)",)
    order: list[int] = []
    turned: list[bool] = []
    cells: list[Cell] = []
    placed: list[Place] = []
    for cell, rows in fitted.items():
        order += [*rows, *tested[cell]]
        turned += [paper.random_direction and row in exchanged for row in rows] + [False] * len(tested[cell])
        cells += [cell] * (len(rows) + len(tested[cell]))
        placed += [("fit", _hashes(groups[row], spec.salt)[1] % spec.folds) for row in rows]
        placed += [("test", -1)] * len(tested[cell])
    table = _placed_rows(pairs.table, order, [concept for concept, _ in cells], turned)
    return _appended(table, PairSet(table, pairs.drops, notes), cells, placed, spec.folds)


def _paper_parts(table: pa.Table) -> tuple[dict[Cell, list[int]], dict[Cell, list[int]], set[int]]:
    """Rows to fit on and rows to test on, in order, and the fitted rows whose labels the published option exchanges.

    Raises:
        PairsError: too few pairs.
    """
    members: dict[Cell, list[int]] = {}
    columns = (table[name].to_pylist() for name in ("concept", "language"))
    for row, cell in enumerate(zip(*columns, strict=True)):
        members.setdefault(cell, []).append(row)
    fitted: dict[Cell, list[int]] = {}
    tested: dict[Cell, list[int]] = {}
    exchanged: set[int] = set()
    for (concept, language), rows in members.items():
        if len(rows) < _PAPER_LEAST:
            raise PairsError(
                f"concept {concept!r}, language {language!r}: {len(rows)} pairs are too few for the paper protocol; "
                f"it needs {_PAPER_LEAST}, so leave the language or concept out"
            )
        draw = random.Random(1)  # noqa: S311  (the generator the paper's code uses)
        draw.shuffle(rows)
        n_fit = len(rows) * 4 // 5
        fitted[concept, language], tested[concept, language] = rows[:n_fit], rows[n_fit:]
        exchanged |= set(compress(rows, _shuffled_labels(draw, n_fit)))
    return fitted, tested, exchanged


def _shuffled_labels(draw: random.Random, fitted: int) -> list[bool]:
    """Which fitted pairs have their labels exchanged by the published option.

    Args:
        draw: the generator, after it shuffled the pairs.
        fitted: number of fitted pairs.
    """
    for _ in range(fitted):
        draw.shuffle([0, 1])  # the published code first shuffles the order of a pair's two texts, which changes nothing
    labels = [[True, False] for _ in range(fitted)]
    for label in labels:
        draw.shuffle(label)
    return [label[1] for label in labels]


def _tested_on_first(tested: dict[Cell, list[int]]) -> dict[Cell, list[int]]:
    """The first concept's test pairs for every concept.

    Raises:
        PairsError: it lacks a language.
    """
    first = next(iter(tested))[0]
    for concept, language in tested:
        if (first, language) not in tested:
            raise PairsError(
                f"concept {concept!r}, language {language!r}: paper.tested_on = 'first' tests it on the texts of "
                f"{first!r}, which has none in that language; leave the language out, or order the concepts otherwise"
            )
    return {(concept, language): tested[first, language] for concept, language in tested}


def _placed_rows(table: pa.Table, order: Sequence[int], concepts: Sequence[str], turned: Sequence[bool]) -> pa.Table:
    """Rows in an order, under the concept each is used for, the sides of some exchanged."""
    taken = table.take(pa.array(order, type=pa.int64())).combine_chunks()
    sides = [taken[name].to_pylist() for name in ("positive", "negative")]
    pairs = [pair[::-1] if turn else pair for *pair, turn in zip(*sides, turned, strict=True)]
    columns = {"concept": list(concepts)} | {
        name: [pair[at] for pair in pairs] for at, name in enumerate(("positive", "negative"))
    }
    for name, values in columns.items():
        at = taken.schema.get_field_index(name)
        taken = taken.set_column(at, taken.schema.field(at), pa.array(values, type=pa.string()))
    return taken


def _hashes(group: str, salt: str) -> tuple[int, int]:
    """Two independent 64-bit hashes of a group: for the split, for the fold."""
    digest = blake2b(f"{salt}\0{group}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big")


def _place_groups(concept: str, groups: Mapping[str, int], spec: SplitSpec) -> dict[str, Place]:
    """Split and fold of every group of one concept, by its number of items.

    Raises:
        PairsError: the concept is to be cross-fitted and has fewer groups than folds.
    """
    hashes = {group: _hashes(group, spec.salt) for group in groups}
    if spec.mode == "split" or (spec.mode == "auto" and len(groups) >= spec.small):
        return {group: _place(*pair, spec) for group, pair in hashes.items()}
    if len(groups) < spec.folds:
        advice = "lower folds" if len(groups) >= _LEAST_FOLDS else f"at least {_LEAST_FOLDS} groups are needed"
        raise PairsError(
            f"concept {concept!r}: {len(groups)} groups cannot be cross-fitted in {spec.folds} folds; {advice} "
            f"(split.folds, at least {_LEAST_FOLDS})"
        )
    ranked = sorted(groups, key=lambda group: (-groups[group], hashes[group][1], group))
    held = [0] * spec.folds
    places: dict[str, Place] = {}
    for group in ranked:
        fold = held.index(min(held))
        places[group] = ("cross", fold)
        held[fold] += groups[group]
    return places


def _place(first: int, second: int, spec: SplitSpec) -> Place:
    """Split and fold of a group by its two hashes."""
    u = first / 2**64
    if u < spec.fit:
        return "fit", second % spec.folds
    return ("select", -1) if u < spec.fit + spec.select else ("test", -1)


def _check_unsplit(pairs: PairSet) -> None:
    there = [name for name in ("split", "fold") if name in pairs.table.column_names]
    if there:
        raise PairsError(f"the pairs are split already (columns {', '.join(there)}); split them once, after checking")


def _check_groups(
    concepts: Iterable[str], languages: Iterable[str], items: Iterable[str], groups: Iterable[str]
) -> None:
    """Every item has one group in all its languages.

    Raises:
        PairsError: one has two; names item, languages and groups.
    """
    known: dict[Cell, Cell] = {}
    for concept, language, item, group in zip(concepts, languages, items, groups, strict=True):
        other, other_group = known.setdefault((concept, item), (language, group))
        if other_group != group:
            raise PairsError(
                f"concept {concept!r}, item {item!r}: group {other_group!r} in {other!r} but {group!r} in "
                f"{language!r}; translations of one item must have one group, else they could be fitted and tested on"
            )


def _check_parts(cells: Sequence[Cell], placed: Sequence[Place]) -> None:
    """Every concept and language has pairs in each split, and in enough folds.

    Raises:
        PairsError: it has not; gives the counts and says what to do.
    """
    counts: dict[Cell, Counter[str]] = {}
    folds: dict[Cell, set[int]] = {}
    for cell, (split, fold) in zip(cells, placed, strict=True):
        counts.setdefault(cell, Counter())[split] += 1
        folds.setdefault(cell, set()).add(fold)
    for (concept, language), count in counts.items():
        where = f"concept {concept!r}, language {language!r}"
        if "cross" not in count and len(count) < 3:
            parts = ", ".join(f"{name} {count[name]}" for name in ("fit", "select", "test"))
            raise PairsError(
                f"{where}: a part is empty ({parts} pairs); cross-fit it (split.mode = 'cross'), "
                f"change split.fit and split.select, or give more groups"
            )
        filled = len(folds[concept, language] - {-1})
        if filled < _LEAST_FOLDS:
            raise PairsError(
                f"{where}: its {count['fit'] + count['cross']} pairs to fit on fall into {filled} folds; at least "
                f"{_LEAST_FOLDS} are needed, so give more groups or leave the language or concept out"
            )


def _appended(table: pa.Table, pairs: PairSet, cells: Sequence[Cell], placed: Sequence[Place], n_folds: int) -> PairSet:
    """The set with the columns `split` and `fold`, and a note for every cell with empty folds."""
    split = pa.array([split for split, _ in placed], type=pa.string())
    fold = pa.array([fold for _, fold in placed], type=pa.int32())
    table = table.append_column(pa.field("split", pa.string(), nullable=False), split)
    table = table.append_column(pa.field("fold", pa.int32(), nullable=False), fold)
    return PairSet(table, pairs.drops, (*pairs.notes, *_fold_notes(cells, placed, n_folds)))


def _fold_notes(cells: Sequence[Cell], placed: Sequence[Place], n_folds: int) -> list[str]:
    filled: dict[Cell, set[int]] = {}
    for cell, (_, fold) in zip(cells, placed, strict=True):
        filled.setdefault(cell, set()).add(fold)
    notes: list[str] = []
    for (concept, language), own in filled.items():
        n_filled = len(own - {-1})
        if n_filled < n_folds:
            notes.append(
                f"concept {concept!r}, language {language!r}: only {n_filled} of {n_folds} folds hold pairs; "
                f"its intervals rest on those"
            )
    return notes
