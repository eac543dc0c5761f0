"""A finished study: opening its folder, and writing what people look at again. No model, and no torch, is loaded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.artifacts import Claims, ConceptVectors, Findings, LayerChoice, PairSet, Scores, StudyInfo
from polyvalues.config import StudySpec
from polyvalues.config.toml import dump_toml, load_study_spec
from polyvalues.data.summary import summarise_pairs
from polyvalues.dimensions import LAYER, MEAN_TOKENS, Concept, Language
from polyvalues.errors import CorruptArtifact, SpecError
from polyvalues.report.figures.figure_set import Figure, figure_set
from polyvalues.report.text.below_chance import below_chance
from polyvalues.report.text.findings_text import describe
from polyvalues.report.text.hypothesis_results import describe_claims
from polyvalues.storage.package_versions import package_versions
from polyvalues.storage.store import Store
from polyvalues.study.followup_results import (
    PRECISION,
    ROUNDING,
    beside,
    is_current,
    related_of,
)
from polyvalues.study.hypothesis_tests import load_claims
from polyvalues.study.outputs import language_views, publish

PARTS: Final = ("recognition", "consistency", "transfer", "overview")


@dataclass(frozen=True, repr=False)
class Study:
    """A study folder, opened.

    Attributes:
        store: the folder.
        spec: its settings, as resolved.
        findings: what was measured.
        model: what the model is, in words.
        shares: training share of each language in percent, where known.
        claims: what was tested.
    """

    store: Store
    spec: StudySpec
    findings: Findings
    model: Mapping[str, str]
    shares: Mapping[str, float]
    claims: Claims

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.store.root

    @property
    def recognition(self) -> xr.DataArray:
        """Recognition at the chosen layers, `[concept, source, target, interval]` in 0..1."""
        return self.findings.recognition["chosen"]

    @property
    def tests(self) -> Claims:
        """What was tested, each with its p and the smallest p it could have had."""
        return self.claims

    def describe(self) -> tuple[str, ...]:
        """What was found, in sentences with numbers and intervals."""
        return findings_in_words(self)

    def figures(self) -> Mapping[str, Figure]:
        """The figures of the report, by name, as matplotlib figures; nothing is written."""
        return study_figures(self)

    def write_report(self) -> Path:
        """Write tables, figures and the page again; returns where the page is.

        Raises:
            StorageFull: the folder cannot be written.
        """
        write_report(self)
        return self.folder / "report.html"

    def __repr__(self) -> str:
        return f"<Study {self.folder}: {'; '.join(f'{k} {v}' for k, v in _headline(self).items())}>"

    def _repr_html_(self) -> str:
        page = self.folder / "report.html"
        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in _headline(self).items())
        link = f'<a href="{escape(str(page))}">{escape(str(page))}</a>'
        return f"<table><caption>Study</caption>{rows}<tr><th>page</th><td>{link}</td></tr></table>"

    def pairs(self) -> PairSet:
        """The pairs as used: checked and split."""
        return self.store.get("pairs.parquet", PairSet)

    def vectors(self, concept: Concept) -> ConceptVectors:
        """The vectors of one concept, all languages and layers."""
        return self.store.get(f"vectors/{concept}.safetensors", ConceptVectors)

    def scores(self, concept: Concept, target: Language) -> Scores:
        """The scores of one concept's unseen pairs in one target language."""
        return self.store.get(f"scores/{concept}/{target}.nc", Scores)


def _headline(study: Study) -> dict[str, str]:
    """Model, data, languages, and own-language recognition by concept: mean over languages, lowest and highest."""
    chosen = study.findings.recognition["chosen"]
    lines = {
        "model": str(study.model.get("name", study.spec.model.id)),
        "languages": ", ".join(map(str, chosen["target"].values)),
    }
    for concept in map(str, chosen["concept"].values):
        cells = []
        for tag in map(str, chosen["target"].values):
            if tag in chosen["source"].values:
                low, mid, high = (
                    float(chosen.sel(concept=concept, source=tag, target=tag, interval=bound))
                    for bound in ("lower", "estimate", "upper")
                )
                if not np.isnan(mid):
                    cells.append(f"{tag} {mid:.2f} [{low:.2f}, {high:.2f}]")
        more = f", and {len(cells) - 4} more" if len(cells) > 4 else ""
        lines[concept] = f"recognition {', '.join(cells[:4])}{more}"
    return lines


