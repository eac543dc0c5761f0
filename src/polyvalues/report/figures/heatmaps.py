"""Source by target matrices, one panel per concept: recognition, transfer, cosine and disattenuated cosine.

Rows are the language a vector was fitted in, columns the language it is applied to, both in family order with a rule
between families. All panels of a figure share one colour scale. A cell carries its number where it fits; the number
is bold where the cell's own interval leaves out the reference (0.5, 0).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from polyvalues.artifacts import Findings
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.report.figures.artists.cells import Cells
from polyvalues.report.figures.artists.labels import Label, Labels
from polyvalues.report.figures.style import (
    EMPTY,
    FULL_WIDTH,
    INK,
    MUTED,
    Page,
    drawable,
    in_rows,
    plain,
    segments,
    styled,
)
from polyvalues.report.views import LanguageView, arrange, concepts_of, family_blocks

_LARGEST, _LARGEST_ALONE = 0.52, 0.8
"""Side of a cell in inches at most, among several panels and alone."""
_ROOMY, _NUMBERED = 0.36, 0.15
"""From this side on a cell carries `0.83`; from that on `83`, in hundredths."""
_TOP, _TITLE, _BELOW, _LEFT, _GAP = 0.92, 0.3, 0.32, 0.36, 0.14


@dataclass(frozen=True)
class _Scale:
    """How numbers become colours: map, limits, the label of the colour bar, the reference, whether `+` is written."""

    colours: Colormap
    limits: tuple[float, float]
    label: str
    reference: float | None
    signed: bool = False
    diagonal: bool = True


@styled
def recognition(findings: Findings, languages: Sequence[LanguageView]) -> Figure:
    """Accuracy of each source's vector on each target's pairs, at the chosen layer."""
    scale = _Scale(colormaps["viridis"], (0.5, 1.0), "accuracy (0.5: chance)", 0.5)
    title = "Recognition, source to target"
    return _figure(findings, findings.recognition["chosen"], languages, scale, title)


@styled
def transfer(findings: Findings, languages: Sequence[LanguageView]) -> Figure:
    """What a target gains or loses when the vector comes from another language, at the chosen layer."""
    values = findings.transfer["transfer"]
    edge = _edge(values, 0.05)
    scale = _Scale(colormaps["PuOr"], (-edge, edge), "change in accuracy", 0.0, signed=True, diagonal=False)
    title = "Transfer, source to target"
    return _figure(findings, values, languages, scale, title)


@styled
def cosine(findings: Findings, languages: Sequence[LanguageView]) -> Figure:
    """Cosine between the vectors of two languages, as measured, at the chosen layer."""
    colours, limits = _spread(findings.consistency["chosen"])
    scale = _Scale(colours, limits, "cosine", 0.0, diagonal=False)
    return _figure(findings, findings.consistency["chosen"], languages, scale, "Consistency: cosine as measured")


@styled
def disattenuated(findings: Findings, languages: Sequence[LanguageView]) -> Figure:
    """Cosine between the vectors of two languages, corrected for their noise, at the chosen layer."""
    values = findings.consistency["disattenuated_chosen"]
    colours, limits = _spread(findings.consistency["chosen"])
    scale = _Scale(colours, limits, "disattenuated cosine", 0.0, diagonal=False)
    return _figure(findings, values, languages, scale, "Consistency: cosine corrected for noise")


def _edge(values: xr.DataArray, least: float) -> float:
    """Half the width of a scale centred at 0, in steps of 0.05."""
    seen = np.abs(values.sel({INTERVAL: BOUNDS[0]}).values)
    return float(np.ceil(max([least, *seen[np.isfinite(seen)].tolist()]) * 20 - 1e-9) / 20)


def _spread(values: xr.DataArray) -> tuple[Colormap, tuple[float, float]]:
    """One hue from 0 to 1; two from -1 to 1 as soon as one cosine is clearly negative."""
    seen = values.sel({INTERVAL: BOUNDS[0]}).values
    negative = bool((seen[np.isfinite(seen)] < -0.1).any())
    return (colormaps["PuOr"], (-1.0, 1.0)) if negative else (colormaps["YlGnBu"], (0.0, 1.0))


@styled
def model_difference(values: xr.DataArray, languages: Sequence[LanguageView], title: str) -> Figure:
    """Accuracy of one model less that of another, `[concept, source, target, interval]`."""
    edge = _edge(values, 0.05)
    scale = _Scale(colormaps["PuOr"], (-edge, edge), "difference in accuracy", 0.0, signed=True)
    measured = [str(tag) for tag in values[TARGET].values]
    return _panels(values, tuple(view for view in languages if view.tag in measured), scale, drawable(title))


def _figure(
    findings: Findings, values: xr.DataArray, languages: Sequence[LanguageView], scale: _Scale, title: str
) -> Figure:
    return _panels(values.sel({CONCEPT: list(concepts_of(findings))}), arrange(findings, languages), scale, title)


def _panels(values: xr.DataArray, shown: Sequence[LanguageView], scale: _Scale, title: str) -> Figure:
    tags = [language.tag for language in shown]
    concepts = [str(concept) for concept in values[CONCEPT].values]
    table = values.sel({SOURCE: tags, TARGET: tags, INTERVAL: list(BOUNDS)})
    table = table.transpose(CONCEPT, SOURCE, TARGET, INTERVAL)
    rows, columns = in_rows(len(concepts), 3)
    most = _LARGEST_ALONE if len(concepts) == 1 else _LARGEST
    cell = min(most, ((FULL_WIDTH - 0.15) / columns - _LEFT - _GAP) / len(tags))
    side = cell * len(tags)
    block = _TITLE + side + _BELOW
    width = max(5.6, columns * (_LEFT + side + _GAP) + 0.15)
    legend = _families(shown, width)
    page = Page.blank(width, _TOP + rows * block + 0.12 + 0.17 * len(legend))
    for index, concept in enumerate(concepts):
        row, column = divmod(index, columns)
        across, down = _LEFT + column * (_LEFT + side + _GAP), _TOP + _TITLE + row * block
        axes = page.axes(across, down, side, side)
        axes.set_title(drawable(concept), loc="left", fontsize=9, color=INK, pad=5)
        _panel(axes, table.values[index], shown, scale, cell)
    page.heading(title, "rows: the vector's language; columns: the language it is applied to; at the chosen layer")
    _bar(page, scale, hundredths=_NUMBERED <= cell < _ROOMY)
    for line, words in enumerate(legend):
        page.text(0.1, _TOP + rows * block + 0.05 + 0.17 * line, words, fontsize=7.5, color=MUTED)
    return page.figure


def _panel(axes: Axes, numbers: np.ndarray, languages: Sequence[LanguageView], scale: _Scale, cell: float) -> None:
    """One matrix: cells, rules between families, numbers, tags."""
    size = len(languages)
    estimates = numbers[..., 0].copy()
    if not scale.diagonal:
        np.fill_diagonal(estimates, np.nan)
    axes.set_facecolor(EMPTY)
    axes.add_artist(Cells(estimates, scale.colours, scale.limits))
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    plain(axes)
    tags = [drawable(language.tag) for language in languages]
    small = 7.0 if cell < 0.22 else 8.5
    longest = max(len(tag) for tag in tags)
    upright = longest * small * 0.0095 > cell
    columns = [Label(at, size - 0.5, tag, MUTED) for at, tag in enumerate(tags)]
    axes.add_artist(Labels(columns, small, "upright below" if upright else "below")).set_gid("columns")
    rows = [Label(-0.5, at, tag, MUTED) for at, tag in enumerate(tags)]
    axes.add_artist(Labels(rows, small, "left of")).set_gid("rows")
    ends = (-0.5, size - 0.5)
    between = [first - 0.5 for _, first, _ in family_blocks(languages)[1:]]
    rules = [((at, at), ends) for at in between] + [(ends, (at, at)) for at in between]
    axes.add_line(segments(rules, color="white", linewidth=2.4, zorder=2))
    if cell >= _NUMBERED:
        _numbers(axes, numbers, scale, cell)


def _numbers(axes: Axes, numbers: np.ndarray, scale: _Scale, cell: float) -> None:
    compact = cell < _ROOMY
    size = min(10.0, cell * 72 * (0.46 if compact else 0.3))
    shades = scale.colours(Normalize(*scale.limits)(numbers[..., 0])).tolist()
    entries = []
    for row, column in np.ndindex(numbers.shape[:2]):
        estimate, lower, upper = numbers[row, column].tolist()
        if not np.isfinite(estimate):
            entries.append(Label(column, row, "–", MUTED))
        elif row != column or scale.diagonal:
            outside = scale.reference is not None and (lower > scale.reference or upper < scale.reference)
            words = short(estimate, compact=compact, signed=scale.signed)
            entries.append(Label(column, row, words, readable(tuple(shades[row][column])), bold=outside))
    axes.add_artist(Labels(entries, size)).set_gid("numbers")


def short(value: float, *, compact: bool, signed: bool) -> str:
    """Two decimals, or whole hundredths where space is short. What rounds to zero has no sign."""
    digits = f"{abs(value) * 100:.0f}" if compact else f"{abs(value):.2f}"
    zero = float(digits) == 0
    return ("" if zero else "−" if value < 0 else "+" if signed and not compact else "") + digits


def readable(colour: tuple[float, float, float, float]) -> str:
    """Dark or white text, whichever contrasts more (relative luminance as in WCAG 2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return INK if luminance > 0.22 else "white"


def _bar(page: Page, scale: _Scale, *, hundredths: bool) -> None:
    """The colour bar, under the heading, and beside it how a cell is read."""
    axes = page.axes(_LEFT, 0.62, 1.9, 0.1)
    mappable = ScalarMappable(Normalize(*scale.limits), scale.colours)
    bar = page.figure.colorbar(mappable, cax=axes, orientation="horizontal", drawedges=False)
    for spine in bar.ax.spines.values():
        spine.set_visible(False)
    low, high = scale.limits
    first = "≤" if scale.reference == low == 0.5 else ""  # accuracies below chance share chance's colour
    marks = (low, (low + high) / 2, high)
    labels = [short(mark, compact=False, signed=scale.signed) for mark in marks]
    bar.set_ticks(list(marks), labels=[first + labels[0], *labels[1:]])
    bar.ax.tick_params(length=2, labelsize=7.5)
    words = [scale.label + (", numbers in hundredths" if hundredths else "")]
    words += [] if scale.reference is None else [f"bold: interval leaves out {scale.reference:g}"]
    words += [] if scale.diagonal else ["grey: the language itself"]
    wide = page.width > 7
    page.text(_LEFT + 2.15, 0.6 if wide else 0.52, ("; " if wide else "\n").join(words), fontsize=8 if wide else 7.5,
              color=MUTED)  # fmt: skip


def _families(languages: Sequence[LanguageView], width: float) -> list[str]:
    """`Indo-European: en fr · Uralic: fi hu`, broken into lines that fit."""
    parts = [
        f"{family}: {' '.join(language.tag for language in languages[first:last])}"
        for family, first, last in family_blocks(languages)
    ]
    lines = [""]
    for part in parts:
        longer = f"{lines[-1]}  ·  {part}" if lines[-1] else part
        if lines[-1] and len(longer) * 0.062 > width - 0.2:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines
