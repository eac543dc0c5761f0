"""The languages of FLORES-200 and what is known of each: what can be translated into and measured."""

from dataclasses import dataclass

import numpy as np

from polyvalues.languages.distances import KINDS, distances
from polyvalues.languages.flores import FLORES, flores_tag
from polyvalues.languages.identification import identifies
from polyvalues.languages.metadata import knows_script, language_family, language_name, language_script


@dataclass(frozen=True)
class KnownLanguage:
    """One language.

    Attributes:
        tag, name, script, family: as `languages.metadata` has them.
        code: of FLORES-200 and NLLB-200.
        judged: whether its script can be told.
        identified: whether language identification knows it.
        distances: kinds of distance to English that are known.
    """

    tag: str
    name: str
    script: str
    family: str
    code: str
    judged: bool
    identified: bool
    distances: tuple[str, ...]


def known_languages() -> list[KnownLanguage]:
    """All languages of FLORES-200, by tag."""
    tags = {flores_tag(code): code for code in FLORES}
    table = distances(["eng", *tags])
    found = []
    for tag, code in sorted(tags.items()):
        script = language_script(tag)
        own = tuple(kind for kind in KINDS if not np.isnan(float(table[kind].sel(source="eng", target=tag))))
        judged, identified = knows_script(script), identifies(tag)
        name = language_name(tag)
        found.append(KnownLanguage(tag, name, script, language_family(tag), code, judged, identified, own))
    return found
