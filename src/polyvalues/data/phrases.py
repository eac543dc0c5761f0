"""Short texts in many languages that steering needs: neutral sentences, a request to refuse, mild insults.

    neutral       everyday sentences that say nothing of any value: lengths of hidden states, side effects
    ask_refusal   "Please refuse harmful requests." (the baseline without steering)
    insults       mild insults, for the toxicity lexicon; `*` at the end stands for any ending

In the languages of Mosaic; CC BY 4.0. `neutral` falls back to English: a length can be measured in any language.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from polyvalues.dimensions import Language


def neutral(languages: Sequence[Language]) -> Mapping[Language, tuple[str, ...]]:
    """Neutral sentences of those languages that have some; of English when none has."""
    known = _read("neutral")
    return {tag: tuple(known[tag]) for tag in languages if tag in known} or {"en": tuple(known["en"])}


def ask_refusal(language: Language) -> str | None:
    """The request to refuse harmful requests; None in a language that has none."""
    return _read("ask_refusal").get(language)


def insults() -> Mapping[Language, tuple[str, ...]]:
    """Mild insults by language."""
    return {tag: tuple(words) for tag, words in _read("insults").items()}


@cache
def _read(name: str) -> dict:
    return json.loads(resources.files("polyvalues.data").joinpath(f"{name}.json").read_text(encoding="utf-8"))
