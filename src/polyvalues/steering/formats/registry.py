"""Export and import by name of format.

gguf      one .gguf file: llama.cpp, repeng, EasySteer, saklas
lm-eval   one .pt file: the `steered` model of lm-evaluation-harness
svec-ibm, svec-aisteer   one .svec file: activation-steering, AISteer360
saklas    one .safetensors file and a sidecar
easyedit  a folder of layer_L.pt: EasyEdit2
hub       a folder with safetensors and a model card; any number of concepts and languages
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from polyvalues.artifacts import VectorTable
from polyvalues.dimensions import VECTOR_FORMATS
from polyvalues.errors import SpecError
from polyvalues.steering.formats.easyedit import export_easyedit, import_easyedit
from polyvalues.steering.formats.gguf import export_gguf, import_gguf
from polyvalues.steering.formats.hub import export_hub, import_hub
from polyvalues.steering.formats.layer_vectors import Baked, bake, unbake
from polyvalues.steering.formats.lm_eval import export_lm_eval, import_lm_eval
from polyvalues.steering.formats.saklas import export_saklas, import_saklas
from polyvalues.steering.formats.svec import export_svec, import_svec

_EXPORTS: Final[Mapping[str, Callable[[Baked, Path], None]]] = {
    "gguf": export_gguf,
    "easysteer": export_gguf,
    "lm-eval": export_lm_eval,
    "svec-ibm": partial(export_svec, dialect="ibm"),
    "svec-aisteer": partial(export_svec, dialect="aisteer"),
    "saklas": export_saklas,
    "easyedit": export_easyedit,
}
_IMPORTS: Final[Mapping[str, Callable[[Path], Baked]]] = {
    "gguf": import_gguf,
    "easysteer": import_gguf,
    "lm-eval": import_lm_eval,
    "svec-ibm": import_svec,
    "svec-aisteer": import_svec,
    "saklas": import_saklas,
    "easyedit": import_easyedit,
}


def export_artefact(vectors: VectorTable, path: Path, kind: str, strength: float = 1.0) -> None:
    """Write vectors in another tool's format.

    Args:
        vectors: one concept and source, except for `hub`.
        path: file or folder, by format.
        kind: one of `axes.VECTOR_FORMATS`.
        strength: in mean norms, put into the vectors; `hub` keeps vectors and norms apart and ignores it.

    Raises:
        SpecError: no such format, or several concepts or sources.
        MissingExtra: the format's library is not installed.
        StorageFull: it cannot be written.
    """
    if kind == "hub":
        export_hub(vectors, path)
    else:
        _known(kind, _EXPORTS)(bake(vectors, strength), path)


def import_artefact(path: str | Path, kind: str) -> VectorTable:
    """Read vectors in another tool's format; strength 1 adds what the file holds (`hub`: strengths are in mean norms).

    Raises:
        SpecError: no such format.
        StoreError: the file is not what its format promises.
    """
    return import_hub(str(path)) if kind == "hub" else unbake(_known(kind, _IMPORTS)(Path(path)))


def _known(kind: str, table: Mapping[str, Callable]) -> Callable:
    if kind not in table:
        raise SpecError(f"format {kind!r} is unknown; formats: {', '.join(VECTOR_FORMATS)}")
    return table[kind]
