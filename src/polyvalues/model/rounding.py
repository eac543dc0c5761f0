"""How far rounding moves what is read: the same texts, one at a time and in the batches of a study.

    rounding[l] = root mean square over texts of |h(in batches) - h(alone)| / norm[l]

Sums in another order round otherwise. Scores that are no larger than this cannot be told from ties. It is what batches
do; how far a dtype moves states against float32 is not in it (`benchmarks/precision.py` measures that).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64

from polyvalues.model.handle import ModelHandle
from polyvalues.model.record import record
from polyvalues.specs import ReadingSpec


def rounding(
    handle: ModelHandle, texts: Sequence[str], spec: ReadingSpec, norm: Float64[np.ndarray, " layer"]
) -> Float64[np.ndarray, " layer"]:
    """Rounding error of hidden states at every block, in mean lengths.

    Args:
        handle: the model.
        texts: neutral sentences.
        spec: how the study reads; every block is read here.
        norm: mean length of hidden states at every block.
    """
    whole = spec.model_copy(update={"layers": None})
    alone = whole.model_copy(update={"batch_tokens": 1, "packing": "off"})
    difference = (_states(handle, texts, whole) - _states(handle, texts, alone)).astype(np.float64)
    return np.sqrt((difference**2).sum(axis=2).mean(axis=1)) / norm


def _states(handle: ModelHandle, texts: Sequence[str], spec: ReadingSpec) -> Float32[np.ndarray, "layer text hidden"]:
    out = np.empty((handle.n_layers, len(texts), handle.hidden), dtype=np.float32)
    for part in record(handle, [("", text) for text in texts], spec):
        out[:, part.index] = part.states
    return out
