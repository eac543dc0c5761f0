"""Matrices of source and target languages, a panel per model: what figures 4, 5, 7 and 8 of the paper share.

Languages of a panel are those its model was measured in, with the largest training share first, as in the authors'
figures. Panels share one colour scale. A cell carries its number as far as it can be read, in hundredths where space is
short.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from polyvalues.dimensions import MODEL, SOURCE, TARGET
from polyvalues.report.figures.heatmaps import readable, short
from polyvalues.report.figures.paper.paper_style import POINT, PaperFigure, Style, dressed, heading, protocols_of
from polyvalues.report.figures.style import INK, MUTED, Page, bare
from polyvalues.report.views import layer_words, listed_models

NOTHING = "#cdd3db"
"""Of a cell that is the language itself, or was not measured: darker than the middle of every scale."""

_SIDE_BY_SIDE = 3
"""Models of figures 4 and 5 at most."""

READ = "Grey: the language itself, or not measured; numbers without a point are hundredths."
"""How cells are read, for a caption."""


@dataclass(frozen=True)
class Matrices:
    """What is drawn.

    Attributes:
        quantity: the variable of the data.
        colours, limits: how numbers become colours.
        label: of the colour bar.
        title: of a talk's figure.
        signed: whether `+` is written.
        directed: whether rows and columns differ, so that they are named.
    """

    quantity: str
    colours: Colormap
    limits: tuple[float, float]
    label: str
    title: str
    signed: bool
    directed: bool


@dataclass(frozen=True)
class _Grid:
    """Where panels go, in inches: `side` of a panel, distances between panels, what lies around them.

    `upright`: the colour bar stands on the right, where the height of a screen is what limits a single panel.
    """

    columns: int
    rows: int
    side: float
    across: float
    down: float
    left: float
    top: float
    bottom: float
    tag: float
    turned: bool
    upright: bool


def order_of(data: xr.Dataset, model: str) -> list[str]:
    """Languages of a model's panel, in order."""
    rank = data["rank"].sel({MODEL: model})
    there = rank.where(rank >= 0, drop=True)
    return [str(tag) for tag in there.sortby(there)[TARGET].values]


def order_words(data: xr.Dataset) -> str:
    """How languages are ordered, for a caption."""
    known = np.isfinite(data["share"].values[data["rank"].values >= 0])
    if known.all():
        return "Languages by training share, largest first."
    return "Languages by training share where it is known." if known.any() else "Languages by family."


def matrices(data: xr.Dataset, what: Matrices, style: Style, *, width: float, one_row: bool) -> Figure:
    """Draw a panel per model.

    Args:
        data: `what.quantity` `[model, source, target]` and `rank` `[model, target]`, as in
            `analysis.across_models.concept_means`.
        what: how it is drawn.
        style: the look.
        width: of the figure, in inches.
        one_row: whether all panels stand side by side.
    """
    names = [str(name) for name in data[MODEL].values]
    orders = [order_of(data, name) for name in names]
    with dressed(style):
        grid = _grid(orders, what, style, width, one_row=one_row)
        height = style.height or grid.top + grid.rows * grid.down + grid.bottom
        page = Page.blank(width, height)
        spare = (width - grid.left - grid.columns * grid.across) / 2
        for index, (name, order) in enumerate(zip(names, orders, strict=True)):
            row, column = divmod(index, grid.columns)
            left = max(0.0, spare) + grid.left + column * grid.across + grid.tag
            top = grid.top + row * grid.down + 1.6 * style.size * POINT
            axes = page.axes(left, top, grid.side, grid.side)
            axes.set_title(style.shown(name, style.size, grid.side + 0.5 * grid.tag), loc="left", color=INK,
                           pad=0.35 * style.size)  # fmt: skip
            values = data[what.quantity].sel({MODEL: name, SOURCE: order, TARGET: order}).transpose(SOURCE, TARGET)
            _panel(axes, values.values, order, what, style, grid)
        if what.directed:
            _sides(page, grid, style, max(0.0, spare))
        _bar(page, grid, what, style, below=bool((data[what.quantity] < what.limits[0]).any()))
        if style.titled:
            heading(page, style, what.title, "mean over concepts, at the chosen layers; grey: the language itself")
    return page.figure


