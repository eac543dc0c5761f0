"""Settings of a study as TOML files."""

import json
import tomllib
from pathlib import Path
from typing import Any

from polyvalues.config import StudySpec, build
from polyvalues.errors import SpecError


def load_study_spec(path: Path) -> StudySpec:
    """Read a study from TOML. Relative paths in it are taken from the current directory.

    Raises:
        SpecError: the file is missing, is not TOML (with line and column), or does not validate.
    """
    return build(StudySpec, read_toml(path), origin=str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        SpecError: the file cannot be read, or is not TOML (with line and column).
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{path}: not valid TOML: {error}") from None


def dump_toml(spec: StudySpec) -> str:
    """The study as TOML that `load_study_spec` reads back to an equal spec (None is left out)."""
    content = spec.model_dump(mode="json", exclude_none=True)
    tables = {key: content.pop(key) for key in list(content) if isinstance(content[key], dict)}
    sources = content.pop("pairs")
    lines = [f"{key} = {_toml(value)}" for key, value in content.items()]
    for source in sources:
        lines += ["", "[[pairs]]", *(f"{key} = {_toml(value)}" for key, value in source.items())]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A TOML literal. JSON literals are TOML literals for strings, numbers, booleans and arrays of them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
