"""Two looks for figures that leave the report: `paper`, for a two-column page, and `talk`, for a wide screen.

    paper   3.3 or 6.8 inches wide, 8 point, STIX (the letters of Times); the caption stands below, in the text
    talk    13.33 x 7.5 inches (16:9), 20 point, DejaVu Sans; a title on the figure

Both fonts come with matplotlib, so they exist on every machine. Words are measured before they are placed: a name too
long for its place is cut, and what the font cannot draw is spelled out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, Literal

import matplotlib as mpl
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from polyvalues.dimensions import MODEL
from polyvalues.report.figures.style import INK, MUTED, Page, drawable, look

POINT: Final = 1 / 72
"""Of an inch."""

_HINTED: Final = 1.06
"""How much wider a line can become in a bitmap, where letters end at whole pixels."""

StyleName = Literal["paper", "talk"]


@dataclass(frozen=True)
class Style:
    """A look.

    Attributes:
        name: `paper` or `talk`.
        family: the font.
        column, text: width of a narrow and of a wide figure, in inches.
        height: of every figure, in inches; None: as high as it needs to be, at most `tallest`.
        tallest: the most a figure may take, in inches.
        size, small: of letters, in points: titles and axes; tick labels and numbers.
        least: points below which a number in a cell is left out.
        cell: side of a cell of a matrix at most, in inches.
    """

    name: StyleName
    family: str
    column: float
    text: float
    height: float | None
    tallest: float
    size: float
    small: float
    least: float
    cell: float

    @property
    def titled(self) -> bool:
        """Whether a figure carries its own title."""
        return self.height is not None

    def width_of(self, words: str, size: float) -> float:
        """Width of one line in inches."""
        if not words:
            return 0.0
        return _width(words, self.family, size) * POINT

    def shown(self, words: str, size: float, room: float = float("inf")) -> str:
        """`words` as the font can draw them, cut with an ellipsis where they are wider than `room` inches."""
        known = _letters(self.family)
        text = "".join(
            letter if ord(letter) in known else letter.encode("unicode_escape").decode() for letter in drawable(words)
        )
        room /= _HINTED
        if self.width_of(text, size) <= room:
            return text
        while text and self.width_of(text + "…", size) > room:
            text = text[:-1]
        return text + "…"


STYLES: Final[dict[StyleName, Style]] = {
    "paper": Style("paper", "STIXGeneral", 3.3, 6.8, None, 8.8, size=8.0, small=7.0, least=5.0, cell=0.42),
    "talk": Style("talk", "DejaVu Sans", 40 / 3, 40 / 3, 7.5, 7.5, size=20.0, small=16.0, least=9.0, cell=1.0),
}
"""Every look by its name."""


@dataclass(frozen=True, eq=False)
class PaperFigure:
    """A figure in the manner of the paper's.

    Attributes:
        number: of the figure in the paper.
        name: of its files, without ending.
        caption: what it shows, in sentences.
        figure: the matplotlib figure, with neither window nor backend.
        data: exactly the numbers drawn.
    """

    number: int
    name: str
    caption: str
    figure: Figure
    data: xr.Dataset


@contextmanager
def dressed(style: Style) -> Iterator[None]:
    """While the block runs, matplotlib draws in this style; the settings of the process are left as they were."""
    own: dict[Any, Any] = {
        "font.family": [style.family],
        "font.size": style.size,
        "axes.labelsize": style.size,
        "axes.titlesize": style.size,
        "xtick.labelsize": style.small,
        "ytick.labelsize": style.small,
        "legend.fontsize": style.small,
        "axes.labelcolor": INK,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.linewidth": 0.07 * style.size,
        "xtick.major.size": 0.35 * style.size,
        "ytick.major.size": 0.35 * style.size,
        "hatch.linewidth": 0.06 * style.size,
        "savefig.dpi": 300.0 if style.height is None else 144.0,
    }
    with mpl.rc_context({**look(), **own}):
        yield


def heading(page: Page, style: Style, title: str, subtitle: str) -> None:
    """The title of a talk's figure, and the line below it."""
    room = page.width - 0.8
    page.text(0.4, 0.25, style.shown(title, 1.3 * style.size, room), fontsize=1.3 * style.size, fontweight="bold")
    page.text(0.4, 0.75, style.shown(subtitle, style.small, room), fontsize=style.small, color=MUTED)


def protocols_of(data: xr.Dataset) -> dict[str, str]:
    """The protocol of each model."""
    return {str(name): str(data["protocol"].sel({MODEL: name}).item()) for name in data[MODEL].values}


@lru_cache(maxsize=4096)
def _width(words: str, family: str, size: float) -> float:
    """In points: measuring is slow, and cells share their numbers."""
    return float(text_to_path.get_text_width_height_descent(words, FontProperties(family=family, size=size), False)[0])


@cache
def _letters(family: str) -> frozenset[int]:
    """Code points the font has."""
    return frozenset(get_font(findfont(FontProperties(family=family))).get_charmap())
