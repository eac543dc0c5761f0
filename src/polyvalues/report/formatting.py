"""How numbers and foreign text are written, everywhere in a report.

A number is written with two digits after the point and a real minus sign, an interval as `0.83 [0.80, 0.86]`, a cell
that was not measured as an en dash. Text that came from a data set, a model or a user is shown with its invisible and
direction-changing characters spelled out, so that what is seen is what is there.
"""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import xarray as xr

from polyvalues.dimensions import BOUNDS, INTERVAL

MISSING: Final = "–"
"""Stands for a number that was not measured."""

_JOINERS: Final = "\u200c\u200d"
"""Zero-width joiners: spelling in Persian and the Indic scripts needs them, and they change no direction."""

_MOST_DIGITS: Final = 4


@dataclass(frozen=True)
class Interval:
    """A measured number with its interval; `nan` where it was not measured.

    Attributes:
        estimate: the point estimate.
        lower: lower bound.
        upper: upper bound.
    """

    estimate: float
    lower: float
    upper: float

    @classmethod
    def of(cls, array: xr.DataArray) -> "Interval":
        """From an array whose only dimension is `interval`."""
        if array.indexes[INTERVAL].tolist() != list(BOUNDS):
            array = array.sel({INTERVAL: list(BOUNDS)})
        estimate, lower, upper = array.values.tolist()
        return cls(estimate, lower, upper)

    @property
    def measured(self) -> bool:
        """Whether there is an estimate at all."""
        return math.isfinite(self.estimate)

    @property
    def bounded(self) -> bool:
        """Whether there is an estimate with both bounds: without them nothing can be claimed."""
        return self.measured and math.isfinite(self.lower) and math.isfinite(self.upper)

    def above(self, other: "Interval | float") -> bool:
        """Whether the whole interval lies above a number, or above the whole of another interval."""
        bound = other.upper if isinstance(other, Interval) else other
        return self.bounded and self.lower > bound

    def below(self, other: "Interval | float") -> bool:
        """Whether the whole interval lies below a number, or below the whole of another interval."""
        bound = other.lower if isinstance(other, Interval) else other
        return self.bounded and self.upper < bound


def intervals(values: xr.DataArray, labels: Mapping[str, Sequence[str]]) -> dict[tuple[str, ...], Interval]:
    """Every cell of an array at once, by its labels in their order; cell by cell xarray takes milliseconds.

    Args:
        values: its dimensions are those of `labels` and `interval`.
        labels: by dimension, those wanted.
    """
    order = {dim: list(names) for dim, names in labels.items()} | {INTERVAL: list(BOUNDS)}
    cells = values.sel(order).transpose(*order).values.reshape(-1, len(BOUNDS)).tolist()
    return {where: Interval(*cell) for where, cell in zip(product(*labels.values()), cells, strict=True)}


def number(value: float, *, digits: int = 2, signed: bool = False) -> str:
    """`value` with `digits` digits after the point; never `-0.00`; an en dash if it is not finite."""
    if not math.isfinite(value):
        return MISSING
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("−" if value < 0 else "+" if signed else "") + text


def interval_text(value: Interval, *, signed: bool = False, reference: float | None = None) -> str:
    """`0.83 [0.80, 0.86]`.

    With a `reference` (0.5, 0) a bound on one side of it is never rounded onto it: digits are added, to at most four.
    """
    if not value.measured:
        return MISSING
    digits = 2
    if reference is not None and value.bounded:
        while digits < _MOST_DIGITS and any(
            bound != reference and round(bound, digits) == reference for bound in (value.lower, value.upper)
        ):
            digits += 1
    estimate = number(value.estimate, digits=digits, signed=signed)
    if not value.bounded:
        return f"{estimate} [no interval]"
    lower, upper = (number(bound, digits=digits, signed=signed) for bound in (value.lower, value.upper))
    return f"{estimate} [{lower}, {upper}]"


def visible(text: str) -> str:
    """`text` with control, format, private and unpaired characters spelled out as `⟨U+202E⟩`.

    Line feeds and tabs stay, and so do the zero-width joiners that spelling needs.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_SHOWN)


class _Shown(dict[int, str]):
    """How each character is shown, remembered from the first time."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        spelled = hidden and character not in "\n\t" and character not in _JOINERS
        return self.setdefault(code, f"⟨U+{code:04X}⟩" if spelled else character)


_SHOWN: Final = _Shown()


def clipped(text: str, most: int) -> str:
    """`text`, cut where it is longer than `most` characters, and told by how much."""
    return text if len(text) <= most else f"{text[:most]}… [{len(text) - most} more characters]"


def listed(words: tuple[str, ...], *, most: int = 6) -> str:
    """`a, b and c`; a long list is cut, and says by how much."""
    if len(words) > most:
        words = (*words[: most - 1], f"{len(words) - most + 1} more")
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " and " + words[-1]
