"""The section on measured quality of translations: per language, against recognition, and without flagged pairs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import xarray as xr

from polyvalues.artifacts import PairSet
from polyvalues.artifacts.quality_ratings import IDS, RATED_SCHEMA
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.report.content import EXCLUDED_WORDS, Beside, Doubted
from polyvalues.report.formatting import Interval, clipped, number
from polyvalues.report.html.figure_tables import Cell, Grid, full
from polyvalues.report.html.parts import Section, drawn


def most_doubted(rated: pa.Table, pairs: PairSet, most: int, characters: int) -> tuple[Doubted, ...]:
    """The flagged pairs of the lowest quality, their texts cut at so many characters.

    The source is the language of the pairs that is not rated itself.
    """
    texts: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for row in pairs.table.to_pylist():
        sides = (row["prefix"] + row["positive"], row["prefix"] + row["negative"])
        texts.setdefault((row["concept"], row["item"]), {})[row["language"]] = sides
    measured = set(rated["language"].to_pylist())
    source = next((tag for tag in pairs.table["language"].to_pylist() if tag not in measured), "")
    rows: list[Mapping[str, Any]] = [row for row in rated.select(RATED_SCHEMA.names).to_pylist() if row["flagged"]]
    rows.sort(key=lambda row: (row["quality"], *(row[name] for name in IDS)))
    found = []
    for row in rows:
        own = texts.get((row["concept"], row["item"]), {})
        if row["language"] in own:
            versions = (own[row["language"]], own.get(source, ("", "")))
            here, there = ((clipped(first, characters), clipped(second, characters)) for first, second in versions)
            ids = (row["concept"], row["language"], clipped(row["item"], characters))
            found.append(Doubted(*ids, row["quality"], row["reasons"], here, there))
        if len(found) == most:
            break
    return tuple(found)


def quality_section(beside: Beside, figures: Mapping[str, str]) -> Section:
    """What is known of the translations, what goes with it, and what changes without the flagged ones."""
    effect = _effect(beside.quality)
    alt = "Points: accuracy of each language against the mean quality of its texts. Numbers in the table below."
    caption = "Do languages with better translations do better? One point per language."
    parts = drawn(figures, "quality", alt, caption, [effect])
    changes = [_change(beside.exclusion, kind) for kind in EXCLUDED_WORDS] if beside.exclusion else []
    alt = "Points with intervals: change of accuracy when flagged pairs are left out. Numbers in the tables below."
    caption = (
        "What leaving out flagged pairs changes. The same can be chosen in the figures on accuracy, recognition and "
        "transfer above. Vectors stay as they were fitted."
    )
    parts += drawn(figures, "exclusion", alt, caption, changes)
    folded = [] if "quality" in figures else [effect]
    folded += [] if "exclusion" in figures else changes
    if beside.columns:
        folded += [_columns(beside.columns, name) for name in ("alone", "together")] + [_adjusted(beside.columns)]
    if beside.languages.num_rows:
        folded.append(_measures(beside.languages))
    if beside.doubted:
        folded.append(_doubted(beside.doubted))
    tables = (_languages(beside.languages),) if beside.languages.num_rows else ()
    lead = "Measured quality of the translations, whether recognition goes with it, and what flagged pairs change."
    return Section("quality", "Quality of translations", lead, parts, tables, tuple(folded))


def _effect(data: xr.Dataset) -> Grid:
    tags = [str(tag) for tag in data[TARGET].values]
    rows = []
    for concept in map(str, data[CONCEPT].values):
        own = data.sel({CONCEPT: concept})
        cells = []
        for tag in tags:
            cell = own.sel({TARGET: tag})
            halves = cell["within"].sel({INTERVAL: list(BOUNDS)})
            more = f"better half less worse half: {full(Interval.of(halves), signed=True).text}"
            cells.append(Cell(f"{number(float(cell['mean_quality']))} ({int(cell['n_pairs'])})", more))
        rows.append(
            (concept, (*cells, Cell(f"rho = {number(float(own['rho']), signed=True)}, p = {float(own['p']):.2g}")))
        )
    return Grid("Mean quality of the tested texts (pairs with one)", ("concept", *tags, "with accuracy"), tuple(rows))


def _change(data: xr.Dataset, kind: str) -> Grid:
    """Own accuracy, languages by concepts: the change, and how many tested pairs are left."""
    part = data.sel({"excluded": kind})
    concepts = [str(name) for name in data[CONCEPT].values]
    rows = []
    for tag in map(str, data[TARGET].values):
        if tag not in data[SOURCE].values:
            continue
        cells = []
        for concept in concepts:
            cell = part.sel({CONCEPT: concept, TARGET: tag})
            change = full(Interval.of(cell["change"].sel({SOURCE: tag})), signed=True)
            cells.append(Cell(change.text, f"{int(cell['n_kept'])} of {int(cell['n_pairs'])} pairs left"))
        rows.append((tag, tuple(cells)))
    return Grid(f"Change of own accuracy {EXCLUDED_WORDS[kind]}", ("language", *concepts), tuple(rows))


def _columns(data: xr.Dataset, name: str) -> Grid:
    concepts = [str(concept) for concept in data[CONCEPT].values]
    words = {"alone": "each column by itself", "together": "all measures in one regression"}[name]
    rows = tuple(
        (
            column,
            tuple(full(Interval.of(data[name].sel({"column": column, CONCEPT: c})), signed=True) for c in concepts),
        )
        for column in map(str, data["column"].values)
        if not (name == "together" and column == "quality")
    )
    return Grid(f"Accuracy per standard deviation of quality, {words}", ("column", *concepts), rows)


def _adjusted(data: xr.Dataset) -> Grid:
    concepts = [str(concept) for concept in data[CONCEPT].values]
    rows = tuple(
        (tag, tuple(full(Interval.of(data["adjusted"].sel({TARGET: tag, CONCEPT: c}))) for c in concepts))
        for tag in map(str, data[TARGET].values)
    )
    caption = "Own accuracy if every text were as good as a usual one, by the slope on quality"
    return Grid(caption, ("language", *concepts), rows)


def _languages(table: pa.Table) -> Grid:
    rows = tuple(
        (
            row["language"],
            (
                Cell(str(row["pairs"])),
                Cell(f"{row['flagged']} ({row['flagged'] / row['pairs']:.1%})"),
                Cell(number(row["quality"])),
                Cell(number(row["quality_kept"])),
                Cell(row["reasons"], long=True),
            ),
        )
        for row in table.to_pylist()
    )
    heads = ("language", "pairs", "flagged", "mean quality", "without flagged", "why (texts)")
    return Grid("Quality by language (1: usual in its language, below 0.5: flagged)", heads, rows)


def _measures(table: pa.Table) -> Grid:
    names = [name for name in table.column_names if name not in _SUMMARY]
    rows = tuple((row["language"], tuple(Cell(number(row[name])) for name in names)) for row in table.to_pylist())
    return Grid("Mean of every measure, worse text of each pair (larger is better)", ("language", *names), rows)


def _doubted(found: Sequence[Doubted]) -> Grid:
    rows = tuple(
        (
            f"{one.concept}, {one.language}, {one.item}",
            (
                Cell(number(one.quality)),
                Cell(one.reasons, long=True),
                *(Cell(text, long=True) for text in (*one.texts, *one.source)),
            ),
        )
        for one in found
    )
    heads = ("pair", "quality", "why", "upholds", "violates", "upholds, source", "violates, source")
    return Grid("Flagged pairs of the lowest quality", heads, rows)


_SUMMARY: Final = ("language", "pairs", "flagged", "quality", "quality_kept", "reasons")
