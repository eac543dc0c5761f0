"""Makes `tests/reference` (the slow oracles) and what test folders share importable from every test folder."""

import sys
from pathlib import Path

import hypothesis
import pytest

HERE = Path(__file__).parent
SHARED = ("readers", "data", "steering", "cli")
sys.path[:0] = [str(HERE), *(str(HERE / name) for name in SHARED)]

from command_line import Run, running_here  # noqa: E402 (beside this file)

hypothesis.settings.register_profile("any machine", deadline=None)  # no test is about speed
hypothesis.settings.load_profile("any machine")

LONG = (
    "test_simulation_suite",
    "test_study_babel",
    "test_experiments_steering",
    "test_study_ray_workers",
    "test_study_resume",
    "test_models_tensor_parallel",
    "test_experiments_paper_figures",
)
"""Files that take longest, begun first: one that is begun last keeps one worker busy and the others waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order is otherwise as it was."""
    place = {name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONG)))


@pytest.fixture
def polyvalues(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process."""
    return running_here(monkeypatch, capsys)
