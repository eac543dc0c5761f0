"""Measured quality of pairs, from a CSV or TSV file: columns concept, language, item, quality, and any others.

`flagged` (true or false) and `reasons` are used where they are there; without `flagged` a pair is flagged whose quality
lies below the fence of its language (`fences`, the rule of a learned metric). Other columns that hold numbers only are
measures, larger is better; columns that hold anything else are left out.
"""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from polyvalues.artifacts.quality_ratings import IDS, RATED_SCHEMA
from polyvalues.errors import ReaderError
from polyvalues.translation.quality.thresholds import fences

MEASURED: Final = "quality.csv"
"""Name of the file in a folder of translations."""

_COLUMNS: Final = (*IDS, "quality")
_BOOLEANS: Final = {"true": True, "false": False}


def read_quality(path: Path) -> pa.Table:
    """Rated pairs (`polyvalues.artifacts.quality_ratings`), in the order of the file.

    Args:
        path: `.csv` or `.tsv`, UTF-8, with a header that has the four columns; or a folder with a `quality.csv`.

    Raises:
        ReaderError: the file cannot be read, lacks a column, repeats a pair, or a quality is not a finite number; the
            line is named.
    """
    if path.is_dir():
        if not (path / MEASURED).is_file():
            raise ReaderError(path, f"a folder of `translate` or `pairs quality`; there is no {MEASURED} in it")
        path = path / MEASURED
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReaderError(path, f"UTF-8 text ({error})") from None
    rows = csv.DictReader(io.StringIO(text), delimiter="\t" if path.suffix == ".tsv" else ",")
    names = list(rows.fieldnames or ())
    lacking = [name for name in _COLUMNS if name not in names]
    if lacking:
        raise ReaderError(path, f"the columns {', '.join(_COLUMNS)}; there is no {', '.join(lacking)}", line=1)
    kept: list[dict[str, Any]] = []
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        if None in (row[name] for name in _COLUMNS):
            raise ReaderError(path, f"{len(names)} cells in every row", line=rows.line_num)
        key = tuple(row[name] for name in IDS)
        if key in seen:
            raise ReaderError(path, f"every pair once; {', '.join(key)} is there twice", line=rows.line_num)
        seen.add(key)
        kept.append({**row, "quality": _number(path, rows.line_num, row["quality"])})
        if "flagged" in names and str(row["flagged"]).lower() not in _BOOLEANS:
            raise ReaderError(path, f"true or false, not {row['flagged']!r}", line=rows.line_num, field="flagged")
    return _table(kept, names)


def _number(path: Path, line: int, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ReaderError(path, f"a finite number, not {text!r}", line=line, field="quality")
    return value


def _table(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> pa.Table:
    quality = np.array([row["quality"] for row in rows], dtype=np.float64)
    if "flagged" in names:
        flagged = [_BOOLEANS[str(row["flagged"]).lower()] for row in rows]
        reasons = [str(row.get("reasons") or "") for row in rows]
    else:
        languages = [row["language"] for row in rows]
        tags = np.array(languages, dtype=str)
        low = np.zeros(len(rows), dtype=bool)
        for tag, fence in fences("learned", quality, languages).items():
            low[tags == tag] = fence.risk(quality[tags == tag]) > 1
        flagged, reasons = low.tolist(), ["low quality" if one else "" for one in low]
    columns = [*([row[name] for row in rows] for name in IDS), quality, flagged, reasons]
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, RATED_SCHEMA, strict=True)], schema=RATED_SCHEMA)
    for name in names:
        values = _numbers([row[name] for row in rows]) if name and name not in RATED_SCHEMA.names else None
        if values is not None:
            table = table.append_column(pa.field(name, pa.float64(), nullable=False), pa.array(values))
    return table


def _numbers(cells: Sequence[str | None]) -> np.ndarray | None:
    """Numbers, NaN for an empty cell; None where a cell is something else, or nothing is measured."""
    try:
        values = np.array([float(cell) if cell else math.nan for cell in cells], dtype=np.float64)
    except ValueError:
        return None
    return values if np.isfinite(values).any() and not np.isinf(values).any() else None
