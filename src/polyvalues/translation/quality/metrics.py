"""Every measure on every translated text, with a quality, a flag and its reasons.

The text is `prefix + side`; its source is the same side of the same concept and item in the source language. What
needs more than the texts is given by the caller: back-translations, an embedding model, a learned metric. Pairs of
the source language are not measured. Nothing here depends on the order of the pairs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from polyvalues.artifacts import PairSet
from polyvalues.artifacts.quality_ratings import IDS, PairKey
from polyvalues.data.surface_features import surface
from polyvalues.dimensions import SIDES
from polyvalues.errors import PairsError
from polyvalues.languages.identification import margin
from polyvalues.translation.quality.lexical_association import wording
from polyvalues.translation.quality.ngram_overlap import bleu, chrf
from polyvalues.translation.quality.side_contrast import apart, balance, contrast, order, text_contrast
from polyvalues.translation.quality.thresholds import RULES, Fence, fences, quality

TextKey = tuple[str, str, str, str]
"""Concept, language, item and side."""

Embed = Callable[[Sequence[str]], Float[np.ndarray, "text hidden"]]
"""Sentences of any language to vectors in one space."""

TEXT_QUALITY_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in (*IDS, "side")),
        *(pa.field(name, pa.float64(), nullable=False) for name in RULES),
        pa.field("taken_for", pa.string(), nullable=False),
        pa.field("quality", pa.float64(), nullable=False),
        pa.field("flagged", pa.bool_(), nullable=False),
        pa.field("reasons", pa.string(), nullable=False),
    ]
)
"""One row per translated text: ids; the measures (NaN: not measured); the language it is taken for; its quality (1:
usual in every respect, 0.5: at a fence, 0: twice as far); whether it is flagged (quality below 0.5); why, most
telling first."""


@dataclass(frozen=True, eq=False)
class Helpers:
    """What measures may use beyond the texts; None leaves the measure out.

    Attributes:
        back: back-translations into the source language, whole texts.
        embed: an embedding model.
        learned: a learned metric of the pairs, made elsewhere; larger is better, on any scale.
        names: names that have to stay as they are.
    """

    back: Mapping[TextKey, str] | None = None
    embed: Embed | None = None
    learned: Mapping[PairKey, float] | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TextQuality:
    """Measured quality of translations.

    Attributes:
        table: rows as in `TEXT_QUALITY_SCHEMA`, sorted.
        source: the source language.
        fences: by measure and language.
        notes: what a reader should know, in words.
    """

    table: pa.Table
    source: str
    fences: Mapping[tuple[str, str], Fence]
    notes: tuple[str, ...] = field(default=())


def measure_translations(pairs: PairSet, source: str = "en", helpers: Helpers | None = None) -> TextQuality:
    """Measure every translated text of a pair set.

    Args:
        pairs: pairs in the source language and others.
        source: the language they were translated from.
        helpers: back-translations, models.

    Raises:
        PairsError: there is nothing in another language, or no item in the source language.
    """
    helpers = helpers or Helpers()
    rows = pairs.table.select(["concept", "language", "item", "prefix", *SIDES]).to_pylist()
    sources = {(row["concept"], row["item"]): row for row in rows if row["language"] == source}
    translated = [row for row in rows if row["language"] != source]
    translated.sort(key=lambda row: (row["concept"], row["language"], row["item"]))
    if not translated:
        raise PairsError(f"there is no text in a language other than the source, {source!r}")
    found = [row for row in translated if (row["concept"], row["item"]) in sources]
    if not found:
        raise PairsError(f"no item is there in the source language {source!r}, too; which language is the source?")
    texts = [_Text(row, side, sources.get((row["concept"], row["item"]))) for row in translated for side in SIDES]
    values = _measured(texts, source, helpers)
    _wording(texts, source, values)
    taken = _identified(texts, values)
    language = [text.row["language"] for text in texts]
    by_measure = {name: fences(name, values[name], language) for name in RULES}
    risks = np.stack([_risks(by_measure[name], values[name], language) for name in RULES])
    table = _table(texts, values, taken, risks)
    notes = [f"{len(translated) - len(found)} pairs have no source text"] if len(found) < len(translated) else []
    flat = {(name, tag): fence for name, own in by_measure.items() for tag, fence in own.items()}
    notes += [f"{tag}: {fence.note}" for (_, tag), fence in sorted(flat.items()) if fence.note]
    notes += _unidentified(language, values["identified"])
    return TextQuality(table, source, flat, tuple(notes))


_AT: Final = {side: at for at, side in enumerate(SIDES)}


@dataclass(frozen=True, eq=False)
class _Text:
    """One side of a translated pair, and the source's pair."""

    row: Mapping[str, str]
    side: str
    origin: Mapping[str, str] | None

    @property
    def text(self) -> str:
        return self.row["prefix"] + self.row[self.side]

    @property
    def source(self) -> str | None:
        return None if self.origin is None else self.origin["prefix"] + self.origin[self.side]

    @property
    def key(self) -> TextKey:
        return (self.row["concept"], self.row["language"], self.row["item"], self.side)


def _measured(texts: Sequence[_Text], source: str, helpers: Helpers) -> dict[str, np.ndarray]:
    values = {name: np.full(len(texts), np.nan) for name in RULES}
    for at, text in enumerate(texts):
        for name, value in surface(text.text, text.source, text.row["language"], helpers.names).items():
            values[name][at] = value
        if text.origin is not None:
            if text.side == SIDES[0]:
                _between(at, text.row, text.origin, source, values)
            if helpers.back is not None:
                _round_trip(at, text, helpers.back, values)
                if (came := helpers.back.get(text.key)) is not None:
                    values["bleu"][at] = bleu(came, text.source or "", source)
    known = [at for at, text in enumerate(texts) if text.source is not None]
    if helpers.learned is not None:
        values["learned"] = np.array([helpers.learned.get(text.key[:3], np.nan) for text in texts])
    if helpers.embed is not None:
        _similarity(texts, known, helpers.embed, values)
    return values


