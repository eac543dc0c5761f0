"""The cells of a matrix as one path per colour: smaller files, drawn many times faster than cell by cell."""

from typing import Any

import numpy as np
from jaxtyping import Float64
from matplotlib.artist import Artist
from matplotlib.colors import Colormap, Normalize
from matplotlib.path import Path

_SQUARE = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
_CODES = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]


class Cells(Artist):
    """Squares around whole numbers: column across, row down.

    Attributes:
        values: `[row, column]`; NaN is not drawn.
        colours: of the values.
        limits: values at both ends of the colours.
    """

    def __init__(
        self, values: Float64[np.ndarray, "row column"], colours: Colormap, limits: tuple[float, float]
    ) -> None:
        super().__init__()
        self.values = values
        self.colours = colours
        self.limits = limits
        self.set_zorder(0.5)

    def draw(self, renderer: Any) -> None:
        """Draw them, one colour after another; cells do not overlap, so their order is free."""
        if not self.get_visible() or self.axes is None:
            return
        renderer.open_group("cells")
        rows, columns = np.nonzero(np.isfinite(self.values))
        shades = self.colours(Normalize(*self.limits)(self.values[rows, columns]), bytes=True)
        graphics = renderer.new_gc()
        graphics.set_foreground("white")
        graphics.set_linewidth(0.5)
        for shade in np.unique(shades, axis=0):
            own = (shades == shade).all(axis=1)
            corners = np.stack([columns[own], rows[own]], axis=1)[:, None, :] + _SQUARE
            path = Path(corners.reshape(-1, 2), _CODES * int(own.sum()))
            red, green, blue, _ = (int(part) / 255 for part in shade)
            renderer.draw_path(graphics, path, self.axes.transData, (red, green, blue, 1.0))
        graphics.restore()
        renderer.close_group("cells")
        self.stale = False
