"""GGUF control vectors: llama.cpp, repeng, EasySteer, saklas.

    general.architecture = "controlvector", controlvector.model_hint, controlvector.layer_count (number of tensors)
    direction.L   float32 [hidden], added to the output of 0-based block L

llama.cpp refuses a file with `direction.0`, so block 0 is left out, with a warning. Strength is in the vectors.
"""

import importlib.util
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from polyvalues.errors import MissingExtra, StoreError
from polyvalues.steering.formats.layer_vectors import Baked, read, write

logger = logging.getLogger("polyvalues")
_ARCHITECTURE = "controlvector"
_PREFIX = "direction."


def export_gguf(baked: Baked, path: Path) -> None:
    """Write a control vector.

    Raises:
        MissingExtra: `gguf` is not installed.
        StoreError: nothing is left without block 0.
        StorageFull: the file cannot be written.
    """
    library: Any = _library()
    if 0 in baked.directions:
        logger.warning("block 0 is left out: llama.cpp refuses control vectors that have it")
    directions = {layer: vector for layer, vector in sorted(baked.directions.items()) if layer > 0}
    if not directions:
        raise StoreError("a GGUF control vector cannot hold block 0, and there is no other; choose another block")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "vector.gguf"
        writer = library.GGUFWriter(made, _ARCHITECTURE)
        writer.add_string(f"{_ARCHITECTURE}.model_hint", str(baked.about.get("model_type", "")))
        writer.add_uint32(f"{_ARCHITECTURE}.layer_count", len(directions))
        for layer, vector in directions.items():
            writer.add_tensor(f"{_PREFIX}{layer}", np.ascontiguousarray(vector, dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        write(path, made.read_bytes())


def import_gguf(path: Path) -> Baked:
    """Read a control vector.

    Raises:
        MissingExtra: `gguf` is not installed.
        StoreError: the file is not a control vector, or is damaged.
    """
    library: Any = _library()
    read(path)
    try:
        reader = library.GGUFReader(path)
        kind = reader.get_field("general.architecture")
        if kind is None or kind.contents() != _ARCHITECTURE:
            found = "no architecture" if kind is None else repr(kind.contents())
            raise StoreError(f"{path}: is a GGUF file of {found}, not a control vector")  # noqa: TRY301
        hint = reader.get_field(f"{_ARCHITECTURE}.model_hint")
        model = hint.contents() if hint is not None else ""
        directions = {
            int(tensor.name.removeprefix(_PREFIX)): np.array(tensor.data, dtype=np.float32).reshape(-1)
            for tensor in reader.tensors
            if tensor.name.startswith(_PREFIX)
        }
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 (damaged files make the library raise anything)
        raise StoreError(f"{path}: cannot be read as a GGUF control vector ({error})") from None
    return Baked(directions, {"model_type": model})


def _library() -> Any:
    if importlib.util.find_spec("gguf") is None:
        raise MissingExtra("GGUF files need the library gguf: pip install 'polyvalues[interop]'")
    import gguf

    return gguf
