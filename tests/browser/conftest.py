# pyright: reportMissingImports=false
"""Pages of made-up studies in a real browser: Debian's chromium, driven by playwright; `make test-browser`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from beside_examples import beside_example, whole
from comparison_examples import comparison_example
from divergence_examples import HARM, divergence_example
from playwright.sync_api import Browser, sync_playwright
from report_examples import Example, build, hostile

from polyvalues.report.figures.figure_set import figure_set, save_figure
from polyvalues.report.html.study_page import render_report

NAMES = ("chromium", "chromium-browser", "google-chrome")


def lone() -> Example:
    return build(("fairness",), ("sw",), 1, holes=False)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    assert found, f"none of {', '.join(NAMES)} is installed: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files by name: a study of three concepts and four languages with all that can be shown beside it, one whose every
    text is out to do harm, one with a single language, and divergence pages with such texts, also a million
    characters long."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name, example, harm in (("study", whole(), ""), ("hostile", hostile(), HARM), ("lone", lone(), "")):
        beside = beside_example(example, harm=harm) if name != "lone" else None
        drawn = figure_set(example.findings, example.info, example.languages, beside)
        figures = {key: save_figure(figure, "svg").decode() for key, figure in drawn.items()}
        found[name] = folder / f"{name}.html"
        page = render_report(example.findings, example.info, example.languages, figures, beside=beside)
        found[name].write_text(page, encoding="utf-8")
    found["comparison"] = folder / "comparison.html"
    found["comparison"].write_text(comparison_example(HARM), encoding="utf-8")
    for name, huge in (("divergence", False), ("huge", True)):
        found[name] = folder / f"{name}.html"
        found[name].write_text(divergence_example(huge=huge), encoding="utf-8")
    return found
