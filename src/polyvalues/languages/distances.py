"""Distances between languages: genetic, geographic, syntactic, phonological, inventory, featural.

    computed      7,970 languages, from Glottolog and URIEL+, missing values left missing
    paper         the 16 languages of Xu et al. (2024), as in the paper's repository, placeholder rows and all
    paper-known   the same with the placeholders left missing

0 is the same, 1 the farthest. `computed`:

    genetic       1 - 2 |A & B| / (|A| + |B|),  A and B the languages and all their ancestors
    geographic    great circle between the languages' places over half the Earth's circumference
    syntactic, phonological, inventory, featural
                  2 arccos(cos) / pi between feature vectors over the features known of both (featural: all of them),
                  missing with fewer than 5 such features or when one is all zero

Sources, licences and how each number was made: `README.md` beside the tables.
"""

import csv
import gzip
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.dimensions import SOURCE, TARGET
from polyvalues.errors import SpecError

KINDS: Final = ("genetic", "geographic", "syntactic", "phonological", "inventory", "featural")
"""Kinds of distance; variables of what `distances` returns."""

TABLES: Final = ("computed", "paper", "paper-known")

_SOURCES: Final = {
    "computed": "Glottolog (qwanqwa 1.2.1) and URIEL+ (urielplus 1.3.2)",
    "paper": "Xu et al. (2024), shaoyangxu/Multilingual-Human-Value-Concepts",
    "paper-known": "Xu et al. (2024), shaoyangxu/Multilingual-Human-Value-Concepts, placeholders left out",
}
_FEATURES: Final = {
    "syntactic": ("syntactic",),
    "phonological": ("phonological",),
    "inventory": ("inventory",),
    "featural": ("syntactic", "phonological", "inventory"),
}
_LEAST = 5


def distances(languages: Sequence[str], table: str = "computed") -> xr.Dataset:
    """Distances between languages.

    Args:
        languages: tags or ISO 639-3 codes, in the order wanted. One that is not in the table is looked up by its
            language (`pt-BR`: `pt`).
        table: one of `TABLES`.

    Returns:
        One variable per kind, float64 `[source, target]`, 0 on the diagonal of known languages, NaN where missing;
        attrs: source, unknown (languages that are not in the table).

    Raises:
        SpecError: no such table.
    """
    if table not in TABLES:
        raise SpecError(f"distance table {table!r} is unknown; known: {', '.join(TABLES)}")
    rows = _known() if table == "computed" else _paper_languages()
    found_as = [next((name for name in (tag, tag.partition("-")[0]) if name in rows), None) for tag in languages]
    names = [name for name in found_as if name is not None]
    blocks = _computed(names) if table == "computed" else _paper(names, known=table == "paper-known")
    there = np.array([name is not None for name in found_as], dtype=bool)
    found = {}
    for kind in KINDS:
        block = np.full((len(languages), len(languages)), np.nan)
        block[np.ix_(there, there)] = blocks[kind]
        found[kind] = ((SOURCE, TARGET), block)
    unknown = [tag for tag, name in zip(languages, found_as, strict=True) if name is None]
    return xr.Dataset(
        found,
        coords={SOURCE: list(languages), TARGET: list(languages)},
        attrs={"source": _SOURCES[table], "unknown": ", ".join(unknown)},
    )


def _computed(names: Sequence[str]) -> dict[str, np.ndarray]:
    if not names:
        return {kind: np.empty((0, 0)) for kind in KINDS}
    rows = [_known()[name] for name in names]
    blocks = {
        "genetic": _genetic([set(row["ancestors"].split()) for row in rows]),
        "geographic": _geographic(
            np.array([[float(row[part] or "nan") for part in ("latitude", "longitude")] for row in rows])
        ),
    }
    value = {".": np.nan, "0": 0.0, "1": 1.0}
    for kind, parts in _FEATURES.items():
        blocks[kind] = _angular(np.array([[value[cell] for part in parts for cell in row[part]] for row in rows]))
    for block in blocks.values():
        np.fill_diagonal(block, 0.0)
    return blocks


def _genetic(lineages: Sequence[set[str]]) -> np.ndarray:
    return np.array(
        [[1 - 2 * len(a & b) / (len(a) + len(b)) if a and b else np.nan for b in lineages] for a in lineages]
    )


def _geographic(places: np.ndarray) -> np.ndarray:
    latitude, longitude = np.radians(places).T
    haversine = (
        np.sin((latitude[:, None] - latitude) / 2) ** 2
        + np.cos(latitude[:, None]) * np.cos(latitude) * np.sin((longitude[:, None] - longitude) / 2) ** 2
    )
    return 2 * np.arcsin(np.sqrt(np.clip(haversine, 0, 1))) / np.pi


def _angular(data: np.ndarray) -> np.ndarray:
    present = np.isfinite(data).astype(float)
    values = np.nan_to_num(data)
    product, square = values @ values.T, values**2 @ present.T
    length = np.sqrt(square * square.T)
    sayable = (present @ present.T >= _LEAST) & (length > 0)
    cosine = np.divide(product, length, out=np.full(product.shape, np.nan), where=sayable)
    return 2 * np.arccos(np.clip(cosine, -1, 1)) / np.pi


def _paper(names: Sequence[str], *, known: bool) -> dict[str, np.ndarray]:
    lines = {frozenset((line["language"], line["other"])): line for line in _paper_lines()}
    blocks = {}
    for kind in KINDS:
        block = np.zeros((len(names), len(names)))
        for row, first in enumerate(names):
            for column, second in enumerate(names):
                if first != second:
                    line = lines[frozenset((first, second))]
                    missing = not line[kind] or (known and kind in line["placeholder"].split())
                    block[row, column] = np.nan if missing else float(line[kind])
        blocks[kind] = block
    return blocks


def _paper_languages() -> set[str]:
    return {line[end] for line in _paper_lines() for end in ("language", "other")}


@cache
def _paper_lines() -> list[dict[str, str]]:
    return list(csv.DictReader(_stored("paper.csv").decode().splitlines()))


@cache
def _known() -> dict[str, dict[str, str]]:
    """Row of each language, under its code and its tag."""
    rows = list(csv.DictReader(gzip.decompress(_stored("languages.csv.gz")).decode().splitlines()))
    return {row["code"]: row for row in rows} | {row["tag"]: row for row in rows if row["tag"]}


def _stored(name: str) -> bytes:
    return resources.files("polyvalues.languages").joinpath(name).read_bytes()
