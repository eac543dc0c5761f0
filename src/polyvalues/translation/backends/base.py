"""What translates, and what remembers translations.

A **request** is a tuple of texts that belong together. A backend that is `joint` sees them together (both sides of a
pair and what they share, so that what is said twice is worded alike); for any other, every text is a request of its
own, and a text that serves in many pairs is translated once. A backend first plans batches over *all* requests, then
is given those of a batch that are not yet known: so batches, and with them the last digits of a model's arithmetic,
do not depend on where a run was killed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

Request = tuple[str, ...]


@runtime_checkable
class Backend(Protocol):
    """Anything that translates texts."""

    @property
    def name(self) -> str:
        """Its name in settings and cards."""
        ...

    @property
    def joint(self) -> bool:
        """Whether the texts of a request are translated in view of one another."""
        ...

    @property
    def keep(self) -> bool:
        """Whether translations are remembered; not where files are the memory and may be edited."""
        ...

    @property
    def parallel(self) -> int:
        """Batches that may be under way at once."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything a translation depends on, as JSON-ready values; part of the key it is remembered by."""
        ...

    def plan(self, requests: Sequence[Request], source: str, target: str) -> list[list[int]]:
        """Batches of rows of `requests`, every row once."""
        ...

    def translate(self, requests: Sequence[Request], source: str, target: str) -> Sequence[Request | None]:
        """Translations of one batch, as many texts in each as in its request; None where there is none.

        Raises:
            PolyvaluesError: nothing can be translated any more (no network, no key, no memory).
        """
        ...


@runtime_checkable
class Memory(Protocol):
    """Translations that are already there, by key."""

    def get(self, key: str) -> Request | None:
        """What was stored under the key."""
        ...

    def add(self, entries: Mapping[str, Request]) -> None:
        """Store all of these, so that they survive a kill from here on."""
        ...


class Forgetful:
    """A memory for one run."""

    def __init__(self) -> None:
        self._entries: dict[str, Request] = {}

    def get(self, key: str) -> Request | None:
        """What was stored under the key."""
        return self._entries.get(key)

    def add(self, entries: Mapping[str, Request]) -> None:
        """Store these."""
        self._entries.update(entries)
