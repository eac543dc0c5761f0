"""Planted truth: hidden states drawn from a known law, to see whether an analysis recovers what was put in.

For concept c, language t, layer l and pair p

    h_positive = b_p + (a_t(l) u_t + e_p) / 2,    h_negative = b_p - (a_t(l) u_t + e_p) / 2

so the pair difference is `d_p = a_t(l) u_t + e_p`, with

    u_t       a unit direction per concept, language and layer; u_s . u_t is exactly the cosine asked for
    a_t(l)    strength[t] * layer_profile[l], the length of the true mean difference
    e_p       Gaussian noise of standard deviation noise[t] per coordinate, times `massive_scale` in the first `massive`
              coordinates; a share `group_share` of its variance is common to all pairs of a group
    b_p       what both sides share: Gaussian of standard deviation `topic` per coordinate (the same in all languages),
              and a constant offset of 10 `massive_scale` in the massive coordinates. It cancels in differences

Noise is independent between languages, layers, concepts and groups. With `D` the diagonal of squared coordinate scales
(1, or massive_scale^2), everything a study measures has a closed form:

    accuracy of the source's true direction on the target   A[s, t] = Phi(a_t u_s . u_t / (noise_t sqrt(u_s' D u_s)))
    cosine of a mean difference over n pairs with the truth
        about 1 / sqrt(1 + g tr(D) noise^2 / (n a^2)),   g = 1 + (group_size - 1) group_share
        (hidden noise^2 / (n a^2) without massive dimensions and group noise)
    cosine of two such vectors     about c_st times the cosines of both with their truths: what disattenuation undoes

Nothing here reads a model or a file. The texts are labels such as `morality/en/item-00007/positive`, so that the
pairs go through the ordinary stages. An item's group, split and fold are the same in all languages.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xarray as xr
from jaxtyping import Float32, Float64

from polyvalues.artifacts import PAIR_SCHEMA, Activations, PairSet, TextTable
from polyvalues.axes import CONCEPT, HIDDEN, LANGUAGE, LAYER, PAIR, SIDE, SIDES, SOURCE, TARGET, TEXT
from polyvalues.errors import SpecError

OFFSET = 10.0
"""Constant part of a massive dimension, in units of `massive_scale`."""


@dataclass(frozen=True)
class PlantedSpec:
    """What is planted.

    Attributes:
        languages: at least one, distinct.
        concepts: at least one, distinct.
        pairs: pairs per concept and language.
        layers: number of layers.
        hidden: dimensions of a hidden state.
        cosine: between the directions of any two languages, or a symmetric matrix of them with unit diagonal.
        strength: length of the true mean difference, one for all languages or one each.
        noise: standard deviation of a pair difference per coordinate, one for all languages or one each.
        layer_profile: factor on the strength per layer; None: 1 everywhere.
        massive: number of massive dimensions.
        massive_scale: their standard deviation relative to the others.
        topic: standard deviation per coordinate of what both sides of a pair share.
        group_size: pairs per group.
        group_share: share of the noise variance that a group has in common, 0 to 1.
        folds: number of folds.
        split: whether pairs are split 70/10/20 into fit, select and test (by position), or all are `cross`.
        seed: seed of everything.

    Raises:
        SpecError: values that contradict each other, or cosines no set of directions can have.
    """

    languages: tuple[str, ...] = ("en", "es", "sw")
    concepts: tuple[str, ...] = ("morality",)
    pairs: int = 400
    layers: int = 3
    hidden: int = 64
    cosine: float | tuple[tuple[float, ...], ...] = 0.5
    strength: float | tuple[float, ...] = 1.0
    noise: float | tuple[float, ...] = 1.0
    layer_profile: tuple[float, ...] | None = None
    massive: int = 0
    massive_scale: float = 1.0
    topic: float = 1.0
    group_size: int = 1
    group_share: float = 0.0
    folds: int = 10
    split: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, labels in (("languages", self.languages), ("concepts", self.concepts)):
            if not labels or len(set(labels)) != len(labels):
                raise SpecError(f"planted {name} {labels}: expected at least one, all distinct")
        for name in ("pairs", "layers", "hidden", "group_size", "folds"):
            if getattr(self, name) < 1:
                raise SpecError(f"planted {name} = {getattr(self, name)}: expected at least 1")
        for name in ("strength", "noise"):
            if min(_each(self, name)) < 0:
                raise SpecError(f"planted {name} = {getattr(self, name)}: expected numbers that are not negative")
        if self.layer_profile is not None and len(self.layer_profile) != self.layers:
            raise SpecError(f"planted layer_profile has {len(self.layer_profile)} numbers for {self.layers} layers")
        if not 0 <= self.group_share <= 1 or not 0 <= self.massive <= self.hidden or self.massive_scale <= 0:
            raise SpecError(
                f"planted group_share = {self.group_share} (0 to 1), massive = {self.massive} (0 to {self.hidden}), "
                f"massive_scale = {self.massive_scale} (above 0): out of range"
            )
        _factor(self)


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
    factor = _factor(spec)
    shape = (len(spec.concepts), len(spec.languages), spec.layers, spec.hidden)
    direction = np.empty(shape)
    for concept in range(len(spec.concepts)):
        for layer in range(spec.layers):
            gaussian = _rng(spec, 0, concept, layer).standard_normal((spec.hidden, factor.shape[1]))
            direction[concept, :, layer] = factor @ np.linalg.qr(gaussian)[0].T
    profile = np.ones(spec.layers) if spec.layer_profile is None else np.array(spec.layer_profile)
    length = np.outer(_each(spec, "strength"), profile)
    scale = _scale(spec)
    gap = np.einsum("cslh,ctlh->cstl", direction, direction) * length
    spread = np.linalg.norm(direction * scale, axis=-1)[:, :, None] * np.array(_each(spec, "noise"))[:, None]
    accuracy = np.vectorize(_accuracy, otypes=[float])(gap, spread)
    truth = xr.Dataset(
        {
            "direction": ((CONCEPT, LANGUAGE, LAYER, HIDDEN), direction),
            "length": ((LANGUAGE, LAYER), length),
            "cosine": ((SOURCE, TARGET), factor @ factor.T),
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
    inflation = 1 + (spec.group_size - 1) * spec.group_share
    noise = xr.DataArray(np.array(_each(spec, "noise")), dims=(LANGUAGE,))
    variance = inflation * float(np.sum(_scale(spec) ** 2)) * noise**2 / pairs
    square = planted.truth["length"] ** 2
    return (square / (square + variance)) ** 0.5


def planted_pairs(planted: Planted) -> PairSet:
    """All pairs as a data set, before any split; texts are labels, not language."""
    spec = planted.spec
    rows = []
    for concept in spec.concepts:
        for language in spec.languages:
            for pair in range(spec.pairs):
                positive, negative = (_text(concept, language, pair, side) for side in SIDES)
                group = f"group-{pair // spec.group_size:05d}"
                rows.append((concept, language, _item(pair), group, positive, negative, "", "", "planted:"))
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
    group = np.arange(spec.pairs) // spec.group_size
    split, fold = _split(spec, group)
    kept = np.flatnonzero(np.ones(spec.pairs, dtype=bool) if splits is None else np.isin(split, list(splits)))
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
    rng = _rng(spec, 2, concept, layer, language)
    own = rng.standard_normal((spec.pairs, spec.hidden))
    group = np.arange(spec.pairs) // spec.group_size
    common = rng.standard_normal((int(group[-1]) + 1, spec.hidden))[group]
    error = math.sqrt(spec.group_share) * common + math.sqrt(1 - spec.group_share) * own
    length = planted.truth["length"].values[language, layer]
    gap = length * planted.truth["direction"].values[concept, language, layer]
    half = (gap + _each(spec, "noise")[language] * scale * error) / 2
    return np.stack([shared + half, shared - half], axis=1).reshape(2 * spec.pairs, spec.hidden)


def _split(spec: PlantedSpec, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split and fold of each pair, by group. Which groups go where is drawn once, for all languages."""
    count = int(group[-1]) + 1
    order = _rng(spec, 3).permutation(count)
    fold = (order % spec.folds).astype(np.int32)
    if not spec.split:
        return np.full(len(group), "cross"), fold[group]
    part = np.where(order < 0.7 * count, "fit", np.where(order < 0.8 * count, "select", "test"))
    return part[group], np.where(part == "fit", fold, np.int32(-1)).astype(np.int32)[group]


