"""One vector per block, with its strength in it: what most formats hold.

    baked[l] = strength * norm[l] * v[l] / |v[l]|

Added to the output of block l this is what `steer(strength)` does. Read back, `norm[l] = |baked[l]|`, so that strength
1 adds exactly what the file holds.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from polyvalues.artifacts import VectorTable
from polyvalues.dimensions import CONCEPT, HIDDEN, LAYER, SOURCE
from polyvalues.errors import SpecError, StorageFull, StoreError

LARGEST: Final = 2**32
"""Bytes of a file of vectors: 100 blocks of a model 10,000 wide, for 1,000 concepts and languages."""


@dataclass(frozen=True, eq=False)
class Baked:
    """Vectors to add to the outputs of blocks.

    Attributes:
        directions: by 0-based block, float32 `[hidden]`.
        about: model, model_type, blocks (path of the list of blocks), fingerprint, layers, dtype, concept, source,
            strength; what is not known is missing.
    """

    directions: Mapping[int, np.ndarray]
    about: Mapping[str, Any] = field(default_factory=dict)


def bake(vectors: VectorTable, strength: float = 1.0) -> Baked:
    """Vectors of one concept and source with a strength in mean norms.

    Raises:
        SpecError: several concepts or sources, or a vector that is not there.
    """
    data = vectors.data
    for name in (CONCEPT, SOURCE):
        if data.sizes[name] != 1:
            there = ", ".join(map(str, data[name].values))
            raise SpecError(f"a file of this format holds the vectors of one {name}; choose one of: {there}")
    rows = data["vector"].isel({CONCEPT: 0, SOURCE: 0})
    directions = {}
    for layer in map(int, data[LAYER].values):
        vector = rows.sel({LAYER: layer}).values.astype(np.float64)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or length == 0:
            raise SpecError(f"there is no vector of {_named(data)} at block {layer}")
        size = strength * float(data["norm"].sel({LAYER: layer}))
        directions[layer] = (size * vector / length).astype(np.float32)
    about = {str(key): value for key, value in data.attrs.items()}
    own = {"concept": str(data[CONCEPT].values[0]), "source": str(data[SOURCE].values[0]), "strength": strength}
    return Baked(directions, about | own)


def unbake(baked: Baked) -> VectorTable:
    """Vectors as they came in a file; strength 1 adds them as they are.

    Raises:
        StoreError: no vectors, or of different sizes, or not finite.
    """
    layers = sorted(baked.directions)
    sizes = {np.shape(baked.directions[layer]) for layer in layers}
    if not layers or len(sizes) != 1 or len(next(iter(sizes))) != 1:
        raise StoreError(f"expected one vector per block, all of one size; found sizes {sorted(sizes)}")
    vector = np.stack([baked.directions[layer] for layer in layers]).astype(np.float32)
    norm = np.linalg.norm(vector.astype(np.float64), axis=1).astype(np.float32)
    if not np.isfinite(norm).all() or not norm.all():
        raise StoreError(f"the vector at block {layers[int(np.argmin(norm))]} is zero or not finite")
    about = dict(baked.about)
    concept, source = str(about.pop("concept", "imported")), str(about.pop("source", "und"))
    about.pop("strength", None)
    return VectorTable(
        xr.Dataset(
            {
                "vector": ((CONCEPT, SOURCE, LAYER, HIDDEN), vector[None, None]),
                "midpoint": ((CONCEPT, SOURCE, LAYER, HIDDEN), np.zeros_like(vector)[None, None]),
                "norm": (LAYER, norm),
                "flipped": (CONCEPT, [False]),
            },
            coords={CONCEPT: [concept], SOURCE: [source], LAYER: layers},
            attrs={"hidden": vector.shape[1], **about},
        )
    )


def write(path: Path, content: bytes) -> None:
    """Write a file whole.

    Raises:
        StorageFull: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise StorageFull(f"{path}: cannot be written ({error.strerror or error})") from None


def read(path: Path) -> bytes:
    """A file's content.

    Raises:
        StoreError: it cannot be read, is no regular file (a pipe would be waited for, a device has no end), or is
            larger than vectors can be.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{path}: is not a regular file")
        if status.st_size > LARGEST:
            raise StoreError(f"{path}: has {status.st_size:,} bytes; vectors have at most {LARGEST:,}")
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror or error})") from None


def _named(data: xr.Dataset) -> str:
    return f"{data[CONCEPT].values[0]} in {data[SOURCE].values[0]}"
