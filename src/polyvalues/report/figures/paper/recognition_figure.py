"""Figure 2 of the paper: recognition of every language by its own vector, a bar per model, mean over concepts.

Form after `draw_res_all` in the authors' `recognize_concept.py`: languages across, a bar per model in each, percent up,
models named above in three columns, and a dashed line that joins the models of one language. Two things differ. The
axis begins at chance (50 %) or, where a bar is shorter, below it, not just under the shortest bar, so the height of a
bar means something. The line is drawn for two or three models, like the three of one size that the authors join.
"""

from itertools import cycle

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from polyvalues.dimensions import BOUNDS, INTERVAL, MODEL, TARGET
from polyvalues.report.figures.paper.paper_style import POINT, PaperFigure, Style, dressed, heading, protocols_of
from polyvalues.report.figures.style import INK, MUTED, RULE, Page
from polyvalues.report.views import layer_words, listed_models

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Okabe and Ito (2008); after seven models they come again, hatched."""
HATCHES = ("", "////", "....")
TITLE = "Recognition by language and model"
_GROUP = 0.82
"""Share of a language's place that its bars take."""
_JOINED = (2, 3)


def recognition_bars(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 2.

    Args:
        means: as `analysis.across_models.concept_means.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `own`, and `own_concepts`, `protocol`. Intervals are drawn where they are known.
    """
    data = means[["own", "own_concepts"]].transpose(MODEL, TARGET, INTERVAL)
    names = [str(name) for name in data[MODEL].values]
    caption = (
        f"Accuracy of each language's own vector on its own unseen pairs, {layer_words(protocols_of(data))}, mean over "
        f"{_concepts(data['own_concepts'].values)}; {listed_models(names)}. {_axis(data)}"
    )
    with dressed(style):
        figure = _draw(data, names, style)
    return PaperFigure(2, "figure2-recognition", caption, figure, data)


def _draw(data: xr.Dataset, names: list[str], style: Style) -> Figure:
    tags = [str(tag) for tag in data[TARGET].values]
    pad = 0.5 * style.size * POINT
    left = 2 * pad + style.width_of("100%", style.small) + 2.2 * style.size * POINT
    wide = style.text - left - pad
    labels, rotation, below = _labels(tags, wide / len(tags), style)
    rows = -(-len(names) // 3)
    above = rows * 1.45 * style.small * POINT + 2 * pad + (1.15 if style.titled else 0)
    tall = style.height - above - below if style.height else 1.55
    page = Page.blank(style.text, above + tall + below)
    axes = page.axes(left, above, wide, tall)
    _bars(axes, data, names)
    axes.set_xticks(range(len(tags)), labels, rotation=rotation, fontsize=_tick(wide / len(tags), style))
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, len(tags) - 0.5)
    axes.set_ylabel("accuracy")
    _name(page, axes, names, style)
    if style.titled:
        heading(page, style, TITLE, "each language's own vector on its own unseen pairs, mean over concepts")
    return page.figure


def _bars(axes: Axes, data: xr.Dataset, names: list[str]) -> None:
    values = data["own"].sel({INTERVAL: list(BOUNDS)}).values
    places = np.arange(values.shape[1])
    width = _GROUP / len(names)
    tops = []
    bottom = axis_bottom(data)
    for at, (colour, hatch) in enumerate(_looks(len(names))):
        here = np.isfinite(values[at, :, 0])
        x = places + (at - (len(names) - 1) / 2) * width
        estimate, lower, upper = values[at].T
        axes.bar(x[here], estimate[here] - bottom, width, bottom=bottom, color=colour, hatch=hatch, edgecolor=INK,
                 linewidth=0.5, zorder=2, gid=f"model-{at}")  # fmt: skip
        sure = here & np.isfinite(lower) & np.isfinite(upper)
        axes.vlines(x[sure], lower[sure], upper[sure], color=INK, linewidth=0.8, zorder=3, gid=f"interval-{at}")
        for place in x[~here] if len(names) < 4 else ():
            axes.text(place, bottom, "–", ha="center", va="bottom", color=MUTED)
        tops.append(np.column_stack([x, estimate]))
    if len(names) in _JOINED:
        for line in np.stack(tops, axis=1):
            axes.plot(*line.T, "o--", color=INK, linewidth=0.7, markersize=1.6, zorder=4, clip_on=False, gid="joined")
    if bottom < 0.5:
        axes.axhline(0.5, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1.5, gid="chance")
    axes.set_ylim(bottom, 1.0)
    step = 1 if bottom >= 0.4 else 2
    axes.set_yticks([at / 10 for at in range(10, round(10 * bottom) - 1, -step)])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(visible=True, axis="y", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)


def axis_bottom(data: xr.Dataset) -> float:
    """Where bars begin: at chance, or the tenth below the lowest number drawn."""
    values = data["own"].values
    return float(np.floor(min([0.5, *values[np.isfinite(values)].tolist()]) * 10 + 1e-9) / 10)


def _looks(count: int) -> list[tuple[str, str]]:
    both = [(colour, hatch) for hatch in HATCHES for colour in COLOURS]
    return [look for _, look in zip(range(count), cycle(both), strict=False)]


def _tick(room: float, style: Style) -> float:
    """Points at which tags stand side by side, or one below another when turned."""
    return min(style.small, 0.9 * room / POINT)


def _labels(tags: list[str], room: float, style: Style) -> tuple[list[str], int, float]:
    """Tags as drawn, how far they are turned, and the inches they need below the axis."""
    size = _tick(room, style)
    labels = [style.shown(tag, size, 1.6 * style.size * 4 * POINT) for tag in tags]
    widest = max(style.width_of(label, size) for label in labels)
    pad = style.size * POINT
    return (labels, 90, widest + 1.4 * pad) if widest > 0.9 * room else (labels, 0, 2.3 * pad)


def _name(page: Page, axes: Axes, names: list[str], style: Style) -> None:
    """Models above the bars, in up to three columns."""
    columns = min(3, len(names))
    room = (page.width - 0.2) / columns - 4.2 * style.small * POINT
    handles = [handle for handle in axes.containers if handle is not None]
    page.figure.legend(
        handles=handles, labels=[style.shown(name, style.small, room) for name in names], ncols=columns,
        loc="upper center", bbox_to_anchor=(0.5, 1 - (1.1 / page.height if style.titled else 0)), borderaxespad=0.2,
        handlelength=1.4, handletextpad=0.5, columnspacing=1.2,
    )  # fmt: skip


def _concepts(counts: np.ndarray) -> str:
    there = sorted({int(count) for count in counts.ravel() if count})
    if not there:
        return "no concept"
    if len(there) == 1:
        return f"{there[0]} concept{'s' if there[0] > 1 else ''}"
    return f"the {there[0]} to {there[-1]} concepts that were measured"


def _axis(data: xr.Dataset) -> str:
    bottom = axis_bottom(data)
    begin = "at chance (50 %)." if bottom == 0.5 else f"at {100 * bottom:.0f} %; dashed: chance."
    bounded = bool(np.isfinite(data["own"].sel({INTERVAL: "lower"}).values).any())
    return f"The axis begins {begin}" + (" Lines: intervals." if bounded else "")
