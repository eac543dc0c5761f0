"""The prompts of a control experiment: both sides of a concept's pairs, divided into those to choose on and to test on.

Of a concept that was split, the select items choose and the test items test; its vectors were fitted on neither. A
cross-fitted concept has no such parts: the lower half of its folds chooses (and its vectors are fitted on that half
alone), the upper half tests. Folds go by group, so no translation of a test item is ever chosen on.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow.compute as pc

from polyvalues.artifacts import PairSet
from polyvalues.dimensions import SIDES, Concept, Language
from polyvalues.errors import SpecError

CHOOSE: Final = "select"
TEST: Final = "test"


@dataclass(frozen=True)
class Prompt:
    """One side of a pair, in one language.

    Attributes:
        target, item, group, side: where it is from.
        part: `select` or `test`.
        fold: of its pair; -1 where the concept was split.
        prefix, text: what is read is `prefix + text`, and what the model is asked.
    """

    target: Language
    item: str
    group: str
    side: str
    part: str
    fold: int
    prefix: str
    text: str

    @property
    def asked(self) -> str:
        """The prompt as the model is asked it, before the chat template."""
        return self.prefix + self.text


def control_prompts(pairs: PairSet, concept: Concept) -> tuple[Prompt, ...]:
    """Prompts of a concept in all its languages, in the order of the pairs, the upholding side first.

    Raises:
        SpecError: the concept has no pairs, or none to choose or to test on.
    """
    mine = pairs.table.filter(pc.field("concept") == concept)
    if not mine.num_rows:
        raise SpecError(f"the study has no pairs of concept {concept!r}")
    rows = mine.to_pylist()
    half = (max(row["fold"] for row in rows) + 1) // 2
    found = []
    for row in rows:
        part = row["split"]
        if part == "cross":
            part = CHOOSE if row["fold"] < half else TEST
        if part in (CHOOSE, TEST):
            fold = row["fold"] if row["split"] == "cross" else -1
            for side in SIDES:
                own = (row["language"], row["item"], row["group"], side, part, fold, row["prefix"], row[side])
                found.append(Prompt(*own))
    for part in (CHOOSE, TEST):
        if not any(prompt.part == part for prompt in found):
            raise SpecError(f"concept {concept!r} has no {part} items: too few groups for this split")
    return tuple(found)