def _between(
    at: int, row: Mapping[str, str], origin: Mapping[str, str], source: str, values: dict[str, np.ndarray]
) -> None:
    """What the sides say about each other, for both of them: the texts at `at` and after it."""
    both, whole = slice(at, at + 2), (_whole(row), _whole(origin))
    # a prefix that both texts of a pair share says nothing of how far they are apart, where the source has one, too
    bare = bool(row["prefix"]) == bool(origin["prefix"])
    found = (
        apart((row["positive"], row["negative"]), (origin["positive"], origin["negative"])) if bare else apart(*whole)
    )
    values["apart"][both] = values["parted"][both] = found
    values["order"][both] = order(*whole, row["language"], source)
    values["balance"][both] = balance(*whole)


def _round_trip(at: int, text: _Text, back: Mapping[TextKey, str], values: dict[str, np.ndarray]) -> None:
    """ChrF of the back-translation, and the contrast of the sides where both came back."""
    assert text.origin is not None
    own = {side: back[key] for side in SIDES if (key := (*text.key[:3], side)) in back}
    if text.side in own:
        values["round_trip"][at] = chrf(own[text.side], text.source or "")
    if len(own) == 2:
        values["sides"][at] = text_contrast(own, {side: text.origin["prefix"] + text.origin[side] for side in SIDES})


def _similarity(texts: Sequence[_Text], known: Sequence[int], embed: Embed, values: dict[str, np.ndarray]) -> None:
    """Cosine of a text with its source, and the contrast of the sides; each text is embedded once."""
    unique = sorted({texts[at].text for at in known} | {texts[at].source or "" for at in known})
    states = np.asarray(embed(unique), dtype=np.float64)
    states /= np.maximum(np.linalg.norm(states, axis=1, keepdims=True), 1e-12)
    row_of = {text: row for row, text in enumerate(unique)}
    for at in known:
        text = texts[at]
        assert text.origin is not None
        own = {side: states[row_of[text.row["prefix"] + text.row[side]]] for side in SIDES}
        other = {side: states[row_of[text.origin["prefix"] + text.origin[side]]] for side in SIDES}
        values["similarity"][at] = float(own[text.side] @ other[text.side])
        if np.isnan(values["sides"][at]):
            values["sides"][at] = contrast(lambda p, q, own=own, other=other: float(own[p] @ other[q]))


def _wording(texts: Sequence[_Text], origin: str, values: dict[str, np.ndarray]) -> None:
    """Words against words, per language; the contrast of the sides where nothing better has given one."""
    for tag in dict.fromkeys(text.row["language"] for text in texts):
        own = {json.dumps([text.row["concept"], text.row["item"]]): text for text in texts if _learnt(text, tag)}
        translated = {key: _whole(text.row) for key, text in own.items()}
        sources = {key: _whole(text.origin) for key, text in own.items() if text.origin is not None}
        found = wording(translated, sources, tag, origin)
        for at, text in enumerate(texts):
            key = json.dumps([text.row["concept"], text.row["item"]])
            if text.row["language"] == tag and key in found:
                side = SIDES.index(text.side)
                values["wording"][at] = found[key][side, side]
                if np.isnan(values["sides"][at]):
                    values["sides"][at] = contrast(lambda p, q, close=found[key]: float(close[_AT[p], _AT[q]]))


def _learnt(text: _Text, tag: str) -> bool:
    return text.row["language"] == tag and text.origin is not None


def _whole(row: Mapping[str, str]) -> tuple[str, str]:
    return row["prefix"] + row["positive"], row["prefix"] + row["negative"]


def _identified(texts: Sequence[_Text], values: dict[str, np.ndarray]) -> list[str]:
    taken = []
    for at, text in enumerate(texts):
        values["identified"][at], said = margin(text.text, text.row["language"])
        taken.append(said)
    return taken


def _risks(own: Mapping[str, Fence], values: np.ndarray, language: Sequence[str]) -> np.ndarray:
    tags, risks = np.array(language, dtype=str), np.full(len(values), np.nan)
    for tag, fence in own.items():
        risks[tags == tag] = fence.risk(values[tags == tag])
    return risks


def _table(
    texts: Sequence[_Text], values: Mapping[str, np.ndarray], taken: Sequence[str], risks: np.ndarray
) -> pa.Table:
    score, names = quality(risks), list(RULES)
    order = np.argsort(-np.nan_to_num(risks, nan=0.0), axis=0, kind="stable").T
    reasons = ["; ".join(RULES[names[m]].words for m in ranked if risks[m, at] > 1) for at, ranked in enumerate(order)]
    ids = zip(*(text.key for text in texts), strict=True)
    columns = [*map(list, ids), *(values[name] for name in names), list(taken), score, score < 0.5, reasons]
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, TEXT_QUALITY_SCHEMA, strict=True)]
    return pa.table(arrays, schema=TEXT_QUALITY_SCHEMA)


def _unidentified(language: Sequence[str], margins: np.ndarray) -> list[str]:
    tags = np.array(language, dtype=str)
    unknown = [tag for tag in dict.fromkeys(language) if np.isnan(margins[tags == tag]).all()]
    return [f"language identification does not know {', '.join(unknown)}: not used there"] if unknown else []
