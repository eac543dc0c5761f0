"""Both axes of a panel as one artist: matplotlib makes several objects per tick, and measures each text several times.

Where the ticks are and what they say is still decided by the locators and formatters of the panel's axes, at the moment
of drawing; only the drawing is ours, where matplotlib's own would stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.path import Path
from matplotlib.ticker import FixedFormatter, FixedLocator
from matplotlib.transforms import IdentityTransform

from polyvalues.report.figures.artists.labels import Letters, draw_words, measured
from polyvalues.report.figures.style import FULL_WIDTH, MUTED, RULE, Page, in_rows, plain

_MARK, _PAD, _APART = 3.0, 3.5, 4.0
"""In points: length of a tick mark, from there to its label, from the labels to the name of the axis."""
_TOP, _TALL, _BELOW, _LEFT, _GAP = 0.62, 1.75, 0.62, 0.66, 0.14
"""Of a page of panels, in inches."""
_STROKE: Final = 0.8
_LETTERS: Final = Letters(8.0, MUTED)

Point = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """How one axis looks.

    Attributes:
        grid: width of its grid lines in points; 0: none.
        line: whether the axis itself is drawn.
        marks: whether it has tick marks.
        letters: of its labels.
        pad: from the panel or the marks to the labels, in points.
    """

    grid: float = 0.0
    line: bool = True
    marks: bool = True
    letters: Letters = _LETTERS
    pad: float = _PAD

    @property
    def reach(self) -> float:
        """From the panel to the labels, in points."""
        return (_MARK if self.marks else 0.0) + self.pad


class Scales(Artist):
    """The axes of one panel, x below and y on its left, below whatever the panel holds."""

    def __init__(self, x: Scale, y: Scale) -> None:
        super().__init__()
        self.x = x
        self.y = y
        self.set_zorder(0.5)

    def draw(self, renderer: Any) -> None:
        """Draw grid lines, marks, labels and names."""
        if not self.get_visible() or self.axes is None:
            return
        renderer.open_group("scales")
        left, bottom, right, top = map(float, self.axes.bbox.extents)
        _draw(renderer, self.axes.xaxis, self.x, (left, right), (bottom, top), upright=False)
        _draw(renderer, self.axes.yaxis, self.y, (bottom, top), (left, right), upright=True)
        renderer.close_group("scales")
        self.stale = False


def scaled(axes: Axes, x: Scale, y: Scale) -> None:
    """Draw the axes of a panel by `Scales` instead of matplotlib's own means."""
    plain(axes)
    axes.add_artist(Scales(x, y))


def panels(count: int, across: str, up: str, *, title: float, below: float = 0.0) -> tuple[Page, list[Axes]]:
    """A page of `count` panels with grids, at most four in a row.

    Args:
        count: how many.
        across: name of every x axis.
        up: name of the y axis of the first panel in each row.
        title: room above each panel, in inches.
        below: room below all of them, in inches.
    """
    rows, columns = in_rows(count, 4)
    wide = min(3.6, (FULL_WIDTH - 0.1) / columns - _LEFT - _GAP)
    block = title + _TALL + _BELOW
    page = Page.blank(max(6.2, columns * (_LEFT + wide + _GAP) + 0.1), _TOP + rows * block + below)
    parts = []
    for index in range(count):
        row, column = divmod(index, columns)
        axes = page.axes(_LEFT + column * (_LEFT + wide + _GAP), _TOP + title + row * block, wide, _TALL)
        scaled(axes, Scale(grid=0.5), Scale(grid=0.5))
        axes.set_xlabel(across, fontsize=7.5)
        if column == 0:
            axes.set_ylabel(up)
        parts.append(axes)
    return page, parts


def marked(axis: Axis, words: Sequence[str]) -> None:
    """Ticks at 0, 1, 2 that say `words`."""
    axis.set_major_locator(FixedLocator(range(len(words))))
    axis.set_major_formatter(FixedFormatter(list(words)))


def _draw(
    renderer: Any,
    axis: Axis,
    scale: Scale,
    along: tuple[float, float],
    across: tuple[float, float],
    *,
    upright: bool,
) -> None:
    """One axis, in pixels: it runs `along` two ends at the first of `across`, its grid lines to the second."""
    point, (near, far) = renderer.points_to_pixels(1.0), across

    def line(start: Point, end: Point) -> tuple[Point, Point]:
        return ((start[1], start[0]), (end[1], end[0])) if upright else (start, end)

    ticks = _ticks(axis, 1 if upright else 0)
    if scale.grid:
        _lines(renderer, [line((at, near), (at, far)) for at, _ in ticks], scale.grid)
    edge = [line((along[0], near), (along[1], near))] if scale.line else []
    marks = [line((at, near), (at, near - _MARK * point)) for at, _ in ticks] if scale.marks else []
    _lines(renderer, edge + marks, _STROKE)
    tall, below = _heights(scale.letters, point)
    near -= scale.reach * point
    if upright:
        words = [(near, at - tall / 2, text) for at, text in ticks]
        near -= max((measured(text, scale.letters)[0] for _, text in ticks), default=0.0) * point
    else:
        near -= tall
        words = [(at, near, text) for at, text in ticks]
        near -= below
    draw_words(renderer, words, scale.letters, "end" if upright else "middle")
    _name(renderer, axis, near - _APART * point, sum(along) / 2, upright=upright)


def _ticks(axis: Axis, dimension: int) -> list[tuple[float, str]]:
    """Where the axis has ticks, in pixels along it, and what they say."""
    places = [float(place) for place in axis.get_majorticklocs()]
    words = axis.get_major_formatter().format_ticks(places)
    low, high = sorted(axis.get_view_interval())
    spare = 1e-9 * (high - low)
    return [
        (float(axis.axes.transData.transform((place, place))[dimension]), text)
        for place, text in zip(places, words, strict=True)
        if low - spare <= place <= high + spare
    ]


def _lines(renderer: Any, lines: Sequence[tuple[Point, Point]], width: float) -> None:
    if not lines:
        return
    graphics = renderer.new_gc()
    graphics.set_foreground(RULE)
    graphics.set_linewidth(width)
    path = Path([end for line in lines for end in line], [Path.MOVETO, Path.LINETO] * len(lines))
    renderer.draw_path(graphics, path, IdentityTransform())
    graphics.restore()


def _heights(letters: Letters, point: float) -> tuple[float, float]:
    """Of a line above and below its base line, in pixels."""
    _, above, below = measured("lp", letters)
    return above * point, below * point


def _name(renderer: Any, axis: Axis, near: float, middle: float, *, upright: bool) -> None:
    """The name of the axis, beside what ends at `near`."""
    label = axis.label
    if not label.get_text():
        return
    letters = Letters(float(label.get_fontsize()), to_hex(label.get_color()))
    tall, below = _heights(letters, renderer.points_to_pixels(1.0))
    place = (near - below, middle) if upright else (middle, near - tall)
    draw_words(renderer, [(*place, label.get_text())], letters, upright=upright)
