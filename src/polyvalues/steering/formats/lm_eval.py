"""Vectors for the `steered` model of lm-evaluation-harness.

    {"layers.12": {"steering_vector": Tensor[hidden], "steering_coefficient": 1.0, "action": "add", "bias": None,
                   "head_index": None}, ...}

Keys are names of modules under the model's `base_model`; strength is in the vectors, the coefficient is 1.
"""

import re
from pathlib import Path

import numpy as np
import torch

from polyvalues.errors import SpecError, StoreError
from polyvalues.steering.formats.layer_vectors import Baked
from polyvalues.steering.formats.torch_files import load, save

_KEY = re.compile(r"(.+)\.(\d+)")


def export_lm_eval(baked: Baked, path: Path) -> None:
    """Write a `.pt` file.

    Raises:
        SpecError: the path of the model's blocks is unknown, or the name does not end in `.pt`.
    """
    blocks = str(baked.about.get("blocks", ""))
    if not blocks:
        raise SpecError("lm-eval needs the path of the model's blocks (e.g. 'layers' or 'h'), which is not known here")
    if path.suffix not in (".pt", ".pth"):
        raise SpecError(f"{path}: lm-eval takes only names that end in .pt or .pth")
    content = {
        f"{blocks}.{layer}": {
            "steering_vector": torch.from_numpy(np.array(vector)),
            "steering_coefficient": 1.0,
            "action": "add",
            "bias": None,
            "head_index": None,
        }
        for layer, vector in sorted(baked.directions.items())
    }
    save(content, path)


def import_lm_eval(path: Path) -> Baked:
    """Read a `.pt` file with `add` actions.

    Raises:
        StoreError: another layout, another action, or vectors of single heads.
    """
    content = load(path)
    if not isinstance(content, dict) or not content:
        raise StoreError(f"{path}: expected a dictionary of hook points")
    directions, blocks = {}, set()
    for key, entry in content.items():
        found = _KEY.fullmatch(str(key))
        if found is None or not isinstance(entry, dict) or "steering_vector" not in entry:
            raise StoreError(f"{path}: {key!r}: expected the path of a block with a steering_vector")
        if entry.get("action", "add") != "add" or entry.get("head_index") is not None:
            raise StoreError(f"{path}: {key!r}: only vectors that are added to whole hidden states can be read")
        vector = torch.as_tensor(entry["steering_vector"]).float().reshape(-1).numpy()
        directions[int(found[2])] = vector * float(entry.get("steering_coefficient", 1.0))
        blocks.add(found[1])
    if len(blocks) != 1:
        raise StoreError(f"{path}: hook points of several lists of blocks: {', '.join(sorted(blocks))}")
    return Baked(directions, {"blocks": blocks.pop()})
