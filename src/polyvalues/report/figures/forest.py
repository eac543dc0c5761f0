"""One number per language and concept, as a point with its interval: recognition with its controls, reliability.

One row per language, in family order, and one panel per concept, so that a language is read across all concepts at
once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator, StrMethodFormatter

from polyvalues.artifacts import Findings
from polyvalues.dimensions import BOUNDS, CONCEPT, CONTROL, CONTROLS, INTERVAL, SOURCE, TARGET
from polyvalues.report.content import Beside
from polyvalues.report.figures.artists.labels import Letters
from polyvalues.report.figures.artists.scales import Scale, marked, scaled
from polyvalues.report.figures.style import (
    BLUE,
    CONTROL_COLOURS,
    CONTROL_NAMES,
    FULL_WIDTH,
    INK,
    MUTED,
    RULE,
    Page,
    drawable,
    in_rows,
    segments,
    styled,
)
from polyvalues.report.views import LanguageView, arrange, concepts_of, family_blocks, own

_ROW = 0.27
_TOP, _PANEL_TITLE, _BOTTOM = 0.62, 0.26, 0.62
_FAMILY, _TAG = 1.25, 0.55
_LONGEST = 18
"""Characters of a family name that fit into the margin."""
_TICKS = ((0.8, 0.5), (0.45, 0.25), (0.3, 0.2), (0.15, 0.1))
"""Widths of the value axis above which ticks are so far apart."""
_OFFSET = {"random": 0.2, "permuted": 0.36}


@dataclass(frozen=True)
class _Frame:
    """What all panels of one figure share: `limits` of the value axis, `reference` (or None) and the axis `label`."""

    limits: tuple[float, float]
    reference: float | None
    label: str


@styled
def accuracy_by_language(findings: Findings, languages: Sequence[LanguageView]) -> Figure:
    """Recognition of each language's pairs by its own vector, at the chosen layer, with both controls beside it."""
    shown = arrange(findings, languages)
    tags = [language.tag for language in shown]
    values = own(findings.recognition["chosen"], tags).transpose(CONCEPT, TARGET, INTERVAL)
    beside = findings.recognition["control_chosen"].sel({TARGET: tags})
    beside = beside.transpose(CONCEPT, TARGET, CONTROL, INTERVAL)
    frame = _Frame(_limits([values, beside], 0.5, 1.0), 0.5, "accuracy")
    page, panels = _grid(concepts_of(findings), shown, frame)
    numbers = values.sel({INTERVAL: list(BOUNDS)}).values
    controls = beside.sel({INTERVAL: list(BOUNDS), CONTROL: list(CONTROLS)}).values
    for axes, points, rows in zip(panels, numbers, controls, strict=True):
        for at, control in enumerate(CONTROLS):
            _bars(axes, rows[:, at], control)
        _points(axes, points)
    page.heading("Recognition by language", "each language's own vector on its own unseen pairs, at the chosen layer")
    _legend(page, with_controls=True)
    return page.figure


@styled
def reliability(findings: Findings, languages: Sequence[LanguageView]) -> Figure:
    """Reliability of each language's vector at the chosen layer: how well two halves of its pairs agree on it."""
    shown = arrange(findings, languages)
    tags = [language.tag for language in shown]
    values = findings.consistency["reliability_chosen"].sel({SOURCE: tags}).transpose(CONCEPT, SOURCE, INTERVAL)
    frame = _Frame(_limits([values], 0.5, 1.0), None, "reliability")
    page, panels = _grid(concepts_of(findings), shown, frame)
    for axes, points in zip(panels, values.sel({INTERVAL: list(BOUNDS)}).values, strict=True):
        _points(axes, points)
    page.heading("Reliability of the vectors", "agreement of vectors fitted on two halves of the pairs (1: no noise)")
    _legend(page, with_controls=False)
    return page.figure


@styled
def exclusion(findings: Findings, languages: Sequence[LanguageView], beside: Beside) -> Figure:
    """Change of each language's own accuracy when pairs whose translation is flagged are left out."""
    shown = arrange(findings, languages)
    change = own(beside.exclusion["change"].sel({"excluded": "own"}), [language.tag for language in shown])
    seen = np.abs(change.values)
    reach = 1.25 * float(np.ceil(np.max(seen[np.isfinite(seen)], initial=0.05) * 20 - 1e-9) / 20)
    frame = _Frame((-reach, reach), 0.0, "change")
    page, panels = _grid(concepts_of(findings), shown, frame)
    numbers = change.transpose(CONCEPT, TARGET, INTERVAL).sel({INTERVAL: list(BOUNDS)}).values
    for axes, points in zip(panels, numbers, strict=True):
        _points(axes, points)
    page.heading("What leaving out flagged translations changes", "accuracy without them, minus accuracy with them")
    _legend(page, with_controls=False)
    return page.figure


def _limits(arrays: Sequence[xr.DataArray], low: float, high: float) -> tuple[float, float]:
    """An axis from `low` to `high`, longer where a number needs it, in steps of 0.1."""
    seen = np.concatenate([array.values.ravel() for array in arrays])
    seen = seen[np.isfinite(seen)]
    low = min([low, *seen.tolist()])
    high = max([high, *seen.tolist()])
    low, high = np.floor(low * 10 + 1e-9) / 10, np.ceil(high * 10 - 1e-9) / 10
    room = 0.04 * (high - low)  # for half of a point at either end
    return float(low - room), float(high + room)


