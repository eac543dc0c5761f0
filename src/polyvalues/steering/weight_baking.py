"""Steering for good: `add` to the safer side baked into biases, saved as an ordinary model folder.

Where the last linear map of a block has a bias and its output is added to the residual stream as it is,

    bias' = bias + strength * norm[l] * v[l]

moves the block's output by the same vector at every position. Whether that is so is not assumed but measured: the
block's output is compared before and after. Llama can be given such biases (`mlp_bias`); a model without any is
refused. There is no permanent form of the other side: strengths must be positive.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from polyvalues.errors import ArchitectureError, SteeringError, StorageFull
from polyvalues.models.blocks import block_states
from polyvalues.models.loading import quiet_transformers
from polyvalues.models.model_handle import ModelHandle
from polyvalues.steering.steering_vectors import SteeringVectors

_TOLERANCE = 1e-4


@torch.no_grad()
def bake_model(
    handle: ModelHandle, vectors: SteeringVectors, strength: float, folder: Path, *, force: bool = False
) -> None:
    """Bake vectors into a model and save it with its tokenizer. The handle's own model is left as it was.

    Args:
        handle: a model loaded with its head, in float32, bfloat16 or float16.
        vectors: all of them are baked in; of several concepts or sources at one layer, the sum.
        strength: in mean norms, positive.
        folder: new or empty.
        force: accept vectors of another model.

    Raises:
        SteeringError: a strength that is not positive, no head, or vectors of another model.
        ArchitectureError: no bias through which the block's output could be moved.
        StorageFull: the folder is not empty or cannot be written.
    """
    if not strength > 0:
        raise SteeringError(f"strength {strength:g}: only the safer side can be made permanent, so it must be positive")
    vectors.check(handle, force=force)
    if handle.causal is None:
        raise SteeringError("this model was loaded for reading; load it with head=True")
    if folder.exists() and any(folder.iterdir()):
        raise StorageFull(f"{folder}: is not empty; give a new folder")
    shifts: dict[int, Tensor] = {}
    for part in vectors.plan(strength).interventions:
        own = (part.directions * part.strengths[:, None])[0]
        shifts[part.layer] = shifts.get(part.layer, torch.zeros_like(own)) + own
    causal: Any = handle.causal
    own_bias = getattr(causal.config, "mlp_bias", None)
    changed: list[tuple[nn.Module, Tensor | None]] = []
    try:
        if own_bias is False:
            _add_biases(handle, changed)
            causal.config.mlp_bias = True
        for layer, shift in shifts.items():
            module = _last_linear(handle, layer)
            if not any(known is module for known, _ in changed):
                changed.append((module, module.bias.detach().clone()))  # pyright: ignore[reportCallIssue]
            _bake(handle, layer, module, shift)
        _save(handle, folder, vectors, strength)
    finally:
        for module, bias in changed:
            module.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)  # pyright: ignore
        if own_bias is False:
            causal.config.mlp_bias = own_bias


def _add_biases(handle: ModelHandle, changed: list[tuple[nn.Module, Tensor | None]]) -> None:
    """Zero biases for every linear map of every MLP, as a config with `mlp_bias` has them."""
    for block in handle.blocks:
        for name, module in block.named_modules():
            if isinstance(module, nn.Linear) and module.bias is None and name.startswith("mlp."):
                changed.append((module, None))
                zeros = torch.zeros(module.out_features, dtype=module.weight.dtype, device=module.weight.device)
                module.bias = nn.Parameter(zeros, requires_grad=False)


def _last_linear(handle: ModelHandle, layer: int) -> Any:
    """The block's last linear map with a bias and the residual stream's size, by order of definition."""
    found = [
        module
        for module in handle.blocks[layer].modules()
        if isinstance(module, nn.Linear | Conv1D)
        and getattr(module, "bias", None) is not None
        and module.bias.shape == (handle.hidden,)  # pyright: ignore[reportAttributeAccessIssue]
    ]
    if not found:
        raise ArchitectureError(
            f"{type(handle.model).__name__}: block {layer} has no bias that its output could be moved by, so steering "
            "cannot be made permanent in this architecture; steer it with the vectors instead"
        )
    return found[-1]


def _bake(handle: ModelHandle, layer: int, module: Any, shift: Tensor) -> None:
    before = _outputs(handle, layer)
    exact = module.bias.float() + shift.to(module.bias.device)
    module.bias = nn.Parameter(exact.to(module.bias.dtype), requires_grad=False)
    moved = _outputs(handle, layer) - before
    error = float((moved - shift.to(moved.device)).abs().max() / shift.abs().max().to(moved.device))
    rough = module.bias.dtype != torch.float32
    if error > (0.1 if rough else _TOLERANCE):
        raise ArchitectureError(
            f"{type(handle.model).__name__}: a bias in block {layer} does not move its output by itself (off by "
            f"{error:.1%}), so steering cannot be made permanent in this architecture"
        )


def _outputs(handle: ModelHandle, layer: int) -> Tensor:
    """Output of a block on a fixed text."""
    found: list[Tensor] = []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        found.append(block_states(output).detach().float().clone())

    hook = handle.blocks[layer].register_forward_hook(keep)
    try:
        ids = torch.arange(1, 9, device=handle.device)[None] % handle.vocabulary
        handle.model(input_ids=ids)
    finally:
        hook.remove()
    return found[0]


def _save(handle: ModelHandle, folder: Path, vectors: SteeringVectors, strength: float) -> None:
    causal: Any = handle.causal
    tokenizer: Any = handle.tokenizer
    attrs = vectors.artefact.data.attrs
    note = {
        "concepts": vectors.concepts,
        "sources": vectors.sources,
        "layers": vectors.layers,
        "strength": strength,
        "model": attrs.get("model", ""),
        "fingerprint": attrs.get("fingerprint", ""),
    }
    try:
        with quiet_transformers():
            causal.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        (folder / "polyvalues.json").write_text(json.dumps({"baked": note}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageFull(f"{folder}: cannot be written ({error.strerror or error})") from None
