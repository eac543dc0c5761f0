"""Validated settings of translation and of measuring its quality."""

from typing import Literal

from pydantic import Field, model_validator

from polyvalues.config import LanguageTag, Spec


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


class EndpointSpec(Spec):
    """A language model behind an OpenAI-compatible endpoint; its key comes from OPENAI_API_KEY."""

    endpoint_model: str = Field(default="", description="Name of the model at the endpoint.")
    base_url: str | None = Field(default=None, description="The endpoint; None: OPENAI_BASE_URL, else OpenAI's.")
    batch: int = Field(default=8, ge=1, le=64, description="Pairs per request.")
    parallel: int = Field(default=4, ge=1, le=64, description="Requests under way at once.")
    per_minute: float = Field(default=0.0, ge=0, description="Most requests a minute; 0: no limit.")
    retries: int = Field(default=5, ge=0, description="Of a request that failed (overload, rate limit, connection).")
    tries: int = Field(
        default=2, ge=1, description="How often a pair is asked for alone when its answers are not valid."
    )
    timeout: float = Field(default=120.0, gt=0, description="Seconds to wait for an answer.")
    json_mode: bool = Field(default=False, description="Ask for JSON by response_format, where the endpoint has it.")
    instructions: str = Field(default="", description="Added to what the model is told, e.g. a glossary.")
    price_in: float | None = Field(default=None, ge=0, description="Price of a million tokens sent.")
    price_out: float | None = Field(default=None, ge=0, description="Price of a million tokens received.")


class TranslateSpec(Spec):
    """Pairs of one language into others."""

    to: tuple[LanguageTag, ...] = Field(min_length=1, description="Comma-separated languages to translate into.")
    source: LanguageTag = Field(default="en", description="Language of the pairs that are translated.")
    backend: Literal["seq2seq", "endpoint", "files"] = Field(default="seq2seq", description="What translates.")
    names: tuple[str, ...] = Field(default=(), description="Comma-separated names that have to stay as they are.")
    round_trip: bool = Field(default=False, description="Also translate back, to measure what was lost.")
    sheets: str | None = Field(
        default=None, description="Folder of a human translator's sheets; None: sheets in --out."
    )
    translator: str = Field(default="", description="Who translated, for the data card.")
    seq2seq: Seq2SeqSpec = Seq2SeqSpec()
    endpoint: EndpointSpec = EndpointSpec()

    @model_validator(mode="after")
    def _possible(self) -> "TranslateSpec":
        if self.source in self.to:
            raise ValueError(f"to: {self.source!r} is the source language")
        if len(set(self.to)) < len(self.to):
            raise ValueError("to: a language is named twice")
        if self.backend == "endpoint" and not self.endpoint.endpoint_model:
            raise ValueError("the endpoint needs the name of a model: endpoint_model")
        if self.backend == "files" and self.round_trip:
            raise ValueError("round_trip: people are not asked to translate back; leave it out")
        return self
