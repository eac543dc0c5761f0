"""Templates of pages: everything is escaped, with invisible and direction-changing characters spelled out."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from polyvalues.report.notation import visible


def template(name: str) -> Any:
    """The template `name` of the package; rendering with a name it does not get is an error."""
    environment = Environment(
        loader=PackageLoader("polyvalues.report"),
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
