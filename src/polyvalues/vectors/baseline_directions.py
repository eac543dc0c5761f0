"""Directions that mean nothing: the baselines of recognition.

    random     v ~ N(0, I), by seed, layer and draw: the same for every concept and every language
    permuted   the estimator itself, after swapping the two sides of each pair by a fair coin

Coins belong to the content of a group (the texts of its first pair, as `data.text_table` finds it), so a group has
the same
coins in all of its languages, and translations are swapped together. Nothing depends on labels: another tag for a
language, another name for a concept or an item, another order of the pairs, or other groups that are read leave every
draw as it is. Both laws are symmetric: a direction and its opposite are equally probable. So the accuracy of a
direction that means nothing has the mean 1/2 on any pairs whatever, and how far single directions come from it is what
the data decide. Everything is derived from BLAKE2b of the seed and the content, never from Python's `hash`.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int8

from polyvalues.artifacts import TextTable
from polyvalues.errors import VectorError

MOST_DRAWS = 512
"""Bits in one BLAKE2b digest: one coin per draw."""


def _digest(*parts: str | int) -> bytes:
    """64 bytes that depend on nothing but `parts`. JSON keeps ('ab', 'c') and ('a', 'bc') apart."""
    return hashlib.blake2b(json.dumps(parts).encode()).digest()


def stable_rng(*parts: str | int) -> np.random.Generator:
    """A generator determined by `parts` alone, on every machine and in every process."""
    return np.random.default_rng(int.from_bytes(_digest(*parts), "little"))


def random_directions(
    layers: Sequence[int], shape: tuple[int, int], seed: int
) -> Float64[np.ndarray, "draw layer hidden"]:
    """Draw isotropic Gaussian directions.

    Args:
        layers: coordinates of the layers; the same layer gets the same directions whichever others are read.
        shape: `(draws, hidden)`; more draws leave the first ones as they are.
        seed: the study's seed.

    Returns:
        An array that is kept for the next call, and cannot be written to.
    """
    return _random_directions(tuple(int(layer) for layer in layers), *shape, seed)


@lru_cache(maxsize=2)
def _random_directions(layers: tuple[int, ...], draws: int, hidden: int, seed: int) -> np.ndarray:
    out = np.empty((draws, len(layers), hidden))
    for draw in range(draws):
        for row, layer in enumerate(layers):
            out[draw, row] = stable_rng(seed, "random", layer, draw).standard_normal(hidden)
    out.setflags(write=False)
    return out


def coin_signs(contents: Iterable[str], draws: int, seed: int) -> Int8[np.ndarray, "draw pair"]:
    """Toss a fair coin per draw and pair: 1 leaves the pair as it is, -1 swaps its sides.

    Args:
        contents: of each pair's group; equal contents have equal coins.
        draws: coins per pair; more draws leave the first ones as they are.
        seed: the study's seed.

    Raises:
        VectorError: more draws than there are coins in a digest.
    """
    if not 0 <= draws <= MOST_DRAWS:
        raise VectorError(f"control_draws = {draws}: expected 0 to {MOST_DRAWS}")
    names = [str(content) for content in contents]
    digests = {content: _digest(seed, "permuted", content) for content in dict.fromkeys(names)}
    joined = b"".join(digests[content] for content in names)
    bits = np.unpackbits(np.frombuffer(joined, dtype=np.uint8)).reshape(len(names), MOST_DRAWS)
    return (1 - 2 * bits[:, :draws].astype(np.int8)).T


def coin_contents(table: TextTable) -> np.ndarray:
    """Content of each pair's group, one string per pair.

    A table that does not say it (`TextTable.content` is empty) stands alone: the texts of the group's first pair in it.
    """
    if len(table.content):
        return table.content
    first: dict[str, str] = {}
    for group, (positive, negative) in zip(table.group.tolist(), table.index.tolist(), strict=True):
        first.setdefault(group, json.dumps(["".join(table.texts[row]) for row in (positive, negative)]))
    return np.array([first[group] for group in table.group.tolist()], dtype=str)
