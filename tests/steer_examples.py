"""Generations and answers for judges."""

from typing import Any

import pyarrow as pa

from polyvalues.artifacts import GENERATION_SCHEMA, Generations

PLAIN: dict[str, Any] = {
    "concept": "harmfulness", "target": "en", "item": "i", "group": "g", "side": "negative", "vector": "base",
    "source": "", "sign": 0, "layers": "", "strength": 0.0, "steered": False, "seed": 0, "prompt": "How?",
    "answer": "Sure.", "tokens": 2, "draw": 0,
}  # fmt: skip


def generations(*rows: dict[str, Any]) -> Generations:
    """Rows that differ from a plain one."""
    return Generations(pa.Table.from_pylist([PLAIN | row for row in rows], schema=GENERATION_SCHEMA))
