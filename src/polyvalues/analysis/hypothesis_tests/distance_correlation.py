"""Are the directions of related languages closer? Correlation of cosines with similarity 1 - distance.

    direct    r over all unordered pairs of languages, diagonal left out
    split     mean of r over pairs that involve a dominant language and r over pairs that do not (Xu et al. 2024)
    partial   r given |log10 share_s - log10 share_t|, where training shares are known
    beyond    r given genealogy, and given places too where the kind is neither: what the other kinds add to them

Positive: kin languages have closer vectors. Pearson and Spearman. Noise in the cosines makes a correlation too small,
so what is reported is the correlation without their noise (`polyvalues.analysis.statistics.attenuated_correlation`);
`observed` is the one that is seen, and the one that is tested.

p of `direct`, `split` and `partial` is Mantel's (`polyvalues.analysis.statistics.mantel`). It says that languages
near in one kind have near cosines, which any kind will have where cosines follow genealogy; p of `beyond`
(`polyvalues.analysis.statistics.phylogenetic_test`) says that this kind has a part of its own. Of the genetic
distance itself `beyond` is `direct`, with Mantel's p. q adjusts the concepts and kinds of one form.

Three intervals, of different things: `items` by the jackknife over folds (other items, these languages), `languages` by
leaving one language out at a time (other languages, these items), `both` by leaving out both (other items in other
languages, `polyvalues.analysis.statistics.two_factor_bootstrap`). The last is the one that speaks about languages in
general, and with 16 of them it is wide.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float64, Int32

from polyvalues.analysis.consistency import chosen_pick, cosines, disattenuated, folds_of, languages_of, layers_of
from polyvalues.analysis.hypothesis_tests.distance_correlation_forms import Form, pair_sets, without_languages
from polyvalues.analysis.statistics.attenuated_correlation import noise_free_correlation, noise_free_ranks
from polyvalues.analysis.statistics.bootstrap import stable_hash
from polyvalues.analysis.statistics.jackknife import corrected_variance, jackknife_interval
from polyvalues.analysis.statistics.mantel import METHODS, Method, mantel, smallest_p, upper
from polyvalues.analysis.statistics.phylogenetic_test import Design, beyond
from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg
from polyvalues.analysis.statistics.two_factor_bootstrap import Over, Stratum, both_interval
from polyvalues.artifacts import LayerChoice, Replicates
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.errors import MeasureError

KIND: Final = "kind"
METHOD: Final = "coefficient"
FORM: Final = "form"
OF: Final = "of"

_TEST: Final = "Mantel permutation of languages, two-sided"
_BEYOND: Final = "simulated languages with the covariance of genealogy (genetic: Mantel), two-sided"

GENEALOGY: Final = "genetic"
"""Kind that every other one is given in the form `beyond`."""
PLACES: Final = "geographic"
"""Kind that the rest are given as well."""

_INTERVALS: Final = ("items", "languages", "both")
_NUMBERS: Final = ("observed", "p", "p_smallest")

FORMS: Final = ("direct", "split", "partial", "beyond")
QUANTITIES: Final = ("cosine", "disattenuated")


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
        `items`, `languages` and `both` `[concept, of, kind, coefficient, form, interval]`, the correlation with its
        intervals; `observed`, `p`, `q` and `p_smallest`, the smallest p there can be, without `interval`; `pairs` int32
        `[concept, of, kind]`; `given` `[kind]`, what `beyond` holds fixed. `of` is the cosine or the disattenuated
        cosine. NaN with fewer than 4 pairs, constant values, cosines that vary no more than their noise, without
        dominant languages or shares, and for `beyond` without genetic distances.

    Raises:
        MeasureError: no replicates, a concept without its choice, or a language without a row in `distances`.
    """
    if not replicates:
        raise MeasureError("no cosines to correlate with kinship")
    concepts = [str(part.data.attrs["concept"]) for part in replicates]
    kinds = [str(name) for name in distances.data_vars]
    shape = (len(concepts), len(QUANTITIES), len(kinds), len(METHODS), len(FORMS))
    found = {name: np.full((*shape, 3), np.nan) for name in _INTERVALS}
    found |= {name: np.full(shape, np.nan) for name in _NUMBERS}
    pairs = np.zeros(shape[:3], np.int32)
    pick = chosen_pick(choices)
    for row, part in enumerate(replicates):
        names = languages_of(part)
        cosine = cosines(part)
        layer = int(pick(concepts[row], layers_of(part), cosine[..., 0])[0, 0])
        series = [_known(values[:, :, layer]) for values in (cosine, disattenuated(part))]
        forms = _forms(names, dominant, shares or {})
        near = {kind: _near(distances[kind], names, concepts[row]) for kind in kinds}
        for (at, kind), of in product(enumerate(kinds), range(len(QUANTITIES))):
            how = f"kinship {concepts[row]} {kind}", permutations, folds_of(part), spec
            for (form, taken), method in product({**forms, **_beyond(kind, near)}.items(), METHODS):
                where = row, of, at, METHODS.index(method), FORMS.index(form)
                cell, pairs[where[:3]] = _cell(series[of], near[kind], taken, method, how)
                for name, value in cell.items():
                    found[name][where] = value
    if GENEALOGY in kinds:
        at = kinds.index(GENEALOGY)
        for array in found.values():
            array[:, :, at, :, FORMS.index("beyond")] = array[:, :, at, :, FORMS.index("direct")]
    attrs = {"distances": str(distances.attrs.get("source", "")), "confidence": spec.confidence}
    return _labelled(found, pairs, _coords(concepts, kinds)).assign_attrs(attrs)


