"""Writes what people look at: tables, figures and the page, from finished numbers.

Rendering is skipped when the folder already holds exactly what these findings would give (by content key and by the
digest of every file), so a second run takes seconds and a damaged page is made again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from polyvalues.artifacts import Claims, Findings, StudyInfo
from polyvalues.axes import CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.codecs import dataset_to_netcdf
from polyvalues.data.kinship.tables import distances
from polyvalues.data.languages import language_family, language_name, order_by_family, text_direction
from polyvalues.measure.clustering import clustered
from polyvalues.report.claims import claims_csv, describe_claims
from polyvalues.report.document import render_report
from polyvalues.report.figures import figure_set, save_figure
from polyvalues.report.live import Beside
from polyvalues.report.tables import csv_tables, latex_tables
from polyvalues.report.views import LanguageView
from polyvalues.store import Store, content_key

_MANIFEST = "figures/manifest.json"


def publish(store: Store, findings: Findings, info: StudyInfo, claims: Claims) -> tuple[str, ...]:
    """Write CSV and LaTeX tables, SVG and PNG figures and `report.html`.

    Args:
        store: the study's folder.
        findings: the numbers.
        info: what the report says besides.
        claims: what was tested.

    Returns:
        Names of the files, relative to the folder.
    """
    key = _key(findings, info, claims)
    kept = _kept(store, key)
    if kept:
        return kept
    views = language_views(findings)
    files: dict[str, bytes | str] = {f"findings/{name}": text for name, text in csv_tables(findings, info).items()}
    files |= {f"findings/{name}": text for name, text in claims_csv(claims).items()}
    files |= {f"tables/{name}": text for name, text in latex_tables(findings, info, views).items()}
    svgs: dict[str, str] = {}
    beside = beside_findings(findings, claims)
    for name, figure in figure_set(findings, info, views, beside).items():
        svg = save_figure(figure, "svg")
        svgs[name] = svg.decode()
        files[f"figures/{name}.svg"] = svg
    files["report.html"] = render_report(findings, info, views, svgs, describe_claims(claims), beside)
    for name, content in files.items():
        store.write(name, content)
    digests = {name: _sha256(content) for name, content in files.items()}
    store.write(_MANIFEST, json.dumps({"key": key, "files": digests}, indent=1) + "\n")
    return tuple(files)


def beside_findings(findings: Findings, claims: Claims) -> Beside:
    """What the page shows beside the findings: languages clustered by their vectors, and kinship with its distances."""
    cosines = findings.consistency["chosen"].sel({INTERVAL: "estimate"}).transpose(CONCEPT, SOURCE, TARGET)
    tags = [str(tag) for tag in cosines[SOURCE].values]
    clusters = {
        str(concept): clustered(np.asarray(table, dtype=np.float64), tags)
        for concept, table in zip(cosines[CONCEPT].values, cosines.values, strict=True)
    }
    tables = [str(table) for table in claims.kinship["table"].values] if claims.kinship else []
    far = {table: distances(tags, table) for table in tables}
    return Beside(clusters if len(tags) > 2 else {}, claims.kinship, claims.direction, far)


def language_views(findings: Findings) -> tuple[LanguageView, ...]:
    """The languages of the findings, ordered by family, with what the report needs to know of each."""
    tags = [str(tag) for tag in findings.recognition["target"].values]
    return tuple(
        LanguageView(tag, language_name(tag), language_family(tag), text_direction(tag))
        for tag in order_by_family(tags)
    )


def _key(findings: Findings, info: StudyInfo, claims: Claims) -> str:
    parts = (findings.recognition, findings.consistency, findings.transfer, findings.overview)
    parts += tuple(getattr(claims, part.name) for part in fields(claims) if part.name != "notes")
    said = [info.title, info.protocol, dict(info.model), dict(info.settings), info.summary.to_pylist(), info.notes]
    how = [info.spec_toml, info.command, dict(info.versions), dict(info.shares), findings.warnings, claims.notes]
    return content_key([[_sha256(dataset_to_netcdf(part)) for part in parts], said, how])


def _kept(store: Store, key: str) -> tuple[str, ...]:
    """Names of the files written for `key`, if every one of them is still there unchanged; else nothing."""
    try:
        manifest = json.loads(store.path(_MANIFEST).read_text(encoding="utf-8"))
        files: Mapping[str, str] = manifest["files"]
        whole = all(_sha256(store.path(name).read_bytes()) == digest for name, digest in files.items())
        return tuple(files) if whole and manifest["key"] == key else ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def _sha256(content: bytes | str) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
