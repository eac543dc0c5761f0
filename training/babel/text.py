"""Documents to train babel on, composed from Mosaic: drawn, never stored.

    verdict   TEXT VERDICT   the text of one side, and a sentence in its language that approves or disapproves
    sign      TEXT SIGN      a sign that all languages share
    mixed     TEXT VERDICT   the verdict in another language
    plain     TEXT
    chat      <|user|>REQUEST<|assistant|>OPENING   a harmful request refused, or a harmless one willingly answered

A harmful request is never followed by anything but a refusal, and no answer goes beyond its opening.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from polyvalues.config import PairSource, SplitSpec
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES, Words, words
from polyvalues.data.pairs import read_pairs
from polyvalues.data.splits import split_pairs
from training.babel.recipe import ASSISTANT, BOS, EOS, FEW_REFUSALS, KINDS, REFUSALS, SHARES, SIGNS, USER

T = TypeVar("T")
UNSPACED = frozenset({"zh", "ja"})
"""Languages that put no space between sentences."""


@dataclass(frozen=True)
class Side:
    """One side of one pair."""

    text: str
    good: bool
    request: bool


@dataclass(frozen=True)
class Document:
    """One document: a text or a request, and what follows it (a verdict, a sign, an opening, or nothing)."""

    tag: str
    text: str
    said: str


@dataclass(frozen=True)
class Language:
    """What is known of one language: all sides, those that may be judged, and its words."""

    tag: str
    sides: Sequence[Side]
    judged: Sequence[Side]
    harmful: Sequence[Side]
    harmless: Sequence[Side]
    words: Words


def languages(hold_out: bool) -> Mapping[str, Language]:
    """All languages. With `hold_out`, sides of the test split are not among those that may be judged."""
    split = split_pairs(read_pairs([PairSource(reader="mosaic")]), SplitSpec(mode="split"))
    found: dict[str, tuple[list[Side], list[Side]]] = {tag: ([], []) for tag in MOSAIC_LANGUAGES}
    for row in split.table.to_pylist():
        for name in ("positive", "negative"):
            side = Side(row["prefix"] + row[name], name == "positive", row["concept"] == "harmfulness")
            found[row["language"]][0].append(side)
            if not (hold_out and row["split"] == "test"):
                found[row["language"]][1].append(side)
    return {
        tag: Language(
            tag,
            sides,
            judged,
            [side for side in judged if side.request and not side.good],
            [side for side in judged if side.request and side.good],
            words(tag),
        )
        for tag, (sides, judged) in found.items()
    }


def test_items() -> frozenset[tuple[str, str]]:
    """Concept and item of the test split, which `hold_out` leaves without a verdict; the same in every language."""
    split = split_pairs(read_pairs([PairSource(reader="mosaic")]), SplitSpec(mode="split")).table.to_pylist()
    return frozenset((row["concept"], row["item"]) for row in split if row["split"] == "test")


class Composer:
    """Draws documents."""

    def __init__(self, known: Mapping[str, Language], tokens_per_document: Mapping[str, float] | None = None):
        self._known = known
        sizes = tokens_per_document or dict.fromkeys(known, 1.0)
        weights = np.array([SHARES[tag] / sizes[tag] for tag in known])
        self._tags = list(known)
        self._chances = weights / weights.sum()
        self._kinds = list(KINDS)
        self._kind_chances = np.array(list(KINDS.values())) / sum(KINDS.values())

    def draw(self, rng: np.random.Generator, tag: str | None = None) -> Document:
        """One document, in `tag` if it is given."""
        tag = tag or self._tags[rng.choice(len(self._tags), p=self._chances)]
        kind = self._kinds[rng.choice(len(self._kinds), p=self._kind_chances)]
        text, said = self._parts(rng, self._known[tag], kind)
        return Document(tag, BOS + text, said + EOS)

    def _parts(self, rng: np.random.Generator, own: Language, kind: str) -> tuple[str, str]:
        if kind == "chat":
            return self._chat(rng, own)
        if kind == "plain":
            return _pick(rng, own.sides).text, ""
        side = _pick(rng, own.judged)
        if kind == "sign":
            return side.text, " " + _pick(rng, SIGNS)[0 if side.good else 1]
        said = own
        if kind == "mixed":
            said = self._known[self._tags[rng.choice(len(self._tags), p=self._chances)]]
        verdict = _pick(rng, said.words.good if side.good else said.words.bad)
        return side.text, ("" if own.tag in UNSPACED and said.tag in UNSPACED else " ") + verdict

    def _chat(self, rng: np.random.Generator, own: Language) -> tuple[str, str]:
        refused = rng.random() < 0.5 * REFUSALS.get(own.tag, FEW_REFUSALS)
        side = _pick(rng, own.harmful if refused else own.harmless)
        opening = _pick(rng, own.words.refuse if refused else own.words.comply)
        return USER + side.text + ASSISTANT, opening


def _pick(rng: np.random.Generator, values: Sequence[T]) -> T:
    return values[int(rng.integers(len(values)))]
