"""Are the directions of related languages closer? Correlation of cosines with similarity 1 - distance.

    direct    r over all unordered pairs of languages, diagonal left out
    split     mean of r over pairs that involve a dominant language and r over pairs that do not (Xu et al. 2024)
    partial   r given |log10 share_s - log10 share_t|, where training shares are known

Positive: kin languages have closer vectors. Pearson and Spearman; p by Mantel's permutation of languages
(`polyvalues.measure.mantel`), of the correlation as it is seen. Noise in the cosines makes that one too small, so
what is reported is the correlation without their noise (`polyvalues.measure.attenuation`), next to `observed`.
Two intervals, of different things: `items` by the jackknife over folds (other items, these languages), `languages` by
leaving one language out at a time (other languages, these items). The second is the one that speaks about languages in
general, and with 16 of them it is wide.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64

from polyvalues.artifacts import LayerChoice, Replicates
from polyvalues.axes import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.errors import MeasureError
from polyvalues.measure.attenuation import noise_free_correlation, noise_free_ranks
from polyvalues.measure.consistency import chosen_pick, cosines, disattenuated, folds_of, languages_of, layers_of
from polyvalues.measure.jackknife import jackknife_interval
from polyvalues.measure.mantel import METHODS, Method, mantel, prepare, statistic, upper
from polyvalues.measure.resample import stable_hash
from polyvalues.measure.signflip import benjamini_hochberg
from polyvalues.specs import StatisticsSpec

KIND: Final = "kind"
METHOD: Final = "coefficient"
FORM: Final = "form"
OF: Final = "of"

_TEST: Final = "Mantel permutation of languages, two-sided"

FORMS: Final = ("direct", "split", "partial")
QUANTITIES: Final = ("cosine", "disattenuated")

Form = tuple[tuple[Bool[np.ndarray, " pair"], ...], Float64[np.ndarray, "language language"] | None]
"""Sets of pairs to average over, and what is held fixed."""


def kinship(
    replicates: Sequence[Replicates],
    choices: Sequence[LayerChoice],
    distances: xr.Dataset,
    spec: StatisticsSpec,
    *,
    dominant: Sequence[str] = (),
    shares: Mapping[str, float] | None = None,
    permutations: int = 9999,
) -> xr.Dataset:
    """Correlate cosines at the chosen layer with linguistic similarity.

    Args:
        replicates: one per concept.
        choices: one per concept.
        distances: one variable per kind, `[source, target]`, 0 the same, NaN missing.
        spec: confidence, seed.
        dominant: languages the model was mostly trained on, for `split`.
        shares: percent of the training data per language, for `partial`.
        permutations: orders drawn with more than 7 languages.

    Returns:
        `items` and `languages` `[concept, of, kind, coefficient, form, interval]`, the correlation with both intervals;
        `observed`, `p`, `q` likewise without `interval`; `pairs` int32 `[concept, of, kind]`. `of` is the cosine or the
        disattenuated cosine. NaN with fewer than 4 pairs, constant values, cosines that vary no more than their noise,
        or without dominant languages or shares.

    Raises:
        MeasureError: no replicates, a concept without its choice, or a language without a row in `distances`.
    """
    if not replicates:
        raise MeasureError("no cosines to correlate with kinship")
    concepts = [str(part.data.attrs["concept"]) for part in replicates]
    kinds = [str(name) for name in distances.data_vars]
    shape = (len(concepts), len(QUANTITIES), len(kinds), len(METHODS), len(FORMS))
    items, languages = np.full((*shape, 3), np.nan), np.full((*shape, 3), np.nan)
    observed, p, pairs = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape[:3], np.int32)
    pick = chosen_pick(choices)
    for row, part in enumerate(replicates):
        names = languages_of(part)
        layer = int(pick(concepts[row], layers_of(part), cosines(part)[..., 0])[0, 0])
        both = [_known(values[:, :, layer]) for values in (cosines(part), disattenuated(part))]
        forms = _forms(names, dominant, shares or {})
        for at, of in product(range(len(kinds)), range(len(QUANTITIES))):
            near = _near(distances[kinds[at]], names, concepts[row])
            name = f"kinship {concepts[row]} {kinds[at]}"
            for cell, found in _correlations(near, both[of], forms, (name, permutations, folds_of(part), spec)):
                where = row, of, at, *cell
                items[where], languages[where], observed[where], p[where], pairs[where[:3]] = found
    dims = (CONCEPT, OF, KIND, METHOD, FORM)
    intervals = {"items": ((*dims, INTERVAL), items), "languages": ((*dims, INTERVAL), languages)}
    tests = {"p": (dims, p), "q": (dims, benjamini_hochberg(p)), "pairs": (dims[:3], pairs)}
    return xr.Dataset(
        {**intervals, "observed": (dims, observed), **tests},
        coords=_coords(concepts, kinds),
        attrs={"test": _TEST, "distances": str(distances.attrs.get("source", "")), "confidence": spec.confidence},
    )


def _near(distance: xr.DataArray, names: tuple[str, ...], concept: str) -> Float64[np.ndarray, "language language"]:
    missing = [name for name in names if name not in distance[SOURCE].values]
    if missing:
        raise MeasureError(f"concept {concept!r}: no distances for {', '.join(missing)}")
    return 1 - distance.sel({SOURCE: list(names), TARGET: list(names)}).values.astype(np.float64)


def _known(
    values: Float64[np.ndarray, "language language replicate"],
) -> Float64[np.ndarray, "language language replicate"]:
    """NaN in all replicates of a pair of languages where one is NaN."""
    return np.where(np.isnan(values).any(axis=-1, keepdims=True), np.nan, values)


def _correlations(
    near: Float64[np.ndarray, "language language"],
    values: Float64[np.ndarray, "language language replicate"],
    forms: Mapping[str, Form],
    how: tuple[str, int, int, StatisticsSpec],
) -> Iterator[tuple[tuple[int, int], tuple[np.ndarray, np.ndarray, float, float, int]]]:
    """For every coefficient and form: both intervals, the correlation as seen, p, and the number of pairs."""
    name, permutations, folds, spec = how
    for (at, method), (form, (masks, third)) in product(enumerate(METHODS), forms.items()):
        rng = np.random.default_rng([spec.seed, stable_hash(f"{name} {form}")])
        seen, p, pairs = mantel(
            near, values[..., 0], third, masks=masks, method=method, permutations=permutations, rng=rng
        )
        items, factor = _over_folds(values, near, (masks, third), method, (folds, spec.confidence))
        languages = _over_languages(values[..., 0], near, (masks, third), method, spec) * factor
        yield (at, FORMS.index(form)), (items, np.clip(languages, -1.0, 1.0), seen, p, pairs)


def _coords(concepts: Sequence[str], kinds: Sequence[str]) -> dict[str, list[str]]:
    return {
        CONCEPT: list(concepts),
        OF: list(QUANTITIES),
        KIND: list(kinds),
        METHOD: list(METHODS),
        FORM: list(FORMS),
        INTERVAL: list(BOUNDS),
    }


def _forms(names: tuple[str, ...], dominant: Sequence[str], shares: Mapping[str, float]) -> dict[str, Form]:
    """The forms that can be taken: sets of pairs, and what is held fixed."""
    forms: dict[str, Form] = {"direct": ((), None)}
    head = np.array([name in dominant for name in names])
    involved: Bool[np.ndarray, " pair"] = upper((head[:, None] | head[None]).astype(np.float64)) > 0
    if involved.any() and not involved.all():
        forms["split"] = ((involved, ~involved), None)
    if shares:
        logs = np.log10([shares.get(name, 0.0) or np.nan for name in names])
        forms["partial"] = ((), np.abs(logs[:, None] - logs[None]))
    return forms


def _over_folds(
    values: Float64[np.ndarray, "language language replicate"],
    near: Float64[np.ndarray, "language language"],
    form: Form,
    method: Method,
    how: tuple[int, float],
) -> tuple[Float64[np.ndarray, " interval"], float]:
    """Interval over items of the correlation without noise, and the factor by which noise made it smaller."""
    (masks, third), (folds, confidence) = form, how
    x, y = upper(near), upper(np.moveaxis(values, -1, 0)).T
    z = None if third is None else upper(third)
    known = ~(np.isnan(x) | np.isnan(y).any(axis=1) | (False if z is None else np.isnan(z)))
    sets = [known & mask for mask in masks] or [known]
    parts = [
        noise_free_correlation(x[part], y[part], None if z is None else z[part], folds, confidence) for part in sets
    ]
    factor = float(np.mean([factor for _, factor in parts]))
    if method == "pearson" and not masks:
        return parts[0]
    series = []
    for replicate in range(folds + 1):
        fixed, moving, _ = prepare(near, values[..., replicate], third, method)
        series.append(float(statistic(upper(moving), fixed, masks)))
    if method == "pearson":
        enlarged = np.clip(np.array(series) * factor, -1.0, 1.0)
        return jackknife_interval(enlarged, folds, confidence, "fisher"), factor
    return noise_free_ranks(np.array(series), factor, folds, confidence), factor


def _over_languages(
    values: Float64[np.ndarray, "language language"],
    near: Float64[np.ndarray, "language language"],
    form: Form,
    method: Method,
    spec: StatisticsSpec,
) -> Float64[np.ndarray, " interval"]:
    masks, third = form
    series = []
    for left_out in range(-1, len(values)):
        without = values.copy()
        if left_out >= 0:
            without[left_out] = without[:, left_out] = np.nan
        fixed, moving, _ = prepare(near, without, third, method)
        series.append(float(statistic(upper(moving), fixed, masks)))
    return jackknife_interval(np.array(series), len(values), spec.confidence, "fisher")
