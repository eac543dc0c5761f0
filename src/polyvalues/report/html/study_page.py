"""One HTML page that holds a whole study: words, figures, tables, and how to run it again.

The page is a single file. It makes no request and runs no script but those of the package, named by their hashes in a
content security policy that forbids everything else. Everything that comes from a data set, a model or a user is
escaped, with invisible and direction-changing characters spelled out. Figures are images in `data:` addresses, so
nothing inside one can reach the page; with scripts, interactive figures stand in their place. Equal inputs give equal
bytes: there is no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.dimensions import LAYER
from polyvalues.report.content import Beside
from polyvalues.report.formatting import Interval, interval_text, listed, number
from polyvalues.report.html import figure_tables
from polyvalues.report.html.divergence_page import choices
from polyvalues.report.html.figure_data import live_data
from polyvalues.report.html.sections import page_sections
from polyvalues.report.html.templating import script, template
from polyvalues.report.text.findings_text import BELOW, CANNOT, Sentence, describe
from polyvalues.report.text.limitations import limits
from polyvalues.report.views import LanguageView, arrange, concepts_of, headline

__all__ = ["LanguageView", "render_report"]

_FEW_WARNINGS: Final = 12
_SCRIPTS: Final = (
    "d3.min.js",
    "plot.umd.min.js",
    "chart_data.js",
    "matrices.js",
    "languages.js",
    "relations.js",
    "followups.js",
    "interaction.js",
)
"""In the order in which they build on one another."""

_TILES: Final = (
    ("within", "Own language", "recognition: share of unseen pairs told apart"),
    ("random", "Random direction", "the same, with a direction that means nothing"),
    ("cross", "Other languages", "recognition with a vector from another language"),
    ("cosine", "Cosine", "between languages, from different items, noise included"),
)


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
    beside: Beside | None = None,
) -> str:
    """The page.

    Args:
        findings: the numbers.
        info: what else there is to say.
        languages: the languages in the order in which to show them.
        figures: name (as in `figure_set`) to SVG text; sections whose figure is missing keep their tables.
        claims: tested claims in words, shown after the other findings.
        beside: what else the page shows; None: nothing.

    Raises:
        MeasureError: the findings have a language that `languages` does not describe.
    """
    shown = arrange(findings, languages)
    known = beside or Beside()
    sentences = sorted(
        (*describe(findings, info, shown), *claims, *limits(findings, known)),
        key=lambda said: (said.topic != BELOW, said.topic == CANNOT),
    )
    sections = page_sections(findings, info, shown, figures, known)
    drawn = {figure.name for section in sections for figure in section.figures}
    linked = [sentence if sentence.figure in drawn else replace(sentence, figure=None) for sentence in sentences]
    return template("study.html.j2").render(
        info=info,
        findings=findings,
        question=_question(findings, info, shown),
        facts=_facts(findings, info, shown),
        tiles=_tiles(findings),
        topics=[(topic, list(group)) for topic, group in groupby(linked, key=lambda sentence: sentence.topic)],
        sections=sections,
        overview=figure_tables.overview(findings),
        languages=figure_tables.language_table(info, shown),
        chosen=figure_tables.chosen(findings),
        warnings=findings.warnings[:_FEW_WARNINGS],
        more_warnings=findings.warnings[_FEW_WARNINGS:],
        paper=info.protocol == "paper",
        confidence=number(100 * float(findings.recognition.attrs.get("confidence", float("nan"))), digits=0),
        numbering=findings.recognition.attrs.get("layer_numbering", "block"),
        live=live_data(findings, info, shown, known),
        scripts=[script(name) for name in (*_SCRIPTS, *(("search.js",) if known.items else ()))],
        beside=known,
        item_choices=choices(known.items),
    )


def _question(findings: Findings, info: StudyInfo, languages: Sequence[LanguageView]) -> str:
    concepts = concepts_of(findings)
    what = listed(concepts, most=7)
    name = info.model.get("name", "the model").rpartition("/")[2]
    if len(languages) == 1:
        return f"Does {name} tell what upholds from what violates {what} in {languages[0].name}, and how sure is that?"
    return (
        f"Does what {name} tells apart about {what} in one language hold in the others ({len(languages)} languages), "
        "and how sure is that?"
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
