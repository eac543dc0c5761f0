"""Findings as CSV: one row per number, full precision, for checking and for other people's programs.

Numbers are written so that reading them gives back the same float64; a number that was not measured is an empty field.
Every file keeps the order of the findings and ends its lines with a line feed, so equal findings give equal bytes.
Where `chosen` is True the row is about the chosen layer, whose number stands in `layer`; under the paper protocol this
is the cell's own layer for accuracies, and empty for cosines, reliabilities and controls, for which none is recorded.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.dimensions import BOUNDS, CONCEPT, CONTROL, INTERVAL, LANGUAGE, LAYER, QUANTITY, SOURCE, TARGET
from polyvalues.report.tables.latex import latex_tables
from polyvalues.report.views import chosen_layers

__all__ = [
    "auroc_csv",
    "consistency_controls_csv",
    "consistency_csv",
    "controls_csv",
    "csv_tables",
    "csv_text",
    "latex_tables",
    "overview_csv",
    "pairs_csv",
    "recognition_csv",
    "reliability_csv",
    "transfer_csv",
]

_HEADS = {CONTROL: "control"}
"""Columns that are not called as their dimension is."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a field that begins so for a formula and runs it."""


def csv_tables(findings: Findings, info: StudyInfo) -> Mapping[str, str]:
    """All CSV tables: file name to content."""
    return {
        "recognition.csv": recognition_csv(findings),
        "auroc.csv": auroc_csv(findings),
        "controls.csv": controls_csv(findings),
        "consistency.csv": consistency_csv(findings),
        "consistency_controls.csv": consistency_controls_csv(findings),
        "reliability.csv": reliability_csv(findings),
        "transfer.csv": transfer_csv(findings),
        "overview.csv": overview_csv(findings),
        "pairs.csv": pairs_csv(info),
    }


def recognition_csv(findings: Findings) -> str:
    """`concept,source,target,layer,chosen,estimate,lower,upper,n,groups`: accuracy on `n` pairs in `groups` groups."""
    data = findings.recognition
    values = _with_chosen(data["accuracy"], data["chosen"], chosen_layers(data, data))
    return columns_csv(_frame(values, ("estimate", "lower", "upper")) | _counts(data, values))


def auroc_csv(findings: Findings) -> str:
    """`concept,source,target,layer,auroc,lower,upper,n,groups`, over single texts at the chosen layer."""
    data = findings.recognition
    values = data["auroc"].transpose(CONCEPT, SOURCE, TARGET, INTERVAL)
    frame = _frame(values, ("auroc", "lower", "upper")) | _counts(data, values)
    layers = _layer_text(chosen_layers(data, data))
    keys = (CONCEPT, SOURCE, TARGET)
    return columns_csv({name: frame[name] for name in keys} | {LAYER: layers} | frame)


def controls_csv(findings: Findings) -> str:
    """`concept,target,layer,chosen,control,estimate,lower,upper`: accuracy under directions that mean nothing."""
    data = findings.recognition
    order = (CONCEPT, TARGET, LAYER, CONTROL, INTERVAL)
    # A control has no source: the cell that counts is the language's own. Under the paper protocol each control is at
    # a layer of its own, which the findings do not name.
    layers = _diagonal(chosen_layers(data.drop_vars("cell_layer", errors="ignore"), data))
    values = _with_chosen(data["control"].transpose(*order), data["control_chosen"], layers)
    return columns_csv(_frame(values, ("estimate", "lower", "upper")))


def consistency_csv(findings: Findings) -> str:
    """`concept,source,target,layer,chosen,cosine,lower,upper,disattenuated,disattenuated_lower,disattenuated_upper`."""
    data = findings.consistency
    layers = chosen_layers(data, findings.recognition)
    raw = _frame(_with_chosen(data["cosine"], data["chosen"], layers), ("cosine", "lower", "upper"))
    corrected = _with_chosen(data["disattenuated"], data["disattenuated_chosen"], layers)
    names = ("disattenuated", "disattenuated_lower", "disattenuated_upper")
    return columns_csv(raw | _frame(corrected, names))


def consistency_controls_csv(findings: Findings) -> str:
    """`concept,source,target,control,cosine,lower,upper`: between directions that mean nothing, at the chosen layer."""
    values = findings.consistency["control_chosen"].transpose(CONCEPT, SOURCE, TARGET, CONTROL, INTERVAL)
    return columns_csv(_frame(values, ("cosine", "lower", "upper")))


def reliability_csv(findings: Findings) -> str:
    """`concept,language,layer,chosen,reliability,lower,upper`: of each language's vector."""
    data = findings.consistency
    layers = _diagonal(chosen_layers(data, findings.recognition)).rename({TARGET: SOURCE})
    values = _with_chosen(data["reliability"], data["reliability_chosen"], layers)
    frame = _frame(values, ("reliability", "lower", "upper"))
    return columns_csv({LANGUAGE if name == SOURCE else name: column for name, column in frame.items()})


def transfer_csv(findings: Findings) -> str:
    """`concept,source,target,transfer,lower,upper,asymmetry,asymmetry_lower,asymmetry_upper`, at the chosen layer."""
    data = findings.transfer.transpose(CONCEPT, SOURCE, TARGET, INTERVAL)
    names = ("asymmetry", "asymmetry_lower", "asymmetry_upper")
    frame = _frame(data["transfer"], ("transfer", "lower", "upper"))
    return columns_csv(frame | _frame(data["asymmetry"], names))


