"""Sums and samples of hidden states."""

from dataclasses import dataclass

import xarray as xr


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the fitting pairs of one concept and language: all that a mean-difference vector needs.

    Attributes:
        data: `count` int64 `[fold]`, pairs per fold;
            `total` float64 `[fold, side, layer, hidden]`, sums of hidden states over pairs;
            `permuted` float32 `[draw, layer, hidden]`, sums of `h_pos - h_neg` after swapping sides by fair coins;
            `unit` float64 `[fold, layer, hidden]`, sums of pair differences of unit length over the `unit_count` int64
            `[fold]` pairs that take part (`vectors.accumulators.unit_differences`).
            attrs: concept, language.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class Activations:
    """Hidden states of the unique texts of one concept and language.

    Attributes:
        data: `states` float32 or float16 `[layer, text, hidden]` (may be memory-mapped);
            `index` int64 `[pair, side]`, rows of `text`; coordinates on `pair`: `item`, `group`, `split`, `fold`,
            `content` (as in `TextTable`, never empty).
            attrs: concept, language.
    """

    data: xr.Dataset
