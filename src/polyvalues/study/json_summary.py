"""A finished study at a glance, for machines: what `polyvalues show --json` prints."""

from io import StringIO
from typing import Any, Final

import pandas as pd

from polyvalues.report.tables.csv_tables import csv_tables
from polyvalues.study.study import Study, findings_in_words, study_info

_TABLES: Final = ("overview", "recognition", "auroc", "consistency", "reliability", "transfer", "pairs")
_WORDS: Final = ("concept", "source", "target", "language", "quantity", "chosen", "reasons")


def glance(study: Study) -> dict[str, Any]:
    """Key numbers of a study, ready for JSON: lists of records, None where nothing was measured.

    Returns:
        `folder`, `model`, `protocol`, `concepts`, `languages`, `sentences`, `warnings`, and a list for each CSV table
        of the study's folder, with its columns. Where a table has numbers for every layer, those of the chosen layer.
    """
    tables = csv_tables(study.findings, study_info(study, study.pairs()))
    recognition = study.findings.recognition
    return {
        "folder": str(study.folder),
        "model": dict(study.model),
        "protocol": study.spec.protocol,
        "concepts": recognition["concept"].values.tolist(),
        "languages": recognition["target"].values.tolist(),
        "sentences": list(findings_in_words(study)),
        "warnings": list(study.findings.warnings),
        **{name: _records(tables[f"{name}.csv"]) for name in _TABLES},
    }


def _records(text: str) -> list[dict[str, Any]]:
    frame = pd.read_csv(StringIO(text), keep_default_na=False, na_values={name: [""] for name in _numbers(text)})
    if "chosen" in frame:
        frame = frame[frame["chosen"].astype(str) == "True"].drop(columns="chosen")
    rows = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(map(str, rows.columns), row, strict=True)) for row in rows.itertuples(index=False, name=None)]


def _numbers(text: str) -> list[str]:
    """Columns whose empty fields are numbers that were not measured."""
    return [name for name in text.partition("\n")[0].split(",") if name not in _WORDS]
