"""Planted truth: hidden states drawn from a known law, to see whether an analysis recovers what was put in.

For concept c, language t, layer l and pair p

    h_positive = b_p + (a_t(l) u_t + e_p) / 2,    h_negative = b_p - (a_t(l) u_t + e_p) / 2

so the pair difference is `d_p = a_t(l) u_t + e_p`, with

    u_t       a unit direction per concept, language and layer; u_s . u_t is exactly the cosine asked for
    a_t(l)    strength[t] * layer_profile[l], the length of the true mean difference
    e_p       noise of standard deviation noise[t] per coordinate, times `massive_scale` in the first `massive`
              coordinates; a share `group_share` of its variance is common to all pairs of a group, a share
              `language_share` to the versions of an item in all languages (crossed: of each of these two parts the
              same share is common to the group). Normal unless `tails` or `skew` say otherwise:
              tails  each part times sqrt((tails - 2) / chi^2(tails)), one factor per pair (group, item): a
                     multivariate t of unit variance, every projection of which is heavy-tailed
              skew   along u_t, each part is an exponential variable less its mean instead of a normal one
    b_p       what both sides share: Gaussian of standard deviation `topic` per coordinate (the same in all languages),
              and a constant offset of 10 `massive_scale` in the massive coordinates. It cancels in differences

Noise is independent between layers, concepts and groups, and between languages but for `language_share`. With `D` the
diagonal of squared coordinate scales (1, or massive_scale^2), what a study measures has a closed form:

    accuracy of the source's true direction on the target   A[s, t] = F(a_t u_s . u_t / (noise_t sqrt(u_s' D u_s)))
        F the normal distribution function; with `tails` Student's, of unit variance. NaN where the noise has no such
        form: with `skew`, and with `tails` where a share of the noise is common (a sum of two t variables is none)
    cosine of a mean difference over n pairs with the truth
        about 1 / sqrt(1 + g tr(D) noise^2 / (n a^2)),   g = 1 + (mean size of a pair's group - 1) group_share
        (hidden noise^2 / (n a^2) without massive dimensions and group noise), under every law of the noise
    cosine of two such vectors     about c_st times the cosines of both with their truths: what disattenuation undoes,
        if the languages' noise is independent. With `language_share` r the product of the vectors has the expectation
        a_s a_t c_st + g r noise_s noise_t tr(D) / n (skew changes the trace by at most 2), over n items of both

Nothing here reads a model or a file. The texts are labels such as `morality/en/item-00007/positive`, so that the
pairs go through the ordinary stages. An item's group, split and fold are the same in all languages; which items a
language lacks (`missing`) is drawn per concept and language.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xarray as xr
from jaxtyping import Bool, Float32, Float64, Int64
from scipy import stats

from polyvalues.artifacts import PAIR_SCHEMA, Activations, PairSet, TextTable
from polyvalues.config.simulation import PlantedSpec, each, factor
from polyvalues.dimensions import CONCEPT, HIDDEN, LANGUAGE, LAYER, PAIR, SIDE, SIDES, SOURCE, TARGET, TEXT
from polyvalues.errors import SpecError

OFFSET = 10.0
"""Constant part of a massive dimension, in units of `massive_scale`."""


@dataclass(frozen=True, eq=False)
class Planted:
    """What was planted.

    Attributes:
        spec: what was asked for.
        truth: `direction` float64 `[concept, language, layer, hidden]`, unit vectors; `length` float64
            `[language, layer]`, of the true mean difference; `cosine` float64 `[source, target]`; `accuracy` float64
            `[concept, source, target, layer]`, of the source's true direction on pairs of the target.
    """

    spec: PlantedSpec
    truth: xr.Dataset


def plant(spec: PlantedSpec) -> Planted:
    """Draw the directions and work out what follows from them."""
    roots = factor(spec)
    shape = (len(spec.concepts), len(spec.languages), spec.layers, spec.hidden)
    direction = np.empty(shape)
    for concept in range(len(spec.concepts)):
        for layer in range(spec.layers):
            gaussian = _rng(spec, 0, concept, layer).standard_normal((spec.hidden, roots.shape[1]))
            direction[concept, :, layer] = roots @ np.linalg.qr(gaussian)[0].T
    profile = np.ones(spec.layers) if spec.layer_profile is None else np.array(spec.layer_profile)
    length = np.outer(each(spec, "strength"), profile)
    scale = _scale(spec)
    gap = np.einsum("cslh,ctlh->cstl", direction, direction) * length
    spread = np.linalg.norm(direction * scale, axis=-1)[:, :, None] * np.array(each(spec, "noise"))[:, None]
    accuracy = _accuracy(spec, gap, spread)
    truth = xr.Dataset(
        {
            "direction": ((CONCEPT, LANGUAGE, LAYER, HIDDEN), direction),
            "length": ((LANGUAGE, LAYER), length),
            "cosine": ((SOURCE, TARGET), roots @ roots.T),
            "accuracy": ((CONCEPT, SOURCE, TARGET, LAYER), accuracy),
        },
        coords={
            CONCEPT: list(spec.concepts),
            **{name: list(spec.languages) for name in (LANGUAGE, SOURCE, TARGET)},
            LAYER: np.arange(spec.layers),
        },
    )
    return Planted(spec, truth)


def expected_cosine(planted: Planted, pairs: int) -> xr.DataArray:
    """About the cosine `[language, layer]` with the truth of a mean difference over `pairs` pairs (module docstring).

    To first order in 1/hidden: exact in the limit of many dimensions.
    """
    spec = planted.spec
    size = float(np.mean(np.bincount(_group(spec))[_group(spec)])) if spec.group_sizes else spec.group_size
    inflation = 1 + (size - 1) * spec.group_share
    noise = xr.DataArray(np.array(each(spec, "noise")), dims=(LANGUAGE,))
    variance = inflation * float(np.sum(_scale(spec) ** 2)) * noise**2 / pairs
    square = planted.truth["length"] ** 2
    return (square / (square + variance)) ** 0.5


def planted_pairs(planted: Planted) -> PairSet:
    """All pairs as a data set, before any split; texts are labels, not language."""
    spec = planted.spec
    names = [f"group-{number:05d}" for number in _group(spec).tolist()]
    rows = []
    for concept in spec.concepts:
        for language in spec.languages:
            for pair in np.flatnonzero(_present(spec, concept, language)).tolist():
                positive, negative = (_text(concept, language, pair, side) for side in SIDES)
                rows.append((concept, language, _item(pair), names[pair], positive, negative, "", "", "planted:"))
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return PairSet(pa.table(columns, schema=PAIR_SCHEMA), notes=("planted truth, not language",))


def planted_table(planted: Planted, concept: str, language: str, splits: Sequence[str] | None = None) -> TextTable:
    """Texts and pairs of one concept and language.

    Args:
        planted: what was planted.
        concept: one of its concepts.
        language: one of its languages.
        splits: keep the pairs of these only; None keeps all.

    Raises:
        SpecError: a concept or language that was not planted.
    """
    spec = planted.spec
    _position(spec.concepts, concept, "concept")
    _position(spec.languages, language, "language")
    group = _group(spec)
    split, fold = _split(spec, group)
    wanted = np.ones(spec.pairs, dtype=bool) if splits is None else np.isin(split, list(splits))
    kept = np.flatnonzero(wanted & _present(spec, concept, language))
    return TextTable(
        concept=concept,
        language=language,
        texts=tuple(("", _text(concept, language, int(pair), side)) for pair in kept for side in SIDES),
        index=np.arange(2 * len(kept), dtype=np.int64).reshape(-1, 2),
        item=np.array([_item(int(pair)) for pair in kept]),
        group=np.array([f"group-{int(number):05d}" for number in group[kept]]),
        split=split[kept],
        fold=fold[kept],
        content=np.array([f"group-{int(number):05d}" for number in group[kept]]),
    )


def planted_states(planted: Planted, table: TextTable) -> Float32[np.ndarray, "layer text hidden"]:
    """Hidden states of the texts of a table, in its order: what a model would have given.

    Raises:
        SpecError: a text that was not planted.
    """
    spec = planted.spec
    concept = _position(spec.concepts, table.concept, "concept")
    language = _position(spec.languages, table.language, "language")
    names = (_text(table.concept, table.language, pair, side) for pair in range(spec.pairs) for side in SIDES)
    row = {name: number for number, name in enumerate(names)}
    unknown = [text for text in table.texts if "".join(text) not in row]
    if unknown:
        raise SpecError(f"the text {''.join(unknown[0])!r} was not planted in {table.concept!r}, {table.language!r}")
    rows = np.array([row["".join(text)] for text in table.texts], dtype=np.int64)
    states = np.empty((spec.layers, len(rows), spec.hidden), dtype=np.float32)
    for layer in range(spec.layers):
        states[layer] = _layer_states(planted, concept, language, layer)[rows]
    return states


def planted_activations(planted: Planted, concept: str, language: str) -> Activations:
    """Kept activations of one concept and language, all pairs."""
    table = planted_table(planted, concept, language)
    data = xr.Dataset(
        {"states": ((LAYER, TEXT, HIDDEN), planted_states(planted, table)), "index": ((PAIR, SIDE), table.index)},
        coords={
            SIDE: list(SIDES),
            LAYER: np.arange(planted.spec.layers),
            "item": ((PAIR,), table.item),
            "group": ((PAIR,), table.group),
            "split": ((PAIR,), table.split),
            "fold": ((PAIR,), table.fold),
            "content": ((PAIR,), table.content),
        },
        attrs={"concept": concept, "language": language},
    )
    return Activations(data)


def _layer_states(planted: Planted, concept: int, language: int, layer: int) -> Float64[np.ndarray, "text hidden"]:
    """States of all pairs of one layer, positive and negative in turn."""
    spec = planted.spec
    scale = _scale(spec)
    shared = _rng(spec, 1, concept, layer).standard_normal((spec.pairs, spec.hidden)) * spec.topic * scale
    shared[:, : spec.massive] += OFFSET * spec.massive_scale
    direction = planted.truth["direction"].values[concept, language, layer]
    error = _error(spec, _rng(spec, 2, concept, layer, language), direction)
    if spec.language_share:
        common = _error(spec, _rng(spec, 4, concept, layer), direction)
        error = math.sqrt(spec.language_share) * common + math.sqrt(1 - spec.language_share) * error
    gap = planted.truth["length"].values[language, layer] * direction
    half = (gap + each(spec, "noise")[language] * scale * error) / 2
    return np.stack([shared + half, shared - half], axis=1).reshape(2 * spec.pairs, spec.hidden)


def _error(
    spec: PlantedSpec, rng: np.random.Generator, direction: Float64[np.ndarray, " hidden"]
) -> Float64[np.ndarray, "pair hidden"]:
    """Noise of unit variance in every direction, part of it common to the pairs of a group."""
    group = _group(spec)
    own = rng.standard_normal((spec.pairs, spec.hidden))
    common = rng.standard_normal((int(group[-1]) + 1, spec.hidden))
    own, common = (_shaped(spec, part, rng, direction) for part in (own, common))
    return math.sqrt(spec.group_share) * common[group] + math.sqrt(1 - spec.group_share) * own


def _shaped(
    spec: PlantedSpec,
    normal: Float64[np.ndarray, "row hidden"],
    rng: np.random.Generator,
    direction: Float64[np.ndarray, " hidden"],
) -> Float64[np.ndarray, "row hidden"]:
    """Standard normal rows made skewed and heavy-tailed as the spec says; still of unit variance."""
    if spec.skew:
        along = spec.skew * (rng.standard_exponential(len(normal)) - 1)
        normal = normal + np.outer(along - normal @ direction, direction)
    if spec.tails is not None:
        normal = normal * np.sqrt((spec.tails - 2) / rng.chisquare(spec.tails, len(normal)))[:, None]
    return normal


def _group(spec: PlantedSpec) -> Int64[np.ndarray, " pair"]:
    """Number of each pair's group, ascending."""
    if not spec.group_sizes:
        return np.arange(spec.pairs) // spec.group_size
    rounds = -(-spec.pairs // sum(spec.group_sizes))
    sizes = np.array(spec.group_sizes * rounds)
    return np.repeat(np.arange(len(sizes)), sizes)[: spec.pairs]


def _present(spec: PlantedSpec, concept: str, language: str) -> Bool[np.ndarray, " pair"]:
    """Which items a language has, at least one."""
    at, number = spec.languages.index(language), spec.concepts.index(concept)
    lacking = min(spec.pairs - 1, round(each(spec, "missing")[at] * spec.pairs))
    return _rng(spec, 5, number, at).permutation(spec.pairs) >= lacking


def _split(spec: PlantedSpec, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split and fold of each pair, by group. Which groups go where is drawn once, for all languages."""
    count = int(group[-1]) + 1
    order = _rng(spec, 3).permutation(count)
    fold = (order % spec.folds).astype(np.int32)
    if not spec.split:
        return np.full(len(group), "cross"), fold[group]
    part = np.where(order < 0.7 * count, "fit", np.where(order < 0.8 * count, "select", "test"))
    return part[group], np.where(part == "fit", fold, np.int32(-1)).astype(np.int32)[group]


def _accuracy(
    spec: PlantedSpec, gap: Float64[np.ndarray, "*cell"], spread: Float64[np.ndarray, "*cell"]
) -> Float64[np.ndarray, "*cell"]:
    """Share of pairs above 0; without noise every pair is right, wrong or tied."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = gap / spread
    if spec.skew or (spec.tails is not None and (spec.group_share or spec.language_share)):
        found = np.full(gap.shape, np.nan)
    elif spec.tails is not None:
        found = stats.t.cdf(z * math.sqrt(spec.tails / (spec.tails - 2)), spec.tails)
    else:
        found = 0.5 * np.vectorize(math.erfc, otypes=[float])(-z / math.sqrt(2))
    return np.where(spread == 0, 0.5 * (1 + np.sign(gap)), found)


def _scale(spec: PlantedSpec) -> Float64[np.ndarray, " hidden"]:
    return np.where(np.arange(spec.hidden) < spec.massive, spec.massive_scale, 1.0)


def _rng(spec: PlantedSpec, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=key))


def _item(pair: int) -> str:
    return f"item-{pair:05d}"


def _text(concept: str, language: str, pair: int, side: str) -> str:
    return f"{concept}/{language}/{_item(pair)}/{side}"


def _position(labels: tuple[str, ...], label: str, what: str) -> int:
    if label not in labels:
        raise SpecError(f"{what} {label!r} was not planted, only {', '.join(labels)}")
    return labels.index(label)
