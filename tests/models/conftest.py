"""Each tiny model is written, loaded and built for reference once per session."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from polyvalues.config import ModelSpec
from polyvalues.models.model_handle import ModelHandle, load_model
from tiny_models import tiny_model, write_tiny_model


@dataclass(frozen=True, eq=False)
class Loaded:
    name: str
    folder: Path
    handle: ModelHandle
    reference: Any


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Loaded]:
    """A tiny model as `load_model` gives it, and the same weights with LM head. Not to be changed by a test."""

    @cache
    def build(name: str) -> Loaded:
        folder = write_tiny_model(tmp_path_factory.mktemp(name), name)
        return Loaded(name, folder, load_model(ModelSpec(id=str(folder), device="cpu")), tiny_model(name))

    return build


@pytest.fixture
def llama(tmp_path: Path) -> ModelHandle:
    """A Llama of the test's own, to be broken at will."""
    return load_model(ModelSpec(id=str(write_tiny_model(tmp_path / "llama")), device="cpu"))
