"""Short names for what a model computes and for how a tokenizer reads, so that artefacts are never mixed.

`fingerprint`: the first 16 hex digits of a SHA-256 over the config without what says nothing about the computation,
every weight (name, shape, dtype, all values), the settings of adapters, and the token ids of a fixed text. It changes
with the architecture, the precision, quantisation, and any change of any weight. It does not change with the device,
the folder, the attention implementation, or the run. Weights that accelerate keeps on disk count by name and shape
only. Another release of transformers may describe the same model by another config and so change it.

`tokenizer_name`: the same over all that the tokenizer holds (vocabulary, merges, normalisation, added and special
tokens) and its settings, but for its chat template, which belongs to the prompt (`polyvalues.models.prompt_templates`).
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

_VOLATILE: Final = {
    "_attn_implementation",
    "_attn_implementation_internal",
    "_commit_hash",
    "_name_or_path",
    "attn_implementation",
    "auto_map",
    "name_or_path",
    "output_attentions",
    "output_hidden_states",
    "return_dict",
    "torch_dtype",
    "dtype",
    "transformers_version",
    "use_cache",
}
_SETTINGS: Final = (
    "add_bos_token",
    "add_eos_token",
    "add_prefix_space",
    "clean_up_tokenization_spaces",
    "legacy",
    "split_special_tokens",
)
_THREADS: Final = 8


def fingerprint(model: nn.Module, probe_ids: Sequence[int], adapters: Mapping[str, Any] | None = None) -> str:
    """16 hex digits; the module's docstring says what changes them.

    Args:
        model: the base model.
        probe_ids: token ids of a fixed text.
        adapters: settings of adapters that are laid over the weights, by name; their own weights are among the model's.
    """
    digest = hashlib.sha256()
    config: Any = model.config
    digest.update(json.dumps(_stable(config.to_dict()), sort_keys=True, default=str).encode())
    settings = {str(name): _stable(own.to_dict()) for name, own in (adapters or {}).items()}
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    # A pooler is never read and may be drawn at random when an encoder is loaded.
    named = [(name, value) for name, value in sorted(model.state_dict().items()) if "pooler" not in name]
    with ThreadPoolExecutor(max_workers=min(_THREADS, os.cpu_count() or 1)) as pool:
        divided = any(hasattr(value, "full_tensor") for _, value in named)  # put together by all processes in order
        for line in (map if divided else pool.map)(_content, named):
            digest.update(line.encode())
    digest.update(json.dumps([int(token) for token in probe_ids]).encode())
    return digest.hexdigest()[:16]


def tokenizer_name(tokenizer: Any) -> str:
    """16 hex digits; the module's docstring says what changes them."""
    digest = hashlib.sha256()
    special = {name: [str(token), tokenizer.convert_tokens_to_ids(str(token))] for name, token in _specials(tokenizer)}
    settings = {name: getattr(tokenizer, name, None) for name in _SETTINGS}
    added = {str(token): index for token, index in tokenizer.get_added_vocab().items()}
    digest.update(json.dumps([special, settings, added], sort_keys=True, default=str).encode())
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        content = str(backend.to_str())
        # what stands in front (truncation, padding) is set anew by every call
        digest.update(content[content.index('"added_tokens"') :].encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]
    digest.update(json.dumps(sorted(tokenizer.get_vocab().items())).encode())
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(map(Path, tokenizer.save_vocabulary(folder))):
            digest.update(f"{path.name}{len(path.read_bytes())}".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _specials(tokenizer: Any) -> list[tuple[str, Any]]:
    """Special tokens by what they are for; those without a name by their place."""
    named = [(str(name), token) for name, token in tokenizer.special_tokens_map.items() if not isinstance(token, list)]
    return [*named, *((f"special {at}", token) for at, token in enumerate(tokenizer.all_special_tokens))]


def _stable(value: Any) -> Any:
    """The config without volatile keys, at every depth."""
    if isinstance(value, dict):
        return {str(key): _stable(item) for key, item in value.items() if key not in _VOLATILE}
    if isinstance(value, list | tuple):
        return [_stable(item) for item in value]
    return value


def _content(named: tuple[str, Any]) -> str:
    """A line that says everything of one weight."""
    name, value = named
    whole: Any = value.full_tensor() if hasattr(value, "full_tensor") else value
    if not isinstance(whole, torch.Tensor):
        return f"{name} {whole!r}\n"
    line = f"{name} {tuple(whole.shape)} {whole.dtype}"
    if whole.device.type == "meta":
        return line + "\n"
    flat = whole.detach().to("cpu").contiguous().reshape(-1).view(torch.uint8)
    return f"{line} {hashlib.sha256(flat.numpy().data).hexdigest()}\n"
