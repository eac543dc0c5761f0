"""Do two languages share a direction, as far as the noise of their vectors lets one say? A verdict per pair.

    ceiling      = sqrt(r_s r_t)                the cosine two noisy copies of one direction would have
    d            = c_st / ceiling               disattenuated cosine, interval [lower, upper] (`analysis.consistency`)
    consistent     lower >= SAME                the directions agree within the noise ceiling
    inconsistent   upper <  SAME                they differ by more than noise explains
    cannot tell    the interval holds SAME, or a vector is too noisy to have a ceiling

A raw cosine of 0.3 between two vectors of reliability 0.3 is agreement, not disagreement; so the verdict is made
on `d`. `SAME` is the least true cosine that counts as one direction: a convention, given with the result.

    p            of the hypothesis that the two true vectors are orthogonal: product[s, t] over its jackknife standard
                 error, two-sided, Student's t with K - 1 degrees of freedom; not bounded below
    plain        cosine of the vectors as they are
    expected     mean plain cosine between label-permuted vectors of the two languages, whose sides were swapped by
                 the same coins: what translations share apart from the value, which is in `plain` and not in `d`
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.consistency import block, chosen_pick, folds_of, languages_of, layers_of, take_layer
from polyvalues.analysis.statistics.formulas import MIN_RELIABILITY
from polyvalues.analysis.statistics.jackknife import student_p
from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg
from polyvalues.artifacts import LayerChoice, Replicates
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, CONTROLS, INTERVAL, SOURCE, TARGET, VERDICTS

SAME: Final = 0.8
"""Least disattenuated cosine that counts as one direction."""

_TEST: Final = "cross-validated inner product over its jackknife standard error, Student's t, two-sided"


def agreement(
    replicates: Sequence[Replicates], choices: Sequence[LayerChoice], spec: StatisticsSpec, *, same: float = SAME
) -> xr.Dataset:
    """A verdict on every two languages of every concept, at the chosen layer.

    Args:
        replicates: one per concept.
        choices: one per concept.
        spec: confidence.
        same: see `SAME`.

    Returns:
        `verdict` str `[concept, source, target]`, one of `VERDICTS`, empty on the diagonal and where nothing was
        measured; `ceiling`, `plain` and `expected` float64 likewise; `disattenuated`
        `[concept, source, target, interval]`, the numbers it rests on; `p`, `q` `[concept, source, target]`, of
        the hypothesis that the true cosine is 0.

    Raises:
        MeasureError: no replicates, or a concept without a choice or its chosen layer.
    """
    concepts = [str(part.data.attrs["concept"]) for part in replicates]
    languages = list(dict.fromkeys(name for part in replicates for name in languages_of(part)))
    shape = (len(concepts), len(languages), len(languages))
    ceiling, plain, expected, p = (np.full(shape, np.nan) for _ in range(4))
    values, verdict = np.full((*shape, 3), np.nan), np.full(shape, "", dtype="<U12")
    pick = chosen_pick(choices)
    for row, part in enumerate(replicates):
        found, layers = block(part, spec), layers_of(part)
        at = pick(concepts[row], layers, found.cosine[..., 0])
        where = np.ix_(
            [languages.index(name) for name in languages_of(part)], [*map(languages.index, languages_of(part))]
        )
        cosine = take_layer(found.cosine, at)[..., 0]
        reliability = take_layer(found.reliability, at[0])[..., 0]
        sayable = np.where(reliability > MIN_RELIABILITY, reliability, np.nan)
        drawn = part.data["control"].values[:, :, at[0, 0], CONTROLS.index("permuted")].astype(np.float64)
        own = np.eye(len(cosine), dtype=bool)
        cells = np.where(own[..., None], np.nan, take_layer(found.disattenuated, at))
        ceiling[row][where] = np.where(own, np.nan, np.sqrt(sayable[:, None] * sayable))
        expected[row][where] = np.where(own, np.nan, drawn.mean(axis=-1))
        values[row][where] = cells
        plain[row][where] = np.where(own, np.nan, take_layer(found.plain[..., None], at)[..., 0])
        product = part.data["product"].values[:, :, at[0, 0]].astype(np.float64)
        p[row][where] = np.where(own, np.nan, student_p(product, folds_of(part)))
        verdict[row][where] = _verdicts(cells, np.isnan(cosine) | own, same)
    q = _once(p)
    dims = (CONCEPT, SOURCE, TARGET)
    return xr.Dataset(
        {
            "verdict": (dims, verdict),
            "ceiling": (dims, ceiling),
            "plain": (dims, plain),
            "expected": (dims, expected),
            "disattenuated": ((*dims, INTERVAL), values),
            "p": (dims, p),
            "q": (dims, q),
        },
        coords={CONCEPT: concepts, SOURCE: languages, TARGET: languages, INTERVAL: list(BOUNDS)},
        attrs={"same": same, "confidence": spec.confidence, "test": _TEST, "correction": _correction(p)},
    )


def agreement_notes(found: xr.Dataset) -> list[str]:
    """One sentence per concept: how many pairs of languages agree, differ, or cannot be told."""
    notes = []
    for concept in found[CONCEPT].values:
        words = found["verdict"].sel({CONCEPT: concept}).values
        upper = words[np.triu_indices(len(words), 1)]
        counts = {word: int(np.sum(upper == word)) for word in VERDICTS}
        total = sum(counts.values())
        notes.append(
            f"{concept}: of {total} pairs of languages {counts['consistent']} share a direction within the noise of "
            f"their vectors, {counts['inconsistent']} do not, and of {counts['cannot tell']} it cannot be told"
        )
    return notes


def _verdicts(cells: Float64[np.ndarray, "source target interval"], missing: np.ndarray, same: float) -> np.ndarray:
    lower, upper = cells[..., 1], cells[..., 2]
    words = np.where(lower >= same, VERDICTS[0], np.where(upper < same, VERDICTS[1], VERDICTS[2]))
    return np.where(missing, "", words)


def _correction(p: Float64[np.ndarray, "concept source target"]) -> str:
    return f"Benjamini-Hochberg over {int(np.count_nonzero(~np.isnan(p))) // 2} pairs of languages"


def _once(p: Float64[np.ndarray, "concept source target"]) -> Float64[np.ndarray, "concept source target"]:
    """q-values in which a pair and its mirror image count once."""
    upper = np.triu(np.ones(p.shape[1:], dtype=bool), 1)
    q = benjamini_hochberg(np.where(upper[None], p, np.nan))
    return np.where(np.isnan(q), np.swapaxes(q, 1, 2), q)
