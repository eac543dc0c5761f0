"""A text as segments: what is translated, and what stays as it is around it.

Line breaks, white space at the edges and texts without letters stay. A label, a single word with a colon at the
beginning of a line or behind the end of a sentence (`Question:`, `Answer:`), is a segment of its own. So the form of
a text, the question and its answer, its lines, survives whatever a backend does with a sentence.

    restore(cut(text), {every segment: itself}) == text

Segments that lost a placeholder or a protected name in translation are translated once more in pieces, between the
things that have to stay.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from polyvalues.data.placeholders import PLACEHOLDER, placeholders

_LABEL: Final = re.compile(r"(?:^|(?<=[.!?。！？]\s))\s*([^\W\d_]{1,24}\s?[:：])(?=\s|$)")
_BREAKS: Final = re.compile(r"\s*[\n\r\v\f\x85\u2028\u2029]\s*")
_EDGES: Final = re.compile(r"\A(\s*)(.*?)(\s*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """A stretch of a text; `segment` is to be translated, else it stays."""

    text: str
    segment: bool


def cut(text: str) -> list[Part]:
    """The parts of a text, in order; together they are the text."""
    parts: list[Part] = []
    for line in re.split(r"(\n+)", text):
        at = 0
        for match in _LABEL.finditer(line) if "\n" not in line else ():
            parts += [*_bare(line[at : match.start(1)]), *_bare(match[1])]
            at = match.end(1)
        parts += _bare(line[at:])
    return parts


def pieces(segment: str, names: Sequence[str]) -> list[Part]:
    """A segment cut around its placeholders and protected names, which stay."""
    fixed = re.compile("|".join([PLACEHOLDER.pattern, *(re.escape(name) for name in sorted(names, key=len)[::-1])]))
    parts, at = [], 0
    for match in fixed.finditer(segment):
        parts += [*_bare(segment[at : match.start()]), Part(match.group(), segment=False)]
        at = match.end()
    return [*parts, *_bare(segment[at:])]


def restore(parts: Sequence[Part], translations: Mapping[str, str]) -> str | None:
    """The text put together again; None where a segment has no translation."""
    out = []
    for part in parts:
        text = translations.get(part.text) if part.segment else part.text
        if text is None:
            return None
        out.append(text)
    return "".join(out)


def one_line(translation: str) -> str:
    """A translation without the line breaks a backend put in, since no segment has any."""
    return _BREAKS.sub(" ", translation).strip()


def intact(segment: str, translation: str, names: Sequence[str]) -> bool:
    """Whether every placeholder and protected name is there as often as before."""
    return placeholders(segment, names) == placeholders(translation, names)


def _bare(text: str) -> list[Part]:
    """Edges of white space apart; a text without letters stays."""
    if not any(letter.isalpha() for letter in text):
        return [Part(text, segment=False)] if text else []
    match = _EDGES.match(text)
    assert match is not None
    return [Part(part, segment=at == 1) for at, part in enumerate(match.groups()) if part]
