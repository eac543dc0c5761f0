"""The numbers behind each figure as tables for the page: rows, columns and cells of text, nothing else.

An interval that does not fit into a cell is the cell's title, which pointers and screen readers show; every interval
is also in the CSV files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.dimensions import (
    ALL_CONCEPTS,
    BOUNDS,
    CONCEPT,
    CONTROL,
    CONTROLS,
    INTERVAL,
    LAYER,
    QUANTITY,
    SOURCE,
    TARGET,
)
from polyvalues.report.formatting import MISSING, Interval, interval_text, intervals, number
from polyvalues.report.text.smallest_p import smallest_p
from polyvalues.report.views import LanguageView, chosen_layers, concepts_of, headline, own

NOT_MEASURED = "not measured"

QUANTITIES: Mapping[str, str] = {
    "within": "own language",
    "cross": "other languages' vectors",
    "transfer": "transfer",
    "random": "random direction",
    "permuted": "swapped sides",
    "cosine": "cosine",
    "disattenuated": "cosine, noise taken out",
    "reliability": "reliability",
}
"""Headline quantities in words."""

CONTROL_WORDS: Mapping[str, str] = {"random": "random direction", "permuted": "swapped sides"}


@dataclass(frozen=True)
class Cell:
    """One cell: `text`; a `title` with what did not fit (empty: none); whether it is `long`, and may be broken."""

    text: str
    title: str = ""
    long: bool = False


@dataclass(frozen=True)
class Grid:
    """A table: `caption`; column heads (the first is that of the row heads); rows as `(head, cells)`."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def accuracy(findings: Findings, languages: Sequence[LanguageView]) -> list[Grid]:
    """Own-language recognition, languages by concepts, with the average of each concept."""
    tags = [language.tag for language in languages]
    concepts = concepts_of(findings)
    found = intervals(own(findings.recognition["chosen"], tags), {CONCEPT: concepts, TARGET: tags})
    rows = [(_name(language), tuple(full(found[c, language.tag]) for c in concepts)) for language in languages]
    rows.append(("average", tuple(full(headline(findings, "within", concept)) for concept in concepts)))
    return [Grid("Own-language recognition at the chosen layer", ("language", *concepts), tuple(rows))]


def layers(findings: Findings, languages: Sequence[LanguageView]) -> list[Grid]:
    """Own-language recognition over layers, one table per concept."""
    tags = [language.tag for language in languages]
    values = own(findings.recognition["accuracy"], tags)
    tables = values.sel({INTERVAL: list(BOUNDS)}).transpose(CONCEPT, LAYER, TARGET, INTERVAL).values
    grids = []
    for concept, table in zip(concepts_of(findings), tables, strict=True):
        heads = [str(int(layer)) for layer in values[LAYER].values]
        rows = tuple((head, short_row(row)) for head, row in zip(heads, table, strict=True))
        grids.append(Grid(f"{concept}: own-language recognition by layer", ("layer", *tags), rows))
    return grids


def matrices(values: xr.DataArray, languages: Sequence[LanguageView], what: str, *, signed: bool = False) -> list[Grid]:
    """Source by target, one table per concept."""
    tags = [language.tag for language in languages]
    order = {SOURCE: tags, TARGET: tags, INTERVAL: list(BOUNDS)}
    grids = []
    tables = values.sel(order).transpose(CONCEPT, *order).values
    for concept, table in zip(map(str, values[CONCEPT].values), tables, strict=True):
        rows = tuple((tag, short_row(row, signed=signed)) for tag, row in zip(tags, table, strict=True))
        grids.append(Grid(f"{concept}: {what}", ("source \\ target", *tags), rows))
    return grids


def reliability(findings: Findings, languages: Sequence[LanguageView]) -> list[Grid]:
    """Reliability of the vectors, languages by concepts."""
    concepts = concepts_of(findings)
    tags = [language.tag for language in languages]
    found = intervals(findings.consistency["reliability_chosen"], {CONCEPT: concepts, SOURCE: tags})
    rows = tuple((_name(language), tuple(full(found[c, language.tag]) for c in concepts)) for language in languages)
    return [Grid("Reliability at the chosen layer", ("language", *concepts), rows)]


