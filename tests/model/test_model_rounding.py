"""The rounding error of a reading is that of its dtype, and none where nothing is batched."""

from collections.abc import Callable
from typing import Any

import numpy as np

from polyvalues.model.handle import load_model
from polyvalues.model.norms import residual_lengths
from polyvalues.model.rounding import rounding
from polyvalues.specs import ModelSpec, ReadingSpec

TEXTS = ["It is fair to share.", "She told the truth about the window.", "Es justo", "a table and a chair", "x"]


def test_half_precision_moves_states_more_than_single(loaded: Callable[[str], Any]) -> None:
    model = loaded("llama")
    found = {}
    for dtype in ("float32", "bfloat16"):
        handle = load_model(ModelSpec(id=str(model.folder), device="cpu", dtype=dtype))
        norm = residual_lengths(handle, TEXTS).norm
        for position in ("last", "mean"):
            reading = ReadingSpec(position=position, layers=(1,))
            found[dtype, position] = rounding(handle, TEXTS, reading, norm)
            assert found[dtype, position].shape == (3,)
        nothing = rounding(handle, TEXTS, ReadingSpec(batch_tokens=1, packing="off"), norm)
        np.testing.assert_array_equal(nothing, np.zeros(3))
    for position in ("last", "mean"):
        assert (found["float32", position] < 1e-5).all()
        assert found["bfloat16", position].max() > 20 * found["float32", position].max()
        assert (found["bfloat16", position] < 0.1).all()
