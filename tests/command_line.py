"""The command line as tests use it: in this process, or in one of its own that can be killed.

A process that starts afresh imports for ten seconds before it works. `Forked` takes one that has imported everything.
"""

import importlib
import io
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from polyvalues.cli.main import main

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["polyvalues.study.run", "polyvalues.translation.run"])


@dataclass(frozen=True)
class Done:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


def running_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process; whatever it does not foresee is raised."""
    logger = logging.getLogger("polyvalues")
    before = list(logger.handlers)

    def run(*arguments: str, typed: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["polyvalues", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        finally:
            logger.handlers[:] = before
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


class Forked:
    """A command at work in a process of its own.

    Args:
        arguments: of the command line.
        folder: where it works; what it says goes to hidden files there.
        command: module and function that take the arguments.
    """

    def __init__(self, *arguments: str, folder: Path, command: str = "polyvalues.cli.main:main") -> None:
        self._said = folder / ".stdout", folder / ".stderr"
        self._process = _FORKS.Process(target=_work, args=(command, arguments, folder, self._said))
        self._process.start()

    def works(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def done(self) -> Done:
        """Wait for the end; the exit code is negative for a signal."""
        self._process.join()
        assert self._process.exitcode is not None
        return Done(self._process.exitcode, *(path.read_text("utf-8") if path.exists() else "" for path in self._said))


def _work(command: str, arguments: tuple[str, ...], folder: Path, said: tuple[Path, Path]) -> None:
    os.chdir(folder)
    for stream, path in enumerate(said, start=1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream)
    sys.argv = [command, *arguments]
    module, _, function = command.partition(":")
    getattr(importlib.import_module(module), function)()