def _factor(spec: PlantedSpec) -> Float64[np.ndarray, "language rank"]:
    """Rows whose products are the cosines asked for; a symmetric root, since a cosine of 1 has no Cholesky factor."""
    count = len(spec.languages)
    if isinstance(spec.cosine, tuple):
        wanted = np.array(spec.cosine, dtype=np.float64)
    else:
        wanted = np.where(np.eye(count, dtype=bool), 1.0, float(spec.cosine))
    if wanted.shape != (count, count) or not np.allclose(wanted, wanted.T) or not np.allclose(np.diag(wanted), 1.0):
        raise SpecError(f"planted cosine: expected a symmetric {count} x {count} matrix with ones on its diagonal")
    values, vectors = np.linalg.eigh(wanted)
    if values[0] < -1e-9:
        raise SpecError(
            f"planted cosine: no {count} directions have these cosines (smallest eigenvalue {values[0]:.3g}); "
            "with one cosine for all it can be no lower than -1 / (languages - 1)"
        )
    kept = values > 1e-12
    if kept.sum() > spec.hidden:
        raise SpecError(f"planted cosine: {kept.sum()} independent directions do not fit into {spec.hidden} dimensions")
    return vectors[:, kept] * np.sqrt(values[kept])


def _accuracy(gap: float, spread: float) -> float:
    """Phi(gap / spread); without noise every pair is right, wrong or tied."""
    if spread == 0:
        return 0.5 * (1 + float(np.sign(gap)))
    return 0.5 * math.erfc(-gap / spread / math.sqrt(2))


def _scale(spec: PlantedSpec) -> Float64[np.ndarray, " hidden"]:
    return np.where(np.arange(spec.hidden) < spec.massive, spec.massive_scale, 1.0)


def _each(spec: PlantedSpec, name: str) -> tuple[float, ...]:
    """`strength` or `noise`, one number per language."""
    value = getattr(spec, name)
    if not isinstance(value, tuple):
        return (float(value),) * len(spec.languages)
    if len(value) != len(spec.languages):
        raise SpecError(f"planted {name} has {len(value)} numbers for {len(spec.languages)} languages")
    return tuple(float(number) for number in value)


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
