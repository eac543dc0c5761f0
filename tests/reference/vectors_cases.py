"""Small tables and states for the tests of the vectors stage."""

import numpy as np

from polyvalues.artifacts import Activations, TextTable
from polyvalues.vectors.accumulators.activations import ActivationsReducer


def table_of(pairs: int, folds: int, seed: int, *, language: str = "en", shared: bool = True) -> TextTable:
    """Pairs over unique texts; with `shared`, texts serve in several pairs and on both sides, and some lack a fold."""
    rng = np.random.default_rng(seed)
    if shared:
        texts = pairs + 3
        index = np.stack([rng.choice(texts, size=2, replace=False) for _ in range(pairs)])
        index[0] = (0, texts - 1)
        fold = rng.integers(-1, folds, size=pairs)
        fold[:folds] = np.arange(folds)
    else:
        texts = 2 * pairs
        index = np.arange(texts).reshape(-1, 2)
        fold = np.arange(pairs) % folds
    return TextTable(
        concept="morality",
        language=language,
        texts=tuple(("", f"text {row}") for row in range(texts)),
        index=index.astype(np.int64),
        item=np.array([f"item {row}" for row in range(pairs)]),
        group=np.array([f"group {row}" for row in range(pairs)]),
        split=np.array(["fit"] * pairs),
        fold=fold.astype(np.int32),
    )


def states_of(table: TextTable, layers: int, hidden: int, seed: int) -> np.ndarray:
    """Gaussian states, float32, with a few large dimensions and a gap between the sides of each pair."""
    rng = np.random.default_rng(seed)
    states = rng.standard_normal((layers, len(table.texts), hidden)) + 1.0
    states[:, :, 0] *= 20.0
    gap = rng.standard_normal((layers, hidden))
    for positive, negative in table.index:
        states[:, positive] += gap / 2
        states[:, negative] -= gap / 2
    return states.astype(np.float32)


def activations_of(table: TextTable, states: np.ndarray) -> Activations:
    reducer = ActivationsReducer(table, None)
    reducer.update(np.arange(len(table.texts)), states)
    return reducer.result()
