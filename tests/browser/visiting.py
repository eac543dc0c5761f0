# pyright: reportMissingImports=false
"""A page in a browser, and everything it did."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page


@dataclass
class Visit:
    """A page that is open, and everything it did.

    Attributes:
        page: the page.
        requests: addresses it asked for, itself left out.
        refused: those of them that its own policy forbade.
        said: what it wrote to the console, errors that were thrown, dialogs it opened.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def visit(browser: Browser, path: Path, **options: Any) -> Visit:
    """Open a page in a context of its own."""
    context = browser.new_context(**options)
    open_page = Visit(context.new_page())
    page = open_page.page

    def asked(request: Any) -> None:
        if request.url != path.as_uri() and not request.url.startswith("data:"):
            open_page.requests.append(request.url)

    def dialog(shown: Any) -> None:
        open_page.said.append(f"dialog: {shown.message}")
        shown.dismiss()

    def failed(request: Any) -> None:
        if request.failure == "csp":
            open_page.refused.append(request.url)

    page.on("request", asked)
    page.on("requestfailed", failed)
    page.on("console", lambda message: open_page.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: open_page.said.append(f"error: {error}"))
    page.on("dialog", dialog)
    page.goto(path.as_uri())
    page.wait_for_timeout(200)  # what a script would do late
    return open_page
