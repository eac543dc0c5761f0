"""Where a model comes from, as far as its weights do not say it: the Hub's commit, code of its own, adapters."""

import hashlib
import importlib.util
from pathlib import Path
from typing import Final

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from torch import nn

from polyvalues.config import ModelSpec
from polyvalues.errors import MissingExtra

_ADAPTER: Final = "adapter_config.json"
_SNAPSHOTS: Final = "snapshots"
_PIECE: Final = 1 << 24


def commit_of(source: str, revision: str | None) -> str:
    """The commit that a branch or tag of a Hub repository stands for now; empty for a folder.

    Raises:
        OSError: the repository, the revision or the network is not there.
    """
    if Path(source).is_dir():
        return ""
    path = Path(hf_hub_download(source, "config.json", revision=revision or "main"))
    return path.parent.name if path.parent.parent.name == _SNAPSHOTS else ""


def refuse_unread_adapter(source: str, commit: str) -> None:
    """Refuse a model with an adapter where the library that lays it over the weights is absent.

    Raises:
        MissingExtra: peft is not installed.
    """
    if importlib.util.find_spec("peft") is None and _file(source, commit, _ADAPTER) is not None:
        raise MissingExtra(
            f"{source}: has an adapter ({_ADAPTER}), which is read with peft: pip install peft; or merge the adapter "
            "into its model once (merge_and_unload, save_pretrained) and load that"
        )


def unseen(spec: ModelSpec, model: nn.Module, commit: str) -> str:
    """A name for what a computation comes from besides the weights in memory; empty where there is nothing.

    Args:
        spec: the model: its own code counts where it is trusted.
        model: as it was loaded: weights kept on disk count by the files they are in.
        commit: of the Hub's repository; then files are not looked at.
    """
    on_disk = any(parameter.device.type == "meta" for parameter in model.parameters())
    if not (spec.trust_remote_code or on_disk):
        return ""
    if commit:
        return commit
    digest, folder = hashlib.sha256(), Path(spec.id).expanduser()
    patterns = [*(["*.py"] if spec.trust_remote_code else []), *(["*.safetensors"] if on_disk else [])]
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    return digest.hexdigest()[:16]


def _file(source: str, commit: str, name: str) -> Path | None:
    """A file of a model, None where it has none."""
    if Path(source).is_dir():
        path = Path(source) / name
        return path if path.is_file() else None
    try:
        return Path(hf_hub_download(source, name, revision=commit or "main"))
    except (EntryNotFoundError, OSError):  # also: not in the cache, and no network
        return None
