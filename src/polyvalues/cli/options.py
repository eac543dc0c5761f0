"""Command-line flags made from the settings, so that help, validation and files cannot drift apart."""

import inspect
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.markup import escape

from polyvalues.config import StudySpec
from polyvalues.errors import SpecError

_PANELS: Final = {
    "model": "Model",
    "check": "Pairs",
    "split": "Split",
    "reading": "Reading",
    "vectors": "Vectors",
    "statistics": "Statistics",
    "paper": "Paper protocol",
    "budget": "Budget",
    "generation": "Generation",
    "seq2seq": "Sequence-to-sequence model",
    "endpoint": "Endpoint",
    "size": "Sizes",
    "filters": "Filters",
}
_OWN_NAMES: Final[dict[tuple[str | None, str], str]] = {
    ("model", "id"): "model",
    ("split", "folds"): "folds",
    (None, "name"): "engine",
    ("size", "each"): "size",
}


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


def flags_of(spec: type[BaseModel], *, top: bool = True) -> tuple[Flag, ...]:
    """Every setting of a spec that can be given on the command line: those of its sections, with `top` its own too."""
    found: list[Flag] = []
    for name, info in spec.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += [_flag(name, field, own) for field, own in inner.model_fields.items()]
        elif top:
            found.append(_flag(None, name, info))
    return tuple(found)


def _flag(section: str | None, field: str, info: FieldInfo) -> Flag:
    prefixed = section is not None and (section in ("split", "budget", "size") or field == "seed")
    name = _OWN_NAMES.get((section, field), f"{section}-{field}" if prefixed else field).replace("_", "-")
    kind, many, choices = _kind(info.annotation)
    default = ",".join(map(str, info.default)) if isinstance(info.default, tuple) else info.default
    shown = "" if info.default is None or info.is_required() else f" \\[{default}]"
    said = " ".join(filter(None, [info.description, f"One of: {', '.join(choices)}." if choices else ""]))
    return Flag(name=name, section=section, field=field, kind=kind, help=escape(said) + shown, many=many)


def _kind(annotation: Any) -> tuple[type, bool, tuple[str, ...]]:
    """The type of a flag's value; whether it is a comma-separated list; what it may be."""
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        return str, False, get_args(annotation)
    if get_origin(annotation) is tuple:
        return str, True, ()
    return (annotation, False, ()) if annotation in (bool, int, float) else (str, False, ())


FLAGS: Final = flags_of(StudySpec, top=False)


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` one option per setting of a study; it gets those given as `settings`, by parameter name."""
    return with_flags(FLAGS)(command)


def with_flags(flags: Sequence[Flag]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `with_settings`, for the flags of any spec."""
    return lambda command: _with(command, flags)


def _with(command: Callable[..., None], flags: Sequence[Flag]) -> Callable[..., None]:
    options = {
        flag.parameter: Annotated[
            flag.kind | None,
            typer.Option(
                help=flag.help, rich_help_panel=_PANELS.get(flag.section) if flag.section else None, show_default=False
            ),
        ]
        for flag in flags
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


def merge(base: dict[str, Any], settings: dict[str, Any], flags: Sequence[Flag] = FLAGS) -> dict[str, Any]:
    """Settings from flags laid over those of a file.

    Raises:
        SpecError: the file has something else than a table where a flag sets one of its settings.
    """
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
    for flag in flags:
        if flag.parameter in settings:
            value = settings[flag.parameter]
            section = merged if flag.section is None else merged.setdefault(flag.section, {})
            if not isinstance(section, dict):
                raise SpecError(f"{flag.section}: expected a table of settings, got {section!r}")
            section[flag.field] = [part.strip() for part in value.split(",") if part.strip()] if flag.many else value
    return merged
