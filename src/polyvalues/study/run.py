"""A study, on one page: pairs, model, vectors, scores, findings, report.

`run_study` is the whole line; every stage asks the store first, so running it again redoes only what changed.
"""

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import xarray as xr

from polyvalues.analysis.findings import measure
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.scoring.rounding_effects import precision
from polyvalues.artifacts import Claims, Findings, LayerChoice, PairSet
from polyvalues.artifacts.related_items import RELATED_SCHEMA
from polyvalues.config import EngineSpec, StudySpec
from polyvalues.config.toml import dump_toml
from polyvalues.data.mirrored_items import related_items
from polyvalues.data.pairs import read_pairs
from polyvalues.data.splits import paper_split, split_pairs
from polyvalues.data.validation import check_pairs, paper_pairs
from polyvalues.models.extraction import dismiss, follow
from polyvalues.models.language_model import load_model
from polyvalues.models.tensor_parallel import leads
from polyvalues.storage.package_versions import package_versions
from polyvalues.storage.serialization import FORMAT
from polyvalues.storage.store import Provenance, Store, content_key
from polyvalues.study.cache_dependencies import data_key, pairs_provenance
from polyvalues.study.distribution import spread
from polyvalues.study.followup_results import PRECISION, RELATED, ROUNDING
from polyvalues.study.hypothesis_tests import Measured, make_claims, no_claims
from polyvalues.study.outputs import publish
from polyvalues.study.pipeline import ConceptRun, Line, Progress, Silent
from polyvalues.study.regrouping import regroup
from polyvalues.study.study import PARTS, Study, study_info, with_warnings


