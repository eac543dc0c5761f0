"""Files of `torch.save`, which other tools insist on: written and read with tensors and plain values only.

The format has a pickle inside. It is never unpickled freely: `weights_only=True` builds tensors, numbers, texts and
containers and refuses everything else, so a file cannot run code. Nothing of our own is kept in this format.
"""

import io
from pathlib import Path
from typing import Any

import torch

from polyvalues.errors import StoreError
from polyvalues.steering.formats.layer_vectors import read, write


def save(content: Any, path: Path) -> None:
    """Write tensors in plain containers.

    Raises:
        StorageFull: the file cannot be written.
    """
    sink = io.BytesIO()
    torch.save(content, sink)
    write(path, sink.getvalue())


def load(path: Path) -> Any:
    """Read tensors and plain values; anything else in the file is refused.

    Raises:
        StoreError: the file cannot be read, or holds more than that.
    """
    blob = read(path)
    try:
        return torch.load(io.BytesIO(blob), map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 (damaged files make it raise anything)
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StoreError(f"{path}: is not a file of tensors and plain values ({first})") from None
