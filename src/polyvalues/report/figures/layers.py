"""Recognition over layers: each language's own vector on its own pairs, one panel per concept.

With up to five languages each has its own colour and its interval as a band. With more, all are drawn in grey and two
are named and coloured: the highest and the lowest estimate at the chosen layer. The random direction of every
language is drawn with them, and the chosen layer is marked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from polyvalues.artifacts import Findings
from polyvalues.dimensions import BOUNDS, CONCEPT, CONTROL, INTERVAL, LAYER, TARGET
from polyvalues.report.figures.artists.scales import Scale, scaled
from polyvalues.report.figures.style import (
    BLUE,
    FULL_WIDTH,
    INK,
    MUTED,
    RANDOM,
    VERMILION,
    Page,
    drawable,
    in_rows,
    styled,
)
from polyvalues.report.views import LanguageView, arrange, chosen_layers, concepts_of, layer_label, own

_COLOURS = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00")
_FAINT = "#a7c4dd"
_TOP, _TITLE, _TALL, _BELOW, _LEFT, _GAP = 0.62, 0.3, 1.75, 0.62, 0.5, 0.22


@styled
def accuracy_over_layers(findings: Findings, languages: Sequence[LanguageView]) -> Figure:
    """Own-language recognition at every layer, with intervals, the random direction and the chosen layer."""
    shown = arrange(findings, languages)
    tags = [language.tag for language in shown]
    curves = own(findings.recognition["accuracy"], tags).transpose(CONCEPT, TARGET, LAYER, INTERVAL)
    chosen = own(findings.recognition["chosen"], tags).transpose(CONCEPT, TARGET, INTERVAL)
    beside = findings.recognition["control"].sel({TARGET: tags, CONTROL: "random"})
    beside = beside.transpose(CONCEPT, TARGET, LAYER, INTERVAL)
    concepts = concepts_of(findings)
    page, panels = _grid(concepts)
    bottom, top = _limits([curves, beside])
    layers, bounds = curves[LAYER].values, {INTERVAL: list(BOUNDS)}
    numbers, finals, random = (part.sel(bounds).values for part in (curves, chosen, beside))
    for at, (axes, concept) in enumerate(zip(panels, concepts, strict=True)):
        axes.set_ylim(bottom, top)
        axes.axhline(0.5, color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)
        _together(axes, layers, random[at, ..., 0], color=RANDOM, linewidth=0.6, alpha=0.55, gid="random")
        _mark(axes, findings, concept, tags)
        _curves(axes, layers, dict(zip(tags, numbers[at], strict=True)), finals[at, :, 0])
        axes.set_title(drawable(concept), loc="left", fontsize=9, color=INK, pad=5)
        axes.set_xlabel(layer_label(findings))
    page.heading("Recognition over layers", "accuracy of each language's own vector on its own unseen pairs")
    _legend(page, findings, len(tags))
    return page.figure


def _grid(concepts: Sequence[str]) -> tuple[Page, list[Axes]]:
    rows, columns = in_rows(len(concepts), 3)
    wide = min(5.2, (FULL_WIDTH - 0.1) / columns - _LEFT - _GAP)
    block = _TITLE + _TALL + _BELOW
    page = Page.blank(columns * (_LEFT + wide + _GAP) + 0.1, _TOP + rows * block + 0.25)
    panels = []
    for index in range(len(concepts)):
        row, column = divmod(index, columns)
        axes = page.axes(_LEFT + column * (_LEFT + wide + _GAP), _TOP + _TITLE + row * block, wide, _TALL)
        scaled(axes, Scale(), Scale(grid=0.6, line=False, marks=False))
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        panels.append(axes)
    return page, panels


def _limits(arrays: Sequence[xr.DataArray]) -> tuple[float, float]:
    """Room for all that is drawn, and at least 0.4 to 1."""
    seen = np.concatenate([array.sel({INTERVAL: BOUNDS[0]}).values.ravel() for array in arrays])
    low = min([0.42, *seen[np.isfinite(seen)].tolist()])
    return float(np.floor(low * 20) / 20), 1.02


def _curves(axes: Axes, layers: np.ndarray, curves: Mapping[str, np.ndarray], chosen: np.ndarray) -> None:
    """The languages of one concept: all in colour, or the two extremes in colour among the rest in grey.

    Args:
        axes: the panel.
        layers: across.
        curves: by language, `[layer, interval]`.
        chosen: estimates at the chosen layer, in the same order.
    """
    tags = list(curves)
    if len(tags) <= len(_COLOURS):
        colours = dict(zip(tags, _COLOURS, strict=False))
    else:
        ranked = [tags[index] for index in np.argsort(chosen, kind="stable") if np.isfinite(chosen[index])]
        colours = {ranked[-1]: BLUE, ranked[0]: VERMILION} if len(ranked) > 1 else dict.fromkeys(ranked, BLUE)
        rest = [curves[tag][:, 0] for tag in tags if tag not in colours]
        _together(axes, layers, np.stack(rest), color=_FAINT, linewidth=0.9, gid="others")
    ends: list[tuple[float, str, str]] = []
    for tag, colour in colours.items():
        estimate, lower, upper = curves[tag].T
        _together(axes, layers, estimate[None], color=colour, linewidth=1.7, gid=f"curve-{tag}")
        axes.fill_between(layers, lower, upper, color=colour, alpha=0.15, linewidth=0, zorder=2)
        if np.isfinite(estimate).any():
            ends.append((float(estimate[np.isfinite(estimate)][-1]), tag, colour))
    _tags(axes, ends)


def _together(axes: Axes, layers: np.ndarray, estimates: np.ndarray, **how: Any) -> None:
    """Curves `[curve, layer]` as one line with gaps: a hundred single lines take longer than the rest of the figure."""
    gap = np.full((len(estimates), 1), np.nan)
    across = np.concatenate([np.broadcast_to(layers, estimates.shape), gap], axis=1).ravel()
    up = np.concatenate([estimates, gap], axis=1).ravel()
    axes.plot(across[:-1], up[:-1], marker="o" if len(layers) == 1 else "", markersize=3, zorder=3, **how)


def _tags(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """The names of the coloured curves at their right ends, moved apart where they would touch."""
    bottom, top = axes.get_ylim()
    least = (top - bottom) * 0.085
    height = bottom - least
    for end, tag, colour in sorted(ends):
        height = max(end, height + least)
        axes.annotate(drawable(tag), (1.0, height), xycoords=("axes fraction", "data"), xytext=(3, 0),
                      textcoords="offset points", va="center", fontsize=8, color=colour, fontweight="bold",
                      annotation_clip=False)  # fmt: skip


def _mark(axes: Axes, findings: Findings, concept: str, tags: Sequence[str]) -> None:
    """The chosen layer: a line; under cross-fitting also the layers of the folds; per cell under the paper protocol."""
    data = findings.recognition
    if "cell_layer" in data:
        layers = own(chosen_layers(data, data), tags).sel({CONCEPT: concept}).values
        numbers = own(data["chosen"], tags).sel({CONCEPT: concept, INTERVAL: BOUNDS[0]}).values
        here = (layers >= 0) & np.isfinite(numbers)
        axes.plot(layers[here], numbers[here], "o", color=INK, markersize=3, zorder=5, gid="chosen")
        return
    layer = int(data["chosen_layer"].sel({CONCEPT: concept}))
    folds = data["fold_layer"].sel({CONCEPT: concept}).values
    if layer >= 0:
        axes.axvline(layer, color=INK, linewidth=0.9, zorder=2.5, gid="chosen")
        axes.annotate(str(layer), (layer, 1.0), xycoords=axes.get_xaxis_transform(), xytext=(3, 1),
                      textcoords="offset points", fontsize=7.5, color=INK, va="top")  # fmt: skip
    for other in sorted({int(fold) for fold in folds if fold >= 0} - {layer}):
        axes.plot([other], [0.0], "^", transform=axes.get_xaxis_transform(), color=INK, markersize=4, zorder=5,
                  clip_on=False, gid="fold")  # fmt: skip


def _legend(page: Page, findings: Findings, languages: int) -> None:
    per_cell = "cell_layer" in findings.recognition
    folds, layers = findings.recognition["fold_layer"], findings.recognition["chosen_layer"]
    handles = []
    if languages > len(_COLOURS):
        handles = [
            Line2D([], [], color=BLUE, linewidth=1.7, label="highest"),
            Line2D([], [], color=VERMILION, linewidth=1.7, label="lowest"),
            Line2D([], [], color=_FAINT, linewidth=0.9, label="other languages"),
        ]
    handles.append(Line2D([], [], color=RANDOM, linewidth=0.6, label="random directions"))
    line, dot = ("none", "o") if per_cell else ("-", "")
    handles.append(
        Line2D([], [], color=INK, linewidth=0.9, linestyle=line, marker=dot, markersize=3, label="chosen layer")
    )
    if not per_cell and bool(((folds >= 0) & (folds != layers)).any()):
        label = "chosen with a fold left out"
        handles.append(Line2D([], [], color=INK, marker="^", linestyle="none", markersize=4, label=label))
    page.figure.legend(
        handles=handles, loc="lower left", ncols=len(handles), bbox_to_anchor=(0.02, 0.0), borderaxespad=0.2,
        columnspacing=1.4, handletextpad=0.5, labelcolor=MUTED,
    )  # fmt: skip