def run_study(spec: StudySpec, progress: Progress | None = None, engine: EngineSpec | None = None) -> Study:
    """Run a study, or go on with one.

    Args:
        spec: the study.
        progress: told how far it has come.
        engine: where texts are read; None: here.

    Returns:
        The finished study; its folder holds every artefact, table, figure and `report.html`.

    Raises:
        PolyvaluesError: whatever is wrong with settings, pairs, model or folder; what was computed stays.
    """
    clock = _Clock()
    spec = spec if engine is None else spec.model_copy(update={"model": engine.model(spec.model)})
    store = Store(Path(spec.out), package_versions())
    with store.locked():
        store.write("study.toml", dump_toml(spec))
        pairs, related = _prepared(spec)
        clock.lap("pairs")
        handle = load_model(spec.model)
        clock.lap("load")
        line = Line(spec, store, handle, pairs, progress or Silent())
        line.announce()
        try:
            spread(line, engine or EngineSpec())
            if spec.protocol == "strict" and spec.split.related == "states":
                line, by_states = regroup(line)
                related = pa.concat_tables([related, by_states])
            pairs = line.pairs
            _keep_pairs(spec, store, pairs, related)
            runs = [line.run(concept) for concept in line.concepts]
            rounding = line.rounding()  # and the lengths it is measured in
        finally:
            dismiss(handle)
        clock.lap("read, fit and score")
        findings, claims = _findings(line, runs, rounding)
        clock.lap("measure")
        study = Study(store, spec, findings, handle.record, handle.shares, claims)
        files = publish(store, findings, study_info(study, pairs), claims, pairs)
        clock.lap("report")
        record = {
            "format": FORMAT,
            "versions": package_versions(),
            "commit": source_commit(),
            "fingerprint": handle.fingerprint,
            "model": dict(handle.record),
            "shares": dict(handle.shares),
            "data_hash": data_key(pairs),
            "spec": spec.model_dump(mode="json"),
            "texts": line.counts,
            "files": files,
            "seconds": clock.laps,
        }
        store.write("run.json", json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return study


def follow_study(spec: StudySpec) -> bool:
    """In a process that torchrun started beside the one that runs the study: read what that one reads, until it ends.

    Returns:
        False, at once, in the process that should call `run_study`.

    Raises:
        ModelError: the model cannot be loaded.
    """
    if not spec.model.tensor_parallel or leads():
        return False
    follow(load_model(spec.model))
    return True


def prepare_pairs(spec: StudySpec) -> PairSet:
    """Read, check and split the pairs of a study.

    Raises:
        DataError, SpecError: a file is not what its format promises, or the pairs cannot be used as asked.
    """
    return _prepared(spec)[0]


def _prepared(spec: StudySpec) -> tuple[PairSet, pa.Table]:
    """The pairs, and which items are related by their texts (nothing looked for: none)."""
    pairs, related = read_pairs(spec.pairs), RELATED_SCHEMA.empty_table()
    if spec.protocol == "paper":
        return paper_split(paper_pairs(pairs, spec.check), spec.paper), related
    pairs = check_pairs(pairs, spec.check)
    if spec.split.related != "off":
        pairs, related = related_items(pairs, spec.split.folds)
    return split_pairs(pairs, spec.split), related


def _keep_pairs(spec: StudySpec, store: Store, pairs: PairSet, related: pa.Table) -> None:
    """Store the pairs as they are used, and related items where they were looked for."""
    provenance = pairs_provenance(spec, pairs)
    store.once("pairs.parquet", PairSet, provenance, lambda: pairs)
    if spec.protocol == "paper" or spec.split.related == "off":
        store.discard(RELATED)
    else:
        inputs = {"pairs": provenance.key, "related": content_key(related.to_pylist())}
        store.once(RELATED, pa.Table, Provenance("related", {}, inputs), lambda: related)


def source_commit() -> str | None:
    """Commit of the checkout polyvalues runs from, with `-dirty` if it was changed; None when it runs from a wheel."""
    here = Path(__file__).parent
    if not (here.parents[1] / ".git").exists():
        return None
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None


def _findings(line: Line, runs: Sequence[ConceptRun], rounding: xr.Dataset) -> tuple[Findings, Claims]:
    spec, store, handle, provenance = line.spec, line.store, line.handle, line.depends.findings()
    scores = [unit for run in runs for unit in run.scores.values()]
    choices: list[LayerChoice] = []
    if spec.protocol == "strict":
        choices = [choose_layers(run.scores) for run in runs]
    kept = _kept_findings(store, provenance) or _measured(spec, store, runs, choices, provenance)
    if spec.protocol == "paper":
        store.discard(PRECISION)  # of an earlier state of the study
        return kept, no_claims()
    key, seed = store.provenance(ROUNDING, xr.Dataset)[0], spec.statistics.seed
    store.once(
        PRECISION,
        xr.Dataset,
        Provenance("precision", {"seed": seed}, {"findings": provenance.key, "rounding": key}, provenance.fingerprint),
        lambda: precision(scores, choices, rounding["score_error"], kept.recognition, seed),
    )
    replicates = [run.replicates for run in runs]
    inputs = {run.concept: run.inputs for run in runs}
    measured = Measured(scores, replicates, choices, handle.shares, handle.dominant, inputs)
    return kept, make_claims(measured, spec.statistics, store, provenance)


def _measured(
    spec: StudySpec, store: Store, runs: Sequence[ConceptRun], choices: Sequence[LayerChoice], provenance: Provenance
) -> Findings:
    scores = [unit for run in runs for unit in run.scores.values()]
    findings = measure(scores, [run.replicates for run in runs], choices, spec.statistics, spec.protocol)
    warnings = json.dumps(findings.warnings)
    for name in PARTS:
        part: xr.Dataset = getattr(findings, name)
        store.put(f"findings/{name}.nc", part.assign_attrs(warnings=warnings), provenance)
    # read back, so that what follows sees the same bits whether they were just computed or found
    return _kept_findings(store, provenance) or findings


def _kept_findings(store: Store, provenance: Provenance) -> Findings | None:
    found = {name: store.find(f"findings/{name}.nc", xr.Dataset, provenance) for name in PARTS}
    parts = {name: part for name, part in found.items() if part is not None}
    return with_warnings(parts) if len(parts) == len(PARTS) else None


class _Clock:
    """Wall-clock seconds per stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 3)
        self._last = now
