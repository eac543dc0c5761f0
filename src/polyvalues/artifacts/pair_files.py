"""Rows of pairs from data frames, and data frames from files."""

import importlib.util
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from polyvalues.artifacts.pair_contract import DEFAULTS, REQUIRED
from polyvalues.errors import MissingExtra, PairsError

_NAMES: Final = (*REQUIRED, "group", *(name for name in DEFAULTS if name != "source"))
_IDS: Final = ("concept", "language", "item", "group", "category")
_TEXT: Final[Mapping[str, Any]] = MappingProxyType(
    {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "encoding_errors": "strict"}
)
_JSON: Final[Mapping[str, Any]] = MappingProxyType({"dtype": False, "encoding": "utf-8"})
_READ: Final[Mapping[str, Callable[[Path], pd.DataFrame]]] = MappingProxyType(
    {
        ".csv": lambda path: pd.read_csv(path, **_TEXT),
        ".tsv": lambda path: pd.read_csv(path, sep="\t", **_TEXT),
        ".jsonl": lambda path: pd.read_json(path, lines=True, **_JSON),
        ".json": lambda path: pd.read_json(path, orient="records", **_JSON),
        ".parquet": lambda path: pd.read_parquet(path),
        ".xlsx": lambda path: pd.read_excel(path, dtype=str, keep_default_na=False),
    }
)


def read_frame(path: Path) -> pd.DataFrame:
    """A data frame from a file, whose ending says what it is.

    Raises:
        PairsError: no such file, another ending, or the file is not what its ending promises.
        MissingExtra: an Excel file, and openpyxl is not installed.
    """
    if not path.is_file():
        raise PairsError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if suffix not in _READ:
        raise PairsError(f"{path}: expected a file that ends in {', '.join(_READ)}")
    if suffix == ".xlsx" and importlib.util.find_spec("openpyxl") is None:
        raise MissingExtra(f"{path}: Excel files are read with openpyxl: pip install openpyxl; or save it as CSV")
    try:
        return _READ[suffix](path)
    except (ValueError, OSError, KeyError) as error:  # pandas' and pyarrow's own are among them
        raise PairsError(f"{path}: cannot be read as {suffix[1:]} ({str(error).strip().splitlines()[0]})") from None


def frame_rows(
    frame: pd.DataFrame, columns: Mapping[str, str], fixed: Mapping[str, str]
) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    """Rows as `PairSet.from_dicts` takes them, and the frame's columns that are not used.

    Args:
        frame: one row per pair.
        columns: from our names to the frame's.
        fixed: values of columns that the frame does not have.

    Raises:
        PairsError: an unknown name, a column that is missing or there twice, or an empty cell (its row, from 1).
    """
    unknown = [name for name in (*columns, *fixed) if name not in _NAMES]
    if unknown:
        raise PairsError(f"{unknown[0]!r} is not a column of pairs; columns are {', '.join(_NAMES)}")
    theirs = {name: columns.get(name, name) for name in _NAMES if name not in fixed}
    there = [str(name) for name in frame.columns]
    absent = [theirs[name] for name in theirs if theirs[name] not in there and (name in REQUIRED or name in columns)]
    if absent:
        raise PairsError(
            f"no column {absent[0]!r}; the data have {', '.join(there)}. Name yours in columns={{...}}, or give one "
            "value for all rows, such as language='en'"
        )
    twice = [name for name in dict.fromkeys(there) if there.count(name) > 1]
    if twice:
        raise PairsError(f"the column {twice[0]!r} is there twice")
    used = {name: own for name, own in theirs.items() if own in there}
    values = {name: frame[own].tolist() for name, own in used.items()}
    rows = [
        {**fixed, **{name: _cell(values[name][row], name, row + 1) for name in used}} for row in range(len(frame.index))
    ]
    return rows, tuple(name for name in there if name not in used.values())


def _cell(value: Any, name: str, row: int) -> object:
    """A cell as text; ids may be numbers."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        raise PairsError(f"row {row}, {name!r}: the cell is empty; an empty text is ''")
    if name in _IDS and not isinstance(value, str | bool):
        return str(int(value)) if isinstance(value, int | float) and float(value).is_integer() else str(value)
    return value
