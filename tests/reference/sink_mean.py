"""The mean over a text's own tokens the slow way: token by token, sorted lengths, three cases of the weight."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def sink_weights(states: Float[np.ndarray, "token hidden"], own: Sequence[int]) -> list[float]:
    """How much each of the own tokens counts."""
    lengths = [float(np.sqrt(sum(float(x) ** 2 for x in states[token]))) for token in own]
    median = sorted(lengths)[(len(lengths) - 1) // 2]
    weights = []
    for length in lengths:
        if length <= 3 * median:
            weights.append(1.0)
        elif length >= 6 * median:
            weights.append(0.0)
        else:
            weights.append(2 - length / (3 * median))
    return weights


def sink_mean(
    states: Float[np.ndarray, "token hidden"],
    own: Sequence[int],
    values: Float[np.ndarray, "token hidden"] | None = None,
) -> Float[np.ndarray, " hidden"]:
    """Weighted mean of `values` (None: of the states) over the own tokens, weighed by the lengths of the states."""
    given = states if values is None else values
    weights = sink_weights(states, own)
    total = sum((weight * given[token].astype(np.float64) for weight, token in zip(weights, own, strict=True)), 0.0)
    return np.asarray(total) / sum(weights)


def own_places(ids: Sequence[int], special: Sequence[int]) -> list[int]:
    """Places behind the first token that hold no special token; all places where there are none."""
    return [place for place in range(1, len(ids)) if ids[place] not in special] or list(range(len(ids)))
