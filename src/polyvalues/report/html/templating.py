"""Templates of pages: everything is escaped, with invisible and direction-changing characters spelled out.

A page may hold scripts of the package. Its content security policy names each by its hash, so that nothing else runs.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from polyvalues.report.formatting import visible

_RESERVED: Final = '%"#&<>\\'
"""What must be quoted in an address within a page, the sign of quotation first."""

_FOREIGN: Final = re.compile(r"[^ -~]+")


@dataclass(frozen=True)
class Script:
    """A script of the package.

    Attributes:
        text: what stands in the page.
        source: what the content security policy calls it.
    """

    text: Markup
    source: str


def script(name: str) -> Script:
    """The script `name` of the package: its own, or a library's (`*.min.js`)."""
    folder = "vendor" if name.endswith(".min.js") else "templates"
    text = resources.files("polyvalues.report.html").joinpath(folder, name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Script(Markup(text), f"sha256-{digest}")  # noqa: S704 (not from data)


def figure_address(svg: str) -> Markup:
    """An SVG as a data address for an image, whose styles touch nothing else on the page."""
    flat = re.sub(r"\s*\n\s*", " ", svg)
    short = re.sub(r'="([^"\']*)"', r"='\1'", re.sub(r">\s+<", "><", flat))  # the other quotes need no escape
    for character in _RESERVED:
        short = short.replace(character, quote(character))
    return Markup("data:image/svg+xml," + _FOREIGN.sub(lambda found: quote(found.group()), short))  # noqa: S704 (quoted)


def template(name: str) -> Any:
    """The template `name` of the package; rendering with a name it does not get is an error."""
    environment = Environment(
        loader=PackageLoader("polyvalues.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def _final(value: object) -> object:
    """Applied to everything the template prints, before it is escaped."""
    return value if isinstance(value, Markup) else visible(str(value))
