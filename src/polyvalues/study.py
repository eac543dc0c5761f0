"""A study, on one page: pairs, model, vectors, scores, findings, report.

`run_study` is the whole line; every stage asks the store first, so running it again redoes only what changed.
`load_study` opens a finished folder without a model.
"""

import json
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import xarray as xr

from polyvalues.artifacts import Claims, ConceptVectors, Findings, LayerChoice, PairSet, Scores, StudyInfo
from polyvalues.axes import Concept, Language
from polyvalues.claims import Measured, load_claims, make_claims, no_claims
from polyvalues.codecs import FORMAT
from polyvalues.data.check import check_pairs, paper_pairs
from polyvalues.data.pairs import read_pairs
from polyvalues.data.splits import paper_split, split_pairs
from polyvalues.data.summary import summarise_pairs
from polyvalues.errors import CorruptArtifact
from polyvalues.further import beside
from polyvalues.line import ConceptRun, Line, Progress, Silent
from polyvalues.measure.findings import measure
from polyvalues.measure.select import choose_layers
from polyvalues.model.handle import ModelHandle, load_model
from polyvalues.model.parallel import leads
from polyvalues.model.record import dismiss, follow
from polyvalues.publish import language_views, publish
from polyvalues.report.claims import describe_claims
from polyvalues.report.figures import Figure, figure_set
from polyvalues.report.prose import describe
from polyvalues.settings import dump_toml, load_study_spec
from polyvalues.specs import EngineSpec, StudySpec
from polyvalues.spread import spread
from polyvalues.store import Provenance, Store, content_key

PACKAGES: Final = (
    "polyvalues",
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "scikit-learn",
    "xarray",
    "pyarrow",
)
PARTS: Final = ("recognition", "consistency", "transfer", "overview")


@dataclass(frozen=True)
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

    def pairs(self) -> PairSet:
        """The pairs as used: checked and split."""
        return self.store.get("pairs.parquet", PairSet)

    def vectors(self, concept: Concept) -> ConceptVectors:
        """The vectors of one concept, all languages and layers."""
        return self.store.get(f"vectors/{concept}.safetensors", ConceptVectors)

    def scores(self, concept: Concept, target: Language) -> Scores:
        """The scores of one concept's unseen pairs in one target language."""
        return self.store.get(f"scores/{concept}/{target}.nc", Scores)


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
        pairs = prepare_pairs(spec)
        data_hash = content_key(pairs.table.to_pydict())
        settings = spec.model_dump(mode="json", include={"pairs", "check", "split", "protocol"})
        provenance = Provenance(settings, {"data": data_hash})
        store.once("pairs.parquet", PairSet, provenance, lambda: pairs)
        clock.lap("pairs")
        handle = load_model(spec.model)
        clock.lap("load")
        line = Line(spec, store, handle, pairs, progress or Silent())
        line.announce()
        try:
            spread(line, engine or EngineSpec())
            runs = [line.run(concept) for concept in line.concepts]
            line.norms()
        finally:
            dismiss(handle)
        clock.lap("read, fit and score")
        findings, claims = _findings(spec, store, runs, handle)
        clock.lap("measure")
        study = Study(store, spec, findings, handle.description, handle.shares, claims)
        files = publish(store, findings, study_info(study, pairs), claims, pairs)
        clock.lap("report")
        record = {
            "format": FORMAT,
            "versions": package_versions(),
            "commit": source_commit(),
            "fingerprint": handle.fingerprint,
            "model": dict(handle.description),
            "shares": dict(handle.shares),
            "data_hash": data_hash,
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
    return Study(store, spec, _with_warnings(parts), model, shares, load_claims(store))


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
    return tuple(sentence.text for sentence in (*sentences, *describe_claims(study.claims)))


def study_figures(study: Study) -> Mapping[str, Figure]:
    """The figures of a study's report, by name, as matplotlib figures; nothing is written.

    Returns:
        Those that have something to show: `accuracy`, `layers`, `reliability`, `drops`; with several languages
        `recognition`, `transfer`, `cosine`, `disattenuated`; and those of claims and of what was asked afterwards.
    """
    pairs = study.pairs()
    info, shown = study_info(study, pairs), beside(study.store, study.findings, study.claims, pairs)
    return figure_set(study.findings, info, language_views(study.findings), shown)


def prepare_pairs(spec: StudySpec) -> PairSet:
    """Read, check and split the pairs of a study.

    Raises:
        DataError, SpecError: a file is not what its format promises, or the pairs cannot be used as asked.
    """
    pairs = read_pairs(spec.pairs)
    if spec.protocol == "paper":
        return paper_split(paper_pairs(pairs, spec.check))
    return split_pairs(check_pairs(pairs, spec.check), spec.split)


def study_names(studies: Sequence[Study]) -> tuple[str, ...]:
    """The models' names; where two are alike, the folders' names beside them."""
    models = [str(study.model.get("name", study.spec.model.id)).rpartition("/")[2] for study in studies]
    names = [
        model if models.count(model) == 1 else f"{model} ({study.folder.name})"
        for model, study in zip(models, studies, strict=True)
    ]
    return tuple(name if names.count(name) == 1 else f"{name} {at}" for at, name in enumerate(names, 1))


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


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


def study_info(study: Study, pairs: PairSet) -> StudyInfo:
    """What the report says besides the findings."""
    spec = study.spec
    statistics, split = spec.statistics, spec.split
    sizes = f"{split.fit:g} fit, {split.select:g} select, {1 - split.fit - split.select:g} test, by group"
    paper = spec.protocol == "paper"
    modes = set(pairs.table["split"].to_pylist())
    settings = {
        "estimator": spec.vectors.estimator,
        "read position": spec.reading.position,
        "split": "0.8 fit, 0.2 test, by pair and language" if paper else sizes,
        "cross-fitted": "no" if paper or "cross" not in modes else f"yes, {split.folds} folds",
        "intervals": f"{statistics.confidence:.0%}, {statistics.draws} bootstrap draws over groups",
        "seeds": f"vectors {spec.vectors.seed}, statistics {statistics.seed}",
    }
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
    )


def _findings(
    spec: StudySpec, store: Store, runs: Sequence[ConceptRun], handle: ModelHandle
) -> tuple[Findings, Claims]:
    provenance = Provenance(
        {
            "statistics": spec.statistics.model_dump(mode="json"),
            "vectors": spec.vectors.model_dump(mode="json"),
            "protocol": spec.protocol,
        },
        {f"{run.concept}/{name}": key for run in runs for name, key in run.keys.items()},
    )
    scores = [unit for run in runs for unit in run.scores.values()]
    choices: list[LayerChoice] = []
    if spec.protocol == "strict":
        choices = [choose_layers(run.scores) for run in runs]
    kept = _kept_findings(store, provenance) or _measured(spec, store, runs, choices, provenance)
    if spec.protocol == "paper":
        return kept, no_claims()
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
    return _with_warnings(parts) if len(parts) == len(PARTS) else None


def _with_warnings(parts: Mapping[str, xr.Dataset]) -> Findings:
    warnings = json.loads(parts["overview"].attrs["warnings"])
    bare = {name: part.assign_attrs() for name, part in parts.items()}
    for part in bare.values():
        del part.attrs["warnings"]
    return Findings(**bare, warnings=tuple(warnings))


class _Clock:
    """Wall-clock seconds per stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 3)
        self._last = now
