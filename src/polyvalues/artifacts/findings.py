"""What a study found, and what it says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import xarray as xr


@dataclass(frozen=True, eq=False)
class Findings:
    """What was measured.

    Attributes:
        recognition: `accuracy` `[concept, source, target, layer, interval]`;
            `chosen` `[concept, source, target, interval]`, the accuracy at the chosen layer;
            `auroc` `[concept, source, target, interval]`, over single texts at the chosen layer;
            `control` `[concept, target, layer, control_kind, interval]`, `control_chosen` and others without layer
            (`analysis.hypothesis_tests.baseline_check`);
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
            over concepts; `quantity` as listed in `polyvalues.analysis.overview`; `baseline` `[concept]`, `baseline_p`.
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
        chance: `p`, `q` `[concept, source, target]`: recognition against one half
            (`analysis.hypothesis_tests.chance_test`).
        stability: `share` `[concept, layer]`, `same`, `near` `[concept]`: the choice of layers
            (`analysis.hypothesis_tests.layer_stability`).
        differences: `difference`, `p`, `q` between the languages' own recognition
            (`analysis.hypothesis_tests.paired_differences`).
        agreement: `verdict`, `ceiling`, `disattenuated` ... per pair of languages
            (`analysis.hypothesis_tests.consistency_verdicts`).
        companions: `value` `[concept, companion, source, target, interval]`: centred and whitened cosines, overlap of
            subspaces, CKA (`vectors.similarity.similarities`, `analysis.hypothesis_tests.similarity_intervals`).
        kinship: correlation of cosines with linguistic similarity, first dimension `table`
            (`analysis.hypothesis_tests.distance_correlation`).
        direction: slope of transfer on training shares, gains (`analysis.hypothesis_tests.transfer_direction`).
        predictors: of steerability, by concept, language and layer (`analysis.steerability_predictors`).
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
        precision: what rounding may change (`analysis.scoring.rounding_effects`), with `skipped`; empty where it is
            unknown.
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
