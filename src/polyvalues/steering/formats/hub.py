"""A folder for the Hugging Face Hub: vectors of any number of concepts and languages, a header, a generated card.

vectors.safetensors   as `VectorTable`, header and labels in its metadata
README.md             the model card
"""

import json
from pathlib import Path

import numpy as np
from huggingface_hub import snapshot_download, upload_folder
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from polyvalues.artifacts import VectorTable
from polyvalues.dimensions import CONCEPT, LAYER, SOURCE
from polyvalues.errors import StoreError
from polyvalues.steering.formats.layer_vectors import read, write
from polyvalues.storage.serialization import CODECS, FORMAT

_FILE = "vectors.safetensors"


def export_hub(vectors: VectorTable, path: Path) -> None:
    """Write the folder."""
    header = json.dumps(
        {"format": FORMAT, "kind": "SteeringVectors", "fingerprint": vectors.data.attrs.get("fingerprint", "")}
    )
    write(path / _FILE, CODECS[VectorTable].encode(vectors, header, path / _FILE))
    write(path / "README.md", card(vectors).encode())


def import_hub(source: str) -> VectorTable:
    """Read a folder, or download one by its Hub id.

    Raises:
        StoreError: no such folder or repository, or no vectors of this format in it.
    """
    folder = Path(source)
    if not folder.exists():
        try:
            folder = Path(snapshot_download(source, allow_patterns=[_FILE, "README.md"]))
        except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise StoreError(f"{source}: neither a folder nor a repository that can be reached ({first})") from None
    blob = read(folder / _FILE)
    try:
        found = CODECS[VectorTable].decode(blob, folder / _FILE)
        header = json.loads(CODECS[VectorTable].header(blob))
    except Exception as error:  # noqa: BLE001 (whatever a damaged file makes the parsers raise)
        raise StoreError(f"{folder / _FILE}: cannot be read ({type(error).__name__}: {error})") from None
    if header.get("format") != FORMAT or header.get("kind") != "SteeringVectors":
        raise StoreError(f"{folder / _FILE}: holds {header.get('kind')} in format {header.get('format')}")
    return found


def push_hub(path: Path, repository: str) -> str:
    """Upload an exported folder; needs a login on the Hub. Returns its address.

    Raises:
        StoreError: it was not accepted.
    """
    try:
        return str(upload_folder(repo_id=repository, folder_path=str(path), repo_type="model"))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise StoreError(f"{repository}: not accepted by the Hub: {error}") from None


def card(vectors: VectorTable) -> str:
    """The model card: what is in the folder, how to use it, and what it is not."""
    data, attrs = vectors.data, vectors.data.attrs
    concepts, sources = ([str(value) for value in data[name].values] for name in (CONCEPT, SOURCE))
    flipped = [name for name, turned in zip(concepts, np.atleast_1d(data["flipped"].values), strict=True) if turned]
    rows = "\n".join(
        f"| {layer} | {float(norm):.2f} |" for layer, norm in zip(data[LAYER].values, data["norm"].values, strict=True)
    )
    tags = "\n".join(f"- {tag}" for tag in sources if tag != "und")
    turned = (
        f"\nThe vectors of {', '.join(flipped)} point to the *violating* end, which is the safer one there: its texts "
        "are requests, and it is safer to see the harm in them.\n"
        if flipped
        else ""
    )
    return f"""---
library_name: polyvalues
tags:
- steering-vectors
- activation-steering
language:
{tags}
---

# Steering vectors: {", ".join(concepts)}

Directions in the residual stream of `{attrs.get("model", "")}` ({attrs.get("model_type", "")}, fingerprint
`{attrs.get("fingerprint", "")}`, {attrs.get("layers", "")} blocks, hidden size {attrs.get("hidden", "")},
{attrs.get("dtype", "")}), one per concept, language and block. A positive strength goes to the safer side.
{turned}
- concepts: {", ".join(concepts)}
- languages: {", ".join(sources)}
- estimator: {attrs.get("estimator", "")}, read at position `{attrs.get("position", "")}`,
  template `{attrs.get("template", "")}`

```python
import polyvalues as pv

vectors = pv.import_vectors("this/repository", "hub")
model = pv.load_model(pv.ModelSpec(id="{attrs.get("model", "")}"), head=True)
chosen = vectors.sel(concept="{concepts[0]}", language="{sources[0]}", layer={int(data[LAYER].values[-1])})
with chosen.steer(model, strength=0.2):
    ...
```

A strength of 1 moves a hidden state by the mean length of hidden states on neutral text:

| block | mean length |
|---|---|
{rows}

**Limits.** A direction is what separated one set of text pairs in one model; it is no proof that the model holds a
value, and steering with it can cost fluency, willingness and the language of the answer. Measure before use
(`polyvalues control`). Another model, or another precision of this one, needs vectors of its own.
"""
