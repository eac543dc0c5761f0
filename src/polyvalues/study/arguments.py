"""Settings of a study from plain arguments: ids or paths, or a model and pairs in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyvalues.artifacts import PairSet
from polyvalues.config import EMBEDDED_PAIRS, PairSource, StudySpec, build
from polyvalues.errors import ModelLoadError, SpecError
from polyvalues.models.language_model import LanguageModel
from polyvalues.storage.store import write_pairs

KEPT = "input.parquet"
"""File in a study's folder with pairs that were given in memory."""


@dataclass(frozen=True, eq=False)
class Arguments:
    """What a study is made from.

    Attributes:
        spec: its settings.
        model: its model where it is in memory; None: it is loaded.
        pairs: pairs in memory, which are kept in the folder; None: they are read.
    """

    spec: StudySpec
    model: LanguageModel | None = None
    pairs: PairSet | None = None

    def keep(self) -> None:
        """Write pairs that were given in memory into the study's folder."""
        if self.pairs is not None:
            write_pairs(self.pairs, Path(self.spec.out) / KEPT)


def arguments(
    model: str | LanguageModel | None,
    pairs: str | PairSet | Sequence[str] | None,
    languages: Sequence[str] | None,
    out: str | Path | None,
    settings: dict[str, Any],
) -> Arguments:
    """Settings of a study.

    Args:
        model: folder or Hub id, or a model in memory.
        pairs: `NAME:PATH` sources, the path of a table, `mosaic`, or pairs in memory.
        languages: BCP-47 tags; None: all that the pairs have.
        out: the study's folder.
        settings: sections of `StudySpec`, by name.

    Raises:
        SpecError: something is missing, unknown or contradicts itself.
        ModelLoadError: the weights of the model in memory have changed since its fingerprint was taken.
    """
    missing = [name for name, given in (("model", model), ("pairs", pairs), ("out", out)) if given is None]
    if missing:
        raise SpecError(f"run_study: {missing[0]!r} is missing; give model=, pairs= and out=, or a StudySpec")
    values: dict[str, Any] = {**settings, "out": str(out)}
    own = model if isinstance(model, LanguageModel) else None
    if own is not None:
        if own.changed():
            raise ModelLoadError(
                "run_study: the weights of the model have changed since LanguageModel took its fingerprint; call "
                "LanguageModel.from_transformers again"
            )
        values["model"] = {"id": own.description["id"], "template": own.template.name}
    else:
        values["model"] = {"id": str(model)}
    if isinstance(pairs, PairSet):
        values["pairs"] = [{"reader": "table", "path": str(Path(str(out)) / KEPT)}]
    else:
        assert pairs is not None
        values["pairs"] = [_source(text) for text in ([pairs] if isinstance(pairs, str) else pairs)]
    if languages is not None:
        values["check"] = {**values.get("check", {}), "languages": list(languages)}
    spec = build(StudySpec, values, origin="run_study")
    return Arguments(spec, own, pairs if isinstance(pairs, PairSet) else None)


def _source(text: str) -> dict[str, Any]:
    known = text == EMBEDDED_PAIRS or (":" in text and not Path(text).exists())
    return PairSource.parse(text if known else f"table:{text}").model_dump(exclude_none=True)
