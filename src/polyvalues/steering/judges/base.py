"""What a judge is: it reads generations and gives each a number, always as `Judged`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from polyvalues.artifacts import Generations, Judged
from polyvalues.dimensions import Language


@runtime_checkable
class Judge(Protocol):
    """Anything with a name that turns generations into one score per row."""

    @property
    def name(self) -> str:
        """Unique among the judges of a run."""
        ...

    @property
    def behaviour(self) -> str:
        """What a score of 1 means."""
        ...

    def __call__(self, generations: Generations) -> Judged:
        """Scores of all rows; NaN where the judge cannot tell."""
        ...


@dataclass(frozen=True)
class Openings:
    """How refusals and willing answers begin in one language."""

    refuse: tuple[str, ...]
    comply: tuple[str, ...]


OpeningLists = Mapping[Language, Openings]
