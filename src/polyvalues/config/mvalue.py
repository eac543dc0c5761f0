"""Validated settings of building MVALUE anew: sources, sizes, filters."""

from typing import Literal

from pydantic import Field, model_validator

from polyvalues.config import Spec

MvalueConcept = Literal[
    "morality", "deontology", "utilitarianism", "fairness", "truthfulness", "toxicity", "harmfulness"
]
"""The concepts of Xu et al. (2024)."""


class SizeSpec(Spec):
    """How many pairs of each concept."""

    each: int = Field(default=500, ge=1, description="Pairs of every concept.")
    morality: int | None = Field(default=None, ge=1, description="Of morality, in place of --size.")
    deontology: int | None = Field(default=None, ge=1, description="Of deontology.")
    utilitarianism: int | None = Field(default=None, ge=1, description="Of utilitarianism.")
    fairness: int | None = Field(default=None, ge=1, description="Of fairness.")
    truthfulness: int | None = Field(default=None, ge=1, description="Of truthfulness.")
    toxicity: int | None = Field(default=None, ge=1, description="Of toxicity.")
    harmfulness: int | None = Field(default=None, ge=1, description="Of harmfulness.")

    def of(self, concept: MvalueConcept) -> int:
        """Pairs of one concept."""
        own = getattr(self, concept)
        return self.each if own is None else own


class FilterSpec(Spec):
    """Which pairs are not used; a text is the prefix and a side."""

    max_characters: int = Field(default=1000, ge=1, description="Longest text, in characters.")
    min_words: int = Field(default=3, ge=0, description="Shortest text, in words.")
    max_words: int = Field(default=250, ge=1, description="Longest text, in words.")
    addresses: bool = Field(
        default=True,
        description="Leave out texts with the address of a page or of mail, a @user or a telephone number.",
    )
    near_duplicates: float = Field(
        default=0.8, ge=0, le=1, description="Share of words in common from which two pairs count as one; 0: never."
    )

    @model_validator(mode="after")
    def _possible(self) -> "FilterSpec":
        if self.min_words > self.max_words:
            raise ValueError(f"min_words ({self.min_words}) is above max_words ({self.max_words})")
        return self


class MvalueSpec(Spec):
    """Pairs in English from the original sources. A path may carry options of its reader: PATH?key=value."""

    ethics: str | None = Field(default=None, description="Folder of ETHICS: morality, deontology, utilitarianism.")
    stereoset: str | None = Field(
        default=None, description="StereoSet's dev.json (a file of another name: PATH?language=en): fairness."
    )
    truthfulqa: str | None = Field(default=None, description="TruthfulQA.csv: truthfulness.")
    rtp: str | None = Field(default=None, description="RealToxicityPrompts, file or folder of .jsonl: toxicity.")
    advbench: str | None = Field(default=None, description="AdvBench's harmful_behaviors.csv: harmfulness.")
    harmless: str | None = Field(default=None, description="Harmless instructions, to go with AdvBench.")
    harmless_licence: str = Field(default="", description="Licence of the harmless instructions, for the card.")
    concepts: tuple[MvalueConcept, ...] | None = Field(
        default=None, description="Comma-separated; these only. All seven otherwise."
    )
    seed: int = Field(default=0, ge=0, description="Of matching and sampling.")
    max_length_ratio: float = Field(
        default=1.25, gt=1, description="Longest length of a matched pair's sides over its shortest."
    )
    max_per_group: int = Field(
        default=1, ge=0, description="Most pairs of one scenario, question or better situation; 0: all of them."
    )
    mvalue_format: bool = Field(default=False, description="Also write data/CONCEPT/CONCEPT_LANGUAGE.json.")
    size: SizeSpec = SizeSpec()
    filters: FilterSpec = FilterSpec()

    @model_validator(mode="after")
    def _possible(self) -> "MvalueSpec":
        if self.concepts is not None and len(set(self.concepts)) < max(len(self.concepts), 1):
            raise ValueError("concepts: name at least one, and none twice")
        return self
