"""Command-line flags made from the settings, so that help, validation and files cannot drift apart."""

import inspect
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from rich.markup import escape

from polyvalues.specs import StudySpec

_PANELS: Final = {
    "model": "Model",
    "check": "Pairs",
    "split": "Split",
    "reading": "Reading",
    "vectors": "Vectors",
    "statistics": "Statistics",
}
_OWN_NAMES: Final = {("model", "id"): "model", ("split", "folds"): "folds"}


class Flag(BaseModel):
    """One flag and the setting it sets."""

    name: str
    section: str | None
    field: str
    kind: type
    help: str
    many: bool = False

    @property
    def parameter(self) -> str:
        """Its name as a Python parameter."""
        return self.name.replace("-", "_")


def _flags() -> Iterator[Flag]:
    """Every setting of a study that can be given on the command line."""
    for section, panel in StudySpec.model_fields.items():
        inner = panel.annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            continue
        for field, info in inner.model_fields.items():
            prefixed = section == "split" or field == "seed"
            name = _OWN_NAMES.get((section, field), f"{section}-{field}" if prefixed else field).replace("_", "-")
            kind, many, choices = _kind(info.annotation)
            shown = "" if info.default is None or info.is_required() else f" \\[{info.default}]"
            said = " ".join(filter(None, [info.description, f"One of: {', '.join(choices)}." if choices else ""]))
            yield Flag(name=name, section=section, field=field, kind=kind, help=escape(said) + shown, many=many)


def _kind(annotation: Any) -> tuple[type, bool, tuple[str, ...]]:
    """The type of a flag's value; whether it is a comma-separated list; what it may be."""
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        return str, False, get_args(annotation)
    if get_origin(annotation) is tuple:
        return str, True, ()
    return (annotation, False, ()) if annotation in (bool, int, float) else (str, False, ())


FLAGS: Final = tuple(_flags())


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` one option per setting; it gets those that were given as `settings`, by parameter name."""
    options = {
        flag.parameter: Annotated[
            flag.kind | None,
            typer.Option(help=flag.help, rich_help_panel=_PANELS[str(flag.section)], show_default=False),
        ]
        for flag in FLAGS
    }

    def wrapped(**given: Any) -> None:
        settings = {name: given.pop(name) for name in options}
        command(**given, settings={name: value for name, value in settings.items() if value is not None})

    own = [p for p in inspect.signature(command).parameters.values() if p.name != "settings"]
    made = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in options.items()
    ]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    wrapped.__signature__ = inspect.Signature([*keyword, *made])  # pyright: ignore[reportFunctionMemberAccess]
    wrapped.__annotations__ = {p.name: p.annotation for p in [*keyword, *made]}
    wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
    return wrapped


def merge(base: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Settings from flags laid over those of a file."""
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
    for flag in FLAGS:
        if flag.parameter in settings:
            value = settings[flag.parameter]
            section = merged.setdefault(str(flag.section), {})
            section[flag.field] = [part.strip() for part in value.split(",") if part.strip()] if flag.many else value
    return merged
