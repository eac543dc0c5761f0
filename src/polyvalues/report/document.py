"""One HTML page that holds a whole study: words, figures, tables, and how to run it again.

The page is a single file. It makes no request and runs no script, and a content security policy in it forbids both.
Everything that comes from a data set, a model or a user is escaped, with invisible and direction-changing characters
spelled out. Figures are images in `data:` addresses, so nothing inside one can reach the page. Equal inputs give
equal bytes: there is no clock.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.axes import LAYER
from polyvalues.report import grids
from polyvalues.report.grids import Grid
from polyvalues.report.notation import Interval, interval_text, number
from polyvalues.report.page import template
from polyvalues.report.prose import Sentence, describe
from polyvalues.report.views import LanguageView, arrange, concepts_of, headline

__all__ = ["LanguageView", "render_report"]

_PIXELS_PER_POINT: Final = 4 / 3
_FEW_WARNINGS: Final = 12
_SIZE: Final = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"', re.DOTALL)

_TILES: Final = (
    ("within", "Own language", "recognition: share of unseen pairs told apart"),
    ("random", "Random direction", "the same, with a direction that means nothing"),
    ("cross", "Other languages", "recognition with a vector from another language"),
    ("cosine", "Cosine", "between languages, as measured, noise included"),
)


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


@dataclass(frozen=True)
class Tile:
    """A headline number with its interval drawn on a scale from 0 to 1 (`left`, `width`, `point` in percent)."""

    label: str
    hint: str
    value: str
    bounds: str
    left: str
    width: str
    point: str


def render_report(
    findings: Findings,
    info: StudyInfo,
    languages: Sequence[LanguageView],
    figures: Mapping[str, str],
    claims: Sequence[Sentence] = (),
) -> str:
    """The page.

    Args:
        findings: the numbers.
        info: what else there is to say.
        languages: the languages in the order in which to show them.
        figures: name (as in `figure_set`) to SVG text; sections whose figure is missing keep their tables.
        claims: tested claims in words, shown after the other findings.

    Raises:
        MeasureError: the findings have a language that `languages` does not describe.
    """
    shown = arrange(findings, languages)
    sentences = (*describe(findings, info, shown), *claims)
    sections = _sections(findings, shown, figures)
    drawn = {figure.name for section in sections for figure in section.figures}
    linked = [sentence if sentence.figure in drawn else replace(sentence, figure=None) for sentence in sentences]
    return template("report.html.j2").render(
        info=info,
        findings=findings,
        facts=_facts(findings, info, shown),
        tiles=_tiles(findings),
        topics=[(topic, list(group)) for topic, group in groupby(linked, key=lambda sentence: sentence.topic)],
        sections=sections,
        overview=grids.overview(findings),
        languages=grids.language_table(info, shown),
        kept=grids.kept_pairs(info, shown),
        summary=grids.summary(info),
        chosen=grids.chosen(findings),
        warnings=findings.warnings[:_FEW_WARNINGS],
        more_warnings=findings.warnings[_FEW_WARNINGS:],
        paper=info.protocol == "paper",
        confidence=number(100 * float(findings.recognition.attrs.get("confidence", float("nan"))), digits=0),
        numbering=findings.recognition.attrs.get("layer_numbering", "block"),
    )


def _facts(findings: Findings, info: StudyInfo, languages: Sequence[LanguageView]) -> list[tuple[str, str]]:
    kept = sum(info.summary["kept"].to_pylist())
    return [
        ("model", info.model.get("name", "unknown")),
        ("protocol", info.protocol),
        ("concepts", ", ".join(concepts_of(findings))),
        ("languages", " ".join(language.tag for language in languages)),
        ("layers measured", str(findings.recognition.sizes[LAYER])),
        ("pairs kept", f"{kept:,}".replace(",", "\u202f")),
        ("test pairs per cell", _range(findings)),
    ]


def _range(findings: Findings) -> str:
    counts = [count for count in findings.recognition["n_pairs"].values.ravel().tolist() if count > 0]
    if not counts:
        return "0"
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def _tiles(findings: Findings) -> list[Tile]:
    tiles = []
    for quantity, label, hint in _TILES:
        value = headline(findings, quantity)
        if value.bounded:
            tiles.append(_tile(value, label, hint))
    return tiles


def _tile(value: Interval, label: str, hint: str) -> Tile:
    low, point, high = (100 * min(max(part, 0.0), 1.0) for part in (value.lower, value.estimate, value.upper))
    bounds = interval_text(value).partition(" ")[2]
    return Tile(label, hint, number(value.estimate), bounds, f"{low:.1f}", f"{high - low:.1f}", f"{point:.1f}")


def figure_address(svg: str) -> Markup:
    """An SVG as a data address for an image, whose styles touch nothing else on the page."""
    flat = re.sub(r"\s*\n\s*", " ", svg)
    return Markup("data:image/svg+xml," + quote(flat, safe=" !$()*+,-./:;=?@[]^_`{|}~"))  # noqa: S704 (all quoted)


def _figure(name: str, svg: str, alt: str, caption: str, tables: Sequence[Grid]) -> Figure:
    found = _SIZE.search(svg)
    width, height = (round(float(part) * _PIXELS_PER_POINT) for part in found.groups()) if found else (None, None)
    address = figure_address(svg)
    return Figure(name, address, width, height, alt, caption, tuple(tables))


def _sections(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> list[Section]:
    sections = [_accuracy(findings, languages, figures), _layers(findings, languages, figures)]
    if len(languages) > 1:
        sections += [_recognition(findings, languages, figures), _transfer(findings, languages, figures)]
    sections += [_consistency(findings, languages, figures), _controls(findings, languages)]
    return sections


def _drawn(figures: Mapping[str, str], name: str, alt: str, caption: str, tables: Sequence[Grid]) -> tuple[Figure, ...]:
    """The figure if there is one, as a tuple of one or none."""
    return (_figure(name, figures[name], alt, caption, tables),) if name in figures else ()


def _accuracy(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    tables = grids.accuracy(findings, languages)
    caption = (
        "One row per language, one panel per concept. Point and line: estimate and interval of the language's own "
        "vector. Bars below: a random direction, and a vector fitted after swapping sides at random. Dashed: chance."
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
