import csv
import io
import math
import re
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_examples import CONCEPTS, PAPER, Example, build

from polyvalues.report.tables.csv_tables import csv_tables, csv_text, latex_tables, recognition_csv
from polyvalues.report.tables.latex import escape_latex

COLUMNS = {
    "recognition.csv": "concept,source,target,layer,chosen,estimate,lower,upper,n,groups",
    "auroc.csv": "concept,source,target,layer,auroc,lower,upper,n,groups",
    "controls.csv": "concept,target,layer,chosen,control,estimate,lower,upper",
    "consistency.csv": (
        "concept,source,target,layer,chosen,cosine,lower,upper,"
        "disattenuated,disattenuated_lower,disattenuated_upper"
    ),
    "consistency_controls.csv": "concept,source,target,control,cosine,lower,upper",
    "reliability.csv": "concept,language,layer,chosen,reliability,lower,upper",
    "transfer.csv": "concept,source,target,transfer,lower,upper,asymmetry,asymmetry_lower,asymmetry_upper",
    "overview.csv": "concept,quantity,estimate,lower,upper",
    "pairs.csv": (
        "concept,language,kept,groups,dropped,mended,reasons,characters_positive,characters_negative,positive_longer"
    ),
}  # fmt: skip


def read(text: str) -> list[dict[str, Any]]:
    """Rows with numbers as floats, layers and counts as ints (None where empty), and `chosen` as a truth value."""
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        parsed: dict[str, Any] = dict(row)
        for key, value in row.items():
            if key in ("layer", "n", "groups", "kept"):
                parsed[key] = int(value) if value else None
            elif key == "chosen":
                parsed[key] = {"True": True, "False": False}[value]
            elif key not in ("concept", "source", "target", "language", "control", "quantity", "reasons"):
                parsed[key] = float(value or "nan")
        rows.append(parsed)
    return rows


def test_layouts(study: Example):
    tables = csv_tables(study.findings, study.info)
    assert {name: text.partition("\n")[0] for name, text in tables.items()} == COLUMNS
    assert all(text.endswith("\n") and "\r" not in text for text in tables.values())
    assert csv_tables(study.findings, study.info) == tables


def test_every_recognition_number_survives(study: Example):
    data = study.findings.recognition
    rows = read(recognition_csv(study.findings))
    assert len(rows) == 3 * 4 * 4 * (8 + 1)
    missing = 0
    for row in rows:
        where = {key: row[key] for key in ("concept", "source", "target")}
        if row["chosen"]:
            assert row["layer"] == int(data["chosen_layer"].sel(concept=row["concept"]))
            expected = data["chosen"].sel(where).values
        else:
            expected = data["accuracy"].sel({**where, "layer": row["layer"]}).values
        assert np.array_equal([row["estimate"], row["lower"], row["upper"]], expected, equal_nan=True)
        cell = {"concept": row["concept"], "target": row["target"]}
        assert row["n"] == int(data["n_pairs"].sel(cell))
        assert row["groups"] == int(data["n_groups"].sel(cell))
        missing += math.isnan(row["estimate"])
    assert missing == 7 * 9  # a row and a column of one concept were not measured


@pytest.mark.parametrize(
    ("name", "dataset", "variable", "dims", "column"),
    [
        ("consistency.csv", "consistency", "cosine", ["concept", "source", "target", "layer"], "cosine"),
        ("consistency.csv", "consistency", "disattenuated", ["concept", "source", "target", "layer"], "disattenuated"),
        ("controls.csv", "recognition", "control", ["concept", "target", "layer", "control"], "estimate"),
        ("transfer.csv", "transfer", "transfer", ["concept", "source", "target"], "transfer"),
        ("transfer.csv", "transfer", "asymmetry", ["concept", "source", "target"], "asymmetry"),
        ("overview.csv", "overview", "value", ["concept", "quantity"], "estimate"),
        ("auroc.csv", "recognition", "auroc", ["concept", "source", "target"], "auroc"),
        ("reliability.csv", "consistency", "reliability", ["concept", "language", "layer"], "reliability"),
    ],
)
def test_numbers_stand_where_they_belong(
    study: Example, name: str, dataset: str, variable: str, dims: list[str], column: str
):
    rows = [row for row in read(csv_tables(study.findings, study.info)[name]) if not row.get("chosen")]
    values = getattr(study.findings, dataset)[variable].sel(interval="estimate")
    called = {"control": "control_kind", "language": "source"}
    for row in rows:
        expected = float(values.sel({called.get(dim, dim): row[dim] for dim in dims}))
        assert row[column] == expected or (math.isnan(row[column]) and math.isnan(expected))
    assert len(rows) == values.size


