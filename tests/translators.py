"""A translator that is no model, for tests: every word backwards, behind the target's name; it can fail where told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Request = tuple[str, ...]


class Killed(BaseException):
    """As if the process had been killed."""


@dataclass(eq=False)
class Mirror:
    """Translates by `word`; counts what it is asked for."""

    joint: bool = False
    parallel: int = 1
    keep: bool = True
    size: int = 3
    settings: Mapping[str, Any] = field(default_factory=lambda: {"model": "mirror"})
    name: str = "mirror"
    asked: list[tuple[str, str]] = field(default_factory=list)
    word: Callable[[str], str] = lambda word: word[::-1]
    refuse: Callable[[Request], bool] = lambda _: False
    before: Callable[[], None] = lambda: None

    def plan(self, requests: Sequence[Request], source: str, target: str) -> list[list[int]]:  # noqa: ARG002
        rows = list(range(len(requests)))
        return [rows[at : at + self.size] for at in range(0, len(rows), self.size)]

    def translate(self, requests: Sequence[Request], source: str, target: str) -> list[Request | None]:  # noqa: ARG002
        self.before()
        self.asked += [(target, text) for request in requests for text in request]
        return [
            None if self.refuse(request) else tuple(self.text(text, target) for text in request) for request in requests
        ]

    def text(self, text: str, target: str) -> str:
        return " ".join(self.word(word) for word in text.split()) + f" {target}"


BLOCKS = {"zh": 0x4E00, "ja": 0x3041, "ko": 0xAC00, "ta": 0x0B80, "te": 0x0C00}
"""Where the letters of a language's script begin, for languages that are not written in Latin letters."""


@dataclass(eq=False)
class Lettered(Mirror):
    """Translates letter by letter into the script of the target, so that texts stay as different as they were."""

    size: int = 1000

    def text(self, text: str, target: str) -> str:
        if target not in BLOCKS:
            return "".join(chr((ord(c) - 97 + ord(target[0])) % 26 + 97) if c.islower() else c for c in text)
        letters = [chr(code) for code in range(BLOCKS[target], BLOCKS[target] + 128) if chr(code).isalpha()]
        return "".join(letters[(ord(c.lower()) - 97) % len(letters)] if c.isalpha() else c for c in text)
