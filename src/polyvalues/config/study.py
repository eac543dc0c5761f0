"""Settings of reading, vectors, statistics, and of a whole study."""

from typing import Literal

from pydantic import Field, model_validator

from polyvalues.config.base import Spec
from polyvalues.config.data import EMBEDDED_PAIRS, CheckSpec, PairSource, SplitSpec
from polyvalues.config.model import ModelSpec
from polyvalues.dimensions import Position, Protocol


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
