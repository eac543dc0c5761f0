"""Sign-flip p-values by writing out every flip, and q-values by the definition."""

from itertools import product

import numpy as np


def sign_flip_p(sums: np.ndarray) -> float:
    """Share of all 2^n flips whose sum is at least as far from 0 as the one seen."""
    kept = [float(value) for value in sums if not np.isnan(value)]
    seen = abs(sum(kept))
    flips = [
        abs(sum(sign * value for sign, value in zip(signs, kept, strict=True)))
        for signs in product((1, -1), repeat=len(kept))
    ]
    return sum(value >= seen - 1e-9 for value in flips) / len(flips)


def benjamini_hochberg(p: list[float]) -> list[float]:
    """The smallest level at which each hypothesis would be rejected."""
    ranked = sorted(p)
    found = []
    for value in p:
        levels = [ranked[j] * len(p) / (j + 1) for j in range(len(p)) if ranked[j] >= value]
        found.append(min(1.0, *levels))
    return found


def group_sums(correct: list[float], group: list[str]) -> dict[str, float]:
    """Right pairs less one half, added up per group."""
    sums: dict[str, float] = {}
    for value, name in zip(correct, group, strict=True):
        sums[name] = sums.get(name, 0.0) + value - 0.5
    return sums
