r"""Findings as LaTeX tables in the manner of the paper's: booktabs, languages by family, intervals beside estimates.

Each table is a `table` environment that needs `\usepackage{booktabs}` and `\usepackage{graphicx}`. Every number comes
from the findings; the averages are those of the overview.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import xarray as xr

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.report.formatting import Interval, intervals, number, visible
from polyvalues.report.views import LanguageView, arrange, concepts_of, family_blocks, headline, own

_SPECIAL: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "⟨": r"$\langle$", "⟩": r"$\rangle$", "−": "$-$", "–": "--",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "…": r"\ldots{}", "·": r"$\cdot$", "→": r"$\to$",
    "≤": r"$\leq$", "[": "{[}", "]": "{]}", "*": "{*}", "\n": " ", "\t": " ",
}  # fmt: skip
"""Brackets and stars are in braces, since after the end of a row LaTeX would take them for an argument."""

_PLAIN: Final = re.compile(r"[ -~À-ÖØ-ÿ]")
_LACKING: Final = "ÐÞðþ"
"""Latin-1 letters that LaTeX's first font encoding lacks."""


def latex_tables(findings: Findings, info: StudyInfo, languages: Sequence[LanguageView]) -> Mapping[str, str]:
    """All LaTeX tables: file name to content.

    Raises:
        MeasureError: the findings have a language that `languages` does not describe.
    """
    shown = arrange(findings, languages)
    tables = {"accuracy.tex": _accuracy(findings, info, shown)}
    if len(shown) < 2:
        return tables
    for concept in concepts_of(findings):
        safe = re.sub(r"[^A-Za-z0-9-]", "_", concept)
        cosines = findings.consistency["chosen"].sel({CONCEPT: concept})
        changes = findings.transfer["transfer"].sel({CONCEPT: concept})
        words = f"Cosine between the vectors of two languages, {concept}, at the chosen layer."
        tables[f"cosine-{safe}.tex"] = _matrix(cosines, shown, words, f"cosine-{safe}")
        words = f"Change in accuracy when the row's vector replaces the column language's own, {concept}."
        tables[f"transfer-{safe}.tex"] = _matrix(changes, shown, words, f"transfer-{safe}", signed=True)
    return tables


def escape_latex(text: str) -> str:
    """`text` so that LaTeX prints it and runs nothing in it.

    What plain pdfLaTeX has no letter for is spelled out as `⟨U+4E2D⟩`: a table compiles wherever it is put.
    """
    return "".join(_escaped(character) for character in visible(text))


def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if _PLAIN.fullmatch(character) and character not in _LACKING:
        return character
    return rf"$\langle$U+{ord(character):04X}$\rangle$"


def _accuracy(findings: Findings, info: StudyInfo, languages: Sequence[LanguageView]) -> str:
    concepts = concepts_of(findings)
    tags = [language.tag for language in languages]
    found = intervals(own(findings.recognition["chosen"], tags), {CONCEPT: concepts, TARGET: tags})
    heads = [rf"\textbf{{{escape_latex(concept)}}}" for concept in concepts]
    lines = [" & ".join(["", *heads]) + r" \\", r"\midrule"]
    for index, (_, first, last) in enumerate(family_blocks(languages)):
        lines += [r"\addlinespace"] if index else []
        for language in languages[first:last]:
            cells = [found[concept, language.tag] for concept in concepts]
            lines.append(" & ".join([escape_latex(language.tag), *map(_cell, cells)]) + r" \\")
    averages = [headline(findings, "within", concept) for concept in concepts]
    lines += [r"\midrule", " & ".join(["average", *map(_cell, averages)]) + r" \\"]
    overall = _cell(headline(findings, "within", ALL_CONCEPTS))
    confidence = float(findings.recognition.attrs.get("confidence", float("nan")))
    caption = (
        f"Own-language recognition at the chosen layer with {escape_latex(f'{confidence:.0%}')} intervals, "
        f"{escape_latex(info.model.get('name', info.title))}, protocol {escape_latex(info.protocol)}. "
        f"Average over concepts: {overall}."
    )
    return environment(lines, "l" + "c" * len(concepts), caption, "accuracy")


def _matrix(
    values: xr.DataArray, languages: Sequence[LanguageView], words: str, label: str, *, signed: bool = False
) -> str:
    tags = [language.tag for language in languages]
    lines = [" & ".join(["", *map(escape_latex, tags)]) + r" \\", r"\midrule"]
    estimates = values.sel({SOURCE: tags, TARGET: tags, INTERVAL: BOUNDS[0]}).transpose(SOURCE, TARGET).values
    for source, cells in zip(tags, estimates.tolist(), strict=True):
        texts = [escape_latex(number(cell, signed=signed)) for cell in cells]
        lines.append(" & ".join([escape_latex(source), *texts]) + r" \\")
    return environment(lines, "l" + "r" * len(tags), escape_latex(words), label)


def _cell(value: Interval) -> str:
    r"""`0.83 {\scriptsize[0.80, 0.86]}`."""
    if not value.bounded:
        return escape_latex(number(value.estimate))
    lower, upper = escape_latex(number(value.lower)), escape_latex(number(value.upper))
    return rf"{escape_latex(number(value.estimate))} {{\scriptsize[{lower}, {upper}]}}"


def environment(lines: Sequence[str], columns: str, caption: str, label: str) -> str:
    """A whole table, shrunk where it is wider than its place; with more than six columns it spans a two-column page.

    Args:
        lines: rows and rules of the table, as LaTeX.
        columns: their alignment, as for `tabular`.
        caption: as LaTeX.
        label: plain letters, digits and hyphens.
    """
    wide = len(columns) > 6
    kind = "table*" if wide else "table"
    parts = [
        rf"\begin{{{kind}}}[t]",
        r"\centering",
        r"\setlength{\belowcaptionskip}{4pt}",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{label}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *lines,
        r"\bottomrule",
        r"\end{tabular}}",
        rf"\end{{{kind}}}",
    ]
    return "\n".join(parts) + "\n"
