"""Several studies in one figure: traits against the training mixture, and recognition by language and share."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from polyvalues.dimensions import BOUNDS, INTERVAL
from polyvalues.report.figures.style import FULL_WIDTH, INK, MUTED, RULE, Page, drawable, styled

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_SHOWN = ("within", "cross", "transfer", "cosine", "slope")
_SAID = {"dominance": "largest language, %", "entropy": "entropy, bits", "over_one": "languages over 1 %"}
_TALL, _WIDE, _GAP = 1.55, 2.55, 0.55


@styled
def traits_against_mixture(table: xr.Dataset) -> Figure:
    """A point per model with its interval; rows are traits, columns the three numbers of the mixture."""
    names = [str(name) for name in table["study"].values]
    kinds = [str(kind) for kind in table["mixture"].values]
    page = Page.blank(FULL_WIDTH, 0.75 + len(_SHOWN) * (_TALL + _GAP) + 0.3)
    for row, trait in enumerate(_SHOWN):
        values = table["trait_value"].sel({"trait": trait, INTERVAL: list(BOUNDS)}).values
        for column, kind in enumerate(kinds):
            axes = page.axes(0.75 + column * (_WIDE + _GAP), 0.75 + row * (_TALL + _GAP), _WIDE, _TALL)
            cell = table.sel(trait=trait, mixture=kind)
            _points(axes, cell["mixture_value"].values, values)
            rho = float(cell["rho"])
            said = (
                f"rho {rho:+.2f}, p {float(cell['p']):.2g}, n {int(cell['n'])}"
                if np.isfinite(rho)
                else "too few models"
            )
            axes.set_title(said, loc="right", fontsize=7.5, color=MUTED, pad=3)
            if column == 0:
                axes.set_ylabel(trait.replace("_", " "))
            if row == len(_SHOWN) - 1:
                axes.set_xlabel(_SAID[kind])
    page.heading(
        "Traits of models and their training mixtures", "a point per model, with its interval; p by permuting models"
    )
    _legend(page, names)
    return page.figure


@styled
def recognition_by_share(table: xr.Dataset) -> Figure:
    """Own-language recognition, mean over concepts, against the language's share; a colour per model."""
    names = [str(name) for name in table["study"].values]
    page = Page.blank(FULL_WIDTH, 4.6)
    axes = page.axes(0.7, 0.75, FULL_WIDTH - 0.95, 3.15)
    for at, name in enumerate(names):
        share, own = (table[key].sel(study=name).values for key in ("share", "own"))
        here = np.isfinite(share) & np.isfinite(own) & (share > 0)
        colour = COLOURS[at % len(COLOURS)]
        axes.plot(share[here], own[here], "o", color=colour, markersize=4.5, gid=f"study-{at}")
        for x, y, tag in zip(share[here], own[here], table["target"].values[here], strict=True):
            axes.annotate(
                drawable(str(tag)), (x, y), xytext=(3, 3), textcoords="offset points", fontsize=6.5, color=MUTED
            )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axhline(0.5, color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)))
    axes.set_xlabel("training share, %")
    axes.set_ylabel("accuracy")
    axes.grid(visible=True, color=RULE, linewidth=0.5)
    page.heading(
        "Recognition by training share", "each language's own vector on its own unseen pairs, mean over concepts"
    )
    _legend(page, names)
    return page.figure


def _points(axes: Axes, across: np.ndarray, values: np.ndarray) -> None:
    for at, (x, (y, low, high)) in enumerate(zip(across, values, strict=True)):
        if np.isfinite(x) and np.isfinite(y):
            colour = COLOURS[at % len(COLOURS)]
            axes.vlines([x], [low], [high], color=colour, linewidth=1.4)
            axes.plot([x], [y], "o", color=colour, markersize=4.5, gid=f"study-{at}")
    axes.margins(0.15)
    axes.grid(visible=True, color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)


def _legend(page: Page, names: list[str]) -> None:
    handles = [
        page.figure.axes[0].plot([], [], "o", color=COLOURS[at % len(COLOURS)], label=drawable(name))[0]
        for at, name in enumerate(names)
    ]
    page.figure.legend(
        handles=handles, loc="lower right", ncols=min(4, len(names)), bbox_to_anchor=(1.0, 0.0), labelcolor=INK
    )
