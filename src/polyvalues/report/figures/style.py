"""One look for every figure: type, colours, and a page measured in inches.

Colours are those of Okabe and Ito (2008) for kinds, and viridis, YlGnBu and PuOr for magnitudes: colour-blind readers
can tell them apart. Text is DejaVu Sans, which matplotlib brings along: the same picture on every machine. Nothing here
touches pyplot or leaves the settings of the process changed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

INK: Final = "#1f2933"
MUTED: Final = "#5f6b7a"
RULE: Final = "#d9dee5"
EMPTY: Final = "#eceff3"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
RANDOM: Final = "#8a94a3"
PERMUTED: Final = "#d9a441"
CONTROL_COLOURS: Final = {"random": RANDOM, "permuted": PERMUTED}
CONTROL_NAMES: Final = {"random": "random direction", "permuted": "swapped sides"}

FULL_WIDTH: Final = 10.4
"""Width of a full figure in inches: at 96 pixels per inch, the width of the report's column."""

_KEPT_OUT: Final = ("backend", "toolbar", "interactive", "webagg", "macosx", "tk.", "docstring", "date.epoch")
_LOOK: Final[Mapping[str, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titley": 1.0,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": [-9, 12],
    "axes.unicode_minus": True,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 200.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "polyvalues",
    "pdf.fonttype": 42,
    "path.simplify": False,
}

P = ParamSpec("P")
R = TypeVar("R")


def look() -> dict[Any, Any]:
    """Every setting that decides how a figure looks, whatever the process or a matplotlibrc has set."""
    defaults = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith(_KEPT_OUT)}
    return {**defaults, **_LOOK}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run `draw` under `look`, and leave the process's settings as they were."""

    @wraps(draw)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(look()):
            return draw(*args, **kwargs)

    return inner


@dataclass(frozen=True)
class Page:
    """A figure whose parts are placed in inches from its top left corner.

    Attributes:
        figure: the figure.
        width, height: its size in inches.
    """

    figure: Figure
    width: float
    height: float

    @classmethod
    def blank(cls, width: float, height: float) -> "Page":
        """An empty page."""
        return cls(Figure(figsize=(width, height)), width, height)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes whose upper left corner lies `left` and `top` inches into the page."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = _Panel(self.figure, box)
        self.figure.add_axes(axes)
        return axes

    def text(self, left: float, top: float, words: str, **how: Any) -> None:
        """`words` (one or more lines), with their top left corner there."""
        lines = "\n".join(drawable(line) for line in words.split("\n"))
        style = {"va": "top", "ha": "left", **how}
        self.figure.text(left / self.width, 1 - top / self.height, lines, **style)

    def heading(self, title: str, subtitle: str, *, left: float = 0.1) -> None:
        """The title and the line below it: what is drawn, in words."""
        self.text(left, 0.08, title, fontsize=11, fontweight="bold")
        self.text(left, 0.30, subtitle, fontsize=8.5, color=MUTED)


def drawable(text: str) -> str:
    """`text` with everything but Latin letters and common punctuation spelled out: figures carry no native scripts."""
    return "".join(
        character
        if (character.isprintable() and (ord(character) < 0x250 or 0x2010 <= ord(character) <= 0x2026))
        or character in "→−–"
        else character.encode("unicode_escape").decode()
        for character in text
    )  # fmt: skip


class _NoTicks:
    """Of an axis: no ticks until someone asks for them."""

    def reset_ticks(self) -> None:
        vars(self).update(majorTicks=[], minorTicks=[])


class _X(_NoTicks, XAxis): ...


class _Y(_NoTicks, YAxis): ...


class _Panel(Axes):
    """Axes that make their ticks when they are asked for: matplotlib makes four, only to clip them, with all Axes."""

    def _init_axis(self) -> None:
        self.xaxis, self.yaxis = _X(self, clear=False), _Y(self, clear=False)
        for name, spine in self.spines.items():
            spine.register_axis(self.xaxis if name in ("bottom", "top") else self.yaxis)


def plain(axes: Axes) -> None:
    """Take frame, ticks, labels and names away; limits and what is drawn in them stay."""
    for part in (axes.xaxis, axes.yaxis, *axes.spines.values()):
        part.set_visible(False)


def segments(ends: Iterable[tuple[tuple[float, float], tuple[float, float]]], **how: Any) -> Line2D:
    """Lines from `(x, x)`, `(y, y)` each, as one line with gaps: drawn many times faster than one by one."""
    xs, ys = [], []
    for (x0, x1), (y0, y1) in ends:
        xs += [x0, x1, float("nan")]
        ys += [y0, y1, float("nan")]
    return Line2D(xs, ys, solid_capstyle="butt", **how)


def bare(axes: Axes) -> None:
    """Take the frame and the tick marks away."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)


def in_rows(count: int, most: int) -> tuple[int, int]:
    """Rows and columns for `count` panels, at most `most` in a row and rows as even as can be."""
    rows = -(-count // most)
    return rows, -(-count // rows)
