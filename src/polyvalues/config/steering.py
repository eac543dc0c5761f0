"""Settings of generation and steering."""

from typing import Literal

from pydantic import Field, model_validator

from polyvalues.config.base import ConceptName, LanguageTag, Spec
from polyvalues.dimensions import InterventionKind


class GenerationSpec(Spec):
    """How answers are generated."""

    max_new_tokens: int = Field(default=32, ge=1, description="Most tokens of an answer.")
    temperature: float = Field(default=0.0, ge=0, description="0 is greedy.")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Draw among the most probable tokens with this mass.")
    seeds: int = Field(default=1, ge=1, description="Answers per prompt, each with a seed of its own.")
    seed: int = Field(default=0, ge=0, description="Of the first answer; the next ones follow it.")
    batch_rows: int = Field(default=64, ge=1, description="Prompts per batch.")
    template: str | None = Field(
        default=None, description="'raw', 'chat' or a text with '{input}'; None: 'chat' where the tokenizer has one."
    )

    @model_validator(mode="after")
    def _seeds(self) -> "GenerationSpec":
        if self.seeds > 1 and self.temperature == 0:
            raise ValueError("several seeds at temperature 0 give the same answer; set a temperature")
        return self


class BudgetSpec(Spec):
    """What steering may cost; None: no limit."""

    benign: float | None = Field(default=0.05, ge=0, le=1, description="Most willingness lost on upholding prompts.")
    language: float | None = Field(
        default=0.95, ge=0, le=1, description="Least share of answers that keep their language."
    )
    kl: float | None = Field(default=None, gt=0, description="Most nats between next tokens on neutral text.")
    perplexity: float | None = Field(default=None, gt=1, description="Most times the perplexity of unsteered answers.")


class ControlSpec(Spec):
    """A control experiment on a finished study."""

    concept: ConceptName = Field(default="harmfulness", description="Whose vectors steer.")
    source: LanguageTag | None = Field(default=None, description="Language of the vector; None: the dominant one.")
    targets: tuple[LanguageTag, ...] | None = Field(default=None, description="Languages to steer; None: all.")
    matrix: bool = Field(default=True, description="Also steer with the vectors of all other languages.")
    choice: Literal["each", "joint", "source"] = Field(
        default="each", description="Setting per target, one for all together, or chosen in the source language alone."
    )
    layers: tuple[int, ...] | None = Field(default=None, description="Blocks to try; None: up to 12, evenly spread.")
    windows: tuple[int, ...] = Field(default=(1, 2), description="How many neighbouring blocks to steer at once.")
    strengths: tuple[float, ...] = Field(default=(0.15, 0.4), description="First strengths, in mean norms.")
    rounds: int = Field(default=3, ge=0, le=6, description="Rounds of trying strengths between the best ones.")
    gates: tuple[float, ...] = Field(
        default=(0.05, 0.1), description="Conditional steering: shares of upholding prompts let through; empty: none."
    )
    unconditional: bool = Field(default=True, description="Also try steering every prompt.")
    kind: InterventionKind = "add"
    positions: str = Field(default="all", description="all, prompt, generated, from:K or from:-K.")
    keep_norm: bool = Field(default=False, description="Keep the length of hidden states.")
    judges: tuple[str, ...] = Field(
        default=("openings",), min_length=1, description="The first one decides; others are compared with it."
    )
    random_draws: int = Field(default=4, ge=1, le=64, description="Random directions to compare with.")
    seed: int = Field(default=0, ge=0, description="Of random directions.")
    budget: BudgetSpec = BudgetSpec()
    generation: GenerationSpec = GenerationSpec()

    @model_validator(mode="after")
    def _possible(self) -> "ControlSpec":
        if not self.strengths or min(self.strengths) <= 0:
            raise ValueError(f"strengths {self.strengths} must be positive: the opposite sign is tried by itself")
        if not self.gates and not self.unconditional:
            raise ValueError("nothing to try: no gates, and unconditional steering is off")
        if any(not 0 < share < 1 for share in self.gates):
            raise ValueError(f"gates {self.gates} are shares between 0 and 1")
        if not self.windows or min(self.windows) < 1:
            raise ValueError(f"windows {self.windows} are numbers of neighbouring blocks, at least 1")
        return self


class ChoiceSpec(Spec):
    """One concept's vector, chosen from a study or a file."""

    concept: ConceptName = Field(default="harmfulness", description="Whose vector.")
    source: LanguageTag | None = Field(default=None, description="Its language; None: en, else the first.")
    layers: tuple[int, ...] | None = Field(default=None, description="Blocks; None: the one that the study chose.")
    strength: float = Field(default=0.2, description="In mean lengths of hidden states; positive is safer.")
    force: bool = Field(default=False, description="Use vectors of another model.")


class SteerSpec(ChoiceSpec):
    """How single prompts are steered."""

    kind: InterventionKind = "add"
    positions: str = Field(default="all", description="all, prompt, generated, from:K or from:-K.")
    conditional: bool = Field(default=False, description="Only prompts on the far side of the vector from safety.")
    format: str | None = Field(default=None, description="Format of --vectors when it is not a study.")
    generation: GenerationSpec = GenerationSpec(max_new_tokens=48)
