"""The base of all settings, and how they are built from plain values."""

import difflib
import hashlib
import json
import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from polyvalues.errors import SpecError

_SLUG = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")

_TAG = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")


def _slug(value: str) -> str:
    if not _SLUG.match(value):
        raise ValueError(f"{value!r} is not a concept name: lower case letters, digits and single hyphens")
    return value


def _tag(value: str) -> str:
    if not _TAG.match(value):
        raise ValueError(f"{value!r} is not a BCP-47 language tag such as 'en', 'sw' or 'sr-Latn'")
    return value


ConceptName = Annotated[str, AfterValidator(_slug)]

LanguageTag = Annotated[str, AfterValidator(_tag)]


class Spec(BaseModel):
    """Base of all settings: frozen, no unknown keys, hashable by content."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def digest(self, *, leave_out: frozenset[str] = frozenset()) -> str:
        """SHA-256 (hex) of the canonical JSON form, without the fields in `leave_out`."""
        content = self.model_dump(mode="json", exclude=set(leave_out))
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


S = TypeVar("S", bound=Spec)


def build(kind: type[S], values: dict[str, Any], *, origin: str = "") -> S:
    """Validate `values` into a spec.

    Raises:
        SpecError: one line per mistake, each with the key, what is wrong and the value given.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        lines = []
        for mistake in error.errors():
            key = ".".join(str(part) for part in mistake["loc"]) or kind.__name__
            if mistake["type"] == "extra_forbidden":
                lines.append(f"{key}: {_unknown(kind, mistake['loc'])}")
                continue
            whole = mistake["type"] in ("missing", "model_type") or isinstance(mistake["input"], dict)
            given = "" if whole else f" (given: {mistake['input']!r})"
            lines.append(f"{key}: {mistake['msg'].removeprefix('Value error, ')}{given}")
        raise SpecError((f"{origin}: " if origin else "") + "; ".join(lines)) from None


def _unknown(kind: type[BaseModel], place: tuple[str | int, ...]) -> str:
    """What to say of a key that there is none of: the nearest one there is, or all of them."""
    fields, name = kind.model_fields, str(place[-1])
    for part in place[:-1]:
        inner = fields[part].annotation if isinstance(part, str) and part in fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return "there is no such setting"
        fields = inner.model_fields
    near = difflib.get_close_matches(name, fields, n=1)
    return "there is no such setting; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(fields)}")
