"""Directions that mean nothing, to stand beside every result.

    random     v ~ N(0, I), independent for every concept, language, draw and layer
    permuted   the estimator itself, after swapping the two sides of each pair by a fair coin

Both are drawn independently for every language: with one seed for all languages the coins of translations of an item
agree, and the permuted directions of two languages point the same way (a cosine of 0.85 in published code), which makes
a control look like a finding. Coins belong to an item, not to a row: they do not depend on the order of the pairs or on
which other pairs are read. Everything is derived from BLAKE2b of the seed and the names, never from Python's `hash`.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float64, Int8

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
    concept: str, language: str, layers: Sequence[int], shape: tuple[int, int], seed: int
) -> Float64[np.ndarray, "draw layer hidden"]:
    """Isotropic Gaussian directions.

    Args:
        concept: the concept.
        language: the source language.
        layers: coordinates of the layers; the same layer gets the same directions whichever others are read.
        shape: `(draws, hidden)`.
        seed: the study's seed.
    """
    draws, hidden = shape
    out = np.empty((draws, len(layers), hidden))
    for draw in range(draws):
        for row, layer in enumerate(layers):
            out[draw, row] = stable_rng(seed, "random", concept, language, draw, int(layer)).standard_normal(hidden)
    return out


def coin_signs(
    concept: str, language: str, items: Iterable[str], draws: int, seed: int
) -> Int8[np.ndarray, "draw pair"]:
    """A fair coin per draw and pair: 1 leaves the pair as it is, -1 swaps its sides.

    Raises:
        VectorError: more draws than there are coins in a digest.
    """
    if not 0 <= draws <= MOST_DRAWS:
        raise VectorError(f"control_draws = {draws}: expected 0 to {MOST_DRAWS}")
    digests = [_digest(seed, "permuted", concept, language, str(item)) for item in items]
    bits = np.unpackbits(np.frombuffer(b"".join(digests), dtype=np.uint8)).reshape(len(digests), MOST_DRAWS)
    return (1 - 2 * bits[:, :draws].astype(np.int8)).T
