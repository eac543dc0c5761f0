"""The sections of a study's page: headings, figures, the numbers behind each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.report.content import Beside
from polyvalues.report.html import figure_tables
from polyvalues.report.html.figure_tables import Grid
from polyvalues.report.html.followup_sections import further_sections
from polyvalues.report.html.parts import Figure, Section, drawn
from polyvalues.report.html.predictors_section import predictors_section
from polyvalues.report.views import LanguageView


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
    if beside.predictors:
        sections.append(predictors_section(beside.predictors, languages))
    if beside.kinship or beside.direction:
        sections.append(_relations(beside, figures))
    sections += [_controls(findings, languages), _data(info, languages, figures)]
    return sections + further_sections(beside, figures)


@dataclass(frozen=True)
class _Words:
    """Of a section with one figure: heading, sentence below it; what the figure shows, and what to look for."""

    title: str
    lead: str
    alt: str
    caption: str


def _one_figure(name: str, words: _Words, tables: Sequence[Grid], figures: Mapping[str, str]) -> Section:
    """A section with the figure `name`, or with its tables where there is none."""
    shown = drawn(figures, name, words.alt, words.caption, tables)
    return Section(name, words.title, words.lead, shown, (), () if shown else tuple(tables))


def _accuracy(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    tables = figure_tables.accuracy(findings, languages)
    caption = (
        "One row per language. Point and line: estimate and interval of the language's own vector. Below it: a random "
        "direction, and a vector fitted after swapping sides at random. Dashed: chance."
    )
    alt = "Points with intervals: recognition by language for every concept, with controls. Numbers in the table below."
    shown = drawn(figures, "accuracy", alt, caption, tables)
    lead = "How often a language's own vector puts the side that upholds the value above the side that violates it."
    return Section("accuracy", "Accuracy by language", lead, shown, () if shown else tuple(tables))


def _layers(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    tables = figure_tables.layers(findings, languages)
    caption = (
        "Recognition of each language by its own vector at every layer; shaded: interval. Thin grey lines: a random "
        "direction in each language. The mark is the layer that was chosen, on data that nothing else is measured on."
    )
    if "cell_layer" in findings.recognition:
        caption = caption.rpartition(". ")[0] + ". Dots: the layer chosen in each cell, on the test pairs themselves."
    words = _Words(
        "Accuracy over layers",
        "Where in the model the concept can be read.",
        "Curves of recognition over layers for every concept, chosen layer marked. Numbers in the tables below.",
        caption,
    )
    return _one_figure("layers", words, tables, figures)


def _recognition(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    tables = figure_tables.matrices(findings.recognition["chosen"], languages, "recognition, chosen layer")
    tables += figure_tables.matrices(findings.recognition["auroc"], languages, "AUROC over single texts, chosen layer")
    words = _Words(
        "Recognition from source to target",
        "Does a concept found in one language recognise it in another?",
        "Matrices of recognition, source by target language, one per concept. Numbers in the tables below.",
        "Row: the language a vector was fitted in. Column: the language whose unseen pairs it is tried on. The "
        "diagonal is own-language recognition.",
    )
    return _one_figure("recognition", words, tables, figures)


def _transfer(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    changes, sides = findings.transfer["transfer"], findings.transfer["asymmetry"]
    tables = figure_tables.matrices(changes, languages, "change in accuracy", signed=True)
    tables += figure_tables.matrices(sides, languages, "asymmetry (row to column, minus back)", signed=True)
    words = _Words(
        "Transfer",
        "What is lost or gained on the way from one language to another.",
        "Matrices of the change in accuracy, source by target language, one per concept. Numbers in the tables below.",
        "What the column's language loses (orange) or gains (violet) when the row's vector replaces its own. Each "
        "interval is for its own cell: among many cells a few leave out 0 by luck.",
    )
    return _one_figure("transfer", words, tables, figures)


def _consistency(findings: Findings, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    data = findings.consistency
    parts: list[Figure] = []
    folded: list[Grid] = []
    if len(languages) > 1:
        raw = figure_tables.matrices(data["chosen"], languages, "cosine, chosen layer")
        clean = figure_tables.matrices(data["disattenuated_chosen"], languages, "cosine, noise taken out, chosen layer")
        alt = "Matrices of cosines between the vectors of two languages, one per concept. Numbers in the tables below."
        caption = "As measured. A vector fitted on noisy or few pairs looks unlike all others merely for that reason."
        parts += drawn(figures, "cosine", alt, caption, raw)
        caption = "Divided by the root of both reliabilities: what the cosine would be without noise. It can exceed 1."
        parts += drawn(figures, "disattenuated", alt, caption, clean)
        folded += [] if "cosine" in figures else raw
        folded += [] if "disattenuated" in figures else clean
    tables = figure_tables.reliability(findings, languages)
    alt = "Points with intervals: reliability of each language's vector, for every concept. Numbers in the table below."
    caption = "How well vectors fitted on two halves of the pairs agree, stepped up to all pairs."
    parts += drawn(figures, "reliability", alt, caption, tables)
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
    folded = figure_tables.control_table(findings, languages)
    folded += [] if len(languages) == 1 else figure_tables.control_cosines(findings, languages)
    return Section("controls", "Controls", lead, (), (figure_tables.control_summary(findings),), tuple(folded))


def _relations(beside: Beside, figures: Mapping[str, str]) -> Section:
    """Related languages, and rich and poor ones."""
    parts: list[Figure] = []
    folded: list[Grid] = []
    if beside.kinship:
        tables = figure_tables.kinship(beside.kinship)
        caption = (
            "Are the vectors of related languages closer? Genetic similarity is tested by permuting languages, since "
            "pairs share them; every other kind beyond genealogy, against simulated languages."
        )
        alt = "Points: cosine of two languages against their similarity, per concept. Numbers in the tables below."
        parts += drawn(figures, "kinship", alt, caption, tables)
        folded += [] if "kinship" in figures else tables
    if beside.direction:
        tables = [figure_tables.direction(beside.direction)]
        caption = (
            "Asymmetry: what the poorer language gains from the richer one's vector, minus what the richer one gains "
            "back. Above 0: transfer runs from rich to poor."
        )
        alt = "Points: asymmetry of transfer against the ratio of training shares. Numbers in the table below."
        parts += drawn(figures, "direction", alt, caption, tables)
        folded += [] if "direction" in figures else tables
    lead = "Does it matter how related two languages are, and how much of each the model has read?"
    return Section("relations", "Kinship and training shares", lead, tuple(parts), (), tuple(folded))


def _data(info: StudyInfo, languages: Sequence[LanguageView], figures: Mapping[str, str]) -> Section:
    """What went in."""
    tables = [figure_tables.kept_pairs(info, languages), figure_tables.summary(info)]
    alt = (
        "Bars: pairs kept and dropped before reading, by language, one panel per concept. Numbers in the tables below."
    )
    caption = "Pairs kept and dropped before reading; the reasons are in the table."
    shown = drawn(figures, "drops", alt, caption, tables)
    lead = "What went in, and what was left out and why."
    return Section("pairs", "Pairs by language", lead, shown, (), () if shown else tuple(tables))
