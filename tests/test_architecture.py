"""The architecture holds: size budgets, one-way imports, frozen artefacts, no pickle, a true public API."""

import ast
import dataclasses
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import polyvalues
from polyvalues import artifacts

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "polyvalues").rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
MAX_LINES, MAX_FUNCTION, MAX_PARAMETERS = 400, 60, 7


def over_budget(path: Path, text: str) -> list[str]:
    """Every breach of the size budgets in one module."""
    found = [f"{path}: {text.count(chr(10))} lines"] if text.count("\n") > MAX_LINES else []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        assert node.end_lineno is not None
        if node.end_lineno - node.lineno + 1 > MAX_FUNCTION:
            found.append(f"{path}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines")
        names = [a.arg for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
        count = len([name for name in names if name not in ("self", "cls")])
        if count > MAX_PARAMETERS:
            found.append(f"{path}:{node.lineno} {node.name}: {count} parameters")
    return found


def lazy_imports(tree: ast.Module) -> list[str]:
    """Imports of our own package inside functions."""
    found = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("polyvalues"):
                    found.append(node.module or "")
                if isinstance(node, ast.Import):
                    found += [alias.name for alias in node.names if alias.name.startswith("polyvalues")]
    return found


def test_modules_and_functions_stay_within_their_budgets() -> None:
    breaches = [breach for path in SOURCES for breach in over_budget(path, path.read_text(encoding="utf-8"))]
    assert not breaches, "\n".join(breaches)


def test_the_budget_check_can_fail() -> None:
    long = "def f(a, b, c, d, e, g, h, i):\n" + "    x = 1\n" * 401
    assert len(over_budget(Path("x.py"), long)) == 3


def test_no_imports_of_our_own_inside_functions() -> None:
    assert not {str(path): found for path, tree in TREES.items() if (found := lazy_imports(tree))}
    assert lazy_imports(ast.parse("def f():\n    from polyvalues.storage.store import Store")) == [
        "polyvalues.storage.store"
    ]


def test_the_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("word", ["pickle", "cloudpickle", "joblib", "dill", "shelve", "marshal"])
def test_nothing_imports_a_way_to_run_code_from_a_file(word: str) -> None:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert all(name.split(".")[0] != word for name in names), path


def test_torch_load_and_unchecked_numpy_load_are_not_used() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        safe = text.count('torch.load(io.BytesIO(blob), map_location="cpu", weights_only=True)')
        assert text.count("torch.load(") == (safe if path.name == "torch_files.py" else 0), path
        assert "weights_only=False" not in text, path
        assert "allow_pickle=True" not in text, path


def test_every_artefact_is_frozen() -> None:
    kinds = [kind for kind in vars(artifacts).values() if dataclasses.is_dataclass(kind) and isinstance(kind, type)]
    assert len(kinds) >= 10
    for kind in kinds:
        assert kind.__dataclass_params__.frozen, kind  # type: ignore[attr-defined]


def test_every_public_name_exists_is_documented_and_is_listed() -> None:
    assert sorted(polyvalues.__all__) == sorted({"__version__", *polyvalues._HOME})
    for name in polyvalues.__all__:
        value = getattr(polyvalues, name)
        if callable(value):
            assert value.__doc__, name


def test_no_public_name_is_hidden_by_a_module() -> None:
    """Importing `polyvalues.x` sets `polyvalues.x` to the module, whatever the package root meant by it."""
    modules = {path.stem for path in Path(polyvalues.__file__).parent.iterdir()}
    assert not modules & set(polyvalues.__all__)


def test_every_module_and_public_function_has_a_docstring() -> None:
    for path, tree in TREES.items():
        assert ast.get_docstring(tree), path
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


def test_importing_the_package_loads_neither_torch_nor_transformers() -> None:
    names = ("torch", "transformers", "matplotlib")
    code = f"import sys, polyvalues.cli.main; print([m for m in {names} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_finished_study_is_opened_and_written_without_torch() -> None:
    """What `report`, `show`, `divergence`, `compare` and `figures` call."""
    names = (
        "load_study", "write_report", "findings_in_words", "study_figures", "glance", "find_divergence", "read_quality",
        "measure_quality", "compare_studies", "difference_words", "paper_set", "write_paper_set",
    )  # fmt: skip
    code = (
        f"import sys, polyvalues.cli.main, polyvalues as pv; [getattr(pv, name) for name in {names}]; "
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(polyvalues, "no_such_name")  # noqa: B009
    assert importlib.import_module("polyvalues").__dir__() == polyvalues.__all__


def test_the_project_names_no_machine_and_no_registry() -> None:
    """Text files of the project: no absolute private path, no package registry's host."""
    banned = (
        "/work/",
        "/root/",
        "/home/",
        "pypi" + ".org",
        "files.python" + "hosted",
        "../sha" + "red",
        ".lib" + "rary",
    )
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".j2", ".yml", ".cfg", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [word for word in banned if word in text and name != "tests/test_architecture.py"], name


GENERIC = {"base", "registry", "run", "hub", "data_card"}
"""Names that several modules may have, one per folder of its kind."""
SERVING = {"cli", "config", "artifacts"}
"""Folders whose modules are named for what they serve: settings of steering, commands on pairs."""


def shared_names(paths: list[Path]) -> set[str]:
    """Names of more than one module; folders do not count."""
    names = [path.stem for path in paths if path.stem != "__init__" and path.parent.name not in SERVING]
    return {name for name in names if names.count(name) > 1}


def test_no_two_modules_share_a_name_but_generic_ones() -> None:
    assert shared_names(SOURCES) <= GENERIC
    assert shared_names([Path("a/fit.py"), Path("b/fit.py")]) == {"fit"}


def test_the_top_of_the_package_is_small() -> None:
    top = [path for path in (ROOT / "src" / "polyvalues").iterdir() if path.name != "__pycache__"]
    assert len(top) <= 24
    assert {path.name for path in top if path.suffix == ".py"} == {
        "__init__.py", "__main__.py", "dimensions.py", "errors.py",
    }  # fmt: skip
