"""notebooks/study.ipynb from top to bottom in a kernel of its own, offline; `make notebook`."""

# pyright: reportMissingImports=false
# the kernel and its client are in the extra `notebook`, which `make types` does without
import base64
import os
from io import BytesIO
from pathlib import Path
from unittest import mock

import nbformat
import pytest
from matplotlib.image import imread
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "study.ipynb"
KEPT = ROOT / "out" / "notebook.ipynb"


def execute(notebook: NotebookNode, home: Path) -> NotebookNode:
    """The notebook with its outputs, run in `home/work`; what a kernel keeps of its own stays under `home`."""
    for name in ("work", "tmp"):
        (home / name).mkdir()
    here = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "HF_HUB_OFFLINE": "1"}
    where = {"metadata": {"path": str(home / "work")}}
    with mock.patch.dict(os.environ, here):
        return NotebookClient(notebook, timeout=1800, kernel_name="python3", resources=where).execute()


def pictures(cell: NotebookNode) -> list[bytes]:
    """PNG files among a cell's outputs."""
    shown = [output.get("data", {}).get("image/png") for output in cell["outputs"]]
    return [base64.b64decode(png) for png in shown if png]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def done(home: Path) -> NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    KEPT.parent.mkdir(exist_ok=True)
    try:
        return execute(notebook, home)
    finally:  # also what was reached before a cell failed
        nbformat.write(notebook, KEPT)


def test_it_is_written_as_the_format_says() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) + "\n" == text, "opening and saving it changes the file"


def test_every_cell_that_promises_a_figure_gives_one(done: NotebookNode) -> None:
    promised = [cell for cell in done["cells"] if "figure" in cell["metadata"].get("tags", [])]
    assert len(promised) >= 5
    for cell in promised:
        (png,) = pictures(cell)
        pixels = imread(BytesIO(png))
        assert min(pixels.shape[:2]) > 200, cell["id"]
        assert pixels[..., :3].std() > 0.02, f"{cell['id']}: nothing is drawn"


def test_no_cell_warns(done: NotebookNode) -> None:
    said = {
        cell["id"]: output["text"]
        for cell in done["cells"]
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    }
    assert not said


def test_cells_that_end_in_a_value_show_it(done: NotebookNode) -> None:
    silent = [cell["id"] for cell in done["cells"] if cell["cell_type"] == "code" and not cell["outputs"]]
    assert silent == ["setup"]


def test_nothing_is_left_behind(done: NotebookNode, home: Path) -> None:
    assert done
    assert not list((home / "work").iterdir())
    assert not list((home / "tmp").glob("polyvalues-*"))


def test_a_cell_that_fails_stops_it(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="no such study"):
        execute(new_notebook(cells=[new_code_cell("raise ValueError('no such study')")]), tmp_path)
