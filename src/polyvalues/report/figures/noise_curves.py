"""Damaged texts and measured quality: recognition against dose, and against the quality of translations."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, TARGET
from polyvalues.report.figures.artists.scales import panels
from polyvalues.report.figures.style import BLUE, INK, MUTED, VERMILION, drawable, styled
from polyvalues.report.formatting import number

_COLOURS = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5f6b7a")


@styled
def noise(data: xr.Dataset) -> Figure:
    """Recognition above chance, averaged over languages, against dose: a panel per kind, a line per concept."""
    kinds, concepts = ([str(name) for name in data[dim].values] for dim in ("damage", CONCEPT))
    page, parts = panels(len(kinds), "dose", "accuracy above chance", title=0.32, below=0.2)
    doses = data["dose"].values
    for axes, kind in zip(parts, kinds, strict=True):
        axes.axhline(0, color=MUTED, linewidth=0.8)
        for at, concept in enumerate(concepts):
            own = data["value"].sel({"damage": kind, CONCEPT: concept, "conclusion": "above_chance"})
            estimate, lower, upper = own.sel({INTERVAL: list(BOUNDS)}).transpose(INTERVAL, "dose").values
            colour = _COLOURS[at % len(_COLOURS)]
            axes.plot(doses, estimate, "-o", color=colour, markersize=3, linewidth=1.3, gid=f"curve-{concept}")
            axes.fill_between(doses, lower, upper, color=colour, alpha=0.12, linewidth=0)
        axes.set_title(drawable(kind), loc="left", fontsize=9, color=INK, pad=5)
    handles = [
        Line2D([], [], color=_COLOURS[at % len(_COLOURS)], label=drawable(concept))
        for at, concept in enumerate(concepts)
    ]
    page.figure.legend(handles=handles, loc="lower left", ncols=min(7, len(handles)), borderaxespad=0.2)
    page.heading("Recognition of damaged texts", "own vectors, mean over languages; shaded: interval")
    return page.figure


@styled
def quality(data: xr.Dataset) -> Figure:
    """Accuracy of each language against the mean quality of its tested texts, one panel per concept."""
    concepts, tags = ([str(name) for name in data[dim].values] for dim in (CONCEPT, TARGET))
    page, parts = panels(len(concepts), "mean quality", "accuracy", title=0.32, below=0.2)
    for axes, concept in zip(parts, concepts, strict=True):
        own = data.sel({CONCEPT: concept})
        x, y = own["mean_quality"].values, own["accuracy"].values
        axes.plot(x, y, "o", color=BLUE, markersize=3.5, gid="languages")
        for at in np.flatnonzero(np.isfinite(x) & np.isfinite(y)):
            axes.annotate(drawable(tags[at]), (x[at], y[at]), xytext=(3, 2), textcoords="offset points", fontsize=6.5)
        rho, p = float(own["rho"]), float(own["p"])
        words = f": rho = {number(rho, signed=True)}, p = {p:.2g}" if np.isfinite(rho) else ""
        axes.set_title(drawable(concept) + words, loc="left", fontsize=8.5, color=INK, pad=5)
    page.heading("Recognition and quality of translations", "a point per language")
    return page.figure
