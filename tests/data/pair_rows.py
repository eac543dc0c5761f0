"""Small sets of pairs for the tests of this folder."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA, PairSet

DEFAULTS = {"concept": "morality", "language": "en", "prefix": "", "category": "", "source": "test"}

TEXTS = {
    "en": ("It was kind to help", "It was mean to laugh"),
    "es": ("Fue amable ayudar", "Fue cruel reír"),
    "fr": ("C'était gentil d'aider", "C'était méchant de rire"),
    "ru": ("Было хорошо помочь", "Было плохо смеяться"),
    "te": ("సహాయం చేయడం మంచిది", "నవ్వడం చెడ్డది"),
    "zh": ("帮助别人是好事", "嘲笑别人是坏事"),
    "ja": ("人を助けるのはよいことだ", "人を笑うのはよくない"),
    "ar": ("كان لطيفا أن تساعد", "كان قاسيا أن تضحك"),
}


def row(item: str, positive: str, negative: str, **other: str) -> dict[str, str]:
    return {**DEFAULTS, "item": item, "group": item, "positive": positive, "negative": negative, **other}


def numbered(number: int, language: str = "en", **other: str) -> dict[str, str]:
    """A usable pair of its own: texts in the language's script, different for every number."""
    positive, negative = TEXTS[language]
    return row(f"i{number}", f"{positive} {number}", f"{negative} {number}", **{"language": language, **other})


def pair_set(
    rows: Iterable[dict[str, str]], drops: Sequence[dict[str, str]] = (), notes: Sequence[str] = ()
) -> PairSet:
    return PairSet(
        pa.Table.from_pylist(list(rows), schema=PAIR_SCHEMA),
        pa.Table.from_pylist([{"detail": "", "action": "dropped", **drop} for drop in drops], schema=DROP_SCHEMA),
        tuple(notes),
    )


def grid(n: int, languages: Iterable[str] = ("en", "es", "te"), concept: str = "morality") -> PairSet:
    """`n` aligned items in each language, one language after another."""
    return pair_set(numbered(number, language, concept=concept) for language in languages for number in range(n))


def items(pairs: PairSet, language: str, concept: str = "morality") -> list[str]:
    return [
        found["item"]
        for found in pairs.table.to_pylist()
        if (found["concept"], found["language"]) == (concept, language)
    ]


def drops(pairs: PairSet) -> list[tuple[str, str, str, str]]:
    """(language, item, reason, action) of every record."""
    return [(drop["language"], drop["item"], drop["reason"], drop["action"]) for drop in pairs.drops.to_pylist()]
