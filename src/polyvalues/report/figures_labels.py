"""Thousands of short texts in one artist: numbers and tags of a matrix, many times faster than as single texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from matplotlib.artist import Artist
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import TextToPath
from matplotlib.transforms import IdentityTransform

Align = Literal["middle", "left of", "below", "upright below"]
"""Where a text stands: on its point, or beside it; upright: turned by 90 degrees."""


@dataclass(frozen=True)
class Label:
    """A short text at `x`, `y` in the data of its axes."""

    x: float | int
    y: float | int
    text: str
    colour: str
    bold: bool = False


@lru_cache(maxsize=4096)
def _width(text: str, size: float, bold: bool) -> float:
    """Of a text, in points: measuring is slow, and matrices share their numbers."""
    font = FontProperties(family=["DejaVu Sans"], size=size, weight=700 if bold else 400)
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0]


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
            self._draw(
                renderer, own, FontProperties(family=["DejaVu Sans"], size=self.size, weight=700 if bold else 400)
            )
        renderer.close_group("labels")
        self.stale = False

    def _draw(self, renderer: Any, entries: Sequence[Label], font: FontProperties) -> None:
        """Texts of one style. SVG gets an anchor, so that another font does not move them; the rest their left ends."""
        assert self.axes is not None
        ha = "right" if self.align == "left of" else "center"
        anchor = Text(ha=ha, color=entries[0].colour, fontproperties=font, transform=IdentityTransform())
        graphics = renderer.new_gc()
        graphics.set_foreground(entries[0].colour)
        gap = renderer.points_to_pixels(4.0)
        tall = renderer.get_text_width_height_descent("0", font, ismath=False)[1]
        page = renderer.get_canvas_width_height()[1] if renderer.flipy() else 0.0
        scale = renderer.points_to_pixels(1.0)
        places = self.axes.transData.transform([(entry.x, entry.y) for entry in entries]).tolist()
        for entry, (x, y) in zip(entries, places, strict=True):
            wide, angle = _width(entry.text, self.size, entry.bold) * scale, 0.0
            left, base = x - wide / 2, y - tall / 2
            if self.align == "left of":
                x -= gap
                left = x - wide
            elif self.align == "below":
                base = y - gap - tall
            elif self.align == "upright below":
                left, base, angle = x + tall / 2, y - gap - wide, 90.0
            anchor.set_position((x, y))
            renderer.draw_text(
                graphics, left, page - base if page else base, entry.text, font, angle, ismath=False, mtext=anchor
            )
        graphics.restore()
