# pyright: reportMissingImports=false
"""Searching the divergence page: every control changes what it should, and without scripts all is shown."""

from pathlib import Path
from typing import Any

from divergence_examples import HARM, ITEMS
from visiting import visit


def shown(page: Any) -> list[str]:
    """Headings of the items that can be seen."""
    return [heading.inner_text() for heading in page.locator("article h3").all() if heading.is_visible()]


def test_words_and_choices_narrow_what_is_shown(browser: Any, pages: dict[str, Path]) -> None:
    page = visit(browser, pages["divergence"]).page
    count = page.locator("#search-count")
    everything = shown(page)
    assert len(everything) == len(ITEMS)
    assert count.inner_text() == "5 of 5 items"

    page.locator("select[name=concept]").select_option("fairness")
    assert [text.partition(",")[0] for text in shown(page)] == ["fairness in ar: seat", "fairness in sw: bread"]
    assert count.inner_text() == "2 of 5 items"
    page.locator("select[name=target]").select_option("ar")
    assert [text.partition(",")[0] for text in shown(page)] == ["fairness in ar: seat"]
    page.locator("select[name=concept]").select_option("")
    page.locator("select[name=status]").select_option("doubtful")
    assert [text.partition(",")[0] for text in shown(page)] == ["harm in ar: storm"]
    page.locator("select[name=target]").select_option("")
    page.locator("select[name=status]").select_option("")
    assert shown(page) == everything

    words = page.get_by_label("words")
    for query, found in (
        ("ALIGAWANA storm", 2),
        ("الخبز seat", 1),
        ("mkate bread", 5),
        ("not there", 0),
        ("", 5),
    ):
        words.fill(query)
        assert len(shown(page)) == found, query
    words.fill("<img src=x onerror")
    assert len(shown(page)) == 1
    assert page.evaluate("window.ran") is None
    page.locator("select[name=concept]").select_option(index=2)
    assert "<script>window.ran" in page.locator("select[name=concept]").evaluate("box => box.value")
    assert len(shown(page)) == 1
    page.context.close()


def test_all_languages_stand_side_by_side(browser: Any, pages: dict[str, Path]) -> None:
    page = visit(browser, pages["divergence"]).page
    rows = page.locator("article").first.locator("tbody tr")
    assert [row.locator("th").inner_text() for row in rows.all()] == [
        "ar",
        "en",
        "sw",
    ]  # its own, the source, the others
    arabic = rows.first.locator("td").first
    assert arabic.evaluate("cell => getComputedStyle(cell).direction") == "rtl"
    assert arabic.inner_text() == "شاركت الخبز seat"
    page.context.close()


def test_without_scripts_everything_is_there_and_no_search(browser: Any, pages: dict[str, Path]) -> None:
    page = visit(browser, pages["divergence"], java_script_enabled=False).page
    assert len(shown(page)) == len(ITEMS)
    assert not page.locator("#search").is_visible()
    page.context.close()


def test_the_keyboard_searches(browser: Any, pages: dict[str, Path]) -> None:
    page = visit(browser, pages["divergence"]).page
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "search-words":
            break
    page.keyboard.type("storm")
    assert len(shown(page)) == 2
    page.context.close()


def test_harm_is_spelled_out(browser: Any, pages: dict[str, Path]) -> None:
    page = visit(browser, pages["divergence"]).page
    assert "\u202e" in HARM
    assert "\u202e" not in page.locator("main").inner_text()
    assert "⟨U+202E⟩evil" in page.locator("main").inner_text()
    page.context.close()
