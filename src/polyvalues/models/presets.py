"""Presets: what is known of a model beyond its files (prompt template, dominant languages, training shares).

The nine models of Xu et al. (Findings of EMNLP 2024) and babel come with the package, in `presets.toml`. The templates
of the nine are those of the paper's own code. A preset is found by its name, by its Hub id, or read from a TOML file of
one's own with the same layout and exactly one `[preset.NAME]` table.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from polyvalues.errors import SpecError

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_PRESET: Final = {"id": str, "template": str, "dominant": list, "shares": str, "remote_code": bool, "note": str}
_SHARES: Final = {"source": str, "percent": dict}


@dataclass(frozen=True)
class Preset:
    """What is known of one model.

    Attributes:
        name: short name, e.g. `bloomz-560m`.
        id: Hub id.
        template: prompt with `{input}`.
        dominant: languages the model was mostly trained on, as the paper counts them.
        shares: percent of the training data per language; empty when none was published.
        shares_source: where the shares come from, or that there are none.
        remote_code: the model only loads with `trust_remote_code`.
        note: what a user should know before loading it.

    Raises:
        SpecError: the template has no `{input}`, a tag is no language tag, or the shares are not above 0 or add up to
            more than 100.
    """

    name: str
    id: str
    template: str = "{input}"
    dominant: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    shares_source: str = ""
    remote_code: bool = False
    note: str = ""

    def __post_init__(self):
        if "{input}" not in self.template:
            raise SpecError(f"preset {self.name!r}: template {self.template!r} has no '{{input}}'")
        for tag in (*self.dominant, *self.shares):
            if not _TAG.fullmatch(tag):
                raise SpecError(f"preset {self.name!r}: {tag!r} is not a language tag such as 'en' or 'zh-Hant'")
        for tag, share in self.shares.items():
            if not 0 < share <= 100:
                raise SpecError(f"preset {self.name!r}: share of {tag} = {share!r} is not a percentage above 0")
        if sum(self.shares.values()) > 100:
            raise SpecError(f"preset {self.name!r}: shares add up to {sum(self.shares.values()):.2f} percent")
        object.__setattr__(self, "shares", MappingProxyType(dict(self.shares)))


def parse_presets(text: str, *, origin: str) -> Mapping[str, Preset]:
    """Presets from TOML: `[preset.NAME]` tables, and `[shares.NAME]` tables (`source`, `percent`) they refer to.

    Raises:
        SpecError: not TOML, an unknown key, shares that are not defined, or a field `Preset` refuses.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{origin}: not valid TOML: {error}") from None
    if unknown := set(content) - {"preset", "shares"}:
        raise SpecError(f"{origin}: unknown table {sorted(unknown)}; expected [preset.NAME] and [shares.NAME]")
    shares: dict[str, dict[str, Any]] = content.get("shares", {})
    for name, table in shares.items():
        _check_types(f"{origin}: [shares.{name}]", table, _SHARES)
        for tag, share in table.get("percent", {}).items():
            _check_types(f"{origin}: [shares.{name}.percent]", {tag: share}, {tag: float})
    presets: dict[str, Preset] = {}
    for name, table in content.get("preset", {}).items():
        where = f"{origin}: [preset.{name}]"
        _check_types(where, table, _PRESET)
        if "id" not in table:
            raise SpecError(f"{where} has no id")
        values = dict(table)
        reference = values.pop("shares", None)
        if reference is not None and reference not in shares:
            raise SpecError(f"{where} refers to shares {reference!r}, not defined: {sorted(shares)}")
        known = shares.get(reference or "", {})
        values["dominant"] = tuple(map(str, values.get("dominant", ())))
        presets[name] = Preset(
            name=name,
            shares={tag: float(share) for tag, share in known.get("percent", {}).items()},
            shares_source=known.get("source", ""),
            **values,
        )
    return MappingProxyType(presets)


def _check_types(where: str, table: Any, types: Mapping[str, type]) -> None:
    if not isinstance(table, dict):
        raise SpecError(f"{where}: expected a table, found {table!r}")
    for key, value in table.items():
        if key not in types:
            raise SpecError(f"{where} has an unknown key {key!r}; known: {', '.join(types)}")
        if type(value) is not types[key] and not (types[key] is float and type(value) is int):
            raise SpecError(f"{where}: {key} = {value!r} is not a {types[key].__name__}")


PRESETS: Final = parse_presets(
    resources.files("polyvalues.models").joinpath("presets.toml").read_text(encoding="utf-8"), origin="presets.toml"
)
"""The presets of the package, by name."""


def find_preset(name_or_id: str) -> Preset | None:
    """The preset with this name or Hub id (case ignored); for a path ending in `.toml`, the preset in that file.

    Returns:
        None when there is none by that name or id.

    Raises:
        SpecError: the file cannot be read, does not validate, or has not exactly one preset.
    """
    if name_or_id.endswith(".toml"):
        try:
            text = Path(name_or_id).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError(f"preset {name_or_id}: cannot be read ({error})") from None
        own = parse_presets(text, origin=name_or_id)
        if len(own) != 1:
            raise SpecError(f"preset {name_or_id}: expected one [preset.NAME] table, found {len(own)}")
        return next(iter(own.values()))
    wanted = name_or_id.lower()
    return next((p for p in PRESETS.values() if wanted in (p.name.lower(), p.id.lower())), None)
