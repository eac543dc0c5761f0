"""Generated texts and their judgements."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

GENERATION_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("vector", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("sign", pa.int32(), nullable=False),
        pa.field("layers", pa.string(), nullable=False),
        pa.field("strength", pa.float64(), nullable=False),
        pa.field("steered", pa.bool_(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("draw", pa.int32(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),
    ]
)
"""Columns of `Generations.table`: `side` of the pair the prompt is; `vector` as in `axes.STEERED_BY`; `source` its
language (empty without vector); `sign` +1 safer, -1 the opposite, 0 unsteered; `layers` comma-separated blocks;
`strength` in mean norms; `steered` false where a condition held the row back; `draw`: which random direction;
`prompt` as written, before the chat template; `tokens` of the answer."""


@dataclass(frozen=True, eq=False)
class Generations:
    """Answers of a model, steered and not; rows as in `GENERATION_SCHEMA`."""

    table: pa.Table


@dataclass(frozen=True, eq=False)
class Judged:
    """What one judge says of generations.

    Attributes:
        judge: its name.
        behaviour: what 1 means, e.g. `refusal`, `compliance`, `toxicity`, `perplexity` (a cost may have any scale).
        scores: float64, one per row of the generations; NaN where the judge cannot tell.
        notes: what a reader must know, in words.
    """

    judge: str
    behaviour: str
    scores: np.ndarray
    notes: tuple[str, ...] = ()
