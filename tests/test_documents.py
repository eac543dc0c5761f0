"""The documents say what is so: the README's example runs, every reader and option is described."""

import re
from pathlib import Path

import pytest

from line_examples import build_model, write_pairs
from polyvalues.data.readers.registry import READERS
from polyvalues.mvalue.sources import ORIGINS

ROOT = Path(__file__).parents[1]


def test_the_python_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(code) == 1
    build_model(tmp_path / "model")
    write_pairs(tmp_path / "pairs.jsonl", languages=("en", "fi"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code[0], "README.md", "exec"), names)
    said = capsys.readouterr().out
    assert "Own-language recognition averages" in said
    assert re.search(r"^en +\d\.\d+ +\d\.\d+$", said, flags=re.MULTILINE)
    assert (tmp_path / "out/first/report.html").exists()


@pytest.mark.parametrize("name", READERS)
def test_every_reader_and_option_is_described(name: str) -> None:
    page = (ROOT / "docs/readers.md").read_text(encoding="utf-8")
    found = re.search(rf"^### `{name}`\n(.*?)(?=^### |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    assert found, f"docs/readers.md has no section on {name}"
    assert READERS[name].obtain in found[1]
    for option in READERS[name].options:
        assert re.search(rf"^\| `{option.name}` \|.*{re.escape(option.help)}", found[1], flags=re.MULTILINE), (
            option.name
        )


@pytest.mark.parametrize("name", [origin.reader for origin in ORIGINS.values()])
def test_the_recipe_of_mvalue_names_every_licence(name: str) -> None:
    page = (ROOT / "docs/mvalue.md").read_text(encoding="utf-8")
    for licence in READERS[name].licence:
        assert re.search(
            rf"^\|[^|]*\| {licence.spdx} \| {re.escape(licence.where.partition(',')[0])} \|$", page, re.MULTILINE
        )


def test_links_between_documents_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
