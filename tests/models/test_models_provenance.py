"""Where a model comes from: the Hub's commit, code of its own, adapters."""

from pathlib import Path
from typing import Any

import pytest
import torch

from polyvalues.config import ModelSpec
from polyvalues.errors import MissingExtra
from polyvalues.models.fingerprint import fingerprint
from polyvalues.models.model_handle import load_model
from polyvalues.models.provenance import commit_of, unseen
from tiny_models import tiny_model, write_tiny_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_branch_is_the_commit_it_stands_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "models--me--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text(COMMIT, encoding="utf-8")
    (repository / "snapshots" / COMMIT).mkdir(parents=True)
    (repository / "snapshots" / COMMIT / "config.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert commit_of("me/tiny", None) == COMMIT
    assert commit_of("me/tiny", "main") == COMMIT
    assert commit_of("me/tiny", COMMIT) == COMMIT
    assert commit_of(str(tmp_path), None) == ""


def test_what_cannot_be_seen_in_the_weights_counts_by_commit_or_files(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    folder = write_tiny_model(tmp_path / "model")
    (folder / "modelling.py").write_text("a = 1", encoding="utf-8")
    plain, trusted = (ModelSpec(id=str(folder), trust_remote_code=trust) for trust in (False, True))
    assert unseen(plain, model, COMMIT) == ""
    assert unseen(trusted, model, COMMIT) == COMMIT
    assert unseen(plain, torch.nn.Linear(2, 2, device="meta"), COMMIT) == COMMIT
    before = unseen(trusted, model, "")
    assert before == unseen(trusted, model, "")
    (folder / "modelling.py").write_text("a = 2", encoding="utf-8")
    assert unseen(trusted, model, "") not in (before, "")
    assert load_model(trusted).identity != load_model(plain).identity


def test_an_adapter_that_would_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tiny_model(tmp_path / "model")
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("polyvalues.models.provenance.importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtra):
        load_model(ModelSpec(id=str(folder)))


def test_settings_of_adapters_are_part_of_the_fingerprint() -> None:
    class Settings:
        def __init__(self, alpha: int) -> None:
            self.alpha = alpha

        def to_dict(self) -> dict[str, Any]:
            return {"lora_alpha": self.alpha}

    model = tiny_model("llama").model
    names = [fingerprint(model, [1], own) for own in (None, {"a": Settings(8)}, {"a": Settings(16)}, {})]
    assert len(set(names)) == 3
    assert names[0] == names[3]
