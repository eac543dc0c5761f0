"""The unit of work: what the model has to read for one artefact, and reading it.

A unit knows its texts and its settings and needs nothing else but a model, so it gives the same bits wherever it runs:
the same texts in the same batches, reduced in the same order. Sums reorder only if the number of threads does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from polyvalues.analysis.scoring.scoring import ScoreReducer
from polyvalues.artifacts import Activations, ConceptVectors, Moments, Scores, TextTable
from polyvalues.config import ReadingSpec
from polyvalues.dimensions import Protocol
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle
from polyvalues.vectors.accumulators.activations import ActivationsReducer
from polyvalues.vectors.accumulators.moments import MomentsReducer

Made = Moments | Activations | Scores


@dataclass(frozen=True, eq=False)
class Unit:
    """One concept, language and pass.

    Attributes:
        kind: `moments` and `scores` reduce the states, `activations` keeps them.
        table: the texts.
        reading: how they are read.
        protocol: `paper` reads the last layer after the final norm.
        layers: blocks that are read.
        folds, draws, seed: of the sums; unused by other kinds.
        vectors: of the concept, for `scores`.
        controls: the language's own baseline directions `[control, draw, layer, hidden]`, for `scores`.
    """

    kind: Literal["moments", "activations", "scores"]
    table: TextTable
    reading: ReadingSpec
    protocol: Protocol
    layers: tuple[int, ...]
    folds: int = 0
    draws: int = 0
    seed: int = 0
    vectors: ConceptVectors | None = None
    controls: np.ndarray | None = None

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"{self.table.concept} {self.table.language} {self.kind}"


def read_unit(
    handle: ModelHandle, unit: Unit, advance: Callable[[int], None], *, out: np.ndarray | None = None
) -> Made:
    """Read a unit's texts and reduce them.

    Args:
        handle: the model.
        unit: what to read.
        advance: told how many texts have been read.
        out: where kept activations go, `[layer, text, hidden]`; None allocates float32.

    Raises:
        ReadingError, VectorError, MeasureError: as `record` and the reducers.
    """
    reducer: MomentsReducer | ActivationsReducer | ScoreReducer
    if unit.kind == "moments":
        reducer = MomentsReducer(unit.table, unit.folds, unit.draws, unit.seed, layers=unit.layers)
    elif unit.kind == "activations":
        reducer = ActivationsReducer(unit.table, out, layers=unit.layers)
    else:
        assert unit.vectors is not None
        assert unit.controls is not None
        reducer = ScoreReducer(unit.table, unit.vectors, controls=unit.controls, protocol=unit.protocol)
    for reading in record(handle, unit.table.texts, unit.reading, post_norm=unit.protocol == "paper"):
        reducer.update(reading.index, reading.states)
        advance(len(reading.index))
    return reducer.result()
