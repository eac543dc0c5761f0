"""Rows of a control experiment: what each one is asked, what steers it, and the plan that does so for a whole grid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import torch

from polyvalues.artifacts import GENERATION_SCHEMA, Generations
from polyvalues.config import ControlSpec
from polyvalues.dimensions import Language
from polyvalues.experiments.steering.directions import Directions
from polyvalues.experiments.steering.prompts import Prompt
from polyvalues.models.model_handle import ModelHandle
from polyvalues.steering.generation import Answer, generate
from polyvalues.steering.plan import Intervention, Plan


@dataclass(frozen=True)
class Row:
    """One answer to be made.

    Attributes:
        prompt: what is asked.
        vector: one of `axes.STEERED_BY`.
        source: language of the vector; empty where there is none.
        sign: +1 safer, -1 the opposite, 0 unsteered.
        layers: blocks steered.
        strength: in mean norms.
        steered: false where a gate held it back.
        seed: of sampling.
        draw: which random direction.
        asked: the prompt with whatever is put in front of it.
    """

    prompt: Prompt
    vector: str = "base"
    source: Language = ""
    sign: int = 0
    layers: tuple[int, ...] = ()
    strength: float = 0.0
    steered: bool = False
    seed: int = 0
    draw: int = 0
    asked: str = ""

    @property
    def text(self) -> str:
        """What the model is asked."""
        return self.asked or self.prompt.asked


@dataclass(frozen=True, eq=False)
class Maker:
    """All that answers are made from.

    Attributes:
        handle: the model, with its head.
        directions: what steers.
        norms: mean length of hidden states by layer.
        spec: the experiment.
        advance: told how many rows are done.
    """

    handle: ModelHandle
    directions: Directions
    norms: dict[int, float]
    spec: ControlSpec
    advance: Callable[[int], None] = lambda _: None

    def plan(self, rows: Sequence[Row]) -> Plan:
        """One intervention per layer that any row steers, with one direction and strength per row."""
        layers = sorted({layer for row in rows if row.steered for layer in row.layers})
        random = cache(lambda draw: self.directions.random(draw, self.spec.seed))
        parts = []
        for layer in layers:
            own = np.zeros((len(rows), self.handle.hidden), dtype=np.float32)
            own[:, 0] = 1.0  # any unit vector, where the row does nothing here
            strengths = np.full(len(rows), np.nan if self.spec.kind == "clamp" else 0.0, dtype=np.float32)
            for at, row in enumerate(rows):
                if row.steered and layer in row.layers:
                    drawn = row.vector == "random"
                    found = random(row.draw)[layer] if drawn else None
                    own[at] = self.directions.at(row.source, layer) if found is None else found
                    strengths[at] = row.sign * row.strength * self.norms[layer]
            tensors = torch.from_numpy(own), torch.from_numpy(strengths)
            parts.append(Intervention(layer, *tensors, self.spec.kind, self.spec.keep_norm))
        return Plan(tuple(parts), self.spec.positions)

    def answers(self, rows: Sequence[Row]) -> tuple[Answer, ...]:
        """Answers to rows; equal ones, and unsteered ones to the same prompt, are made once."""
        keys = [_key(row) for row in rows]
        first = {key: at for at, key in reversed(list(enumerate(keys)))}
        unique = [rows[at] for at in sorted(first.values())]
        place = {_key(row): at for at, row in enumerate(unique)}
        made = generate(
            self.handle,
            [row.text for row in unique],
            self.spec.generation,
            plan=self.plan(unique),
            seeds=[row.seed for row in unique],
        )
        self.advance(len(rows))
        return tuple(made[place[key]] for key in keys)

    def generations(self, rows: Sequence[Row]) -> Generations:
        """Answers to rows, with what made them."""
        made = [self._record(row, answer) for row, answer in zip(rows, self.answers(rows), strict=True)]
        return Generations(pa.Table.from_pylist(made, schema=GENERATION_SCHEMA))

    def _record(self, row: Row, answer: Answer) -> dict[str, object]:
        return {
            "concept": self.directions.concept,
            "target": row.prompt.target,
            "item": row.prompt.item,
            "group": row.prompt.group,
            "side": row.prompt.side,
            "vector": row.vector,
            "source": row.source,
            "sign": row.sign,
            "layers": ",".join(map(str, row.layers)),
            "strength": row.strength,
            "steered": row.steered,
            "seed": row.seed,
            "draw": row.draw,
            "prompt": row.text,
            "answer": answer.text,
            "tokens": answer.tokens,
        }


def _key(row: Row) -> tuple[object, ...]:
    what = (row.vector, row.source, row.sign, row.layers, row.strength, row.draw, row.prompt.target)
    return (row.text, row.seed, what if row.steered else ())
