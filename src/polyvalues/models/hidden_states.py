"""Hidden states of a batch of texts, and what is done with them once they are there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from polyvalues.errors import ArchitectureError, ReadingError
from polyvalues.models.batching import shown
from polyvalues.models.model_handle import ModelHandle


@dataclass(frozen=True, eq=False)
class Reading:
    """Hidden states of one batch.

    Attributes:
        index: rows of the texts that were given to `record`.
        states: float32 `[layer, text, hidden]` on the host, `text` in the order of `index`.
    """

    index: Int[np.ndarray, " text"]
    states: Float[np.ndarray, "layer text hidden"]


@torch.inference_mode()
def after_norm(handle: ModelHandle, states: Float[np.ndarray, "text hidden"]) -> Float[np.ndarray, "text hidden"]:
    """States of the last block after the model's final norm, as the paper's code reads its last layer.

    Args:
        handle: a model whose final norm was found.
        states: the last block's output at the read position.

    Raises:
        ArchitectureError: the final norm was not found.
    """
    if handle.final_norm is None:
        raise ArchitectureError(f"{type(handle.model).__name__}: the norm after the last block was not found")
    tensor = torch.from_numpy(np.array(states)).to(handle.device, handle.model.dtype)
    return handle.final_norm(tensor).float().cpu().numpy()


def finite(handle: ModelHandle, layers: Sequence[int], reading: Reading, texts: Sequence[tuple[str, str]]) -> Reading:
    """The reading itself.

    Raises:
        ReadingError: a state is not finite; model, dtype, layer and text are named.
    """
    good = np.isfinite(reading.states).all(axis=2)
    if good.all():
        return reading
    slot, place = (int(i) for i in np.argwhere(~good)[0])
    description = handle.description
    raise ReadingError(
        f"{description['id']} ({description['dtype']}): hidden states of layer {layers[slot]} are not finite for "
        f"text {shown(''.join(texts[int(reading.index[place])]))}; load the model with dtype 'bfloat16' or 'float32'"
    )
