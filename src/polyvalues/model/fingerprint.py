"""A short name for what a model computes, so that artefacts of different models are never mixed.

The first 16 hex digits of a SHA-256 over: the config without what says nothing about the computation, the dtype of
the parameters, 8 parameters spread over the model (name, shape, up to 1024 values each), and the token ids of a fixed
text. It changes with the architecture, the precision, quantisation, the tokenizer, and fine-tuning that touches the
sampled values. It does not change with the device, the folder, the attention implementation, or the run. Parameters
that accelerate keeps on disk count by name and shape only. Another release of transformers may describe the same
model by another config and so change it.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
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
_PARAMETERS: Final = 8
_VALUES: Final = 1024


def fingerprint(model: nn.Module, probe_ids: Sequence[int]) -> str:
    """16 hex digits; the module's docstring says what changes them.

    Args:
        model: the base model.
        probe_ids: token ids of a fixed text.
    """
    digest = hashlib.sha256()
    config: Any = model.config
    digest.update(json.dumps(_stable(config.to_dict()), sort_keys=True, default=str).encode())
    # A pooler is never read and may be drawn at random when an encoder is loaded.
    named = [(name, p) for name, p in sorted(model.named_parameters(), key=_name) if "pooler" not in name]
    digest.update(",".join(sorted({str(parameter.dtype) for _, parameter in named})).encode())
    for place in np.unique(np.linspace(0, len(named) - 1, _PARAMETERS).astype(int)):
        name, parameter = named[place]
        digest.update(f"{name}{tuple(parameter.shape)}".encode())
        if parameter.device.type != "meta":
            digest.update(_sample(parameter))
    digest.update(json.dumps([int(token) for token in probe_ids]).encode())
    return digest.hexdigest()[:16]


def _name(pair: tuple[str, torch.Tensor]) -> str:
    return pair[0]


def _stable(value: Any) -> Any:
    """The config without volatile keys, at every depth."""
    if isinstance(value, dict):
        return {str(key): _stable(item) for key, item in value.items() if key not in _VOLATILE}
    if isinstance(value, list | tuple):
        return [_stable(item) for item in value]
    return value


def _sample(parameter: torch.Tensor) -> bytes:
    whole: Any = getattr(parameter, "full_tensor", parameter.detach)  # of a matrix that is divided over processes
    flat = whole().detach().reshape(-1)
    places = torch.linspace(0, flat.numel() - 1, min(_VALUES, flat.numel()), dtype=torch.float64).long()
    return flat[places.to(flat.device)].to("cpu", torch.float32).numpy().tobytes()
