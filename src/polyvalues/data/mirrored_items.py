"""Which items mirror or repeat each other, from their texts: swapped words between two pairs of one concept.

    units       words that one side has in a place where the other has not; where words are not spaced, whole stretches
                of letters
    difference  n-grams of letters (2 to 4) of the positive side's units less those of the negative side's, weighted by
                log(items / items that have it); n-grams in more than `_COMMON` items are left out
    cosine      between two items' differences, mean over the languages that have both: -1 where the words that mark the
                positive side of one item mark the negative side of the other (sinks/floats, floats/sinks), 1 where they
                mark the same side

Null: in each language the units are dealt to the items anew, so that every item keeps the number of its units and every
unit occurs as often as it does. What languages share is not known, so the mean over languages is held against the mean
of their quantiles, which is what the mean's quantile is if all languages go together. The same decision holds in
all languages: it is made once per concept.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer

from polyvalues.artifacts import PairSet
from polyvalues.artifacts.related_items import (
    DRAWS,
    LEAST_COSINE,
    LEAST_ITEMS,
    RELATED_SCHEMA,
    Null,
    merge_groups,
    related_rows,
)
from polyvalues.data.perturbations import clusters, spaced
from polyvalues.data.seeds import text_seed
from polyvalues.data.surface_features import plain

_GRAMS: Final = (2, 4)
_COMMON: Final = 100
_DENSE: Final = 1000
"""Up to so many units, their products are faster as a full matrix."""

Units = tuple[tuple[str, ...], tuple[str, ...]]
"""What the positive side has and the negative has not, and the other way round."""


@dataclass(frozen=True, eq=False)
class _Language:
    """The items of one concept and language.

    Attributes:
        items: their positions among the items of the concept.
        holder, sign, unit: one for every unit of every item: which item has it; +1 on the positive side, -1 on the
            negative; which unit it is.
        units: how many different ones there are.
        products: `[unit, unit]`, of the units' weighted n-grams; sparse where there are many.
    """

    items: np.ndarray
    holder: np.ndarray
    sign: np.ndarray
    unit: np.ndarray
    units: int
    products: np.ndarray | sp.csr_matrix

    def cosines(self, rng: np.random.Generator | None = None) -> sp.coo_matrix:
        """Cosines of at least `LEAST_COSINE` between items, upper triangle; with `rng`, units are dealt anew."""
        unit = self.unit if rng is None else rng.permutation(self.unit)
        shape = (len(self.items), self.units)
        rows = sp.csr_matrix((self.sign, (self.holder, unit)), shape=shape)
        found: np.ndarray | sp.csr_matrix = rows @ (rows @ self.products).T
        length = np.sqrt(np.maximum(found.diagonal(), 0.0))
        scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 1e-6)
        if isinstance(found, np.ndarray):
            found = np.triu(found * np.outer(scale, scale), 1)
            first, second = np.nonzero(np.abs(found) >= LEAST_COSINE)
            return sp.coo_matrix((found[first, second], (first, second)), shape=found.shape)
        cells = sp.coo_matrix(sp.triu(sp.diags(scale) @ found @ sp.diags(scale), k=1))
        kept = np.abs(cells.data) >= LEAST_COSINE
        return sp.coo_matrix((cells.data[kept], (cells.row[kept], cells.col[kept])), shape=cells.shape)


def related_by_texts(pairs: PairSet) -> pa.Table:
    """Pairs of items that mirror or repeat each other beyond chance.

    Args:
        pairs: checked; in one language or more.

    Returns:
        Rows as in `polyvalues.artifacts.related_items.RELATED_SCHEMA`, by concept, strongest first; none of them
        `together` yet. It depends neither on the order of the pairs nor on how languages are labelled.
    """
    cells: dict[str, dict[str, dict[str, Units]]] = {}
    for row in pairs.table.select(["concept", "language", "item", "positive", "negative"]).to_pylist():
        own = cells.setdefault(row["concept"], {}).setdefault(row["language"], {})
        own[row["item"]] = _units(row["positive"], row["negative"], row["language"])
    found = [_concept(concept, languages) for concept, languages in cells.items()]
    return pa.concat_tables([RELATED_SCHEMA.empty_table(), *found]).combine_chunks()


def related_items(pairs: PairSet, folds: int) -> tuple[PairSet, pa.Table]:
    """Find items related by their texts, and group them; as `group_related`."""
    return group_related(pairs, related_by_texts(pairs), folds)


def group_related(pairs: PairSet, related: pa.Table, folds: int) -> tuple[PairSet, pa.Table]:
    """Give related items one group, the same in all languages.

    Args:
        pairs: not split yet.
        related: rows as in `RELATED_SCHEMA`, strongest first in each concept.
        folds: number of folds.

    Returns:
        The pairs with the new groups and a note per concept; the rows, with `together`, but for those whose items
        shared a group already.
    """
    groups = pairs.table["group"].to_pylist()
    columns = [pairs.table[name].to_pylist() for name in ("concept", "item")]
    by_concept: dict[str, dict[str, str]] = {}
    for concept, item, name in zip(*columns, groups, strict=True):
        by_concept.setdefault(concept, {})[item] = name
    rows = [
        row for row in related.to_pylist()
        if by_concept[row["concept"]][row["item"]] != by_concept[row["concept"]][row["other"]]
    ]  # fmt: skip
    notes = []
    for concept, own in by_concept.items():
        mine = [row for row in rows if row["concept"] == concept]
        if not mine:
            continue
        merged, together = merge_groups(own, [(row["item"], row["other"]) for row in mine], folds)
        by_concept[concept] = dict(merged)
        for row, joined in zip(mine, together, strict=True):
            row["together"] = joined
        notes.append(_note(concept, mine))
    new = [by_concept[concept][item] for concept, item in zip(*columns, strict=True)]
    place = pairs.table.schema.get_field_index("group")
    table = pairs.table.set_column(place, pairs.table.schema.field(place), pa.array(new, pa.string()))
    return replace(pairs, table=table, notes=(*pairs.notes, *notes)), pa.Table.from_pylist(rows, schema=RELATED_SCHEMA)


def _note(concept: str, rows: Sequence[Mapping[str, object]]) -> str:
    kinds = Counter(str(row["kind"]) for row in rows)
    apart = sum(not row["together"] for row in rows)
    said = " and ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), reverse=True))
    found = rows[0]["found"]
    text = f"concept {concept!r}: related pairs of items found in {found}: {said}; they share a group, hence a fold"
    return f"{text}, but for {apart}, which no fold has room for" if apart else text


def _concept(concept: str, languages: Mapping[str, Mapping[str, Units]]) -> pa.Table:
    items = sorted({item for own in languages.values() for item in own})
    if len(items) < LEAST_ITEMS:
        return RELATED_SCHEMA.empty_table()
    place = {item: at for at, item in enumerate(items)}
    shape = (len(items), len(items))
    total, there = sp.csr_matrix(shape), np.zeros((len(languages), len(items)), dtype=bool)
    tails: list[tuple[np.ndarray, int]] = []
    for at, own in enumerate(languages.values()):
        names = sorted(own)
        prepared = _prepared([own[name] for name in names], np.array([place[name] for name in names]))
        there[at, prepared.items] = True
        cosines = prepared.cosines()
        total += sp.csr_matrix((cosines.data, (prepared.items[cosines.row], prepared.items[cosines.col])), shape)
        seed = text_seed(*(word for name in names for word in _flat(own[name])))
        tails.append(_null(prepared, np.random.default_rng(seed)))
    summed = sp.coo_matrix(total)
    both = np.sum(there[:, summed.row] & there[:, summed.col], axis=0)
    cosine = summed.data / np.maximum(both, 1)
    kept = np.abs(cosine) >= LEAST_COSINE
    cells = (summed.row[kept], summed.col[kept], cosine[kept])
    return related_rows(concept, items, cells, _joint(tails), "texts")


def _units(positive: str, negative: str, language: str) -> Units:
    first, second = (_words(text, language) for text in (positive, negative))
    return _only(first, second, language), _only(second, first, language)


def _words(text: str, language: str) -> list[str]:
    bare = plain(text)
    return bare.split() if spaced(language) else clusters(bare.replace(" ", ""))


def _only(own: list[str], other: list[str], language: str) -> tuple[str, ...]:
    """What `own` has in places where `other` has not."""
    matched = SequenceMatcher(None, own, other, autojunk=False).get_opcodes()
    runs = [own[start:end] for kind, start, end, *_ in matched if kind != "equal" and end > start]
    return tuple(word for run in runs for word in run) if spaced(language) else tuple(" ".join(run) for run in runs)


def _flat(units: Units) -> Iterable[str]:
    return (*units[0], "\1", *units[1], "\2")


def _prepared(rows: Sequence[Units], items: np.ndarray) -> _Language:
    found = [(at, sign, unit) for at, sides in enumerate(rows) for sign, own in zip((1.0, -1.0), sides, strict=True)
             for unit in own]  # fmt: skip
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return _Language(items, nothing, nothing, nothing, 0, np.zeros((0, 0)))
    holder, sign, texts = (np.array(column) for column in zip(*found, strict=True))
    names, unit = np.unique(texts, return_inverse=True)
    count = CountVectorizer(analyzer="char_wb", ngram_range=_GRAMS, lowercase=False)
    counts = sp.csr_matrix(count.fit_transform(names.tolist()))
    there = sp.csr_matrix((np.ones(len(unit)), (holder, unit)), shape=(len(rows), len(names)))
    holders = np.asarray((there @ counts > 0).sum(axis=0)).ravel()
    weight = np.where(holders <= _COMMON, np.log(len(rows) / holders), 0.0)
    grams = sp.csr_matrix(counts @ sp.diags(weight))
    products = sp.csr_matrix(grams @ grams.T)
    return _Language(items, holder, sign, unit, len(names), products.toarray() if len(names) <= _DENSE else products)


def _null(own: _Language, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """|cosines| of at least `LEAST_COSINE` with the units dealt anew, descending; and the number of pairs drawn."""
    drawn = [np.abs(own.cosines(rng).data) for _ in range(DRAWS)]
    pairs = len(own.items) * (len(own.items) - 1) // 2
    return np.sort(np.concatenate(drawn))[::-1], DRAWS * pairs


def _joint(tails: Sequence[tuple[np.ndarray, int]]) -> Null:
    """The mean of the languages' quantiles."""
    total = max(count for _, count in tails)
    longest = max(len(tail) * total // max(count, 1) for tail, count in tails)
    mean = np.zeros(longest)
    for tail, count in tails:
        rank = np.arange(longest) * count // total
        padded = np.append(tail, LEAST_COSINE)  # what is below is not kept, and taken for no less
        mean += padded[np.minimum(rank, len(tail))]
    return Null(np.sort(mean / len(tails)), total)
