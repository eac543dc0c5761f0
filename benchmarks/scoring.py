"""Scores of all languages under the vectors of all languages at all layers, from states that are in memory, no model.

    A[s, t, l] = share of the pairs of target t whose positive side lies further along the vector of source s

The sides, in turns for every target language:

    plain loop          what published code does: for every source and layer, states times vector, in float32
    product per layer   the same with all sources in one matrix product, in float32 (as little arithmetic as there can
                        be) and in float64
    polyvalues          `ScoreReducer` as the states stream by: float64, every text relative to the midpoint, and eight
                        control directions beside

Cells may differ by a pair where float32 turns a near tie round; how many do is printed.

    OMP_NUM_THREADS=2 python -m benchmarks.scoring [--hidden 2048] [--layers 32] [--pairs 300] [--languages 16]
"""

import argparse
import os
from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr

from benchmarks.table import TIME_HEADS, machine, show, time_cells, timed
from polyvalues.analysis.scoring.scoring import ScoreReducer
from polyvalues.analysis.statistics.formulas import correctness
from polyvalues.artifacts import ConceptVectors, TextTable
from polyvalues.config import VectorSpec
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.dimensions import CONTROLS
from polyvalues.vectors.baseline_directions import random_directions

BATCH = 128
"""Texts that reach the reducer at a time."""
OURS = "polyvalues"


def made_vectors(languages: list[str], layers: int, hidden: int, rng: np.random.Generator) -> ConceptVectors:
    """Random vectors and midpoints."""
    shape = (len(languages), layers, hidden)
    dims = ("source", "layer", "hidden")
    return ConceptVectors(
        xr.Dataset(
            {
                "vector": (dims, rng.standard_normal(shape, dtype=np.float32)),
                "midpoint": (dims, rng.standard_normal(shape, dtype=np.float32)),
            },
            coords={"source": languages, "layer": np.arange(layers)},
            attrs={"concept": "benchmark", "estimator": "mean-difference"},
        )
    )


def table_of(language: str, pairs: int) -> TextTable:
    """Pairs whose positive sides are the first half of the texts and whose negative sides are the second."""
    names = np.arange(pairs).astype(str)
    index = np.arange(2 * pairs).reshape(2, pairs).T
    texts = tuple(("", str(row)) for row in range(2 * pairs))
    return TextTable(
        "benchmark", language, texts, index, names, names, np.full(pairs, "test"), np.full(pairs, -1, np.int32)
    )


def plain_loop(vectors: ConceptVectors, states: np.ndarray) -> np.ndarray:
    """Accuracy `[layer, source]`, one cell at a time."""
    vector, pairs = vectors.data["vector"].values, states.shape[1] // 2
    accuracy = np.empty((len(states), len(vector)))
    for source in range(len(vector)):
        for layer in range(len(states)):
            positive = states[layer, :pairs] @ vector[source, layer]
            negative = states[layer, pairs:] @ vector[source, layer]
            accuracy[layer, source] = np.mean(positive > negative)
    return accuracy


def product_per_layer(vectors: ConceptVectors, states: np.ndarray, dtype: type[np.floating]) -> np.ndarray:
    """The same, all sources at a time."""
    vector, pairs = vectors.data["vector"].values.astype(dtype, copy=False), states.shape[1] // 2
    projected = (rows.astype(dtype, copy=False) @ vector[:, layer].T for layer, rows in enumerate(states))
    return np.stack([np.mean(rows[:pairs] > rows[pairs:], axis=0) for rows in projected])


def by_polyvalues(vectors: ConceptVectors, table: TextTable, states: np.ndarray) -> np.ndarray:
    """The same by way of `Scores`."""
    _, layers, hidden = vectors.data["vector"].shape
    draws = VectorSpec().baseline_draws
    drawn = random_directions(range(layers), (draws, hidden), 0)
    controls = np.stack([drawn] * len(CONTROLS))  # as many as a study has
    reducer = ScoreReducer(table, vectors, controls=controls, protocol="strict")
    for first in range(0, states.shape[1], BATCH):
        part = states[:, first : first + BATCH]
        reducer.update(np.arange(first, first + part.shape[1]), part)
    projection = reducer.result().data["projection"].values
    return correctness(projection[:, 0] - projection[:, 1]).mean(axis=0, dtype=np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("languages", 16), ("layers", 32), ("hidden", 2048), ("pairs", 300), ("repetitions", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    size = parser.parse_args()
    print(machine(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)), ("numpy", "polyvalues")), end="\n\n")
    rng = np.random.default_rng(0)
    languages = list(MOSAIC_LANGUAGES)[: size.languages]
    vectors = made_vectors(languages, size.layers, size.hidden, rng)
    seconds: dict[str, np.ndarray] = {}
    cells: dict[str, list[np.ndarray]] = {}
    for language in languages:  # one language's states at a time: they are what takes memory
        states = rng.standard_normal((size.layers, 2 * size.pairs, size.hidden), dtype=np.float32)
        sides: dict[str, Callable[[], np.ndarray]] = {
            "plain loop": partial(plain_loop, vectors, states),
            "product per layer": partial(product_per_layer, vectors, states, np.float32),
            "product per layer, float64": partial(product_per_layer, vectors, states, np.float64),
            OURS: partial(by_polyvalues, vectors, table_of(language, size.pairs), states),
        }
        for number in range(size.repetitions):
            for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
                accuracy, taken = timed(sides[name])
                seconds.setdefault(name, np.zeros((size.repetitions, 2)))[number] += taken
                if number == 0:
                    cells.setdefault(name, []).append(accuracy)
    print(f"{len(languages)} x {len(languages)} languages, {size.layers} layers of {size.hidden} dimensions,")
    print(f"{size.pairs} pairs each, float32 states; medians of {size.repetitions}\n")
    rows = [["side", *TIME_HEADS, "cells that differ", "by at most"]]
    for name, taken in seconds.items():
        difference = np.abs(np.stack(cells[name]) - np.stack(cells[OURS])) * size.pairs
        far = np.round(difference).astype(int)
        differing = f"{np.count_nonzero(far)} of {far.size:,}"
        rows.append([name, *time_cells(taken, seconds[OURS]), differing, f"{far.max()} pairs"])
    show(rows)


if __name__ == "__main__":
    main()
