"""`.svec`, in two dialects of one JSON layout: `{model_type, directions: {"L": ...}, explained_variances}`.

    ibm        activation-steering adds at the *input* of block L: the output of block b stands under b + 1, as a list
    aisteer    AISteer360 adds at the *output* of block L: block b under b, as a list of one list [1, hidden]

Read back, nested lists tell the second dialect from the first.
"""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from polyvalues.errors import StoreError
from polyvalues.steering.formats.layer_vectors import Baked, read, write

Dialect = Literal["ibm", "aisteer"]


def export_svec(baked: Baked, path: Path, dialect: Dialect) -> None:
    """Write one file. The last block's output is no block's input: `ibm` has it under a number without a block.

    Raises:
        StoreError: dialect `ibm` and the model's last block.
    """
    layers = baked.about.get("layers")
    if dialect == "ibm" and layers is not None and int(layers) - 1 in baked.directions:
        raise StoreError(
            f"block {int(layers) - 1} is the last one: its output is no block's input, which .svec (ibm) needs"
        )
    shift = 1 if dialect == "ibm" else 0
    directions: dict[str, Any] = {
        str(layer + shift): vector.tolist() if dialect == "ibm" else [vector.tolist()]
        for layer, vector in sorted(baked.directions.items())
    }
    content: dict[str, Any] = {"model_type": str(baked.about.get("model_type", "")), "directions": directions}
    content["explained_variances"] = dict.fromkeys(directions, 1.0)
    if dialect == "aisteer":
        content["meta"] = {"site": "layer_output", "producer": "polyvalues"}
    write(path, json.dumps(content).encode())


def import_svec(path: Path) -> Baked:
    """Read one file of either dialect.

    Raises:
        StoreError: not JSON, another layout, vectors of several positions, or a vector at the input of block 0.
    """
    try:
        content = json.loads(read(path))
        raw = {int(layer): np.array(value, dtype=np.float32) for layer, value in content["directions"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path}: is not a .svec file ({error!r})") from None
    nested = {value.ndim for value in raw.values()}
    if nested not in ({1}, {2}) or any(value.ndim == 2 and len(value) != 1 for value in raw.values()):
        raise StoreError(f"{path}: expected one vector per block")
    shift = 1 if nested == {1} else 0
    if shift and 0 in raw:
        raise StoreError(f"{path}: has a vector at the input of block 0, where nothing can be steered here")
    directions = {layer - shift: value.reshape(-1) for layer, value in raw.items()}
    return Baked(directions, {"model_type": str(content.get("model_type", ""))})
