"""From a finished study to vectors that steer its model, and to and from other tools' formats."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from polyvalues.artifacts import ConceptVectors, VectorTable
from polyvalues.data.concepts import concept_info
from polyvalues.dimensions import CONCEPT, HIDDEN, LAYER, SOURCE, Concept
from polyvalues.errors import SpecError, StoreError
from polyvalues.models.model_handle import ModelHandle
from polyvalues.steering.formats.registry import export_artefact, import_artefact
from polyvalues.steering.steering_vectors import SteeringVectors
from polyvalues.study.study import Study


def steering_vectors(study: Study, concepts: Sequence[Concept] | None = None) -> SteeringVectors:
    """A study's vectors, to steer with.

    Args:
        study: a finished study (strict protocol).
        concepts: which; None: all.

    Raises:
        SpecError: a study of the paper protocol, whose layers are numbered otherwise.
        StoreError: the study is from before norms were kept.
    """
    if study.spec.protocol == "paper":
        raise SpecError(f"{study.folder}: steering needs a study of the strict protocol, not of the paper's")
    known = [str(name) for name in study.findings.recognition[CONCEPT].values]
    chosen = known if concepts is None else list(concepts)
    absent = [name for name in chosen if name not in known]
    if absent:
        raise SpecError(f"{study.folder}: no concept {absent[0]!r}; there are: {', '.join(known)}")
    try:
        norms = study.store.get("vectors/norms.nc", xr.Dataset)
    except StoreError as error:
        raise StoreError(f"{error}; run the study once more, only this is made") from None
    vectors = {name: study.vectors(name) for name in chosen}
    how = {"position": study.spec.reading.position, "estimator": study.spec.vectors.estimator}
    return labelled_vectors(vectors, norms["norm"], study.model, how)


def labelled_vectors(
    vectors: Mapping[Concept, ConceptVectors], norm: xr.DataArray, model: Mapping[str, str], how: Mapping[str, str]
) -> SteeringVectors:
    """Vectors of several concepts, turned to their safer sides, with norms and the model's marks.

    Args:
        vectors: by concept.
        norm: mean length of hidden states `[layer]`.
        model: description of the model (`ModelHandle.description`).
        how: `position` and `estimator`.
    """
    flipped = [concept_info(name).safer == "negative" for name in vectors]
    parts = [
        (-part.data["vector"] if turned else part.data["vector"]).astype(np.float32)
        for part, turned in zip(vectors.values(), flipped, strict=True)
    ]
    names = xr.DataArray(list(vectors), dims=CONCEPT, name=CONCEPT)
    data = xr.Dataset(
        {
            "vector": xr.concat(parts, names, join="outer").transpose(CONCEPT, SOURCE, LAYER, HIDDEN),
            "midpoint": xr.concat([part.data["midpoint"] for part in vectors.values()], names, join="outer").transpose(
                CONCEPT, SOURCE, LAYER, HIDDEN
            ),
            "flipped": (CONCEPT, flipped),
        }
    )
    data["norm"] = norm.astype(np.float32).sel({LAYER: data[LAYER]})
    attrs = {
        "fingerprint": model.get("fingerprint", ""),
        "model": model.get("id", ""),
        "model_type": model.get("model type", ""),
        "blocks": model.get("blocks", ""),
        "hidden": int(model.get("hidden size", data.sizes[HIDDEN])),
        "layers": int(model["layers"]),
        "dtype": model.get("dtype", ""),
        "template": model.get("template", ""),
        **how,
    }
    return SteeringVectors(VectorTable(data.assign_attrs(attrs)))


def check_prompt(study: Study, handle: ModelHandle) -> None:
    """Refuse a model that is given texts in another way than when the study was made.

    Raises:
        SpecError: its tokenizer, chat template or the day in it has changed since.
    """
    made_with = study.model.get("prompt", "of an earlier release")
    if handle.prompt != made_with:
        raise SpecError(
            f"{study.folder}: was read with tokenizer and template {made_with}, but "
            f"those of {study.spec.model.id!r} are now {handle.prompt}; run the study again first"
        )


def export_vectors(vectors: SteeringVectors, path: Path | str, kind: str, strength: float = 1.0) -> None:
    """Write vectors in another tool's format.

    Args:
        vectors: of one concept and source (`hub`: any number).
        path: file or folder, as the format has it.
        kind: one of `polyvalues.dimensions.VECTOR_FORMATS`.
        strength: in mean norms; it goes into the vectors, except in a `hub` folder.

    Raises:
        SpecError: no such format, or several concepts or sources.
        MissingExtra: the format's library is not installed.
        StorageFull: it cannot be written.
    """
    export_artefact(vectors.artefact, Path(path), kind, strength)


def import_vectors(path: Path | str, kind: str) -> SteeringVectors:
    """Read vectors in another tool's format. Strength 1 adds what the file holds (`hub`: strengths are in mean norms).

    Most formats do not say which model they are of; such vectors are steered with only when forced.

    Raises:
        SpecError: no such format.
        StoreError: the file is not what its format promises.
    """
    return SteeringVectors(import_artefact(path, kind))
