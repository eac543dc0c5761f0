"""Divergence for people to read: candidates first, every translation side by side.

The page claims nothing: it lists candidates, to be read by people who speak the language. It is one file and makes no
request; everything from the data is escaped, invisible characters spelled out. One script of the package searches it;
without scripts the search is not there and everything is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from polyvalues.artifacts import PairSet
from polyvalues.report.content import Entry, Version
from polyvalues.report.formatting import clipped, number
from polyvalues.report.html.templating import script, template
from polyvalues.report.tables.csv_tables import csv_text

SHOWN: Final = 200
"""Most rows on the page; the CSV has all."""

_ORDER: Final = ("candidate", "doubtful", "bad item")


def divergence_page(table: pa.Table, topics: pa.Table, pairs: PairSet, model: str) -> str:
    """The page.

    Args:
        table: rows as in `analysis.followups.item_divergence.DIVERGENCE_SCHEMA`.
        topics: rows as in `analysis.followups.topic_enrichment.ENRICHMENT_SCHEMA`.
        pairs: the pairs of the study, for the texts.
        model: the model's name.
    """
    shown, counts = strongest(table, pairs, SHOWN)
    source = table["source"][0].as_py() if table.num_rows else ""
    return template("divergence.html.j2").render(
        title=f"Divergence candidates in {model}" if model else "Divergence candidates",
        source=source,
        search=script("search.js"),
        choices=choices(shown),
        counts=counts,
        total=table.num_rows,
        shown=shown,
        left_out=max(0, sum(counts[status] for status in _ORDER) - SHOWN),
        topics=[{**row, "p": _probability(row["p"]), "q": _probability(row["q"])} for row in topics.to_pylist()],
    )


def strongest(
    table: pa.Table, pairs: PairSet, most: int, *, characters: int | None = None
) -> tuple[tuple[Entry, ...], dict[str, int]]:
    """The first `most` items that diverge, candidates and the strongest first; and the number of cells by status.

    Texts are cut at so many `characters`; None: they are whole.
    """
    rows = table.to_pylist()
    counts = {status: sum(row["status"] == status for row in rows) for status in (*_ORDER, "no sign", "cannot tell")}
    named = sorted(
        (row for row in rows if row["status"] in _ORDER),
        key=lambda row: (_ORDER.index(row["status"]), _strength(row), row["concept"], row["target"], row["item"]),
    )
    texts = _texts(pairs)
    entries = (_entry(row, texts) for row in named[:most])
    return tuple(entry if characters is None else _clipped(entry, characters) for entry in entries), counts


def _clipped(entry: Entry, most: int) -> Entry:
    versions = (
        replace(version, positive=clipped(version.positive, most), negative=clipped(version.negative, most))
        for version in entry.versions
    )
    return replace(entry, item=clipped(entry.item, most), versions=tuple(versions))


def choices(entries: Sequence[Entry]) -> list[tuple[str, str, list[str]]]:
    """Name, label and values of what can be chosen among the entries shown."""
    labels = {"concept": "concept", "target": "language", "status": "status"}
    return [
        (name, label, list(dict.fromkeys(getattr(entry, name) for entry in entries))) for name, label in labels.items()
    ]


def divergence_csv(table: pa.Table, pairs: PairSet) -> str:
    """All rows of the table with the target's texts, as CSV."""
    texts = _texts(pairs)
    rows = []
    for row in table.to_pylist():
        own = texts.get((row["concept"], row["item"]), {}).get(row["target"])
        sides = {"positive": own[0], "negative": own[1], "category": own[2]} if own else {}
        rows.append(row | {"positive": "", "negative": "", "category": ""} | sides)
    names = (*table.schema.names, "positive", "negative", "category")
    columns: Mapping[str, list[object]] = {name: [row[name] for row in rows] for name in names}
    return csv_text(
        pa.table({name: pa.array(values, _type(table, name)) for name, values in columns.items()}).to_pandas()
    )


def _type(table: pa.Table, name: str) -> pa.DataType:
    return table.schema.field(name).type if name in table.schema.names else pa.string()


def _strength(row: Mapping[str, Any]) -> float:
    found = [abs(value) for value in (row["departure"], row["disagreement"]) if value is not None]
    return -max(found, default=0.0)


def _texts(pairs: PairSet) -> dict[tuple[str, str], dict[str, tuple[str, str, str]]]:
    """By concept and item, then language: both texts and the category."""
    found: dict[tuple[str, str], dict[str, tuple[str, str, str]]] = {}
    for row in pairs.table.to_pylist():
        sides = (row["prefix"] + row["positive"], row["prefix"] + row["negative"], row["category"])
        found.setdefault((row["concept"], row["item"]), {})[row["language"]] = sides
    return found


def _entry(row: Mapping[str, Any], texts: Mapping[tuple[str, str], Mapping[str, Sequence[str]]]) -> Entry:
    own = texts.get((row["concept"], row["item"]), {})
    order = [row["target"], row["source"], *sorted(set(own) - {row["target"], row["source"]})]
    versions = tuple(Version(tag, own[tag][0], own[tag][1], tag == row["target"]) for tag in order if tag in own)
    shown = ("score_source", "score_own", "departure", "q_departure", "disagreement", "q_disagreement")
    numbers = tuple(
        (
            name.replace("_", " "),
            _probability(row[name]) if name[0] == "q" and row[name] is not None else _number(row[name]),
        )
        for name in shown
    )
    category = next((sides[2] for sides in own.values()), "")
    return Entry(row["concept"], row["target"], row["item"], category, row["status"], row["doubts"], numbers, versions)


def _probability(value: float) -> str:
    """Three digits; what would be rounded to 0 is said to be smaller than the least of them."""
    return "< 0.001" if value < 0.001 else number(value, digits=3)


def _number(value: object) -> str:
    return number(float(value), digits=3) if isinstance(value, float) else "not measured"
