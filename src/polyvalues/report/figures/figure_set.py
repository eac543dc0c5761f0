"""The figures of a study, and how they become files.

A figure function takes findings and languages and returns a figure; nothing is computed on the way but positions and
colours. Saving the same figure twice gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Final, Literal

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.report.content import Beside
from polyvalues.report.figures.forest import accuracy_by_language, exclusion, reliability
from polyvalues.report.figures.heatmaps import cosine, disattenuated, recognition, transfer
from polyvalues.report.figures.layers import accuracy_over_layers
from polyvalues.report.figures.noise_curves import noise, quality
from polyvalues.report.figures.scatter import direction, drops, kinship
from polyvalues.report.figures.steering_curves import control_matrix, dose_response, effect_and_cost
from polyvalues.report.figures.style import MUTED, drawable, styled
from polyvalues.report.figures.svg import compact
from polyvalues.report.views import LanguageView, arrange

__all__ = [
    "Figure",
    "accuracy_by_language",
    "accuracy_over_layers",
    "cosine",
    "direction",
    "disattenuated",
    "drops",
    "figure_set",
    "kinship",
    "recognition",
    "reliability",
    "save_figure",
    "transfer",
]

Kind = Literal["svg", "png", "pdf"]
KINDS: Final[tuple[Kind, ...]] = ("svg", "pdf", "png")
"""Kinds of files a figure can become."""

_METADATA: Mapping[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def figure_set(
    findings: Findings, info: StudyInfo, languages: Sequence[LanguageView], beside: Beside | None = None
) -> Mapping[str, Figure]:
    """Every figure that has something to show: name to figure. With one language the matrices are left out.

    Raises:
        MeasureError: the findings have a language that `languages` does not describe.
    """
    figures = {
        "accuracy": accuracy_by_language(findings, languages),
        "layers": accuracy_over_layers(findings, languages),
        "reliability": reliability(findings, languages),
        "drops": drops(info, arrange(findings, languages)),
    }
    known = beside or Beside()
    if known.kinship and known.distances:
        figures["kinship"] = kinship(findings, languages, known)
    if known.exclusion:
        figures["exclusion"] = exclusion(findings, languages, known)
    if known.direction:
        figures["direction"] = direction(findings, info, languages, known)
    if len(arrange(findings, languages)) > 1:
        figures["recognition"] = recognition(findings, languages)
        figures["transfer"] = transfer(findings, languages)
        figures["cosine"] = cosine(findings, languages)
        figures["disattenuated"] = disattenuated(findings, languages)
    figures |= _further(known)
    for figure in figures.values():
        _sign(figure, info)
    return figures


def _further(beside: Beside) -> dict[str, Figure]:
    """Figures of what was asked of a finished study."""
    figures: dict[str, Figure] = {}
    for control in beside.controls:
        concept, behaviour = str(control.findings.attrs["concept"]), str(control.findings.attrs["behaviour"])
        figures[f"dose-{concept}"] = dose_response(control.trials, behaviour)
        figures[f"cost-{concept}"] = effect_and_cost(control.trials, behaviour)
        figures[f"matrix-{concept}"] = control_matrix(control.findings, control.alone)
    if beside.noise:
        figures["noise"] = noise(beside.noise)
    if beside.quality:
        figures["quality"] = quality(beside.quality)
    return figures


@styled
def _sign(figure: Figure, info: StudyInfo) -> None:
    """Model and protocol in the upper right corner, for figures that travel alone."""
    width, height = (float(size) for size in figure.get_size_inches())
    name = info.model.get("name", info.title).rpartition("/")[2]
    words = f"{name} · {info.protocol} protocol"
    room = int((width - 3.0) / 0.064)
    short = words if len(words) <= room else "…" + words[-room + 1 :]
    figure.text(1 - 0.1 / width, 1 - 0.1 / height, drawable(short), ha="right", va="top", fontsize=7.5, color=MUTED)


@styled
def save_figure(figure: Figure, kind: Kind, *, outlines: bool = False) -> bytes:
    """The bytes of the figure as a file of that kind; equal for equal figures.

    Args:
        figure: what to save.
        kind: `svg`, `png` or `pdf` (with TrueType fonts inside).
        outlines: letters in an SVG become outlines: larger, no longer text, and the same on machines without the font.
    """
    FigureCanvasAgg(figure)
    buffer = BytesIO()
    with mpl.rc_context({"svg.fonttype": "path" if outlines else "none"}):
        figure.savefig(buffer, format=kind, metadata=_METADATA[kind])
    if kind != "svg" or outlines:
        return buffer.getvalue()
    return compact(buffer.getvalue().decode()).encode()
