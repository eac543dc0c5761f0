"""Pairs of languages as points: cosine against kinship, asymmetry against training shares; and the pairs kept.

One panel per concept. What is tested stands in the panel's title, from the claims; nothing is fitted here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.report.content import Beside
from polyvalues.report.figures.artists.scales import Scale, marked, panels, scaled
from polyvalues.report.figures.style import BLUE, FULL_WIDTH, INK, MUTED, VERMILION, Page, drawable, in_rows, styled
from polyvalues.report.formatting import Interval, number
from polyvalues.report.views import LanguageView, arrange, concepts_of, kinship_view

_TOP, _BAR = 0.62, 0.2


@styled
def kinship(findings: Findings, languages: Sequence[LanguageView], beside: Beside) -> Figure:
    """Cosine of two languages' vectors against their kinship, as `views.kinship_view` picks it."""
    shown = arrange(findings, languages)
    tags = [language.tag for language in shown]
    upper = np.triu_indices(len(tags), 1)
    related = np.array([[one.family == other.family for other in shown] for one in shown])[upper]
    view = kinship_view(beside.kinship)
    distance = beside.distances[view.table][view.kind].sel({SOURCE: tags, TARGET: tags}).values[upper]
    concepts = concepts_of(findings)
    page, parts = panels(len(concepts), f"similarity (1 − {view.kind} distance)", "cosine", title=0.42)
    cosines = _estimates(findings.consistency["chosen"], concepts, tags)
    for axes, concept, values in zip(parts, concepts, cosines[:, *upper], strict=True):
        for mask, colour, gid in ((~related, BLUE, "other"), (related, VERMILION, "same")):
            axes.plot(1 - distance[mask], values[mask], "o", color=colour, markersize=2.8, gid=f"{gid} family")
        r, p = view.tested(concept)
        words = f"r = {number(r.estimate, signed=True)}, p = {p:.2g}" if r.measured else "not measured"
        axes.set_title(f"{drawable(concept)}\n{words}", loc="left", fontsize=8.5, color=INK, pad=4)
    page.heading("Do related languages have closer vectors?", "a point per pair of languages; red: same family")
    return page.figure


@styled
def direction(findings: Findings, info: StudyInfo, languages: Sequence[LanguageView], beside: Beside) -> Figure:
    """Asymmetry of transfer against the ratio of training shares, with the tested slope."""
    tags = [language.tag for language in arrange(findings, languages)]
    known = [tag for tag in tags if info.shares.get(tag, 0) > 0]
    ranked = sorted(known, key=lambda tag: -info.shares[tag])
    upper = np.triu_indices(len(ranked), 1)
    logs = np.log10([info.shares[tag] for tag in ranked])
    ratio = (logs[:, None] - logs[None, :])[upper]
    concepts = concepts_of(findings)
    page, parts = panels(len(concepts), "log10 of the ratio of training shares", "asymmetry", title=0.42)
    sides = _estimates(findings.transfer["asymmetry"], concepts, ranked)
    for axes, concept, values in zip(parts, concepts, sides[:, *upper], strict=True):
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.plot(ratio, values, "o", color=BLUE, markersize=2.8, gid="pairs")
        slope = Interval.of(beside.direction["slope"].sel({CONCEPT: concept}))
        ends = np.array([0.0, float(ratio.max(initial=0.0))])
        axes.plot(ends, slope.estimate * ends, color=VERMILION, linewidth=1.4, gid="slope")
        axes.fill_between(ends, slope.lower * ends, slope.upper * ends, color=VERMILION, alpha=0.14, linewidth=0)
        p = float(beside.direction["p"].sel({CONCEPT: concept}))
        words = f"slope {number(slope.estimate, signed=True)}, p = {p:.2g}"
        axes.set_title(f"{drawable(concept)}\n{words}", loc="left", fontsize=8.5, color=INK, pad=4)
    page.heading(
        "Does transfer run one way?",
        "asymmetry: what the poorer language gains from the richer one's vector, minus what the richer one gains back",
    )
    return page.figure


def _estimates(values: xr.DataArray, concepts: Sequence[str], tags: Sequence[str]) -> np.ndarray:
    """`[concept, source, target]`."""
    order = {CONCEPT: list(concepts), SOURCE: list(tags), TARGET: list(tags)}
    return values.sel({**order, INTERVAL: BOUNDS[0]}).transpose(*order).values


@styled
def drops(info: StudyInfo, languages: Sequence[LanguageView]) -> Figure:
    """Pairs kept and dropped before reading, languages by concepts."""
    rows = {(row["concept"], row["language"]): row for row in info.summary.to_pylist()}
    concepts = list(dict.fromkeys(concept for concept, _ in rows))
    tags = [language.tag for language in languages]
    tags += [tag for tag in dict.fromkeys(tag for _, tag in rows) if tag not in tags]
    lines, columns = in_rows(len(concepts), 7)
    wide = min(3.0, (FULL_WIDTH - 0.6 - 0.15 * columns) / columns)
    tall = _BAR * len(tags) + 0.1
    block = 0.3 + tall + 0.5
    page = Page.blank(max(6.2, 0.6 + columns * (wide + 0.15)), _TOP + lines * block)
    counts = {place: (row["kept"], row["dropped"]) for place, row in rows.items()}
    most = max([1, *(sum(pair) for pair in counts.values())])
    for index, concept in enumerate(concepts):
        row, column = divmod(index, columns)
        axes = page.axes(0.55 + column * (wide + 0.15), _TOP + 0.3 + row * block, wide, tall)
        ends = np.cumsum(
            [np.zeros(len(tags)), *zip(*(counts.get((concept, tag), (0, 0)) for tag in tags), strict=True)], axis=0
        )
        for at, (gid, colour) in enumerate((("kept", BLUE), ("dropped", VERMILION))):
            axes.add_patch(_bars(ends[at], ends[at + 1], facecolor=colour, linewidth=0, gid=gid))
        axes.set_xlim(0, most * 1.04)
        axes.set_ylim(len(tags) - 0.5, -0.5)
        marked(axes.yaxis, [drawable(tag) for tag in tags] if column == 0 else [])
        scaled(axes, Scale(), Scale(marks=False))
        axes.set_title(drawable(concept), loc="left", fontsize=9, color=INK, pad=5)
        axes.set_xlabel("pairs")
    page.heading("Pairs kept and dropped", "blue: kept; red: dropped before reading, with reasons in the table")
    return page.figure


def _bars(starts: np.ndarray, ends: np.ndarray, **how: Any) -> PathPatch:
    """Bars from `starts` to `ends`, one below the other, as one path."""
    rows = np.arange(len(starts))
    corners = np.stack([[starts, rows - 0.3], [ends, rows - 0.3], [ends, rows + 0.3], [starts, rows + 0.3]])
    boxes = np.concatenate([corners, corners[:1]]).transpose(2, 0, 1).reshape(-1, 2)
    return PathPatch(Path(boxes, [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(rows)), **how)
