"""Validated settings of translation and of measuring its quality."""

from pydantic import Field

from polyvalues.specs import LanguageTag, Spec


class QualitySpec(Spec):
    """How translations are measured."""

    source: LanguageTag = Field(default="en", description="Language they were translated from.")
    back: str | None = Field(default=None, description="Back-translations as pairs; language: translated from.")
    embed: str | None = Field(default=None, description="Embedding model: folder or Hub id.")
    embed_prefix: str = Field(default="", description="Put in front of every sentence embedded, e.g. 'query: '.")
    learned: str | None = Field(
        default=None, description="CSV with concept, language, item, quality: another metric's."
    )
    names: tuple[str, ...] = Field(default=(), description="Comma-separated names that have to stay as they are.")
