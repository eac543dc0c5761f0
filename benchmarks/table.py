"""Sides of a comparison, timed in turns in one run, and shown as a table under the machine they ran on."""

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np

Result = TypeVar("Result")


def machine(threads: int, packages: Sequence[str]) -> str:
    """Processor, cores, threads, load and versions, in two lines.

    Args:
        threads: how many the sides may use.
        packages: distributions whose versions matter.
    """
    names = [platform.processor() or platform.machine()]
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")] or names
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    load = f"load {os.getloadavg()[0]:.1f} before"  # other jobs beside make every figure noisy
    return (
        f"{names[0]}, {os.cpu_count()} cores, {threads} threads, {load}\nPython {platform.python_version()}, {versions}"
    )


def timed(work: Callable[[], Result]) -> tuple[Result, tuple[float, float]]:
    """What `work` returns, and its wall and CPU seconds (of all threads)."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, (time.perf_counter() - wall, time.process_time() - cpu)


def in_turns(sides: Mapping[str, Callable[[], Result]], rounds: int) -> tuple[dict[str, Result], dict[str, np.ndarray]]:
    """Run every side once a round, every other round in the opposite order.

    Returns:
        The last result of each side, and its seconds `[round, wall or CPU]`.
    """
    results: dict[str, Result] = {}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
            results[name], taken = timed(sides[name])
            seconds[name].append(taken)
    return results, {name: np.array(rows) for name, rows in seconds.items()}


def time_cells(seconds: np.ndarray, ours: np.ndarray) -> list[str]:
    """Cells of one side: median wall and CPU seconds, and how many times ours they are.

    The ratios are medians over rounds of ratios within a round, since two sides of one round saw the same machine;
    that of the wall seconds stands with its smallest and largest value.
    """
    wall, cpu = np.median(seconds, axis=0)
    ratio = seconds / ours
    spread = f"{np.median(ratio[:, 0]):.2f} ({ratio[:, 0].min():.2f} to {ratio[:, 0].max():.2f})"
    return [f"{wall:.2f}", f"{cpu:.2f}", spread, f"{np.median(ratio[:, 1]):.2f}"]


TIME_HEADS = ["wall s", "CPU s", "wall ratio (rounds)", "CPU ratio"]
"""Heads of `time_cells`."""


def show(rows: Sequence[Sequence[str]]) -> None:
    """Print rows, the first one of heads, as a Markdown table with straight columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("| " + " | ".join(padded) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print(flush=True)
