"""What is done where: a plan of interventions for the rows of a batch.

Everything of a plan has one entry per row, or one for all. So a batch may hold a whole grid: each row its own concept,
language, layer (strength 0 elsewhere) and strength.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from jaxtyping import Float32
from torch import Tensor

from polyvalues.dimensions import INTERVENTIONS, InterventionKind, Position
from polyvalues.errors import SteeringError

_FROM: Final = re.compile(r"from:(-?\d+)")


@dataclass(frozen=True, eq=False)
class Intervention:
    """One intervention at one layer.

    Attributes:
        layer: 0-based index of the block whose output is changed.
        directions: float32 `[row or 1, hidden]`, unit vectors to the safer side.
        strengths: float32 `[row or 1]`, in the units of the hidden states (times the layer's mean norm already).
            A row with strength 0 is left alone by `add` and `piecewise`, bit for bit; `ablate` leaves alone rows with
            strength 0 and `clamp` rows whose strength is NaN.
        kind: what is done (`steering.interventions`). `ablate` and `clamp` leave the first token of a causal model
            alone: what they take away is as long as the state, and there that is the attention sink (`spares_first`).
        keep_norm: rescale to the length from before.
    """

    layer: int
    directions: Float32[Tensor, "row hidden"]
    strengths: Float32[Tensor, " row_or_1"]
    kind: InterventionKind = "add"
    keep_norm: bool = False

    def __post_init__(self) -> None:
        if self.kind not in INTERVENTIONS:
            raise SteeringError(f"intervention {self.kind!r} is unknown; known: {', '.join(INTERVENTIONS)}")
        sizes = {len(self.directions), len(self.strengths)} - {1}
        if len(sizes) > 1:
            raise SteeringError(
                f"{len(self.directions)} directions and {len(self.strengths)} strengths at layer {self.layer}: "
                "expected one per row of both, or one for all"
            )
        if not torch.isfinite(self.directions).all():
            raise SteeringError(f"a direction at layer {self.layer} is not finite")
        lengths = self.directions.norm(dim=-1)
        if not torch.isclose(lengths, torch.ones_like(lengths), atol=1e-4).all():
            raise SteeringError(f"layer {self.layer}: a direction is not a unit vector (|v| = {float(lengths[0]):.4g})")

    @property
    def rows(self) -> int:
        """Rows it is for; 1: any."""
        return max(len(self.directions), len(self.strengths))

    @property
    def steered(self) -> Tensor:
        """Bool `[row or 1]`: rows that it changes at all."""
        return ~self.strengths.isnan() if self.kind == "clamp" else self.strengths != 0

    @property
    def spares_first(self) -> bool:
        """Whether the first token of a causal model is left alone."""
        return self.kind in ("ablate", "clamp")

    def take(self, rows: Tensor) -> "Intervention":
        """The same for these rows of the batch."""
        directions = self.directions if len(self.directions) == 1 else self.directions[rows]
        strengths = self.strengths if len(self.strengths) == 1 else self.strengths[rows]
        return replace(self, directions=directions, strengths=strengths)


@dataclass(frozen=True, eq=False)
class Condition:
    """Steer only rows whose prompt, unsteered, projects far enough on a vector.

    A row is steered when `h . direction < threshold` (`below`) or `> threshold`, `h` being the output of block `layer`
    at the prompt's last token, or its mean over the prompt's own tokens (`models.attention_sinks`).

    Attributes:
        layer: 0-based.
        directions: float32 `[row or 1, hidden]`, unit vectors.
        thresholds: float32 `[row or 1]`.
        below: which side is steered.
        position: what is read; give that of the vectors' own texts.
    """

    layer: int
    directions: Float32[Tensor, "row hidden"]
    thresholds: Float32[Tensor, " row_or_1"]
    below: bool = True
    position: Position = "last"

    @property
    def rows(self) -> int:
        """Rows it is for; 1: any."""
        return max(len(self.directions), len(self.thresholds))

    def passes(self, states: Float32[Tensor, "row hidden"]) -> Tensor:
        """Bool `[row]`."""
        projection = (states * self.directions.to(states.device)).sum(dim=-1)
        thresholds = self.thresholds.to(states.device)
        return projection < thresholds if self.below else projection > thresholds

    def take(self, rows: Tensor) -> "Condition":
        """The same for these rows of the batch."""
        directions = self.directions if len(self.directions) == 1 else self.directions[rows]
        thresholds = self.thresholds if len(self.thresholds) == 1 else self.thresholds[rows]
        return replace(self, directions=directions, thresholds=thresholds)


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that is done to a batch.

    Attributes:
        interventions: applied in this order where they share a layer.
        positions: which tokens, for all rows or one entry per row: `all`, `prompt`, `generated`, `from:k` (from
            absolute position k, 0 being the first real token; `from:-k` counts from the end of the prompt, so `from:-1`
            is the prompt's last token and everything generated). Padding is never touched.
        condition: which rows; None: all.
    """

    interventions: tuple[Intervention, ...]
    positions: str | Sequence[str] = "all"
    condition: Condition | None = None

    def __post_init__(self) -> None:
        parts = (*self.interventions, *([self.condition] if self.condition else []))
        sizes = {part.rows for part in parts} - {1}
        if not isinstance(self.positions, str):
            sizes |= {len(self.positions)} - {1}
        if len(sizes) > 1:
            raise SteeringError(f"the parts of one plan are for different numbers of rows: {sorted(sizes)}")
        for text in {self.positions} if isinstance(self.positions, str) else set(self.positions):
            span(text)

    @property
    def rows(self) -> int:
        """Rows the plan is for; 1: any."""
        parts = (*self.interventions, *([self.condition] if self.condition else []))
        own = 1 if isinstance(self.positions, str) else len(self.positions)
        return max([own, *(part.rows for part in parts)])

    def spans(self) -> tuple[tuple[int, bool, int | None], ...]:
        """Positions as `span` gives them, one per row or one for all."""
        return tuple(map(span, [self.positions] if isinstance(self.positions, str) else self.positions))

    def take(self, rows: Sequence[int]) -> "Plan":
        """The same for these rows of the batch."""
        index = torch.as_tensor(list(rows))
        positions = self.positions
        if not isinstance(positions, str) and len(positions) > 1:
            positions = tuple(positions[row] for row in rows)
        return Plan(
            tuple(part.take(index) for part in self.interventions),
            positions,
            self.condition.take(index) if self.condition else None,
        )


def plan_for(plan: Plan | None, rows: Sequence[int]) -> Plan | None:
    """What a plan does to these rows; None where it does nothing."""
    if plan is None or not plan.interventions:
        return None
    return plan if plan.rows == 1 else plan.take(rows)


def span(text: str) -> tuple[int, bool, int | None]:
    """First position; whether it counts from the end of the prompt; where it ends (0: with the prompt; None: never).

    Raises:
        SteeringError: no such positions.
    """
    if text == "all":
        return 0, False, None
    if text == "prompt":
        return 0, False, 0
    if text == "generated":
        return 0, True, None
    found = _FROM.fullmatch(text)
    if found is None:
        raise SteeringError(f"positions {text!r}: expected all, prompt, generated, from:K or from:-K")
    first = int(found[1])
    return first, first < 0, None