def test_chosen_rows(study: Example):
    data = study.findings
    layer = data.recognition["chosen_layer"]
    for name, values, column in (
        ("consistency.csv", data.consistency["chosen"], "cosine"),
        ("consistency.csv", data.consistency["disattenuated_chosen"], "disattenuated"),
    ):
        rows = [row for row in read(csv_tables(data, study.info)[name]) if row["chosen"]]
        assert len(rows) == 3 * 4 * 4
        for row in rows:
            expected = float(
                values.sel(concept=row["concept"], source=row["source"], target=row["target"], interval="estimate")
            )
            assert row["layer"] == int(layer.sel(concept=row["concept"]))
            assert row[column] == expected or math.isnan(expected)


def test_paper_protocol_names_the_layer_of_the_cell(paper: Example):
    tables = csv_tables(paper.findings, paper.info)
    rows = read(tables["recognition.csv"])
    for row in (row for row in rows if row["chosen"]):
        cell = paper.findings.recognition["cell_layer"].sel({k: row[k] for k in ("concept", "source", "target")})
        assert row["layer"] == int(cell)
    assert {row["layer"] for row in rows if not row["chosen"]} == {1, 2, 3, 4, 5}
    for name in ("controls.csv", "consistency.csv", "reliability.csv"):
        layers = {row["layer"] for row in read(tables[name]) if row["chosen"]}
        assert layers == {None}, "no layer is recorded for these"


def test_large_tables_are_fast():
    big = build(CONCEPTS, tuple(tag for tag, _, _ in PAPER), 33)
    start = time.process_time()
    text = recognition_csv(big.findings)
    assert time.process_time() - start < 10
    assert text.count("\n") == 1 + 7 * 16 * 16 * 34


def test_tables_are_what_pandas_writes():
    frame = pd.DataFrame(
        {
            "name": ["plain", "a, b", 'says "x"', "two\nlines", ""],
            "number": [0.1, 1e-05, np.nan, 1e22, -0.0],
            "single": np.array([0.1, 1, 2, 3, np.nan], dtype=np.float32),
            "count": [1, -2, 3, 4, 5],
            "yes": [True, False, True, True, False],
        }
    )
    assert csv_text(frame) == frame.to_csv(index=False, lineterminator="\n")
    assert csv_text(frame.head(0)) == frame.head(0).to_csv(index=False, lineterminator="\n")


def test_spreadsheets_run_nothing(villain: Example):
    rows = read(csv_tables(villain.findings, villain.info)["pairs.csv"])
    assert len(rows) == 4
    assert all(row["reasons"].startswith("'=") for row in rows)


def test_latex_accuracy(study: Example):
    table = latex_tables(study.findings, study.info, study.languages)["accuracy.tex"]
    value = study.findings.recognition["chosen"].sel(concept="fairness", source="ta", target="ta").values
    cell = rf"{value[0]:.2f} {{\scriptsize[{value[1]:.2f}, {value[2]:.2f}]}}"
    row = next(line for line in table.splitlines() if line.startswith("ta "))
    assert cell in row
    average = study.findings.overview["value"].sel(concept="fairness", quantity="within", interval="estimate")
    assert f"{float(average):.2f}" in next(line for line in table.splitlines() if line.startswith("average"))
    assert re.findall(r"^(en|zh|ta|sw) ", table, re.MULTILINE) == ["en", "zh", "ta", "sw"]
    assert table.count("{") == table.count("}")
    assert "--" in next(line for line in table.splitlines() if line.startswith("sw ")), "not measured is a dash"


def test_latex_matrices(study: Example, lone: Example):
    tables = latex_tables(study.findings, study.info, study.languages)
    assert {f"{kind}-{c}.tex" for kind in ("cosine", "transfer") for c in CONCEPTS[:3]} | {"accuracy.tex"} == set(
        tables
    )
    value = float(study.findings.transfer["transfer"].sel(concept="fairness", source="sw", target="en")[0])
    assert value < 0
    row = next(line for line in tables["transfer-fairness.tex"].splitlines() if line.startswith("sw "))
    assert row.split(" & ")[1] == f"$-${abs(value):.2f}"
    assert set(latex_tables(lone.findings, lone.info, lone.languages)) == {"accuracy.tex"}


def test_latex_runs_nothing(villain: Example):
    assert escape_latex("\\input{a} $x_1^2$ 50% & #~") == (
        r"\textbackslash{}input\{a\} \$x\_1\textasciicircum{}2\$ 50\% \& \#\textasciitilde{}"
    )
    tables = latex_tables(villain.findings, villain.info, villain.languages)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+\.tex", name) for name in tables)
    assert "U+202E" in tables["accuracy.tex"]
    assert "\u202e" not in "".join(tables.values())
