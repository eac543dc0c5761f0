"""What passes between stages: frozen, labelled, without logic.

Arrays carry the dimension names of `polyvalues.axes`; every layout is written down here and nowhere else.
A measured quantity ends in the dimension `interval` (`estimate`, `lower`, `upper`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import xarray as xr

from polyvalues.axes import PairSides

PAIR_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("positive", pa.string(), nullable=False),
        pa.field("negative", pa.string(), nullable=False),
        pa.field("prefix", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)
"""Columns of `PairSet.table`. The text that is read is `prefix + side`, verbatim; `prefix` and `category` may be
empty; `source` is `reader:file`. Rows keep the order of the source. `split_pairs` appends `split` (string: fit,
select, test; `cross` in a cross-fitted concept) and `fold` (int32: 0..K-1; -1 where a pair has no fold)."""

DROP_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
    ]
)
"""Columns of `PairSet.drops`: one row per pair and reason; `action` is `dropped` or `mended`."""


SUMMARY_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("kept", pa.int64(), nullable=False),
        pa.field("groups", pa.int64(), nullable=False),
        pa.field("dropped", pa.int64(), nullable=False),
        pa.field("mended", pa.int64(), nullable=False),
        pa.field("reasons", pa.string(), nullable=False),
        pa.field("characters_positive", pa.float64(), nullable=False),
        pa.field("characters_negative", pa.float64(), nullable=False),
        pa.field("positive_longer", pa.float64(), nullable=False),
    ]
)
"""What `summarise_pairs` reports, one row per concept and language: counts; reasons in words (`identical 3; empty 1`);
mean length of each side in characters; share of pairs whose positive side is the longer one (ties 1/2)."""


@dataclass(frozen=True, eq=False)
class PairSet:
    """Pairs in many languages, with what was dropped on the way.

    Attributes:
        table: rows as in `PAIR_SCHEMA`.
        drops: rows as in `DROP_SCHEMA`.
        notes: what a reader should know, in words (how pairs were matched, which side was assumed ...).
    """

    table: pa.Table
    drops: pa.Table = field(default_factory=lambda: DROP_SCHEMA.empty_table())
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TextTable:
    """The unique texts of some pairs of one concept and language, and where each pair finds its two.

    Attributes:
        texts: unique texts before any template, as `(prefix, side)`; the text itself is their concatenation.
        index: int64 `[pair, side]`, rows of `texts`.
        item, group: one string per pair.
        split: one string per pair: fit, select, test or cross.
        fold: int32, one per pair; -1 where a pair has no fold.
        content: of each pair's group, whatever its labels, the same in every language; or empty.
    """

    concept: str
    language: str
    texts: tuple[tuple[str, str], ...]
    index: PairSides
    item: np.ndarray
    group: np.ndarray
    split: np.ndarray
    fold: np.ndarray
    content: np.ndarray = field(default_factory=lambda: np.array([], dtype=str))


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the fitting pairs of one concept and language: all that a mean-difference vector needs.

    Attributes:
        data: `count` int64 `[fold]`, pairs per fold;
            `total` float64 `[fold, side, layer, hidden]`, sums of hidden states over pairs;
            `permuted` float32 `[draw, layer, hidden]`, sums of `h_pos - h_neg` after swapping sides by fair coins;
            `unit` float64 `[fold, layer, hidden]`, sums of pair differences of unit length over the `unit_count` int64
            `[fold]` pairs that take part (`vectors.unit_differences`).
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


@dataclass(frozen=True, eq=False)
class ConceptVectors:
    """Vectors of one concept.

    Attributes:
        data: `vector` float32 `[source, layer, hidden]`, points to the positive side, not normalised;
            `midpoint` float32 `[source, layer, hidden]`, half way between the mean of the positive and the mean
            of the negative sides it was fitted on. attrs: concept, estimator.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class SteeringVectors:
    """What a model is steered with: all that is needed besides the model itself.

    Attributes:
        data: `vector` float32 `[concept, source, layer, hidden]`, points to the safer side (`data.concepts`: the
            concept's vector, turned round where its negative end is the safer one), not normalised;
            `midpoint` float32 `[concept, source, layer, hidden]`, half way between the means of the two sides;
            `norm` float32 `[layer]`, mean length of the hidden states of neutral text: the unit of strength;
            `flipped` bool `[concept]`, whether the concept's vector was turned round. attrs: fingerprint, model,
            model_type, blocks, hidden, layers (of the model), dtype, template, position, estimator.
    """

    data: xr.Dataset


