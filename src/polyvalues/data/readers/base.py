"""What a reader is, and its options.

Contract: a reader is a name, what a user must know to obtain its data, its options, and a function from a
`PairSource` to a `PairSet`. Options arrive as text (command line) or typed (TOML, Python); both give the same values.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.errors import SpecError

OptionValue = str | int | float | bool

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True)
class Option:
    """One setting of a reader.

    Attributes:
        name: key in `PairSource.options`.
        default: what is used when it is not given; its type is the option's type. `""` stands for "not given".
        help: one sentence for users.
        choices: the only values allowed; empty allows any.
    """

    name: str
    default: OptionValue
    help: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Licence:
    """What a source is given out under.

    Attributes:
        spdx: identifier of the SPDX list.
        where: which copy of the data, and where its licence is stated.
    """

    spdx: str
    where: str

    @property
    def share_alike(self) -> bool:
        """Whether what is made from it is passed on under the same terms."""
        return "-SA-" in self.spdx


@dataclass(frozen=True)
class Reader:
    """One source format.

    Attributes:
        name: as in `--pairs NAME:PATH`.
        title: one line.
        concept: the concept of its pairs; None when the source or the user says it.
        languages: the language of its pairs; None when the source or the user says it.
        obtain: where users obtain the data, and under which licence.
        options: its settings.
        read: from a source to its pairs.
        licence: of the data; one per copy where copies differ; empty where the user's file says it.
        citation: the work to cite; empty where the user's file says it.
    """

    name: str
    title: str
    concept: str | None
    languages: str | None
    obtain: str
    options: tuple[Option, ...]
    read: Callable[[PairSource], PairSet]
    licence: tuple[Licence, ...] = ()
    citation: str = ""


@dataclass(frozen=True)
class Chosen:
    """The options of one source, checked and complete.

    Attributes:
        values: one value per option, of the type of its default.
        given: names of the options the user gave.
    """

    values: Mapping[str, OptionValue]
    given: frozenset[str]

    def text(self, name: str) -> str:
        """The value of a text option; `""` when it was not given and has no default."""
        return str(self.values[name])

    def integer(self, name: str) -> int:
        """The value of an integer option."""
        return int(self.values[name])

    def number(self, name: str) -> float:
        """The value of a number option, finite."""
        return float(self.values[name])


def choose_options(reader: str, options: tuple[Option, ...], source: PairSource) -> Chosen:
    """Check the options of a source against those of its reader.

    Raises:
        SpecError: an unknown option, or a value of the wrong type or not among the choices; names the reader's options.
    """
    known = {option.name: option for option in options}
    values: dict[str, OptionValue] = {option.name: option.default for option in options}
    for name, value in source.options.items():
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise SpecError(f"reader {reader!r} has no option {name!r}{hint}; {_listing(options)}")
        values[name] = _convert(reader, options, known[name], value)
    return Chosen(MappingProxyType(values), frozenset(source.options))


def _convert(reader: str, options: tuple[Option, ...], option: Option, value: OptionValue) -> OptionValue:
    """The value as the type of the option's default."""
    wrong = f"reader {reader!r}, option {option.name!r}: expected %s, got {value!r}; {_listing(options)}"
    if option.choices and value not in option.choices:
        raise SpecError(wrong % f"one of {', '.join(option.choices)}")
    if isinstance(option.default, bool):
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise SpecError(wrong % "true or false")
        return word in _TRUE
    if isinstance(option.default, str):
        if not isinstance(value, str):
            raise SpecError(wrong % "text")
        return value
    kind = "a whole number" if isinstance(option.default, int) else "a number"
    if isinstance(value, bool):
        raise SpecError(wrong % kind)
    try:
        number = float(value)
        if not math.isfinite(number) or (isinstance(option.default, int) and number != int(number)):
            raise SpecError(wrong % kind)
        return int(value) if isinstance(option.default, int) else number
    except (ValueError, OverflowError):
        raise SpecError(wrong % kind) from None


def _listing(options: tuple[Option, ...]) -> str:
    if not options:
        return "it has no options"
    described = (
        f"{option.name}={'|'.join(option.choices) or type(option.default).__name__} (default {option.default!r})"
        for option in options
    )
    return f"its options: {', '.join(described)}"
