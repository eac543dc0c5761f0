"""Settings of the data: sources of pairs, checks, splits."""

from typing import Final, Literal

from pydantic import Field, model_validator

from polyvalues.config.base import ConceptName, LanguageTag, Spec, build
from polyvalues.errors import SpecError

EMBEDDED_PAIRS: Final = "mosaic"
"""Reader of the data set in the package, which has no path."""


class PairSource(Spec):
    """One source of pairs: a reader's name, where it reads, and its options."""

    reader: str
    path: str = Field(default="", description="File, folder, or Hub id for the reader 'hub'; 'mosaic' has none.")
    concept: ConceptName | None = Field(default=None, description="Replaces the reader's own concept.")
    language: LanguageTag | None = Field(default=None, description="Language of a source that does not say it itself.")
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "PairSource":
        """From `NAME:PATH` or `NAME:PATH?key=value&key=value` (`concept` and `language` are keys too), or `mosaic`.

        Raises:
            SpecError: no colon, an empty part, or an option without `=`.
        """
        if text == EMBEDDED_PAIRS:
            return cls(reader=text)
        name, colon, rest = text.partition(":")
        if not colon or not name or not rest:
            raise SpecError(f"--pairs {text!r}: expected NAME:PATH, e.g. 'table:pairs.csv', or 'mosaic'")
        path, _, query = rest.partition("?")
        options: dict[str, str] = {}
        for part in filter(None, query.split("&")):
            key, equals, value = part.partition("=")
            if not equals:
                raise SpecError(f"--pairs {text!r}: option {part!r} has no '='")
            options[key] = value
        known = {key: options.pop(key) for key in ("concept", "language") if key in options}
        return build(cls, {"reader": name, "path": path, "options": options, **known})

    @model_validator(mode="after")
    def _somewhere(self) -> "PairSource":
        if not self.path and self.reader != EMBEDDED_PAIRS:
            raise ValueError(f"reader {self.reader!r} needs a path: a file, a folder, or a Hub id for the reader 'hub'")
        return self


class CheckSpec(Spec):
    """What makes a pair unusable, and what happens to it."""

    languages: tuple[LanguageTag, ...] | None = Field(default=None, description="Keep these only, in this order.")
    concepts: tuple[ConceptName, ...] | None = Field(default=None, description="Keep these only, in this order.")
    align: bool = Field(default=True, description="Drop items that are not present in every language of their concept.")
    max_characters: int = Field(
        default=8_000, ge=1, description="A side (with its prefix) longer than this is overlong."
    )
    script_share: float = Field(
        default=0.25, ge=0, le=1, description="Least share of letters in the language's script; 0 turns the check off."
    )
    limit: int | None = Field(
        default=None, ge=1, description="At most this many items per concept, the same in all languages."
    )


class SplitSpec(Spec):
    """How groups are divided."""

    mode: Literal["auto", "split", "cross"] = Field(default="auto", description="'auto' cross-fits below `small`.")
    small: int = Field(default=500, ge=1, description="Concepts with fewer groups are cross-fitted (mode auto).")
    fit: float = Field(default=0.7, gt=0, lt=1, description="Share of groups to fit on.")
    select: float = Field(default=0.1, gt=0, lt=1, description="Share of groups to choose the layer on.")
    folds: int = Field(default=10, ge=3, le=64, description="Folds of the jackknife and of cross-fitting.")
    salt: str = Field(default="polyvalues", description="Changes the hash, hence the split.")
    related: Literal["states", "texts", "off"] = Field(default="states", description="Related items share a fold.")

    @model_validator(mode="after")
    def _room_for_test(self) -> "SplitSpec":
        if self.fit + self.select >= 1:
            raise ValueError(f"fit ({self.fit}) + select ({self.select}) leave nothing to test on")
        return self
