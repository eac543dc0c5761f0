"""Parts of a page: figures with the numbers behind them, and sections."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from polyvalues.report.html.figure_tables import Grid
from polyvalues.report.html.templating import figure_address

_PIXELS_PER_POINT: Final = 4 / 3
_SIZE: Final = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"', re.DOTALL)


@dataclass(frozen=True)
class Figure:
    """A figure on the page.

    Attributes:
        name: anchor, and name of the file.
        address: `data:` address of the image.
        width, height: in CSS pixels, None if unknown.
        alt: what the image shows, for those who do not see it.
        caption: what to look for.
        tables: the numbers behind it.
    """

    name: str
    address: Markup
    width: int | None
    height: int | None
    alt: str
    caption: str
    tables: tuple[Grid, ...]


@dataclass(frozen=True)
class Section:
    """A heading with figures and tables: `name` is its anchor, `lead` a sentence and `words` a list below it."""

    name: str
    title: str
    lead: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Grid, ...] = ()
    folded: tuple[Grid, ...] = ()
    words: tuple[str, ...] = ()


def drawn(figures: Mapping[str, str], name: str, alt: str, caption: str, tables: Sequence[Grid]) -> tuple[Figure, ...]:
    """The figure if there is one, as a tuple of one or none."""
    return (_figure(name, figures[name], alt, caption, tables),) if name in figures else ()


def _figure(name: str, svg: str, alt: str, caption: str, tables: Sequence[Grid]) -> Figure:
    found = _SIZE.search(svg)
    width, height = (round(float(part) * _PIXELS_PER_POINT) for part in found.groups()) if found else (None, None)
    address = figure_address(svg)
    return Figure(name, address, width, height, alt, caption, tuple(tables))
