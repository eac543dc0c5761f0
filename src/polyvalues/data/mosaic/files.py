"""The files of Mosaic: pairs and words, one file of each per language.

`pairs/LANGUAGE.jsonl` holds `{concept, item, category, prefix, positive, negative, note?}` per line; items are the
same, in the same order, in every language. `words/LANGUAGE.json` holds openings of refusals and of willing answers,
short good and bad verdicts, and the names of the languages. `CARD.md` says how all this was written and checked.
CC BY 4.0.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final

from polyvalues.dimensions import Language
from polyvalues.errors import SpecError

MOSAIC_LANGUAGES: Final[tuple[Language, ...]] = (
    "en", "fr", "zh", "es", "pt", "vi", "ca", "id", "ja", "ko", "fi", "hu", "ta", "te", "sw", "ny",
)  # fmt: skip
"""The languages of Xu et al. (2024), in its order of resources."""

FOLDER: Final = Path(str(resources.files("polyvalues.data.mosaic")))
"""Where the files lie."""


@dataclass(frozen=True)
class Words:
    """Words of one language.

    Attributes:
        refuse: ways to open a refusal, at least 12, none the beginning of another.
        comply: ways to open a willing answer, likewise.
        good: short sentences that approve of what was just said.
        bad: short sentences that disapprove of it.
        languages: the name of each of `MOSAIC_LANGUAGES`, by tag.
    """

    refuse: tuple[str, ...]
    comply: tuple[str, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    languages: Mapping[Language, str]


def pairs_file(language: Language) -> Path:
    """The file of pairs in `language`.

    Raises:
        SpecError: Mosaic is not in that language.
    """
    return FOLDER / "pairs" / f"{_known(language)}.jsonl"


@cache
def words(language: Language) -> Words:
    """The words of `language`.

    Raises:
        SpecError: Mosaic is not in that language.
    """
    path = FOLDER / "words" / f"{_known(language)}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    names = MappingProxyType(content.pop("languages"))
    return Words(**{key: tuple(value) for key, value in content.items()}, languages=names)


def _known(language: Language) -> Language:
    if language not in MOSAIC_LANGUAGES:
        raise SpecError(f"mosaic is not in language {language!r}; it is in {', '.join(MOSAIC_LANGUAGES)}")
    return language
