"""Vectors for EasyEdit2: a folder with `layer_L.pt`, each one tensor `[hidden]` added to the output of block L."""

import re
from pathlib import Path

import numpy as np
import torch

from polyvalues.errors import StoreError
from polyvalues.steering.formats.layer_vectors import Baked
from polyvalues.steering.formats.torch_files import load, save

_NAME = re.compile(r"layer_(\d+)\.pt")


def export_easyedit(baked: Baked, path: Path) -> None:
    """Write the folder."""
    for layer, vector in sorted(baked.directions.items()):
        save(torch.from_numpy(np.array(vector)), path / f"layer_{layer}.pt")


def import_easyedit(path: Path) -> Baked:
    """Read the folder.

    Raises:
        StoreError: no `layer_L.pt` in it, or one that is not a tensor.
    """
    found = {int(match[1]): file for file in sorted(path.glob("*.pt")) if (match := _NAME.fullmatch(file.name))}
    if not found:
        raise StoreError(f"{path}: has no layer_L.pt; is it a folder of EasyEdit2 vectors?")
    directions = {}
    for layer, file in found.items():
        tensor = load(file)
        if not isinstance(tensor, torch.Tensor):
            raise StoreError(f"{file}: expected a tensor, got {type(tensor).__name__}")
        directions[layer] = tensor.float().reshape(-1).numpy()
    return Baked(directions)