def load_study(folder: Path | str) -> Study:
    """Open a finished study; no model is loaded.

    Raises:
        StoreError: the folder holds no finished study, or a damaged one.
    """
    store = Store(Path(folder), package_versions())
    parts = {name: store.get(f"findings/{name}.nc", xr.Dataset) for name in PARTS}
    path = store.path("run.json")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        model, shares = dict(record["model"]), dict(record["shares"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptArtifact(f"{path}: cannot be used ({error!r}); run the study again, it redoes only this") from None
    spec = load_study_spec(store.path("study.toml"))
    return Study(store, spec, with_warnings(parts), model, shares, load_claims(store))


def write_report(study: Study) -> tuple[str, ...]:
    """Write tables, figures and the page of a finished study again, without its model; returns the files' names."""
    with study.store.locked():
        return republish(study)


def republish(study: Study) -> tuple[str, ...]:
    """As `write_report`, for callers that hold the folder's lock."""
    pairs = study.pairs()
    return publish(study.store, study.findings, study_info(study, pairs), study.claims, pairs)


def findings_in_words(study: Study) -> tuple[str, ...]:
    """What a study found, in sentences with numbers and intervals."""
    info = study_info(study, study.pairs())
    sentences = describe(study.findings, info, language_views(study.findings))
    first = below_chance(study.findings, study.claims, related_of(study.store))
    return tuple(sentence.text for sentence in (*first, *sentences, *describe_claims(study.claims)))


def study_figures(study: Study) -> Mapping[str, Figure]:
    """The figures of a study's report, by name, as matplotlib figures; nothing is written.

    Returns:
        Those that have something to show: `accuracy`, `layers`, `reliability`, `drops`; with several languages
        `recognition`, `transfer`, `cosine`, `disattenuated`; and those of claims and of what was asked afterwards.
    """
    pairs = study.pairs()
    info, shown = study_info(study, pairs), beside(study.store, study.findings, study.claims, pairs)
    return figure_set(study.findings, info, language_views(study.findings), shown)


def study_names(studies: Sequence[Study]) -> tuple[str, ...]:
    """The models' names; where two are alike, the folders' names beside them."""
    models = [str(study.model.get("name", study.spec.model.id)).rpartition("/")[2] for study in studies]
    names = [
        model if models.count(model) == 1 else f"{model} ({study.folder.name})"
        for model, study in zip(models, studies, strict=True)
    ]
    return tuple(name if names.count(name) == 1 else f"{name} {at}" for at, name in enumerate(names, 1))


def study_info(study: Study, pairs: PairSet) -> StudyInfo:
    """What the report says besides the findings."""
    spec = study.spec
    statistics, split = spec.statistics, spec.split
    sizes = f"{split.fit:g} fit, {split.select:g} select, {1 - split.fit - split.select:g} test, by group"
    paper = spec.protocol == "paper"
    modes = set(pairs.table["split"].to_pylist())
    settings = {
        "estimator": spec.vectors.estimator,
        "read position": spec.reading.position if spec.reading.position == "last" else f"mean over {MEAN_TOKENS}",
        "split": "0.8 fit, 0.2 test, by pair and language" if paper else sizes,
        "cross-fitted": "no" if paper or "cross" not in modes else f"yes, {split.folds} folds",
        "intervals": f"{statistics.confidence:.0%}, {statistics.draws} bootstrap draws over groups",
        "seeds": f"vectors {spec.vectors.seed}, statistics {statistics.seed}",
    }
    settings |= _sinks(study) | _rounding(study)
    if paper:
        settings["tested on"] = {"own": "the concept's own texts", "first": "the first concept's texts"}[
            spec.paper.tested_on
        ]
        settings["labels"] = "shuffled (random_direction)" if spec.paper.random_direction else "as given"
    return StudyInfo(
        title=f"Value concepts across languages in {study.model.get('name', spec.model.id)}",
        protocol=spec.protocol,
        model=study.model,
        settings=settings,
        summary=summarise_pairs(pairs),
        notes=pairs.notes,
        spec_toml=dump_toml(spec),
        command="polyvalues run study.toml",
        versions=package_versions(),
        shares=study.shares,
        precision=_precision(study),
    )


def _sinks(study: Study) -> dict[str, str]:
    """How much longer than the rest hidden states of first, last and other tokens are; nothing where it is unknown."""
    if not study.store.path("vectors/norms.nc").exists():
        return {}
    found = study.store.get("vectors/norms.nc", xr.Dataset)
    if "first" not in found or not bool(np.isfinite(found["first"]).all()):
        return {}
    said = []
    for name in ("first", "last"):
        at = int(np.argmax(found[name].values))
        said.append(f"{name} token {float(found[name][at]):.1f} times the mean length at block {int(found[LAYER][at])}")
    said.append(f"at most {float(found['sink'].max()):.1%} of the other tokens left out of it at any block")
    return {"attention sinks in neutral text": "; ".join(said)}


def _rounding(study: Study) -> dict[str, str]:
    """How far rounding moves a state; nothing where it is unknown."""
    if not study.store.path(ROUNDING).exists():
        return {}
    found = study.store.get(ROUNDING, xr.Dataset)
    said = f"batches {float(found['batches'].max()):.0e} of a state's length, at the worst block; dtype "
    why = str(found.attrs["skipped"])
    return {"rounding error": said + (f"not measured: {why}" if why else f"{float(found['dtype'].max()):.0e}")}


def _precision(study: Study) -> xr.Dataset:
    """What rounding may change, with what it was measured against; empty where that is unknown."""
    store = study.store
    if not (store.path(ROUNDING).exists() and is_current(store, PRECISION, xr.Dataset)):
        return xr.Dataset()
    return store.get(PRECISION, xr.Dataset).assign_attrs(skipped=store.get(ROUNDING, xr.Dataset).attrs["skipped"])


def with_warnings(parts: Mapping[str, xr.Dataset]) -> Findings:
    """Findings from their `PARTS` as stored, whose warnings are an attribute of the overview."""
    warnings = json.loads(parts["overview"].attrs["warnings"])
    bare = {name: part.assign_attrs() for name, part in parts.items()}
    for part in bare.values():
        del part.attrs["warnings"]
    return Findings(**bare, warnings=tuple(warnings))


def measured(study: Study) -> tuple[PairSet, Sequence[Scores], Sequence[LayerChoice]]:
    """Pairs, scores in the order of the findings, and the layers chosen.

    Raises:
        SpecError: a study of the paper protocol.
    """
    if study.spec.protocol == "paper":
        raise SpecError(f"{study.folder}: this analysis needs a study of the strict protocol, not of the paper's")
    recognition = study.findings.recognition
    scores, choices = [], []
    for concept in map(str, recognition["concept"].values):
        counted = recognition["n_pairs"].sel(concept=concept)
        own = {
            target: study.scores(concept, target)
            for target in map(str, recognition["target"].values)
            if int(counted.sel(target=target)) > 0
        }
        scores += list(own.values())
        choices.append(choose_layers(own))
    return study.pairs(), scores, choices
