"""The sections of a study's page: headings, figures, the numbers behind each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.report import grids
from polyvalues.report.grids import Grid
from polyvalues.report.live import Beside
from polyvalues.report.views import LanguageView

_PIXELS_PER_POINT: Final = 4 / 3
_SIZE: Final = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"', re.DOTALL)


@dataclass(frozen=True)
class Figure:
    """A figure on the page.

    Attributes:
        name: anchor, and name of the file.
        address: `data:` address of the image.
        width, height: in CSS pixels, None if unknown.
        alt: what the image shows, for those who do not see it.
        caption: what to look for.
        tables: the numbers behind it.
    """

    name: str
    address: Markup
    width: int | None
    height: int | None
    alt: str
    caption: str
    tables: tuple[Grid, ...]


@dataclass(frozen=True)
class Section:
    """A heading with figures and tables: `name` is its anchor, `lead` a sentence below the heading."""

    name: str
    title: str
    lead: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[Grid, ...] = ()
    folded: tuple[Grid, ...] = ()


def figure_address(svg: str) -> Markup:
    """An SVG as a data address for an image, whose styles touch nothing else on the page."""
    flat = re.sub(r"\s*\n\s*", " ", svg)
    short = re.sub(r'="([^"\']*)"', r"='\1'", re.sub(r">\s+<", "><", flat))  # the other quotes need no escape
    return Markup("data:image/svg+xml," + quote(short, safe=" !$'()*+,-./:;=?@[]^_`{|}~"))  # noqa: S704 (all quoted)


def _figure(name: str, svg: str, alt: str, caption: str, tables: Sequence[Grid]) -> Figure:
    found = _SIZE.search(svg)
    width, height = (round(float(part) * _PIXELS_PER_POINT) for part in found.groups()) if found else (None, None)
    address = figure_address(svg)
    return Figure(name, address, width, height, alt, caption, tuple(tables))


def page_sections(
    findings: Findings,
    info: StudyInfo,
    languages: Sequence[LanguageView],
    figures: Mapping[str, str],
    beside: Beside,
) -> list[Section]:
    """All sections of a study's page.

    Args:
        findings: the numbers.
        info: what else there is to say.
        languages: in the order in which to show them.
        figures: name to SVG text; a section whose figure is missing keeps its tables.
        beside: what else was measured.
    """
    sections = [_accuracy(findings, languages, figures), _layers(findings, languages, figures)]
    if len(languages) > 1:
        sections += [_recognition(findings, languages, figures), _transfer(findings, languages, figures)]
    sections.append(_consistency(findings, languages, figures))
    if beside.kinship or beside.direction:
        sections.append(_relations(beside, figures))
    sections += [_controls(findings, languages), _data(info, languages, figures)]
    return sections


def _drawn(figures: Mapping[str, str], name: str, alt: str, caption: str, tables: Sequence[Grid]) -> tuple[Figure, ...]:
    """The figure if there is one, as a tuple of one or none."""
    return (_figure(name, figures[name], alt, caption, tables),) if name in figures else ()


def _accuracy(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    tables = grids.accuracy(findings, languages)
    caption = (
        "One row per language. Point and line: estimate and interval of the language's own vector. Below it: a random "
        "direction, and a vector fitted after swapping sides at random. Dashed: chance."
    )
    alt = "Points with intervals: recognition by language for every concept, with controls. Numbers in the table below."
    drawn = _drawn(figures, "accuracy", alt, caption, tables)
    lead = "How often a language's own vector puts the side that upholds the value above the side that violates it."
    return Section("accuracy", "Accuracy by language", lead, drawn, () if drawn else tuple(tables))


def _layers(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    tables = grids.layers(findings, languages)
    caption = (
        "Recognition of each language by its own vector at every layer; shaded: interval. Thin grey lines: a random "
        "direction in each language. The mark is the layer that was chosen, on data that nothing else is measured on."
    )
    if "cell_layer" in findings.recognition:
        caption = caption.rpartition(". ")[0] + ". Dots: the layer chosen in each cell, on the test pairs themselves."
    alt = "Curves of recognition over layers for every concept, chosen layer marked. Numbers in the tables below."
    drawn = _drawn(figures, "layers", alt, caption, tables)
    lead = "Where in the model the concept can be read."
    return Section("layers", "Accuracy over layers", lead, drawn, (), () if drawn else tuple(tables))


def _recognition(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    tables = grids.matrices(findings.recognition["chosen"], languages, "recognition, chosen layer")
    tables += grids.matrices(findings.recognition["auroc"], languages, "AUROC over single texts, chosen layer")
    caption = (
        "Row: the language a vector was fitted in. Column: the language whose unseen pairs it is tried on. The "
        "diagonal is own-language recognition."
    )
    alt = "Matrices of recognition, source by target language, one per concept. Numbers in the tables below."
    drawn = _drawn(figures, "recognition", alt, caption, tables)
    lead = "Does a concept found in one language recognise it in another?"
    return Section("recognition", "Recognition from source to target", lead, drawn, (), () if drawn else tuple(tables))


def _transfer(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    changes, sides = findings.transfer["transfer"], findings.transfer["asymmetry"]
    tables = grids.matrices(changes, languages, "change in accuracy", signed=True)
    tables += grids.matrices(sides, languages, "asymmetry (row to column, minus back)", signed=True)
    caption = (
        "What the column's language loses (orange) or gains (violet) when the row's vector replaces its own. Each "
        "interval is for its own cell: among many cells a few leave out 0 by luck."
    )
    alt = "Matrices of the change in accuracy, source by target language, one per concept. Numbers in the tables below."
    drawn = _drawn(figures, "transfer", alt, caption, tables)
    lead = "What is lost or gained on the way from one language to another."
    return Section("transfer", "Transfer", lead, drawn, (), () if drawn else tuple(tables))


def _consistency(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    data = findings.consistency
    parts: list[Figure] = []
    folded: list[Grid] = []
    if len(languages) > 1:
        raw = grids.matrices(data["chosen"], languages, "cosine, chosen layer")
        clean = grids.matrices(data["disattenuated_chosen"], languages, "cosine, noise taken out, chosen layer")
        alt = "Matrices of cosines between the vectors of two languages, one per concept. Numbers in the tables below."
        caption = "As measured. A vector fitted on noisy or few pairs looks unlike all others merely for that reason."
        parts += _drawn(figures, "cosine", alt, caption, raw)
        caption = "Divided by the root of both reliabilities: what the cosine would be without noise. It can exceed 1."
        parts += _drawn(figures, "disattenuated", alt, caption, clean)
        folded += [] if "cosine" in figures else raw
        folded += [] if "disattenuated" in figures else clean
    tables = grids.reliability(findings, languages)
    alt = "Points with intervals: reliability of each language's vector, for every concept. Numbers in the table below."
    caption = "How well vectors fitted on two halves of the pairs agree, stepped up to all pairs."
    parts += _drawn(figures, "reliability", alt, caption, tables)
    folded += [] if "reliability" in figures else tables
    title = "Consistency and reliability" if len(languages) > 1 else "Reliability"
    lead = "Do the languages share a direction, and how well is each direction known?"
    if len(languages) == 1:
        lead = "How well is the direction known?"
    return Section("consistency", title, lead, tuple(parts), (), tuple(folded))


def _controls(findings: Findings, languages: Sequence[LanguageView]) -> Section:
    lead = (
        "The same numbers under directions that mean nothing. Recognition should be near 0.5 here; where it is not, "
        "the pairs can be told apart without the concept."
    )
    folded = grids.control_table(findings, languages)
    folded += [] if len(languages) == 1 else grids.control_cosines(findings, languages)
    return Section("controls", "Controls", lead, (), (grids.control_summary(findings),), tuple(folded))


def _relations(beside: Beside, figures: Mapping[str, str]) -> Section:
    """Related languages, and rich and poor ones."""
    parts: list[Figure] = []
    folded: list[Grid] = []
    if beside.kinship:
        tables = grids.kinship(beside.kinship)
        caption = "Are the vectors of related languages closer? Tested by permuting languages, since pairs share them."
        alt = "Points: cosine of two languages against their similarity, per concept. Numbers in the tables below."
        parts += _drawn(figures, "kinship", alt, caption, tables)
        folded += [] if "kinship" in figures else tables
    if beside.direction:
        tables = [grids.direction(beside.direction)]
        caption = (
            "Asymmetry: what the poorer language gains from the richer one's vector, minus what the richer one gains "
            "back. Above 0: transfer runs from rich to poor."
        )
        alt = "Points: asymmetry of transfer against the ratio of training shares. Numbers in the table below."
        parts += _drawn(figures, "direction", alt, caption, tables)
        folded += [] if "direction" in figures else tables
    lead = "Does it matter how related two languages are, and how much of each the model has read?"
    return Section("relations", "Kinship and training shares", lead, tuple(parts), (), tuple(folded))


def _data(info: StudyInfo, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    """What went in."""
    tables = [grids.kept_pairs(info, languages), grids.summary(info)]
    alt = (
        "Bars: pairs kept and dropped before reading, by language, one panel per concept. Numbers in the tables below."
    )
    caption = "Pairs kept and dropped before reading; the reasons are in the table."
    drawn = _drawn(figures, "drops", alt, caption, tables)
    lead = "What went in, and what was left out and why."
    return Section("pairs", "Pairs by language", lead, drawn, (), () if drawn else tuple(tables))
