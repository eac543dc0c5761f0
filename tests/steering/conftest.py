"""Tiny models with their heads, written and loaded once per session."""

from collections.abc import Callable
from functools import cache

import pytest

from polyvalues.config import ModelSpec
from polyvalues.models.model_handle import ModelHandle, load_model
from tiny_models import ENCODERS, write_tiny_model


@pytest.fixture(scope="session")
def steerable(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModelHandle]:
    """A tiny model with LM head (encoders: without)."""

    @cache
    def build(name: str) -> ModelHandle:
        folder = write_tiny_model(tmp_path_factory.mktemp(name), name)
        return load_model(ModelSpec(id=str(folder), device="cpu"), head=name not in ENCODERS)

    return build