def _labelled(
    found: Mapping[str, np.ndarray], pairs: Int32[np.ndarray, "concept of kind"], coords: Mapping[str, list[str]]
) -> xr.Dataset:
    dims, kinds = (CONCEPT, OF, KIND, METHOD, FORM), coords[KIND]
    return xr.Dataset(
        {
            **{name: ((*dims, INTERVAL), found[name]) for name in _INTERVALS},
            **{name: (dims, found[name]) for name in _NUMBERS},
            "q": (dims, _adjusted(found["p"])),
            "pairs": (dims[:3], pairs),
            "given": ((KIND,), [" and ".join(_given(kind, kinds)) for kind in kinds]),
        },
        coords=coords,
        attrs={"test": _TEST, "test_beyond": _BEYOND},
    )


def _cell(
    values: Float64[np.ndarray, "language language replicate"],
    near: Float64[np.ndarray, "language language"],
    form: Form,
    method: Method,
    how: tuple[str, int, int, StatisticsSpec],
) -> tuple[dict[str, np.ndarray | float], int]:
    """Every number of one correlation, and the number of pairs."""
    name, permutations, folds, spec = how
    p, least, pairs = _test(near, values[..., 0], form, method, (name, permutations, spec))
    observed, intervals = _intervals(values, near, form, method, (folds, spec.confidence))
    return {**dict(zip(_INTERVALS, intervals, strict=True)), "observed": observed, "p": p, "p_smallest": least}, pairs


def _near(distance: xr.DataArray, names: tuple[str, ...], concept: str) -> Float64[np.ndarray, "language language"]:
    missing = [name for name in names if name not in distance[SOURCE].values]
    if missing:
        raise MeasureError(f"concept {concept!r}: no distances for {', '.join(missing)}")
    return 1 - distance.sel({SOURCE: list(names), TARGET: list(names)}).values.astype(np.float64)


def _given(kind: str, kinds: Sequence[str]) -> tuple[str, ...]:
    """Kinds of distance that `beyond` holds fixed."""
    if kind == GENEALOGY or GENEALOGY not in kinds:
        return ()
    return (GENEALOGY, PLACES) if kind != PLACES and PLACES in kinds else (GENEALOGY,)


def _beyond(kind: str, near: Mapping[str, Float64[np.ndarray, "language language"]]) -> dict[str, Form]:
    """The form `beyond` of a kind; none of genealogy itself, or without genetic distances."""
    given = _given(kind, tuple(near))
    if given:
        return {"beyond": Form(design=Design(tuple(1 - near[name] for name in given)))}
    return {}


