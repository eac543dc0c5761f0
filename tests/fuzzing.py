"""Malformed inputs, drawn from sound ones by a seeded generator, and what must happen with each of them.

Whatever the bytes: a result or one of our errors, within seconds of processor time, without much memory.
"""

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from polyvalues.errors import PolyvaluesError

SECONDS = 10
MEMORY = 1_000_000_000
_TOKENS = (
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b"[]",
    b"{}",
    b'""',
    b"[" * 300,
    b"\xff\xfe",
    b"\x00" * 9,
    b"0" * 40,
    b"\n",
    b'"',
)


def mutated(blob: bytes, rng: np.random.Generator) -> bytes:
    """One to four mistakes: flipped, cut, doubled, moved, overwritten with extremes or with what parsers trip on."""
    for _ in range(int(rng.integers(1, 5))):
        size = len(blob)
        at, to = sorted(int(place) for place in rng.integers(0, size + 1, 2))
        to = min(to, at + int(rng.integers(1, 64)))
        kind = int(rng.integers(0, 8))
        if kind == 0 and size:
            place = min(at, size - 1)
            blob = blob[:place] + bytes([blob[place] ^ int(rng.integers(1, 256))]) + blob[place + 1 :]
        elif kind == 1:
            blob = blob[:at]
        elif kind == 2:
            blob = blob[:at] + blob[to:]
        elif kind == 3:
            blob = blob[:to] + blob[at:to] * int(rng.integers(1, 20)) + blob[to:]
        elif kind == 4:
            extreme = (b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\x00" * 8, b"\x00\x00\x00\x7f")[int(rng.integers(0, 4))]
            blob = blob[:at] + extreme + blob[at + len(extreme) :]
        elif kind == 5:
            blob = blob[:at] + _TOKENS[int(rng.integers(0, len(_TOKENS)))] + blob[to:]
        elif kind == 6:
            blob = blob[:at] + bytes(rng.integers(0, 256, to - at, dtype=np.uint8)) + blob[to:]
        else:
            # the first bytes are where formats keep lengths and counts
            place = int(rng.integers(0, min(64, size + 1)))
            blob = blob[:place] + bytes(rng.integers(0, 256, 4, dtype=np.uint8)) + blob[place + 4 :]
    return blob


@dataclass
class Tally:
    """What came of the inputs so far."""

    sound: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


@contextmanager
def _limited() -> Iterator[None]:
    def late(_signal: int, _frame: object) -> None:
        raise TimeoutError(f"more than {SECONDS} s of processor time")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # processor time: other work on the machine does not count
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _highest(*, reset: bool = False) -> int:
    """Bytes of memory at the highest, since the last reset where the system has one (Linux), else since the start.

    `ru_maxrss` starts at the mark of the process that started this one, and hides what stays below it.
    """
    status, reference = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not status.exists():
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if reset and os.access(reference, os.W_OK):
        reference.write_text("5")
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def attempt(tally: Tally, name: str, read: Callable[[], object]) -> None:
    """Read one input; anything but a result or one of our errors is written down."""
    before = _highest(reset=True)
    try:
        with _limited():
            read()
        tally.sound += 1
    except PolyvaluesError as error:
        tally.refused += 1
        if not str(error).strip():
            tally.wrong.append(f"{name}: an error without words")
    except BaseException as error:  # noqa: BLE001 (this is what is looked for)
        tally.wrong.append(f"{name}: {type(error).__name__}: {str(error)[:200]}")
    grown = _highest() - before
    if grown > MEMORY:
        tally.wrong.append(f"{name}: {grown:,} bytes more memory")