def _grid(orders: Sequence[Sequence[str]], what: Matrices, style: Style, width: float, *, one_row: bool) -> _Grid:
    """The arrangement with the largest panels that fits the style's page."""
    em = style.size * POINT
    tag = max((style.width_of(label, style.small) for order in orders for label in _tags(order, style)), default=0.0)
    tag += 0.6 * em
    most = max((len(order) for order in orders), default=1)
    upright = style.titled and len(orders) == 1
    left, top = (1.4 * em if what.directed else 0.3 * em), (1.15 if style.titled else 0.2 * em)
    bottom = (1.0 * em if what.directed else 0.0) + (0.3 * em if upright else 4.0 * em)
    tallest = style.height or style.tallest
    found: list[_Grid] = []
    for columns in [len(orders)] if one_row else range(1, len(orders) + 1):
        rows = -(-len(orders) // columns)
        room = (width - left) / columns - tag - 0.8 * em
        for turned in (False, True):
            over = 1.6 * em + (tag if turned else 1.6 * em) + 0.5 * em
            side = min(room, (tallest - top - bottom) / rows - over, style.cell * most)
            if turned or tag - 0.4 * em <= 0.95 * side / most:
                break
        grid = _Grid(columns, rows, side, side + tag + 0.8 * em, side + over, left, top, bottom, tag, turned, upright)
        found.append(grid)
    largest = max(grid.side for grid in found)
    return next(grid for grid in found if grid.side >= 0.95 * largest)


def _tags(order: Sequence[str], style: Style) -> list[str]:
    return [style.shown(tag, style.small, 6.5 * style.small * POINT) for tag in order]


def _panel(axes: Axes, values: np.ndarray, order: Sequence[str], what: Matrices, style: Style, grid: _Grid) -> None:
    """One matrix: cells, tags, numbers. The diagonal says nothing and stays grey."""
    size = max(len(order), 1)
    cell = grid.side / size
    cells = np.ma.masked_invalid(np.where(np.eye(len(order), dtype=bool), np.nan, values))
    axes.set_gid("panel")
    axes.set_facecolor(NOTHING)
    edges = np.arange(len(order) + 1) - 0.5
    axes.pcolormesh(edges, edges, cells, cmap=what.colours, vmin=what.limits[0], vmax=what.limits[1],
                    edgecolors="white", linewidth=0.3, clip_on=False)  # fmt: skip
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    bare(axes)
    small = min(style.small, 0.95 * cell / POINT)
    labels = _tags(order, style)
    axes.set_xticks(range(len(order)), labels, fontsize=small, rotation=90 if grid.turned else 0)
    axes.set_yticks(range(len(order)), labels, fontsize=small)
    axes.tick_params(axis="both", pad=0.25 * style.small)
    _numbers(axes, cells, what, style, cell)


def _numbers(axes: Axes, cells: np.ma.MaskedArray, what: Matrices, style: Style, cell: float) -> None:
    """Numbers in all cells at one size: two decimals, else hundredths, else none; an en dash where there is none."""
    there = [float(value) for value in cells.compressed()]
    for compact in (False, True):
        texts = [short(value, compact=compact, signed=what.signed) for value in there]
        widest = max((style.width_of(text, 1.0) for text in texts), default=POINT)
        size = min(style.small, 0.86 * cell / widest, 0.75 * cell / POINT)
        if size >= (style.least if compact else 0.8 * style.small):
            break
    else:
        return
    shades = what.colours(Normalize(*what.limits)(cells)).tolist()
    masked = np.ma.getmaskarray(cells)
    for row, column in np.ndindex(*cells.shape):
        if row == column:
            continue
        if masked[row, column]:
            words, colour = "–", MUTED
        else:
            value = float(cells[row, column])
            words, colour = short(value, compact=compact, signed=what.signed), readable(tuple(shades[row][column]))
        axes.text(column, row, words, ha="center", va="center_baseline", fontsize=size, color=colour)


def _sides(page: Page, grid: _Grid, style: Style, spare: float) -> None:
    """What rows and columns are, once for all panels."""
    em = style.size * POINT
    middle = grid.top + 1.6 * em + (grid.rows - 1) * grid.down / 2 + grid.side / 2
    page.text(spare + 0.9 * em, middle, "source language", rotation=90, ha="center", va="center", fontsize=style.size)
    centre = spare + grid.left + grid.tag + (grid.columns - 1) * grid.across / 2 + grid.side / 2
    below = grid.top + grid.rows * grid.down - 0.4 * em
    page.text(centre, below, "target language", ha="center", va="top", fontsize=style.size)


def _bar(page: Page, grid: _Grid, what: Matrices, style: Style, *, below: bool) -> None:
    """The colour bar, at the foot or on the right, with its label; what lies `below` it shares its lowest colour."""
    em = style.size * POINT
    long = min(grid.side, 22 * em) if grid.upright else min(0.42 * page.width, 22 * em)
    if grid.upright:
        left = (page.width + grid.left + grid.across) / 2 + 1.5 * em
        axes = page.axes(left, grid.top + 1.6 * em + (grid.side - long) / 2, 0.9 * em, long)
    else:
        left = 2.2 * em
        axes = page.axes(left, page.height - 3.2 * em, long, 0.9 * em)
    bar = page.figure.colorbar(
        ScalarMappable(Normalize(*what.limits), what.colours), cax=axes,
        orientation="vertical" if grid.upright else "horizontal", drawedges=False,
    )  # fmt: skip
    for spine in bar.ax.spines.values():
        spine.set_visible(False)
    low, high = what.limits
    marks = (low, (low + high) / 2, high)
    labels = [short(mark, compact=False, signed=what.signed) for mark in marks]
    bar.set_ticks(list(marks), labels=["≤ " + labels[0] if below else labels[0], *labels[1:]])
    bar.ax.tick_params(length=2)
    if grid.upright:
        bar.ax.set_title(style.shown(what.label, style.small, 2 * (page.width - left) - 2 * em), fontsize=style.small,
                         loc="left", color=INK, pad=0.6 * style.size)  # fmt: skip
        return
    room = page.width - left - long - 1.6 * em - 0.1
    page.text(left + long + 1.6 * em, page.height - 2.75 * em, style.shown(what.label, style.size, room), va="center",
              fontsize=style.size)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two figures of the paper that show one quantity.

    Attributes:
        variable: of `analysis.across_models.concept_means.concept_means`.
        word: in the names of the files.
        main, grid: their numbers.
        lead: how their captions begin.
    """

    variable: str
    word: str
    main: int
    grid: int
    lead: str

    def data(self, means: xr.Dataset) -> xr.Dataset:
        """What is drawn."""
        return means[[self.variable, f"{self.variable}_concepts", "rank", "share"]]

    def caption(self, data: xr.Dataset) -> str:
        """What is shown, in sentences."""
        names = [str(name) for name in data[MODEL].values]
        layers = layer_words(protocols_of(data))
        return f"{self.lead}, {layers}, mean over concepts; {listed_models(names)}. {order_words(data)} {READ}"


def side_by_side(pair: Pair, means: xr.Dataset, what: Matrices, style: Style) -> PaperFigure:
    """The first three models beside one another, or one as wide as a column."""
    data = first_models(pair.data(means))
    width = style.column if data.sizes[MODEL] == 1 else style.text
    figure = matrices(data, what, style, width=width, one_row=True)
    rest = means.sizes[MODEL] - data.sizes[MODEL]
    more = f" Figure {pair.grid} shows {rest} more." if rest else ""
    return PaperFigure(pair.main, f"figure{pair.main}-{pair.word}", pair.caption(data) + more, figure, data)


def all_models(pair: Pair, means: xr.Dataset, what: Matrices, style: Style) -> PaperFigure:
    """All models, as large as the page allows."""
    data = pair.data(means)
    figure = matrices(data, what, style, width=style.text, one_row=False)
    return PaperFigure(pair.grid, f"figure{pair.grid}-{pair.word}-all", pair.caption(data), figure, data)


def first_models(means: xr.Dataset) -> xr.Dataset:
    """Those that stand side by side."""
    return means.isel({MODEL: slice(_SIDE_BY_SIDE)})
