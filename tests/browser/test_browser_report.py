# pyright: reportMissingImports=false
"""What a reader meets: nothing is asked for, nothing runs, everyone can read it, and the numbers are the findings'."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from report_examples import build
from visiting import visit

NAMES = ("study", "hostile", "lone", "divergence", "comparison")
SCRIPTS = {"study": 10, "hostile": 10, "lone": 9, "comparison": 7, "divergence": 1, "huge": 1}
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 375, "height": 800}}


@pytest.mark.parametrize("name", [*NAMES, "huge"])
def test_a_page_asks_for_nothing_and_says_nothing(browser: Any, pages: dict[str, Path], name: str) -> None:
    seen = visit(browser, pages[name])
    assert seen.requests == []
    assert seen.said == []
    assert seen.page.evaluate("document.scripts.length") == SCRIPTS[name]
    assert seen.page.evaluate("window.ran") is None
    assert seen.page.locator("main").count() == 1
    assert "<script>" in seen.page.locator("main").inner_text() or name in ("study", "lone")  # shown, not run
    seen.page.context.close()


def test_a_page_that_misbehaves_is_noticed(browser: Any, tmp_path: Path) -> None:
    """The checks above can fail: a request, an error and a dialog are seen."""
    bad = tmp_path / "bad.html"
    bad.write_text("<img src='missing.png'><script>alert(1); console.log('x'); throw new Error('y')</script>")
    seen = visit(browser, bad)
    assert any("missing.png" in address for address in seen.requests)
    assert {line.partition(":")[0] for line in seen.said} >= {"dialog", "log", "error"}
    seen.page.context.close()


def test_the_policy_stops_a_script_that_got_in(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    """Escaping is the first wall; the content security policy is the second, and holds by itself."""
    page = pages["study"].read_text(encoding="utf-8")
    attack = "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
    attack += "<iframe src='data:text/html,x'></iframe>"
    broken = tmp_path / "broken.html"
    broken.write_text(page.replace("</main>", attack + "</main>"), encoding="utf-8")
    seen = visit(browser, broken)
    assert seen.page.evaluate("window.ran") is None
    assert seen.requests == seen.refused != []
    assert any("Content Security Policy" in line for line in seen.said)
    seen.page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_no_serious_barrier(browser: Any, pages: dict[str, Path], name: str, scheme: Any) -> None:
    seen = visit(browser, pages[name], color_scheme=scheme, bypass_csp=True)
    found = [
        f"{rule['id']} ({rule['impact']}): {rule['nodes'][0]['html'][:120]}"
        for rule in Axe().run(seen.page).response["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert found == []
    seen.page.context.close()


def test_both_themes_are_drawn(browser: Any, pages: dict[str, Path]) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        seen = visit(browser, pages["study"], color_scheme=scheme)
        colours.add(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        seen.page.context.close()
    assert len(colours) == 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_over_the_edge(browser: Any, pages: dict[str, Path], name: str, size: str) -> None:
    seen = visit(browser, pages[name], viewport=SIZES[size])
    for folded in seen.page.locator("summary").all():
        folded.click()
    width, seen_width = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= seen_width
    seen.page.context.close()


def test_the_keyboard_reaches_everything(browser: Any, pages: dict[str, Path]) -> None:
    seen = visit(browser, pages["study"])
    page = seen.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    reached = 0
    for _ in range(600):
        page.keyboard.press("Tab")
        kind = page.evaluate("document.activeElement.tagName")
        if kind == "SUMMARY":
            before = page.evaluate("document.activeElement.parentElement.open")
            page.keyboard.press("Enter")
            reached += 1
            assert page.evaluate("document.activeElement.parentElement.open") != before
        if kind == "BODY":
            break
    assert reached == page.locator("summary").count() > 3
    seen.page.context.close()


def test_numbers_are_those_of_the_findings(browser: Any, pages: dict[str, Path]) -> None:
    """Every estimate of the recognition matrices on the page is the one in the findings, and none is missing."""
    example = build()
    seen = visit(browser, pages["study"])
    cells = seen.page.evaluate(
        """() => [...document.querySelectorAll('#section-recognition table')].map(table => [
            table.caption.textContent,
            [...table.tHead.rows[0].cells].slice(1).map(cell => cell.textContent),
            [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent)),
        ])"""
    )
    shown = example.findings.recognition["chosen"].sel(interval="estimate")
    checked = 0
    for concept in shown["concept"].values.tolist():
        (_, targets, rows) = next(table for table in cells if concept in table[0] and "chosen" in table[0])
        for source, *values in rows:
            for target, text in zip(targets, values, strict=True):
                value = float(shown.sel(concept=concept, source=source.split()[0], target=target.split()[0]))
                if value == value:
                    assert text.split()[0] == f"{value:.2f}"
                    checked += 1
    assert checked == int(shown.notnull().sum()) > 40
    seen.page.context.close()


def test_it_prints(browser: Any, pages: dict[str, Path]) -> None:
    seen = visit(browser, pages["study"])
    seen.page.emulate_media(media="print")
    assert not seen.page.locator("nav").first.is_visible()
    assert seen.page.pdf(format="A4")[:5] == b"%PDF-"
    seen.page.context.close()
