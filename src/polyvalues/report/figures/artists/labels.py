"""Thousands of short texts in one artist: numbers and tags of a matrix, many times faster than as single texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

Align = Literal["middle", "left of", "below", "upright below"]
"""Where a text stands: on its point, or beside it; upright: turned by 90 degrees."""

Anchor = Literal["start", "middle", "end"]
"""Which part of a line lies on its point."""

_FAMILY: Final = "DejaVu Sans"
_BEFORE: Final[dict[Anchor, float]] = {"start": 0.0, "middle": 0.5, "end": 1.0}


@dataclass(frozen=True)
class Label:
    """A short text at `x`, `y` in the data of its axes."""

    x: float | int
    y: float | int
    text: str
    colour: str
    bold: bool = False


@dataclass(frozen=True)
class Letters:
    """How words look: `size` in points, colour, weight."""

    size: float
    colour: str
    bold: bool = False

    @property
    def font(self) -> FontProperties:
        """For matplotlib."""
        return FontProperties(family=[_FAMILY], size=self.size, weight=700 if self.bold else 400)


@lru_cache(maxsize=4096)
def measured(text: str, letters: Letters) -> tuple[float, float, float]:
    """Width of a text, and what is above and below its base line, in points; slow, and matrices share their numbers."""
    width, height, below = TextToPath().get_text_width_height_descent(text, letters.font, ismath=False)
    return width, height - below, below


def draw_words(
    renderer: Any,
    words: Sequence[tuple[float, float, str]],
    letters: Letters,
    anchor: Anchor = "middle",
    *,
    upright: bool = False,
) -> None:
    """Draw texts of one look at once.

    Args:
        renderer: matplotlib's; an SVG gets anchors, so that another font does not move the words.
        words: `x`, `y` of the anchor on the base line, in pixels from the lower left corner, and the text.
        letters: how they look.
        anchor: which part of each text lies on its point.
        upright: turned by 90 degrees, to be read from below.
    """
    height = renderer.get_canvas_width_height()[1]
    writer = None if mpl.rcParams["svg.fonttype"] == "path" else getattr(renderer, "writer", None)
    if writer is not None:
        style = f"fill: {letters.colour}; font-weight: {700 if letters.bold else 400}; font-size: {letters.size:g}px; "
        writer.start("g", style=f"{style}font-family: '{_FAMILY}'; text-anchor: {anchor}")
        for x, y, text in words:
            place = {"x": f"{x:.2f}", "y": f"{height - y:.2f}"}
            turned = {"transform": f"rotate(-90 {x:.2f} {height - y:.2f})"} if upright else {}
            writer.element("text", text, attrib=place | turned)
        writer.end("g")
        return
    graphics = renderer.new_gc()
    graphics.set_foreground(letters.colour)
    scale, font = renderer.points_to_pixels(1.0) * _BEFORE[anchor], letters.font
    for x, y, text in words:
        before = measured(text, letters)[0] * scale
        left, base = (x, y - before) if upright else (x - before, y)
        base = height - base if renderer.flipy() else base
        renderer.draw_text(graphics, left, base, text, font, 90.0 if upright else 0.0, ismath=False)
    graphics.restore()


class Labels(Artist):
    """Short texts of one size.

    Attributes:
        entries: the texts.
        size: of the type, in points.
        align: where they stand; beside a point there are 4 points between.
    """

    def __init__(self, entries: Sequence[Label], size: float, align: Align = "middle") -> None:
        super().__init__()
        self.entries = tuple(entries)
        self.size = size
        self.align = align
        self.set_zorder(3)

    def draw(self, renderer: Any) -> None:
        """Draw them, one style after another."""
        if not self.get_visible() or self.axes is None:
            return
        renderer.open_group("labels")
        for colour, bold in dict.fromkeys((entry.colour, entry.bold) for entry in self.entries):
            own = [entry for entry in self.entries if (entry.colour, entry.bold) == (colour, bold)]
            self._draw(renderer, own, Letters(self.size, colour, bold))
        renderer.close_group("labels")
        self.stale = False

    def _draw(self, renderer: Any, entries: Sequence[Label], letters: Letters) -> None:
        assert self.axes is not None
        gap, tall = (renderer.points_to_pixels(part) for part in (4.0, measured("0", letters)[1]))
        across, down, anchor = {
            "middle": (0.0, tall / 2, "middle"),
            "left of": (-gap, tall / 2, "end"),
            "below": (0.0, gap + tall, "middle"),
            "upright below": (tall / 2, gap, "end"),
        }[self.align]
        places = self.axes.transData.transform([(entry.x, entry.y) for entry in entries]).tolist()
        words = [(x + across, y - down, entry.text) for entry, (x, y) in zip(entries, places, strict=True)]
        draw_words(renderer, words, letters, anchor, upright=self.align == "upright below")
