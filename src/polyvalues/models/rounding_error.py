"""How far rounding moves what is read: the same texts as a study reads them, one at a time, and in float32.

    batches[l] = root mean square over texts of |h(in batches) - h(alone)| / norm[l]
    dtype[l]   = root mean square over texts of |h(alone) - h(alone, same weights in float32)| / norm[l]

Sums in another order round otherwise, and half precision rounds every sum. `moved` is both together, text by text;
what it makes of scores is in `analysis.scoring.rounding_effects`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from polyvalues.config import ReadingSpec
from polyvalues.errors import ModelError
from polyvalues.models.extraction import record
from polyvalues.models.float32_context import computes_in_half, obstacle, single_precision
from polyvalues.models.model_handle import ModelHandle

States = Float32[np.ndarray, "layer text hidden"]


@dataclass(frozen=True, eq=False)
class Rounding:
    """Rounding errors of hidden states at every block.

    Attributes:
        batches: of the study's batches against one text at a time, in mean lengths.
        dtype: of the model's dtype against float32, in mean lengths; 0 in float32, NaN where it was not measured.
        moved: a state as the study reads it, less the same state read alone, in float32 where that was measured.
        skipped: why the dtype's error was not measured; empty if it was.
    """

    batches: Float64[np.ndarray, " layer"]
    dtype: Float64[np.ndarray, " layer"]
    moved: States
    skipped: str


def rounding(
    handle: ModelHandle, texts: Sequence[str], spec: ReadingSpec, norm: Float64[np.ndarray, " layer"]
) -> Rounding:
    """Measure the rounding errors of a reading.

    The weights are in float32 for as long as that reading takes, and are put back as they were.

    Args:
        handle: the model.
        texts: neutral sentences.
        spec: how the study reads; every block is read here.
        norm: mean length of hidden states at every block.
    """
    whole = spec.model_copy(update={"layers": None})
    single = whole.model_copy(update={"batch_tokens": 1, "packing": "off"})
    read, alone = _states(handle, texts, whole), _states(handle, texts, single)
    exact, skipped = alone, obstacle(handle)
    if not skipped and computes_in_half(handle.model):
        try:
            with single_precision(handle.model):
                exact = _states(handle, texts, single)
        except (ModelError, RuntimeError, MemoryError) as error:
            skipped = f"reading in float32 failed: {str(error).partition(chr(10))[0]}"
    dtype = np.full(handle.n_layers, np.nan) if skipped else _lengths(alone - exact) / norm
    return Rounding(_lengths(read - alone) / norm, dtype, read - exact, skipped)


def _lengths(difference: States) -> Float64[np.ndarray, " layer"]:
    return np.sqrt((difference.astype(np.float64) ** 2).sum(axis=2).mean(axis=1))


def _states(handle: ModelHandle, texts: Sequence[str], spec: ReadingSpec) -> States:
    out = np.empty((handle.n_layers, len(texts), handle.hidden), dtype=np.float32)
    for part in record(handle, [("", text) for text in texts], spec):
        out[:, part.index] = part.states
    return out
