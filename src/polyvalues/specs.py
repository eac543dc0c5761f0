"""Validated settings of every stage, and of a whole study.

A spec is frozen, refuses unknown keys, goes to TOML and back, and has a content hash. Validation happens here,
once; the stages trust what they get.
"""

import hashlib
import json
import re
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from polyvalues.axes import InterventionKind, Position, Protocol
from polyvalues.days import TEMPLATE_DAY, Day
from polyvalues.errors import SpecError

EMBEDDED_PAIRS: Final = "mosaic"
"""Reader of the data set in the package, which has no path."""

EMBEDDED_MODEL: Final = "babel"
"""Id of the small multilingual model in the package; a folder of that name is written `./babel`."""

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


class ModelSpec(Spec):
    """Which model, and how it is loaded and prompted."""

    id: str = Field(min_length=1, description="Local folder or Hub id, or 'babel', the model in the package.")
    preset: str | None = Field(default=None, description="Name of a preset; None looks one up by id.")
    revision: str | None = Field(default=None, description="Hub revision (branch, tag or commit).")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    device: str | None = Field(
        default=None, description="'cpu', 'cuda', 'cuda:1' ...; None takes the accelerator if any."
    )
    device_map: str | None = Field(default=None, description="Passed to transformers (needs accelerate), e.g. 'auto'.")
    tensor_parallel: bool = Field(default=False, description="Divide each matrix over the processes of torchrun.")
    quantisation: Literal["none", "int8", "int4"] = Field(default="none", description="bitsandbytes, passed through.")
    template: str | None = Field(
        default=None,
        description="'raw', 'chat' (the tokenizer's), or a text with '{input}'; None: the preset's, else raw.",
    )
    bos: Literal["auto", "add", "leave"] = Field(default="auto", description="A BOS that the tokenizer does not add.")
    mismatch: Literal["refuse", "report"] = Field(default="refuse", description="Config, weights, tokenizer disagree.")
    today: Day = Field(default=TEMPLATE_DAY, description="The day that chat templates print; YYYY-MM-DD.")
    trust_remote_code: bool = Field(default=False, description="Run modelling code that comes with the model.")
    runtime: Literal["transformers", "vllm"] = Field(default="transformers", description="What runs the model.")
    compile: bool = Field(default=False, description="torch.compile the blocks for reading: pays on a GPU.")

    @model_validator(mode="after")
    def _consistent(self) -> "ModelSpec":
        if self.device is not None and self.device_map is not None:
            raise ValueError("give 'device' or 'device_map', not both")
        if self.tensor_parallel and (self.device_map is not None or self.quantisation != "none"):
            raise ValueError("'tensor_parallel' places the model itself; leave out 'device_map' and 'quantisation'")
        placed = self.tensor_parallel or self.device_map is not None or self.quantisation != "none"
        if self.runtime == "vllm" and placed:
            raise ValueError("vLLM places the model; leave out 'device_map', 'tensor_parallel' and 'quantisation'")
        if self.compile and (placed or self.runtime != "transformers"):
            raise ValueError(
                "'compile' is for a model on one device; leave it out where it is divided, quantised or in vLLM"
            )
        if self.template not in (None, "raw", "chat") and "{input}" not in str(self.template):
            raise ValueError(f"template {self.template!r} is neither 'raw' nor 'chat' and has no '{{input}}'")
        return self


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


class ReadingSpec(Spec):
    """How hidden states are read."""

    position: Position = "last"
    layers: tuple[int, ...] | None = Field(default=None, description="0-based block indices; None reads all.")
    batch_tokens: int = Field(default=4096, ge=1, description="Tokens per batch, as computed.")
    packing: Literal["auto", "off"] = Field(
        default="auto", description="Texts in one row without padding, shared beginnings once, where the model allows."
    )
    max_tokens: int | None = Field(
        default=None, ge=2, description="Longer texts are refused; None: the model's own limit."
    )
    keep_activations: bool = Field(default=False, description="Also store every hidden state that is read.")
    store_dtype: Literal["float32", "float16"] = Field(default="float32", description="Type of the kept activations.")

    @model_validator(mode="after")
    def _layers(self) -> "ReadingSpec":
        if self.layers is not None and (not self.layers or min(self.layers) < 0):
            raise ValueError(f"layers {self.layers} must be 0-based block indices, at least one")
        if self.layers is not None and tuple(sorted(set(self.layers))) != self.layers:
            raise ValueError(f"layers {self.layers} must be distinct and ascending")
        return self


