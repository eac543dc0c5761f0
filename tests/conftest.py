"""Makes `tests/reference` (the slow oracles) and what test folders share importable from every test folder."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "readers"), str(HERE / "interop"), str(HERE / "steer")]

from command_line import Run, running_here  # noqa: E402 (beside this file)


@pytest.fixture
def polyvalues(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process."""
    return running_here(monkeypatch, capsys)
