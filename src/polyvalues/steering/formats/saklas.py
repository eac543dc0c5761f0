"""Vectors for saklas: safetensors with `layer_L` (float32 `[hidden]`) and a JSON sidecar sealed by its SHA-256."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from polyvalues.errors import StoreError
from polyvalues.steering.formats.layer_vectors import Baked, read, write

_KEY = re.compile(r"layer_(\d+)")
_VERSION = 6
"""Of the sidecar, as saklas 5.3 writes and wants it."""


def export_saklas(baked: Baked, path: Path) -> None:
    """Write the tensors, and the sidecar beside them."""
    tensors = {f"layer_{layer}": np.ascontiguousarray(vector) for layer, vector in sorted(baked.directions.items())}
    blob = safetensors.numpy.save(tensors)
    known = ("model", "model_type", "fingerprint", "concept", "source", "strength")
    sidecar = {
        "format_version": _VERSION,
        "saklas_version": "5.3.0",
        "method": "profile",
        "tensor_sha256": hashlib.sha256(blob).hexdigest(),
        "provenance": {"producer": "polyvalues", **{key: baked.about[key] for key in known if key in baked.about}},
    }
    write(path, blob)
    write(path.with_suffix(".json"), json.dumps(sidecar, indent=1).encode())


def import_saklas(path: Path) -> Baked:
    """Read tensors; the sidecar, where there is one, must fit them.

    Raises:
        StoreError: damaged, another layout, or a sidecar of other tensors.
    """
    blob = read(path)
    try:
        tensors = safetensors.numpy.load(blob)
        sidecar = (
            json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            if path.with_suffix(".json").exists()
            else {}
        )
    except (SafetensorError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({error})") from None
    names = {name: _KEY.fullmatch(name) for name in tensors}
    if not names or not all(names.values()):
        raise StoreError(f"{path}: expected tensors called layer_L, found {', '.join(sorted(names)) or 'none'}")
    stated = sidecar.get("tensor_sha256")
    if stated is not None and stated != hashlib.sha256(blob).hexdigest():
        raise StoreError(f"{path}: the sidecar {path.with_suffix('.json').name} is of other tensors")
    origin = sidecar.get("provenance", {})
    known = ("model", "model_type", "fingerprint", "concept", "source")
    directions = {int(match[1]): tensors[name] for name, match in names.items() if match}
    return Baked(directions, {key: origin[key] for key in known if key in origin})
