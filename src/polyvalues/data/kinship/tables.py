"""Distances between languages: genetic, geographic, syntactic, phonological, inventory, featural.

    computed      131 languages, from Glottolog and URIEL+, missing values left missing
    paper         the 16 languages of Xu et al. (2024), as in the paper's repository, placeholder rows and all
    paper-known   the same with the placeholders left missing

0 is the same, 1 the farthest. Sources, licences and how each number was made: `README.md` beside the tables.
"""

import csv
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.axes import SOURCE, TARGET
from polyvalues.errors import SpecError

KINDS: Final = ("genetic", "geographic", "syntactic", "phonological", "inventory", "featural")
"""Kinds of distance; variables of what `distances` returns."""

TABLES: Final = ("computed", "paper", "paper-known")

_SOURCES: Final = {
    "computed": "Glottolog (qwanqwa 1.2.1) and URIEL+ (urielplus 1.3.2)",
    "paper": "Xu et al. (2024), shaoyangxu/Multilingual-Human-Value-Concepts",
    "paper-known": "Xu et al. (2024), shaoyangxu/Multilingual-Human-Value-Concepts, placeholders left out",
}


def distances(languages: Sequence[str], table: str = "computed") -> xr.Dataset:
    """Distances between languages.

    Args:
        languages: tags, in the order wanted. One that is not in the table is looked up by its language (`pt-BR`: `pt`).
        table: one of `TABLES`.

    Returns:
        One variable per kind, float64 `[source, target]`, 0 on the diagonal of known languages, NaN where missing;
        attrs: source, unknown (languages that are not in the table).

    Raises:
        SpecError: no such table.
    """
    if table not in TABLES:
        raise SpecError(f"distance table {table!r} is unknown; known: {', '.join(TABLES)}")
    known, values = _load(table)
    rows = [known.get(tag, known.get(tag.partition("-")[0], -1)) for tag in languages]
    there = np.array(rows) >= 0
    found = {}
    for number, kind in enumerate(KINDS):
        block = np.full((len(languages), len(languages)), np.nan)
        at = [row for row in rows if row >= 0]
        block[np.ix_(there, there)] = values[number][np.ix_(at, at)]
        found[kind] = ((SOURCE, TARGET), block)
    unknown = [tag for tag, row in zip(languages, rows, strict=True) if row < 0]
    return xr.Dataset(
        found,
        coords={SOURCE: list(languages), TARGET: list(languages)},
        attrs={"source": _SOURCES[table], "unknown": ", ".join(unknown)},
    )


@cache
def _load(table: str) -> tuple[dict[str, int], np.ndarray]:
    """Row of each language, and all distances `[kind, language, language]`."""
    name = "computed.csv" if table == "computed" else "paper.csv"
    text = resources.files("polyvalues.data.kinship").joinpath(name).read_text(encoding="utf-8")
    lines = list(csv.DictReader(text.splitlines()))
    known = {
        tag: row
        for row, tag in enumerate(dict.fromkeys(tag for line in lines for tag in (line["language"], line["other"])))
    }
    values = np.full((len(KINDS), len(known), len(known)), np.nan)
    values[:, np.arange(len(known)), np.arange(len(known))] = 0.0
    for line in lines:
        first, second = known[line["language"]], known[line["other"]]
        missing = line.get("placeholder", "").split() if table == "paper-known" else []
        for number, kind in enumerate(KINDS):
            cell = np.nan if kind in missing or not line[kind] else float(line[kind])
            values[number, first, second] = values[number, second, first] = cell
    return known, values
