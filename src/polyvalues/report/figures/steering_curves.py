"""Control in pictures: dose and response of each target, effect against cost, and the matrix of sources and targets."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from polyvalues.dimensions import INTERVAL, SOURCE, TARGET
from polyvalues.report.figures.style import (
    BLUE,
    EMPTY,
    FULL_WIDTH,
    INK,
    MUTED,
    RULE,
    VERMILION,
    Page,
    bare,
    drawable,
    in_rows,
    styled,
)
from polyvalues.report.formatting import number

_WIDE, _TALL, _GAP, _TOP = 2.0, 1.35, 0.62, 0.85


@styled
def dose_response(trials: pd.DataFrame, behaviour: str) -> Figure:
    """Rates against strength, a panel per target: the blocks and the gate that were chosen, or came closest."""

    def draw(axes: Axes, own: pd.DataFrame) -> None:
        curve = own.loc[own["shown"]].sort_values(by="strength")
        base = own.iloc[0]
        x = curve["strength"].to_numpy()
        for name, colour in (("effect", BLUE), ("benign", VERMILION), ("language", MUTED)):
            axes.plot(x, curve[name].to_numpy(), "-o", color=colour, markersize=3, linewidth=1.2)
            axes.axhline(base[f"base_{name}"], color=colour, linewidth=0.7, linestyle=(0, (2, 2)))
        chosen = curve.loc[curve["chosen"]]
        if len(chosen):
            axes.axvline(float(chosen["strength"].iloc[0]), color=INK, linewidth=0.8)
        axes.set_xscale("log")
        ends = sorted({float(x.min()), float(np.sqrt(x.min() * x.max())), float(x.max())})
        axes.set_xticks(ends, [f"{value:.2g}" for value in ends])
        axes.minorticks_off()
        axes.set_ylim(-0.04, 1.04)

    page = _panels(trials, draw, "strength, in mean lengths of hidden states", "rate")
    page.heading(
        "Dose and response on the choosing prompts",
        f"blue: {behaviour} on violating prompts; red: willing answers on upholding ones; grey: language kept; "
        "dashed: unsteered; black: chosen",
    )
    return page.figure


@styled
def effect_and_cost(trials: pd.DataFrame, behaviour: str) -> Figure:
    """Every trial of the search: effect against willingness lost; the line joins those that no other beats."""

    def draw(axes: Axes, own: pd.DataFrame) -> None:
        lost = (own["base_benign"] - own["benign"]).to_numpy()
        effect = own["effect"].to_numpy()
        axes.plot(lost, effect, "o", color=RULE, markersize=2.5)
        front = own.loc[own["front"]].sort_values(by="benign", ascending=False)
        axes.plot((front["base_benign"] - front["benign"]).to_numpy(), front["effect"].to_numpy(), "-o", color=BLUE,
                  markersize=3, linewidth=1.2)  # fmt: skip
        axes.axhline(float(own["base_effect"].iloc[0]), color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)))
        chosen = own.loc[own["chosen"]]
        axes.plot(
            (chosen["base_benign"] - chosen["benign"]).to_numpy(), chosen["effect"].to_numpy(), "o", color=VERMILION,
            markersize=5.5, zorder=4,
        )  # fmt: skip
        axes.set_ylim(-0.04, 1.04)

    page = _panels(trials, draw, "willing answers lost on upholding prompts", behaviour)
    page.heading(
        "Effect and cost of every setting tried",
        f"a point per setting, on the choosing prompts; line: no other has more {behaviour} for less; red: chosen; "
        "dashed: unsteered",
    )
    return page.figure


@styled
def control_matrix(findings: xr.Dataset, alone: Sequence[str] = ()) -> Figure:
    """Change of the behaviour on violating test prompts, source by target; targets left alone stay grey."""
    sources, targets = (list(map(str, findings[name].values)) for name in (SOURCE, TARGET))
    steered = ~findings[TARGET].isin(list(alone))
    values = findings["matrix"].sel({INTERVAL: "estimate"}).where(steered).values
    low, high = (findings["matrix"].sel({INTERVAL: bound}).values for bound in ("lower", "upper"))
    side = min(0.52, (FULL_WIDTH - 1.2) / max(len(targets), 1))
    page = Page.blank(FULL_WIDTH, 1.35 + side * len(sources) + 0.2)
    axes = page.axes(0.6, 1.05, side * len(targets), side * len(sources))
    edge = float(np.nanmax(np.abs(values), initial=0.05))
    axes.set_facecolor(EMPTY)
    axes.imshow(values, cmap=colormaps["PuOr"], vmin=-edge, vmax=edge, aspect="auto")
    for row, column in np.ndindex(*values.shape):
        value = values[row, column]
        if np.isfinite(value):
            sure = low[row, column] > 0 or high[row, column] < 0
            axes.text(
                column, row, number(100 * float(value), digits=0, signed=True), ha="center", va="center", fontsize=6.5,
                fontweight="bold" if sure else "normal", color="white" if abs(value) > 0.55 * edge else INK,
            )  # fmt: skip
    axes.set_xticks(range(len(targets)), [drawable(tag) for tag in targets])
    axes.set_yticks(range(len(sources)), [drawable(tag) for tag in sources])
    axes.xaxis.tick_top()
    bare(axes)
    page.heading(
        "Control, source to target",
        f"change of {findings.attrs['behaviour']} on violating test prompts, in points; rows: the vector's language; "
        "bold: the interval leaves out 0; grey: left alone",
    )
    return page.figure


def _panels(trials: pd.DataFrame, draw: Callable[[Axes, pd.DataFrame], None], across: str, up: str) -> Page:
    targets: Sequence[str] = list(dict.fromkeys(trials["target"]))
    rows, columns = in_rows(len(targets), 4)
    page = Page.blank(FULL_WIDTH, _TOP + rows * (_TALL + _GAP) + 0.25)
    for at, target in enumerate(targets):
        row, column = divmod(at, columns)
        axes = page.axes(0.6 + column * (_WIDE + 0.45), _TOP + row * (_TALL + _GAP), _WIDE, _TALL)
        own = trials.loc[trials["target"] == target]
        draw(axes, own)
        axes.set_title(drawable(target), fontsize=9, loc="left", pad=3)
        axes.grid(visible=True, color=RULE, linewidth=0.5)
        axes.set_axisbelow(True)
        if column == 0:
            axes.set_ylabel(drawable(up))
        if at + columns >= len(targets):
            axes.set_xlabel(drawable(across), fontsize=7)
    return page