def overview(findings: Findings) -> Grid:
    """The headline numbers, concepts by quantities, the mean over concepts last."""
    quantities = [str(quantity) for quantity in findings.overview[QUANTITY].values]
    concepts = [str(concept) for concept in findings.overview[CONCEPT].values]
    rows = tuple(
        (
            "mean over concepts" if c == ALL_CONCEPTS else c,
            tuple(_headline(findings, q, c) for q in quantities),
        )
        for c in concepts
    )
    heads = tuple(QUANTITIES.get(quantity, quantity.replace("_", " ")) for quantity in quantities)
    title = "Headline numbers per concept, means over languages; intervals: other items in these languages"
    if "both" in findings.overview and bool(findings.overview["both"].notnull().any()):
        title += "; second interval: other items in other languages"
    return Grid(title, ("concept", *heads), rows)


def _headline(findings: Findings, quantity: str, concept: str) -> Cell:
    signed = quantity == "transfer"
    items, both = (headline(findings, quantity, concept, over) for over in ("value", "both"))
    cell = full(items, signed=signed)
    if not both.bounded:
        return cell
    bounds = f"[{number(both.lower, signed=signed)}, {number(both.upper, signed=signed)}]"
    return Cell(f"{interval_text(items, signed=signed)} {bounds}", cell.title)


def control_summary(findings: Findings) -> Grid:
    """Own-language recognition beside both controls, per concept and on average."""
    quantities = ("within", *CONTROLS)
    names = [*concepts_of(findings), ALL_CONCEPTS]
    rows = tuple(
        ("mean over concepts" if c == ALL_CONCEPTS else c, tuple(full(headline(findings, q, c)) for q in quantities))
        for c in names
    )
    heads = ("concept", *(QUANTITIES[quantity] for quantity in quantities))
    return Grid("Recognition, averaged over languages, beside its controls", heads, rows)


def control_table(findings: Findings, languages: Sequence[LanguageView]) -> list[Grid]:
    """Both controls at the chosen layer, languages by concepts."""
    concepts = concepts_of(findings)
    labels = {CONTROL: CONTROLS, CONCEPT: concepts, TARGET: [language.tag for language in languages]}
    found = intervals(findings.recognition["control_chosen"], labels)
    return [
        Grid(
            f"Recognition under a control: {CONTROL_WORDS[control]}",
            ("language", *concepts),
            tuple(
                (_name(language), tuple(full(found[control, c, language.tag]) for c in concepts))
                for language in languages
            ),
        )
        for control in CONTROLS
    ]


def control_cosines(findings: Findings, languages: Sequence[LanguageView]) -> list[Grid]:
    """Cosines between label-permuted directions of two languages, one table per concept."""
    values = findings.consistency["control_chosen"].sel({CONTROL: "permuted"})
    return matrices(values, languages, "cosine between label-permuted directions, chosen layer")


def chosen(findings: Findings) -> Grid | None:
    """The chosen layer of each concept; None where each cell has its own."""
    if "cell_layer" in findings.recognition:
        return None
    layers_of = chosen_layers(findings.recognition, findings.recognition)
    folds = findings.recognition["fold_layer"]
    rows = []
    for concept in concepts_of(findings):
        layer = int(layers_of.sel({CONCEPT: concept}).values.flat[0])
        others = sorted({int(f) for f in folds.sel({CONCEPT: concept}).values if f >= 0} - {layer})
        rows.append(
            (concept, (Cell(str(layer) if layer >= 0 else MISSING), Cell(", ".join(map(str, others)) or "none")))
        )
    return Grid("Chosen layers", ("concept", "layer", "other layers used for left-out folds"), tuple(rows))


def kept_pairs(info: StudyInfo, languages: Sequence[LanguageView]) -> Grid:
    """Pairs kept and, in brackets, dropped: concepts by languages."""
    rows = {(row["concept"], row["language"]): row for row in info.summary.to_pylist()}
    concepts = list(dict.fromkeys(concept for concept, _ in rows))
    tags = [language.tag for language in languages]
    tags += [tag for tag in dict.fromkeys(tag for _, tag in rows) if tag not in tags]
    return Grid(
        "Pairs kept (and dropped)",
        ("concept", *tags),
        tuple((concept, tuple(_kept(rows.get((concept, tag))) for tag in tags)) for concept in concepts),
    )


def summary(info: StudyInfo) -> Grid:
    """Everything known about the pairs, one row per concept and language."""
    heads = ("concept", "language", "kept", "groups", "dropped", "mended", "reasons", "characters, positive",
             "characters, negative", "positive longer")  # fmt: skip
    rows = tuple(
        (
            row["concept"],
            (
                *(Cell(str(row[key])) for key in ("language", "kept", "groups", "dropped", "mended")),
                Cell(row["reasons"] or "none", long=True),
                *(Cell(number(row[key], digits=1)) for key in ("characters_positive", "characters_negative")),
                Cell(number(row["positive_longer"])),
            ),
        )
        for row in info.summary.to_pylist()
    )
    return Grid("Pairs per concept and language, with reasons for what was dropped or mended", heads, rows)


