"""A study's units read by workers ahead of the line, which then finds them in the store.

The line itself does not know of workers: it asks the store, as it does when it goes on after a kill. Two waves, because
scoring needs vectors and vectors need all languages of their concept.
"""

from collections.abc import Iterator

from polyvalues.config import EngineSpec
from polyvalues.study.pipeline import Entry, Line
from polyvalues.study.ray_workers import ray_workers
from polyvalues.study.work_units import Unit


def spread(line: Line, engine: EngineSpec) -> None:
    """Read what the store lacks on the engine's workers; every unit is stored as soon as it is there.

    Raises:
        EngineError, MissingExtra: the engine cannot be used.
        PolyvaluesError: whatever is wrong with a unit; what was read before is kept.
    """
    if engine.name != "ray":
        return

    def units(step: str) -> Iterator[tuple[Entry, Unit]]:
        for entry in line.missing(step):
            yield entry, entry.unit

    with ray_workers(line.spec.model, line.handle.fingerprint, engine) as read:
        for step in ("fit", "score"):
            for entry, made in read(units(step)):
                line.keep(entry, made)