class EngineSpec(Spec):
    """Where a study's texts are read.

    Results do not depend on `local` or `ray`, so those are not part of a study's settings. `vllm` runs the model, and
    is written into the model's (`runtime`).
    """

    name: Literal["local", "ray", "vllm"] = Field(default="local", description="Where texts are read.")
    address: str | None = Field(default=None, description="Ray cluster, e.g. 'auto'; None starts one on this machine.")
    workers: int | None = Field(default=None, ge=1, description="Models loaded at once; None: as many as fit.")
    threads: int = Field(default=1, ge=1, description="CPU threads of each worker.")
    gpus: float = Field(default=0, ge=0, description="GPUs of each worker.")

    @model_validator(mode="after")
    def _used(self) -> "EngineSpec":
        if self.name != "ray" and self.model_fields_set - {"name"}:
            given = ", ".join(sorted(self.model_fields_set - {"name"}))
            raise ValueError(f"{given}: only engine 'ray' has it")
        return self

    def model(self, spec: ModelSpec) -> ModelSpec:
        """The model as this engine runs it.

        Raises:
            SpecError: vLLM with settings it does not take, or on Ray's workers.
        """
        if self.name == "ray" and spec.runtime == "vllm":
            raise SpecError("model.runtime = 'vllm' on engine 'ray', whose workers read with transformers: choose one")
        return build(ModelSpec, {**spec.model_dump(), "runtime": "vllm"}) if self.name == "vllm" else spec


S = TypeVar("S", bound=Spec)
Estimator = Literal["mean-difference", "pca", "lda", "logistic", "leace"]


class VectorSpec(Spec):
    """How vectors are fitted."""

    estimator: Estimator = "mean-difference"
    control_draws: int | None = Field(default=None, ge=2, le=512, description="Baseline directions; None: 64, or 8.")
    half_splits: int = Field(default=8, ge=2, le=128, description="Random half-splits of the folds, for reliability.")
    seed: int = Field(default=0, ge=0, description="Of random directions, permuted labels and half-splits.")

    @property
    def baseline_draws(self) -> int:
        """Draws of random and label-permuted directions; by default 64, or 8 where every draw is a fit of its own."""
        return self.control_draws or (64 if self.estimator == "mean-difference" else 8)


class StatisticsSpec(Spec):
    """How uncertainty is computed."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="Of every interval.")
    draws: int = Field(default=1000, ge=20, description="Bootstrap draws over groups.")
    seed: int = Field(default=0, ge=0, description="Of the bootstrap.")


class PaperSpec(Spec):
    """What the published code of the paper protocol does, by its options, besides the paper's choices."""

    tested_on: Literal["own", "first"] = Field(
        default="own",
        description="Test texts of a concept: its own, or the first concept's, as in one published call with several.",
    )
    random_direction: bool = Field(
        default=False, description="Fit on shuffled labels, the same in all languages, as the published option does."
    )


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


class StudySpec(Spec):
    """Everything that determines a study."""

    model: ModelSpec
    pairs: tuple[PairSource, ...] = Field(default=(PairSource(reader=EMBEDDED_PAIRS),), min_length=1)
    out: str = Field(default="out/study", min_length=1)
    protocol: Protocol = "strict"
    check: CheckSpec = CheckSpec()
    split: SplitSpec = SplitSpec()
    reading: ReadingSpec = ReadingSpec()
    vectors: VectorSpec = VectorSpec()
    statistics: StatisticsSpec = StatisticsSpec()
    paper: PaperSpec = PaperSpec()

    @model_validator(mode="after")
    def _paper(self) -> "StudySpec":
        if self.protocol != "paper" and self.paper != PaperSpec():
            raise ValueError("[paper] is about the paper protocol; leave it out, or set protocol = 'paper'")
        if self.protocol == "paper":
            if self.vectors.estimator != "mean-difference":
                raise ValueError("the paper protocol fits mean differences; leave vectors.estimator alone")
            if self.reading.position != "last" or self.reading.layers is not None:
                raise ValueError("the paper protocol reads the last token of every layer")
            if self.split != SplitSpec():
                raise ValueError("the paper protocol has its own split; leave [split] alone")
        return self


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
            whole = mistake["type"] in ("missing", "model_type") or isinstance(mistake["input"], dict)
            given = "" if whole else f" (given: {mistake['input']!r})"
            lines.append(f"{key}: {mistake['msg'].removeprefix('Value error, ')}{given}")
        raise SpecError((f"{origin}: " if origin else "") + "; ".join(lines)) from None
