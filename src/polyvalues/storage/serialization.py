"""How each artefact becomes bytes and comes back: Parquet for pairs, safetensors for vectors, netCDF for the rest.

A codec is three functions: `encode(artefact, header, path) -> bytes`, `header(bytes) -> str` and
`decode(bytes, path) -> artefact`. The header is JSON text and travels inside the file, where the format keeps metadata.
The store checks the seal before a decoder sees anything.
"""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors
import safetensors.numpy
import xarray as xr

from polyvalues.artifacts import (
    DROP_SCHEMA,
    GENERATION_SCHEMA,
    Activations,
    ConceptVectors,
    Generations,
    Moments,
    PairSet,
    Replicates,
    Scores,
    VectorTable,
)
from polyvalues.errors import CorruptArtifact, StoreError

FORMAT: Final = "polyvalues/1"
"""Version of the layouts in `polyvalues.artifacts`; raised when one of them changes."""

_HEADER: Final = "polyvalues"


@dataclass(frozen=True)
class Codec:
    """Three functions that together store one kind of artefact."""

    encode: Callable[[Any, str, Path], bytes]
    header: Callable[[bytes], str]
    decode: Callable[[bytes, Path], Any]


# --- netCDF (classic) ------------------------------------------------------------------------------------------------


def dataset_to_netcdf(data: xr.Dataset, header: str | None = None) -> bytes:
    """A labelled data set as netCDF bytes, the same bytes every time; `header` becomes the attribute `polyvalues`."""
    extra = {} if header is None else {_HEADER: header}
    narrow = data.assign_attrs({**data.attrs, **extra})
    for name, variable in data.variables.items():
        if variable.dtype == np.int64:  # classic netCDF has no 64-bit integers; ours are counts and indices
            if variable.size and not -(2**31) <= variable.values.min() <= variable.values.max() < 2**31:
                raise StoreError(f"{name}: a count or index over 2^31 does not fit classic netCDF")
            narrow[name] = narrow[name].astype(np.int32)
    return bytes(narrow.drop_encoding().to_netcdf(engine="scipy"))


def _netcdf_header(blob: bytes) -> str:
    with xr.open_dataset(io.BytesIO(blob), engine="scipy") as data:
        return data.attrs[_HEADER]


def _netcdf_dataset(blob: bytes) -> xr.Dataset:
    data = xr.load_dataset(io.BytesIO(blob), engine="scipy")
    del data.attrs[_HEADER]
    return data.drop_encoding()


def _netcdf(kind: type) -> Codec:
    """For artefacts that hold exactly one data set."""
    return Codec(
        lambda artefact, header, _: dataset_to_netcdf(artefact.data, header),
        _netcdf_header,
        lambda blob, _: kind(data=_netcdf_dataset(blob)),
    )


# --- safetensors -----------------------------------------------------------------------------------------------------


def _encode_tensors(data: xr.Dataset, header: str) -> bytes:
    """Variables as tensors under their names; labels, dimensions and attributes as JSON in the metadata."""
    layout = {
        "dims": {str(name): list(map(str, variable.dims)) for name, variable in data.data_vars.items()},
        "coords": {
            str(name): {"dims": list(map(str, coord.dims)), "values": coord.values.tolist()}
            for name, coord in data.coords.items()
        },
        "attrs": data.attrs,
    }
    tensors = {str(name): np.ascontiguousarray(variable.values) for name, variable in data.data_vars.items()}
    # one key only: safetensors writes several in no particular order, and the same artefact must be the same bytes
    metadata = {_HEADER: json.dumps({"header": header, "layout": layout}, sort_keys=True)}
    return safetensors.numpy.save(tensors, metadata=metadata)


def _tensors_metadata(blob: bytes) -> dict[str, Any]:
    length = int.from_bytes(blob[:8], "little")
    metadata: dict[str, Any] = json.loads(json.loads(blob[8 : 8 + length])["__metadata__"][_HEADER])
    return metadata


def _decode_tensors(blob: bytes) -> xr.Dataset:
    layout = _tensors_metadata(blob)["layout"]
    tensors: Mapping[str, np.ndarray] = safetensors.numpy.load(blob)
    return xr.Dataset(
        {name: (dims, tensors[name]) for name, dims in layout["dims"].items()},
        coords={name: (coord["dims"], np.asarray(coord["values"])) for name, coord in layout["coords"].items()},
        attrs=layout["attrs"],
    )


