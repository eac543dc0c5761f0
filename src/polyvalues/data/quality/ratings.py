"""Measured quality of translations, from a CSV or TSV file with the columns concept, language, item and quality."""

import csv
import math
from pathlib import Path

from polyvalues.errors import ReaderError

_COLUMNS = ("concept", "language", "item", "quality")


def read_quality(path: Path) -> dict[tuple[str, str, str], float]:
    """Quality by concept, language and item; larger is better.

    Args:
        path: `.csv` or `.tsv`, UTF-8, with a header that has the four columns (others are ignored).

    Raises:
        ReaderError: the file cannot be read, lacks a column, repeats a pair, or a quality is not a finite number; the
            line is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ReaderError(path, f"UTF-8 text ({error})") from None
    rows = csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix == ".tsv" else ",")
    lacking = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if lacking:
        raise ReaderError(path, f"the columns {', '.join(_COLUMNS)}; there is no {', '.join(lacking)}", line=1)
    found: dict[tuple[str, str, str], float] = {}
    for row in rows:
        key = (row["concept"], row["language"], row["item"])
        try:
            value = float(row["quality"])
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            expected = f"a finite number, not {row['quality']!r}"
            raise ReaderError(path, expected, line=rows.line_num, field="quality")
        if key in found:
            raise ReaderError(path, f"every pair once; {', '.join(map(str, key))} is there twice", line=rows.line_num)
        found[key] = value
    return found
