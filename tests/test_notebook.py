"""notebooks/study.ipynb as it is in the repository: bare, and true to the public names. `make notebook` runs it."""

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import polyvalues

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "notebooks" / "study.ipynb").read_text(encoding="utf-8")
BARE = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def problems(notebook: dict[str, Any]) -> list[str]:
    """What running a notebook leaves in it, or a clone of a cell does."""
    found = [] if notebook["metadata"] == BARE else ["metadata of a machine"]
    names = [cell["id"] for cell in notebook["cells"]]
    found += [
        f"{name}: twice, or no name" for name in names if names.count(name) > 1 or not re.fullmatch("[a-z-]+", name)
    ]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and (cell["outputs"] or cell["execution_count"] is not None):
            found.append(f"{cell['id']}: was executed")
        if cell["metadata"] not in ({}, {"tags": ["figure"]}):
            found.append(f"{cell['id']}: metadata")
    return found


def code(notebook: dict[str, Any]) -> str:
    """All code without the lines that only IPython knows."""
    lines = [line for cell in notebook["cells"] if cell["cell_type"] == "code" for line in [*cell["source"], "\n"]]
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines if not line.startswith("%"))


def test_it_is_bare() -> None:
    notebook = json.loads(TEXT)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert not problems(notebook)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}]}, "executed"),
        ({"execution_count": 1}, "executed"),
        ({"metadata": {"execution": {"iopub.status.busy": "now"}}}, "metadata"),
        ({"id": "title"}, "twice"),
        ({"id": "3f2a9c"}, "name"),
    ],
)
def test_what_running_it_leaves_is_noticed(change: dict[str, Any], why: str) -> None:
    notebook = json.loads(TEXT)
    next(cell for cell in notebook["cells"] if cell["cell_type"] == "code").update(change)
    assert any(why in problem for problem in problems(notebook))


def test_it_uses_public_names_only() -> None:
    nodes = list(ast.walk(ast.parse(code(json.loads(TEXT)))))
    used = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pv"
    }
    assert used <= set(polyvalues.__all__)
    assert used >= {"run_study", "load_study", "findings_in_words", "study_figures", "paper_set", "steering_vectors"}
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert modules - set(sys.stdlib_module_names) == {"pandas", "polyvalues"}


def test_its_words_name_what_there_is() -> None:
    words = "".join(
        line for cell in json.loads(TEXT)["cells"] if cell["cell_type"] == "markdown" for line in cell["source"]
    )
    assert set(re.findall(r"`pv\.(\w+)", words)) <= set(polyvalues.__all__)
    pages = re.findall(r"`(docs/[\w-]+\.md)`", words)
    assert pages
    assert all((ROOT / page).exists() for page in pages)