def _tensors(kind: type) -> Codec:
    return Codec(
        lambda artefact, header, _: _encode_tensors(artefact.data, header),
        lambda blob: _tensors_metadata(blob)["header"],
        lambda blob, _: kind(data=_decode_tensors(blob)),
    )


# --- kept activations: the states beside their labels, because they are mapped, not loaded ---------------------------


def states_name(name: str) -> str:
    """File of the hidden states that belong to the labels in `name` (`x.nc` -> `x.npy`)."""
    return str(Path(name).with_suffix(".npy"))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _encode_activations(artefact: Activations, header: str, path: Path) -> bytes:
    labels = artefact.data.drop_vars("states")
    layers = artefact.data["states"].coords.get("layer")
    labels = labels if layers is None else labels.assign_coords(layer=layers)
    return dataset_to_netcdf(labels.assign_attrs(states_sha256=_digest(Path(states_name(str(path))))), header)


def _decode_activations(blob: bytes, path: Path) -> Activations:
    labels = _netcdf_dataset(blob)
    states = Path(states_name(str(path)))
    expected = labels.attrs.pop("states_sha256")
    if not states.exists() or _digest(states) != expected:
        raise CorruptArtifact(f"{states}: missing, damaged or cut short (its checksum does not fit its content)")
    mapped = np.load(states, mmap_mode="r", allow_pickle=False)
    return Activations(labels.assign(states=(("layer", "text", "hidden"), mapped)))


# --- pairs -----------------------------------------------------------------------------------------------------------


def _encode_pairs(pairs: PairSet, header: str, _: Path) -> bytes:
    drops = pairs.drops.to_pylist()
    metadata = {_HEADER: header, "drops": json.dumps(drops), "notes": json.dumps(pairs.notes)}
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, pairs.table.schema, store_schema=False) as writer:
        writer.write_table(pairs.table)
        writer.add_key_value_metadata(metadata)
    return sink.getvalue()


def _pairs_metadata(blob: bytes) -> dict[bytes, bytes]:
    return pq.read_metadata(io.BytesIO(blob)).metadata


def _decode_pairs(blob: bytes, _: Path) -> PairSet:

    metadata = _pairs_metadata(blob)
    table = pq.read_table(io.BytesIO(blob)).replace_schema_metadata(None)
    drops = pa.Table.from_pylist(json.loads(metadata[b"drops"]), schema=DROP_SCHEMA)
    return PairSet(table, drops, tuple(json.loads(metadata[b"notes"])))


def _encode_table(table: pa.Table, header: str, _: Path) -> bytes:
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({_HEADER: header})
    return sink.getvalue()


def _table_header(blob: bytes) -> str:
    return _pairs_metadata(blob)[_HEADER.encode()].decode()


def _decode_table(blob: bytes, _: Path) -> pa.Table:
    return pq.read_table(io.BytesIO(blob)).replace_schema_metadata(None)


CODECS: Final[Mapping[type, Codec]] = MappingProxyType(
    {
        PairSet: Codec(_encode_pairs, _table_header, _decode_pairs),
        pa.Table: Codec(_encode_table, _table_header, _decode_table),
        Generations: Codec(
            lambda artefact, header, path: _encode_table(artefact.table, header, path),
            _table_header,
            lambda blob, path: Generations(_decode_table(blob, path).cast(GENERATION_SCHEMA)),
        ),
        VectorTable: _tensors(VectorTable),
        Moments: _tensors(Moments),
        ConceptVectors: _tensors(ConceptVectors),
        Activations: Codec(_encode_activations, _netcdf_header, _decode_activations),
        Scores: _netcdf(Scores),
        Replicates: _netcdf(Replicates),
        xr.Dataset: Codec(
            lambda data, header, _: dataset_to_netcdf(data, header),
            _netcdf_header,
            lambda blob, _: _netcdf_dataset(blob),
        ),
    }
)
"""What is stored, and how. Cross-fitted vectors are not: they follow at once from the kept activations."""

KINDS: Final[Mapping[type, str]] = MappingProxyType(
    {
        PairSet: "PairSet",
        pa.Table: "Table",
        Generations: "Generations",
        VectorTable: "SteeringVectors",
        Moments: "Moments",
        ConceptVectors: "ConceptVectors",
        Activations: "Activations",
        Scores: "Scores",
        Replicates: "Replicates",
        xr.Dataset: "Dataset",
    }
)
"""The word for each kind of artefact in headers. Stored studies hold it: a class may be renamed, its word may not."""
