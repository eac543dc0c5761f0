"""Blocks compiled by torch: norms, rotary positions and activations in a few kernels instead of one each.

Pays on a GPU, where those kernels are what is left beside the matrix products. For reading only: hooks stay outside the
compiled blocks, and the packed attention is called as it is.
"""

from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from polyvalues.errors import ModelLoadError


def compile_blocks(name: str, model: PreTrainedModel, blocks: Sequence[nn.Module]) -> None:
    """Compile every block for texts of any length, and run them once, so that a missing compiler is found here.

    Args:
        name: of the model, for the message.
        model: the base model.
        blocks: its blocks; changed in place.

    Raises:
        ModelLoadError: they cannot be compiled.
    """
    for block in blocks:
        block.forward = torch.compile(block.forward, dynamic=True)
    device = next((p.device for p in model.parameters() if p.device.type != "meta"), torch.device("cpu"))
    try:
        with torch.inference_mode():
            # Without a cache: what differs from block to block would be compiled again for each, up to a limit.
            model(input_ids=torch.zeros((2, 3), dtype=torch.long, device=device), use_cache=False)
    except (RuntimeError, ImportError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelLoadError(
            f"{name}: model.compile = true, but its blocks cannot be compiled here: {reason}. Compiling needs Triton "
            "(GPU) or a C++ compiler (CPU); leave it out"
        ) from error
