"""Writes what people look at: tables, figures and the page, from finished numbers.

Rendering is skipped when the folder already holds exactly what these findings would give (by content key and by the
digest of every file), so a second run takes seconds and a damaged page is made again.
"""

import gc
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields

import pyarrow as pa

from polyvalues.artifacts import Claims, Findings, PairSet, StudyInfo
from polyvalues.artifacts.versions import VERSIONS
from polyvalues.languages.metadata import language_family, language_name, order_by_family, text_direction
from polyvalues.report.content import Beside
from polyvalues.report.figures.figure_set import figure_set, save_figure
from polyvalues.report.html.study_page import render_report
from polyvalues.report.tables.csv_tables import csv_tables, csv_text, latex_tables
from polyvalues.report.text.below_chance import below_chance
from polyvalues.report.text.hypothesis_results import claims_csv, describe_claims
from polyvalues.report.views import LanguageView
from polyvalues.storage.serialization import dataset_to_netcdf
from polyvalues.storage.store import Store, content_key
from polyvalues.study.followup_results import beside, related_of

_MANIFEST = "figures/manifest.json"


@contextmanager
def _no_collection() -> Iterator[None]:
    """Figures and tables are a great many objects that all live on: collecting garbage meanwhile only takes time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_no_collection()
def publish(store: Store, findings: Findings, info: StudyInfo, claims: Claims, pairs: PairSet) -> tuple[str, ...]:
    """Write CSV and LaTeX tables, SVG figures and `report.html`, with all that is in the folder.

    Args:
        store: the study's folder.
        findings: the numbers.
        info: what the report says besides.
        claims: what was tested.
        pairs: the study's pairs.

    Returns:
        Names of the files, relative to the folder.
    """
    shown = beside(store, findings, claims, pairs)
    related = related_of(store)
    key = _key(findings, info, claims, (shown, related))
    kept = _kept(store, key)
    if kept:
        return kept
    views = language_views(findings)
    files: dict[str, bytes | str] = {f"findings/{name}": text for name, text in csv_tables(findings, info).items()}
    files |= {f"findings/{name}": text for name, text in claims_csv(claims).items()}
    if related is not None:
        files["findings/related.csv"] = csv_text(related.to_pandas())
    files |= {f"tables/{name}": text for name, text in latex_tables(findings, info, views).items()}
    svgs: dict[str, str] = {}
    for name, figure in figure_set(findings, info, views, shown).items():
        svg = save_figure(figure, "svg")
        svgs[name] = svg.decode()
        files[f"figures/{name}.svg"] = svg
    said = (*below_chance(findings, claims, related), *describe_claims(claims))
    files["report.html"] = render_report(findings, info, views, svgs, said, shown)
    for name in _written(store) - files.keys():
        store.discard(name)  # of an earlier state of the study
    for name, content in files.items():
        store.write(name, content)
    digests = {name: _sha256(content) for name, content in files.items()}
    store.write(_MANIFEST, json.dumps({"key": key, "files": digests}, indent=1) + "\n")
    return tuple(files)


def language_views(findings: Findings) -> tuple[LanguageView, ...]:
    """The languages of the findings, ordered by family, with what the report needs to know of each."""
    return views_of([str(tag) for tag in findings.recognition["target"].values])


def views_of(tags: Sequence[str]) -> tuple[LanguageView, ...]:
    """Languages, ordered by family, with what a page needs to know of each."""
    return tuple(
        LanguageView(tag, language_name(tag), language_family(tag), text_direction(tag))
        for tag in order_by_family(tags)
    )


def _key(findings: Findings, info: StudyInfo, claims: Claims, besides: tuple[Beside, pa.Table | None]) -> str:
    shown, related = besides
    parts = (findings.recognition, findings.consistency, findings.transfer, findings.overview)
    parts += tuple(getattr(claims, part.name) for part in fields(claims) if part.name != "notes")
    said = [info.title, info.protocol, dict(info.model), dict(info.settings), info.summary.to_pylist(), info.notes]
    how = [info.spec_toml, info.command, dict(info.versions), dict(info.shares), findings.warnings, claims.notes]
    parts += (shown.noise, shown.quality, shown.columns, shown.exclusion)
    parts += tuple(control.findings for control in shown.controls)
    later = [repr(part) for part in (shown.items, shown.doubted, shown.languages.to_pylist())]
    later += [
        dict(shown.item_counts),
        None if related is None else related.to_pylist(),
        *(control.trials.to_csv() for control in shown.controls),
    ]
    version = VERSIONS["report"]
    return content_key([version, [_sha256(dataset_to_netcdf(part)) for part in parts], said, how, later])


def _kept(store: Store, key: str) -> tuple[str, ...]:
    """Names of the files written for `key`, if every one of them is still there unchanged; else nothing."""
    try:
        manifest = json.loads(store.path(_MANIFEST).read_text(encoding="utf-8"))
        files: Mapping[str, str] = manifest["files"]
        whole = all(_sha256(store.path(name).read_bytes()) == digest for name, digest in files.items())
        return tuple(files) if whole and manifest["key"] == key else ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def _written(store: Store) -> set[str]:
    """Names of the files that were written last time."""
    try:
        files = json.loads(store.path(_MANIFEST).read_text(encoding="utf-8"))["files"]
        return {name for name in files if store.path(name).is_file()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def _sha256(content: bytes | str) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