def _grid(concepts: Sequence[str], languages: Sequence[LanguageView], frame: _Frame) -> tuple[Page, list[Axes]]:
    rows, columns = in_rows(len(concepts), 7)
    left = _FAMILY + _TAG
    wide = min(3.6, (FULL_WIDTH - left - 0.15 - 0.12 * (columns - 1)) / columns)
    tall = _ROW * len(languages) + 0.1
    block = _PANEL_TITLE + tall + _BOTTOM
    width = max(6.2, left + 0.15 + columns * wide + 0.12 * (columns - 1))
    page = Page.blank(width, _TOP + rows * block + 0.05)
    panels = []
    for index, concept in enumerate(concepts):
        row, column = divmod(index, columns)
        across, down = left + column * (wide + 0.12), _TOP + _PANEL_TITLE + row * block
        axes = page.axes(across, down, wide, tall)
        _dress(axes, languages, frame, concept)
        if column == 0:
            _names(axes, languages, wide)
        else:
            marked(axes.yaxis, [])
        panels.append(axes)
    return page, panels


def _dress(axes: Axes, languages: Sequence[LanguageView], frame: _Frame, concept: str) -> None:
    axes.set_title(drawable(concept), loc="left", fontsize=9, color=INK, pad=5)
    axes.set_xlim(*frame.limits)
    axes.set_ylim(len(languages) - 0.45, -0.65)
    width = frame.limits[1] - frame.limits[0]
    axes.xaxis.set_major_locator(MultipleLocator(next((step for least, step in _TICKS if width > least), 0.05)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel(frame.label)
    scaled(axes, Scale(grid=0.6), Scale(line=False, marks=False, letters=Letters(9.0, INK), pad=6.0))
    between = [first - 0.5 for _, first, _ in family_blocks(languages)[1:]]
    axes.add_line(segments([(frame.limits, (at, at)) for at in between], color=RULE, linewidth=0.8, zorder=0.5))
    if frame.reference is not None:
        axes.axvline(frame.reference, color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1)


def _names(axes: Axes, languages: Sequence[LanguageView], wide: float) -> None:
    """Tags, and family names in the margin, each at the top of its block."""
    marked(axes.yaxis, [drawable(language.tag) for language in languages])
    for family, first, _ in family_blocks(languages):
        axes.text(
            -(_FAMILY + _TAG - 0.1) / wide, first, _short(drawable(family)), transform=axes.get_yaxis_transform(),
            ha="left", va="center", fontsize=8, color=MUTED, clip_on=False,
        )  # fmt: skip


def _short(name: str) -> str:
    """A name that fits into the margin."""
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _points(axes: Axes, numbers: np.ndarray) -> None:
    """A point per row of `[row, interval]`, with its interval; words where there is no number."""
    rows = np.arange(len(numbers), dtype=np.float64)
    here = np.isfinite(numbers[:, 0])
    axes.add_line(segments(_across(numbers, rows), color=BLUE, linewidth=1.6, zorder=3))
    axes.plot(numbers[here, 0], rows[here], "o", color=BLUE, markersize=4.2, markeredgecolor="white",
              markeredgewidth=0.6, zorder=4, gid="points")  # fmt: skip
    for row in rows[~here]:
        axes.text(0.5, row, "not measured", transform=axes.get_yaxis_transform(), ha="center", va="center",
                  fontsize=6.5, color=MUTED)  # fmt: skip


def _bars(axes: Axes, numbers: np.ndarray, control: str) -> None:
    rows = np.arange(len(numbers)) + _OFFSET[control]
    here = np.isfinite(numbers[:, 0])
    colour = CONTROL_COLOURS[control]
    axes.add_line(segments(_across(numbers, rows), color=colour, linewidth=3.0, alpha=0.55, zorder=2))
    axes.plot(numbers[here, 0], rows[here], "|", color=colour, markersize=4.5, markeredgewidth=1.2, zorder=2.5,
              gid=f"control-{control}")  # fmt: skip


def _across(numbers: np.ndarray, rows: np.ndarray) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Intervals as lines; NaN gives none."""
    return [
        ((lower, upper), (row, row)) for (_, lower, upper), row in zip(numbers.tolist(), rows.tolist(), strict=True)
    ]


def _legend(page: Page, *, with_controls: bool) -> None:
    handles = [Line2D([], [], color=BLUE, marker="o", markersize=4.5, linewidth=1.6, label="estimate and interval")]
    if with_controls:
        handles += [
            Line2D([], [], color=CONTROL_COLOURS[name], linewidth=3, alpha=0.7, label=CONTROL_NAMES[name])
            for name in CONTROLS
        ]
        handles.append(Line2D([], [], color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)), label="chance"))
    page.figure.legend(
        handles=handles, loc="lower right", ncols=len(handles), bbox_to_anchor=(1.0, 0.0), borderaxespad=0.2,
        columnspacing=1.4, handletextpad=0.5, labelcolor=MUTED,
    )  # fmt: skip
