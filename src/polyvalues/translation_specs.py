"""Validated settings of translation and of measuring its quality."""

from typing import Literal

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


class Seq2SeqSpec(Spec):
    """A translation model and how it is run."""

    model: str = Field(default="facebook/nllb-200-distilled-600M", min_length=1, description="Local folder or Hub id.")
    revision: str | None = Field(default=None, description="Hub revision (branch, tag or commit).")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    device: str | None = Field(default=None, description="'cpu', 'cuda' ...; None takes the accelerator if any.")
    beams: int = Field(default=4, ge=1, le=32, description="Beam search over so many; 1 is greedy.")
    batch_tokens: int = Field(default=4096, ge=1, description="Source tokens per batch, padding and beams included.")
    max_source_tokens: int = Field(default=512, ge=2, description="Longer texts are not translated.")
    max_new_tokens: int = Field(default=512, ge=1, description="Most tokens of a translation.")