def _test(
    near: Float64[np.ndarray, "language language"],
    values: Float64[np.ndarray, "language language"],
    form: Form,
    method: Method,
    how: tuple[str, int, StatisticsSpec],
) -> tuple[float, float, int]:
    """p, the smallest p there can be, and the number of pairs."""
    name, permutations, spec = how
    key = [spec.seed, stable_hash(f"{name} {len(form.masks)} {form.third is None} {form.design is None}")]
    if form.design is not None:
        found = beyond(near, values, form.design, method=method, draws=permutations, rng=np.random.default_rng(key))
        return found.p, found.least, found.pairs
    _, p, pairs = mantel(
        near, values, form.third, masks=form.masks, method=method, permutations=permutations,
        rng=np.random.default_rng(key),
    )  # fmt: skip
    known = np.where(np.isnan(values), np.nan, near)
    least = float("nan") if np.isnan(p) else smallest_p(known, permutations, np.random.default_rng(key))
    return p, least, pairs


def _adjusted(p: Float64[np.ndarray, "concept of kind coefficient form"]) -> Float64[np.ndarray, "*cell"]:
    """Q over the concepts and kinds of each quantity, coefficient and form."""
    q = np.full(p.shape, np.nan)
    for of, coefficient, form in np.ndindex(p.shape[1], p.shape[3], p.shape[4]):
        q[:, of, :, coefficient, form] = benjamini_hochberg(p[:, of, :, coefficient, form])
    return q


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
    forms = {"direct": Form()}
    head = np.array([name in dominant for name in names])
    involved: Bool[np.ndarray, " pair"] = upper((head[:, None] | head[None]).astype(np.float64)) > 0
    if involved.any() and not involved.all():
        forms["split"] = Form(masks=(involved, ~involved))
    if shares:
        logs = np.log10([shares.get(name, 0.0) or np.nan for name in names])
        forms["partial"] = Form(third=np.abs(logs[:, None] - logs[None]))
    return forms


def _known(
    values: Float64[np.ndarray, "language language replicate"],
) -> Float64[np.ndarray, "language language replicate"]:
    """NaN in all replicates of a pair of languages where one is NaN."""
    return np.where(np.isnan(values).any(axis=-1, keepdims=True), np.nan, values)


def _intervals(
    values: Float64[np.ndarray, "language language replicate"],
    near: Float64[np.ndarray, "language language"],
    form: Form,
    method: Method,
    how: tuple[int, float],
) -> tuple[float, tuple[Float64[np.ndarray, " interval"], ...]]:
    """The correlation as it is seen; without noise, over items, over languages, and over both."""
    folds, confidence = how
    # ranks are not smooth: replicates without two folds say nothing about them
    series = without_languages(near, values if method == "pearson" else values[..., : folds + 1], form, method)
    items, factor = _over_folds(values, near, form, (method, series[0]), how)
    languages = jackknife_interval(series[:, 0], len(values), confidence, "fisher") * factor
    enlarged = np.clip(series * factor, -1.0, 1.0)
    whole = Stratum(enlarged, lambda part: corrected_variance(part, folds), float(folds - 1))
    both = both_interval([whole], items, Over(confidence, fisher=True, limits=(-1.0, 1.0)))
    return float(series[0, 0]), (items, np.clip(languages, -1.0, 1.0), both)


def _over_folds(
    values: Float64[np.ndarray, "language language replicate"],
    near: Float64[np.ndarray, "language language"],
    form: Form,
    seen: tuple[Method, Float64[np.ndarray, " seen"]],
    how: tuple[int, float],
) -> tuple[Float64[np.ndarray, " interval"], float]:
    """Interval over items of the correlation without noise, and the factor by which noise made it smaller."""
    (method, series), (folds, confidence) = seen, how
    parts = [noise_free_correlation(x, y, z, folds, confidence) for x, y, z in pair_sets(near, values, form)]
    numbers = np.array([[factor, reach] for _, factor, reach in parts] or [[np.nan, np.nan]])
    factor, reach = (float(number) for number in numbers.mean(axis=0))
    if method == "spearman":
        return noise_free_ranks(float(series[0]), factor, reach), factor
    if len(parts) == 1:
        return parts[0][:2]
    enlarged = np.clip(series[: folds + 1] * factor, -1.0, 1.0)
    return jackknife_interval(enlarged, folds, confidence, "fisher"), factor
