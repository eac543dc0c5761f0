"""Makes `tests/reference` (the slow oracles) and what test folders share importable from every test folder."""

import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "readers"), str(HERE / "interop"), str(HERE / "steer")]

from command_line import Done, Run  # noqa: E402
from polyvalues.cli import main  # noqa: E402


@pytest.fixture
def polyvalues(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """The command line in this process."""
    logger = logging.getLogger("polyvalues")
    before = list(logger.handlers)

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["polyvalues", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        logger.handlers[:] = before
        out, err = capsys.readouterr()
        return Done(code, out, err)

    yield run
    logger.handlers[:] = before
