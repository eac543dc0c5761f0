"""Regression on quality and leaving out flagged pairs, by loops over pairs and a dummy per language."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from polyvalues.artifacts import Scores

Rows = list[tuple[str, str, str, float, np.ndarray]]


def rows_of(scores: Sequence[Scores], values: Mapping[tuple[str, str, str], np.ndarray]) -> Rows:
    """Language, item, group, correctness by the own vector (layer 0) and columns of every tested pair with a row."""
    rows: Rows = []
    for part in scores:
        data, target = part.data, str(part.data.attrs["target"])
        concept = str(data.attrs["concept"])
        for at, item in enumerate(map(str, data["item"].values)):
            if str(data["split"].values[at]) == "test" and (concept, target, item) in values:
                sides = data["projection"].sel(source=target).values[at, :, 0]
                right = 1.0 if sides[0] > sides[1] else 0.5 if sides[0] == sides[1] else 0.0
                rows.append((target, item, str(data["group"].values[at]), right, values[concept, target, item]))
    return rows


def slopes(rows: Rows, columns: Sequence[int]) -> np.ndarray:
    """Least squares on columns in units of their standard deviation in the language, and a dummy per language."""
    tags = list(dict.fromkeys(row[0] for row in rows))
    scaled = []
    for row in rows:
        own = np.array([other[4] for other in rows if other[0] == row[0]])[:, columns]
        spread = own.std(axis=0)
        scaled.append(row[4][columns] / np.where(spread > 0, spread, 1.0))
    dummies = np.array([[row[0] == tag for tag in tags] for row in rows], dtype=float)
    table = np.concatenate([np.array(scaled), dummies], axis=1)
    found, *_ = np.linalg.lstsq(table, np.array([row[3] for row in rows]), rcond=None)
    return found[: len(columns)]


def accuracies(
    scores: Scores, source: str, weights: np.ndarray, groups: Sequence[str], out: Callable[[str], bool]
) -> list[float]:
    """Accuracy in every resample without some items, pair by pair."""
    data, found = scores.data, []
    for row in weights:
        above = below = 0.0
        for at, item in enumerate(map(str, data["item"].values)):
            if str(data["split"].values[at]) == "test" and not out(item):
                sides = data["projection"].sel(source=source).values[at, :, 0]
                weight = float(row[groups.index(str(data["group"].values[at]))])
                above += weight * (1.0 if sides[0] > sides[1] else 0.5 if sides[0] == sides[1] else 0.0)
                below += weight
        found.append(above / below if below else float("nan"))
    return found
