"""The two-factor bootstrap of a mean over items and languages, drawn plainly (Schuett et al. 2023)."""

import numpy as np


def _variances(table: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Variance of the mean when items, languages, or both are drawn with replacement."""
    items, languages = table.shape
    found: list[list[float]] = [[], [], []]
    for _ in range(draws):
        rows, columns = rng.integers(items, size=items), rng.integers(languages, size=languages)
        found[0].append(float(table[rows].mean()))
        found[1].append(float(table[:, columns].mean()))
        found[2].append(float(table[rows][:, columns].mean()))
    by_items, by_languages, by_both = (float(np.var(values, ddof=1)) for values in found)
    return by_items, by_languages, by_both


def corrected(table: np.ndarray, draws: int, rng: np.random.Generator) -> float:
    """2 (V_items + V_languages) - V_both, within its bounds, without the bias of few items or languages."""
    items, languages = table.shape
    by_items, by_languages, by_both = _variances(table, draws, rng)
    first, second = items / (items - 1), languages / (languages - 1)
    inside = first * second * (by_both - by_items - by_languages)
    whole = first * by_items + second * by_languages - inside
    return max(whole, first * by_items, second * by_languages)


def uncorrected(table: np.ndarray, draws: int, rng: np.random.Generator) -> float:
    """V_both."""
    return _variances(table, draws, rng)[2]