GENERATION_SCHEMA: Final = pa.schema(
    [
        pa.field("concept", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("vector", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("sign", pa.int32(), nullable=False),
        pa.field("layers", pa.string(), nullable=False),
        pa.field("strength", pa.float64(), nullable=False),
        pa.field("steered", pa.bool_(), nullable=False),
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("draw", pa.int32(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("answer", pa.string(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),
    ]
)
"""Columns of `Generations.table`: `side` of the pair the prompt is; `vector` as in `axes.STEERED_BY`; `source` its
language (empty without vector); `sign` +1 safer, -1 the opposite, 0 unsteered; `layers` comma-separated blocks;
`strength` in mean norms; `steered` false where a condition held the row back; `draw`: which random direction;
`prompt` as written, before the chat template; `tokens` of the answer."""


@dataclass(frozen=True, eq=False)
class Generations:
    """Answers of a model, steered and not; rows as in `GENERATION_SCHEMA`."""

    table: pa.Table


@dataclass(frozen=True, eq=False)
class Judged:
    """What one judge says of generations.

    Attributes:
        judge: its name.
        behaviour: what 1 means, e.g. `refusal`, `compliance`, `toxicity`, `perplexity` (a cost may have any scale).
        scores: float64, one per row of the generations; NaN where the judge cannot tell.
        notes: what a reader must know, in words.
    """

    judge: str
    behaviour: str
    scores: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Replicates:
    """Inner products of vectors refitted on parts of the folds: all that consistency and kinship need.

    Replicate 0 has all folds, replicate k all folds but fold k - 1; where there are more, the rest have all folds but
    two, in lexicographic order. Products never multiply an item with itself (`polyvalues.vectors.products`).

    Attributes:
        data: `product` float64 `[source, target, layer, replicate]`, the cross-validated inner product, and `square`
            float64 `[source, layer, replicate]`, the squared length of the vector, in the same unit;
            `plain` float64 `[source, target, layer, replicate]`, the cosine of the vectors as they are;
            `control` float64 `[source, target, layer, control_kind, draw]`, the plain cosine between label-permuted
            directions; paper protocol: `sign` int8 `[source, layer]`, by which vectors were multiplied.
            NaN where a vector is zero or has no pairs, and for random controls. attrs: concept, estimator, folds.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class CrossVectors:
    """Vectors of one concept, each fitted with one fold left out (cross-fitted concepts).

    Attributes:
        data: `vector` and `midpoint` float32 `[source, fold, layer, hidden]`, without `fold`; attrs concept, estimator.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class NestedVectors:
    """Vectors of one concept and language, for choosing the layer of a fold without that fold.

    Attributes:
        data: `vector` float32 `[fold, other_fold, layer, hidden]`, fitted without either fold (on the diagonal: without
            that fold). attrs: concept, language, estimator.
        controls: from a layer's position to control directions `[control_kind, draw, fold, hidden]` without each fold.
    """

    data: xr.Dataset
    controls: Callable[[int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Scores:
    """Projections of the unseen pairs of one concept and target language.

    Attributes:
        data: `projection` float32 `[pair, side, layer, source]`, `(h - midpoint) . v / |v|` of each side under each
            source's vector (in a cross-fitted concept: the vector fitted without the pair's fold);
            `control` int8 `[pair, layer, control_kind, draw]`, sign of `(h_pos - h_neg) . v` under its controls;
            `selection` float32 `[pair, fold, layer]`, cross-fitted concepts only: 1, 1/2 or 0 as the pair is
            right, tied or wrong under its own language's vector fitted without the pair's fold and without
            `fold`; NaN where `fold` is the pair's own.
            Coordinates on `pair`: `item`, `group`, `split` (select, test or cross), `fold`.
            attrs: concept, target, protocol, layer_numbering.
    """

    data: xr.Dataset


@dataclass(frozen=True, eq=False)
class LayerChoice:
    """The layer used for one concept, in every cell.

    Attributes:
        concept: the concept.
        layer: coordinate of the chosen layer (cross-fitted: chosen with all pairs, for everything that is not
            tested on them, such as cosines).
        fold_layer: int32 `[fold]`, the layer for the pairs of each fold, chosen without them; all equal to `layer`
            unless cross-fitted; empty when the concept has no folds.
        accuracy: float64 `[layer]`, what the choice was made by: mean within-language accuracy over languages.
        layers: int32 `[layer]`, coordinates of `accuracy`.
    """

    concept: str
    layer: int
    fold_layer: np.ndarray
    accuracy: np.ndarray
    layers: np.ndarray


@dataclass(frozen=True, eq=False)
class Findings:
    """What was measured.

    Attributes:
        recognition: `accuracy` `[concept, source, target, layer, interval]`;
            `chosen` `[concept, source, target, interval]`, the accuracy at the chosen layer;
            `auroc` `[concept, source, target, interval]`, over single texts at the chosen layer;
            `control` `[concept, target, layer, control_kind, interval]`, `control_chosen` and others without layer
            (`measure.baseline`);
            `n_pairs`, `n_groups` int32 `[concept, target]` (0: that cell was not measured);
            `chosen_layer` int32 `[concept]`; `fold_layer` int32 `[concept, fold]`, the layer used for the pairs of
            each fold (all equal unless cross-fitted; -1 where the concept has no such fold).
        consistency: `cosine` `[concept, source, target, layer, interval]`, `chosen` without layer;
            `reliability` `[concept, source, layer, interval]`, `reliability_chosen` without layer;
            `disattenuated` and `disattenuated_chosen`, as `cosine` and `chosen`;
            `control` `[concept, source, target, layer, control_kind, interval]`, mean cosine between the control
            directions of two languages, `control_chosen` without layer.
        transfer: `transfer` and `asymmetry` `[concept, source, target, interval]`, at the chosen layer.
        overview: `value` `[concept, quantity, interval]`, the headline numbers; `concept` ends in `all`, the mean
            over concepts; `quantity` as listed in `polyvalues.measure.overview`; `baseline` `[concept]`, `baseline_p`.
        Quantities are float64; NaN marks a cell that was not measured, and `warnings` says why.
        attrs of each: protocol, confidence, layer_numbering ('block', 0-based, or 'paper', 1-based).
        warnings: degenerate cells and everything else a reader must know, in words.
    """

    recognition: xr.Dataset
    consistency: xr.Dataset
    transfer: xr.Dataset
    overview: xr.Dataset
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Claims:
    """Findings that were tested, strict protocol; an empty data set where there was nothing to test.

    Attributes:
        chance: `p`, `q` `[concept, source, target]`: recognition against one half (`measure.chance`).
        stability: `share` `[concept, layer]`, `same`, `near` `[concept]`: the choice of layers (`measure.stability`).
        differences: `difference`, `p`, `q` between the languages' own recognition (`measure.difference`).
        agreement: `verdict`, `ceiling`, `disattenuated` ... per pair of languages (`measure.agreement`).
        companions: `value` `[concept, companion, source, target, interval]`: centred and whitened cosines, overlap of
            subspaces, CKA (`vectors.companions`, `measure.companions`).
        kinship: correlation of cosines with linguistic similarity, first dimension `table` (`measure.kinship`).
        direction: slope of transfer on training shares, gains (`measure.direction`).
        predictors: of steerability, by concept, language and layer (`measure.predictors`).
        notes: what could not be tested and why, and verdicts counted, in words.
    """

    chance: xr.Dataset
    stability: xr.Dataset
    differences: xr.Dataset
    agreement: xr.Dataset
    companions: xr.Dataset
    kinship: xr.Dataset
    direction: xr.Dataset
    predictors: xr.Dataset = field(default_factory=xr.Dataset)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ModelFindings:
    """What one model's study contributes to a comparison.

    Attributes:
        name: of the model; distinct within a comparison.
        findings: what was measured.
        claims: what was tested.
        shares: percent of the training data per language; empty when unknown.
    """

    name: str
    findings: Findings
    claims: Claims
    shares: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class StudyInfo:
    """What a report says about a study besides its findings. No wall-clock times, so that reports are reproducible.

    Attributes:
        title, protocol: one line; strict or paper.
        model: what the model is, in order: id, architecture, layers, hidden size, dtype, fingerprint, template ...
        settings: what else was chosen, in order: position, estimator, split, confidence, draws, seed ...
        summary: pairs per concept and language, as in `SUMMARY_SCHEMA`.
        notes: notes of the pair set.
        spec_toml: the study's settings, as resolved.
        command, versions: how to run it again; package versions.
        shares: training share of each language in percent, where the model's preset knows it.
        precision: what rounding may change (`measure.precision`), with `skipped`; empty where it is unknown.
    """

    title: str
    protocol: str
    model: Mapping[str, str]
    settings: Mapping[str, str]
    summary: pa.Table
    notes: tuple[str, ...]
    spec_toml: str
    command: str
    versions: Mapping[str, str]
    shares: Mapping[str, float]
    precision: xr.Dataset = field(default_factory=xr.Dataset)