def overview_csv(findings: Findings) -> str:
    """`concept,quantity,estimate,lower,upper,both_lower,both_upper`: the headline numbers.

    `lower` and `upper` are about other items in these languages, `both_lower` and `both_upper` about other items in
    other languages; concept `all` is the mean over concepts.
    """
    order = (CONCEPT, QUANTITY, INTERVAL)
    frame = _frame(findings.overview["value"].transpose(*order), ("estimate", "lower", "upper"))
    if "both" not in findings.overview:
        return columns_csv(frame)
    both = _frame(findings.overview["both"].transpose(*order), ("both_estimate", "both_lower", "both_upper"))
    return columns_csv(frame | {name: both[name] for name in ("both_lower", "both_upper")})


def pairs_csv(info: StudyInfo) -> str:
    """The columns of `SUMMARY_SCHEMA`: pairs kept and dropped per concept and language, with reasons."""
    return csv_text(info.summary.to_pandas())


def _diagonal(layers: xr.DataArray) -> xr.DataArray:
    """`[concept, target]` from `[concept, source, target]`: each language's own cell."""
    tags = layers[TARGET].values
    index = xr.DataArray(tags, dims=TARGET, coords={TARGET: tags})
    return layers.sel({SOURCE: index}).reset_coords(SOURCE, drop=True).transpose(CONCEPT, TARGET)


def _with_chosen(by_layer: xr.DataArray, chosen: xr.DataArray, layers: xr.DataArray) -> xr.DataArray:
    """`by_layer` with the chosen layer's numbers appended along `layer`.

    The position along `layer` loses its meaning there, so the coordinates `number` (text, the layer) and `is_chosen`
    say what each entry is.
    """
    order = [LAYER if dim == LAYER else dim for dim in by_layer.dims]
    last = chosen.expand_dims(LAYER).transpose(*order)
    values = np.concatenate([by_layer.values, last.values], axis=order.index(LAYER))
    result = xr.DataArray(values, dims=order, coords={d: by_layer[d].values for d in order if d != LAYER})
    numbers = [str(int(layer)) for layer in by_layer[LAYER].values]
    cells = [dim for dim in order if dim in layers.dims]
    shape = tuple(layers.sizes[dim] for dim in cells)
    fixed = np.broadcast_to(np.array(numbers, dtype=object), (*shape, len(numbers)))
    own = _layer_text(layers.transpose(*cells)).reshape(*shape, 1)
    return result.assign_coords(
        number=((*cells, LAYER), np.concatenate([fixed, own], axis=-1)),
        is_chosen=(LAYER, np.arange(len(numbers) + 1) == len(numbers)),
    )


def _layer_text(layers: xr.DataArray) -> np.ndarray:
    """Layers as text, flat, empty where there is none."""
    return np.array([str(layer) if layer >= 0 else "" for layer in layers.values.ravel().tolist()], dtype=object)


def _frame(values: xr.DataArray, names: tuple[str, str, str]) -> dict[str, np.ndarray]:
    """One row per number, keys first, the interval spread over three columns called `names`."""
    keys = [str(dim) for dim in values.dims if dim != INTERVAL]
    table = values.sel({INTERVAL: list(BOUNDS)}).transpose(*keys, INTERVAL)
    shape = tuple(table.sizes[key] for key in keys)
    columns: dict[str, np.ndarray] = {}
    for key, index in zip(keys, np.indices(shape), strict=True):
        if key == LAYER:
            cells = [dim for dim in keys if dim in table["number"].dims]
            number = table["number"].transpose(*cells)
            aligned = number.values[tuple(slice(None) if key in cells else np.newaxis for key in keys)]
            columns[LAYER] = np.broadcast_to(aligned, shape).ravel()
            columns["chosen"] = table["is_chosen"].values[index.ravel()]
        else:
            columns[_HEADS.get(key, key)] = table[key].values.astype(object)[index.ravel()]
    numbers = table.values.reshape(-1, len(BOUNDS))
    return columns | {name: numbers[:, position] for position, name in enumerate(names)}


def _counts(data: xr.Dataset, values: xr.DataArray) -> dict[str, np.ndarray]:
    """Pairs and groups behind each row of `_frame(values, ...)`."""
    keys = [dim for dim in values.dims if dim != INTERVAL]
    shape = tuple(values.sizes[key] for key in keys)
    spread = tuple(slice(None) if key in (CONCEPT, TARGET) else np.newaxis for key in keys)
    counts = {"n": data["n_pairs"], "groups": data["n_groups"]}
    return {
        name: np.broadcast_to(count.transpose(CONCEPT, TARGET).values[spread], shape).ravel()
        for name, count in counts.items()
    }


def csv_text(frame: pd.DataFrame) -> str:
    """A table as CSV. Text that a spreadsheet would run as a formula gets an apostrophe in front, as is usual there."""
    return columns_csv({str(name): column.to_numpy() for name, column in frame.items()})


def columns_csv(columns: Mapping[str, np.ndarray]) -> str:
    """As `csv_text`, of columns by name. The same bytes as pandas writes, in a fraction of the time."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*map(_fields, columns.values()), strict=True))
    return buffer.getvalue()


def _fields(column: np.ndarray) -> list[Any]:
    """Numbers as they are, NaN as nothing, text that is harmless."""
    if column.dtype == np.float32:
        column = column.astype(str).astype(np.float64)  # as few digits as single precision needs
    values = column.tolist()
    if column.dtype.kind == "f":
        return values if np.isfinite(column).all() else ["" if value != value else value for value in values]
    if column.dtype.kind in "iub":
        return values
    known = {value: _harmless(str(value)) for value in set(values)}
    return [known[value] for value in values]


def _harmless(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text