def kinship(data: xr.Dataset) -> list[Grid]:
    """Correlation of cosines with kinship, concepts by kinds, one table per distance table and quantity."""
    concepts, kinds = ([str(name) for name in data[dim].values] for dim in (CONCEPT, "kind"))
    own = data.sel({"coefficient": "pearson", "form": "beyond"})
    grids = []
    for table in map(str, data["table"].values):
        for quantity in map(str, data["of"].values):
            part = own.sel({"table": table, "of": quantity})
            given = {kind: str(part["given"].sel(kind=kind).item()) for kind in kinds}
            heads = [f"{kind} given {given[kind]}" if given[kind] else kind for kind in kinds]
            rows = tuple((c, tuple(_tested(part.sel({CONCEPT: c, "kind": kind})) for kind in kinds)) for c in concepts)
            title = (
                f"Pearson's r of {quantity} with similarity, distances: {table}; intervals: other languages and items"
            )
            grids.append(Grid(title, ("concept", *heads), rows))
    return grids


def _tested(cell: xr.Dataset) -> Cell:
    items, both = Interval.of(cell["items"]), Interval.of(cell["both"])
    if not items.measured:
        return Cell(MISSING, NOT_MEASURED)
    p, q, least, pairs = (float(cell[name]) for name in ("p", "q", "p_smallest", "pairs"))
    said = f"{interval_text(both if both.measured else items, signed=True)}, p = {p:.2g}"
    counts = f"q = {q:.2g}, smallest possible p {least:.2g}, {pairs:.0f} pairs of languages"
    alone = f"these languages, other items: {interval_text(items, signed=True)}"
    return Cell(said, f"{counts}; {alone}" if both.measured else f"{counts}; interval: other items only")


def direction(data: xr.Dataset) -> Grid:
    """Slope of asymmetry on training shares per concept, and the mean transfer both ways."""
    names = ("slope", "high_to_low", "low_to_high", "high_minus_low")
    rows = tuple(
        (
            "mean over concepts" if c == ALL_CONCEPTS else c,
            (
                *(full(Interval.of(data[name].sel({CONCEPT: c})), signed=True) for name in names),
                Cell(f"{float(data['p'].sel({CONCEPT: c})):.2g}"),
                Cell(f"{float(smallest_p(data).sel({CONCEPT: c})):.2g}"),
            ),
        )
        for c in map(str, data[CONCEPT].values)
    )
    heads = (
        "concept",
        "slope per factor of ten",
        "rich to poor",
        "poor to rich",
        "difference",
        "p of the slope",
        "smallest possible p",
    )
    return Grid("Transfer and training shares", heads, rows)


def language_table(info: StudyInfo, languages: Sequence[LanguageView]) -> Grid:
    """The languages, in the order of every table and figure."""
    rows = tuple(
        (
            language.tag,
            (
                Cell(language.name),
                Cell(language.family),
                Cell("right to left" if language.direction == "rtl" else "left to right"),
                Cell(_share(info.shares.get(language.tag))),
            ),
        )
        for language in languages
    )
    return Grid("Languages, by family", ("tag", "name", "family", "written", "share of training text"), rows)


def full(value: Interval, *, signed: bool = False) -> Cell:
    """A cell that shows the interval."""
    return Cell(interval_text(value, signed=signed), "" if value.measured else NOT_MEASURED)


def short_row(numbers: np.ndarray, *, signed: bool = False) -> tuple[Cell, ...]:
    """Cells of estimates, from `[column, interval]`; the interval is the title."""
    cells = []
    for row in numbers:
        value = Interval(*(float(bound) for bound in row))
        lower, upper = number(value.lower, signed=signed), number(value.upper, signed=signed)
        title = f"{lower} to {upper}" if value.measured else NOT_MEASURED
        cells.append(Cell(number(value.estimate, signed=signed), title))
    return tuple(cells)


def _kept(row: Mapping[str, object] | None) -> Cell:
    if row is None:
        return Cell(MISSING, "no pairs")
    dropped = f" ({row['dropped']})" if row["dropped"] else ""
    return Cell(f"{row['kept']}{dropped}", str(row["reasons"]))


def _share(percent: float | None) -> str:
    return "unknown" if percent is None else f"{percent:g} %"


def _name(language: LanguageView) -> str:
    return f"{language.tag} {language.name}"
