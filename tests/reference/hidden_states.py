"""Hidden states the slow way: one text at a time, with the LM head, by `output_hidden_states`; or left-padded at once.

`hidden_states[i + 1]` is block i's output except for the last entry, which most models take after the final norm. The
last block's output is therefore caught where it enters the final norm, whose name is written out per architecture.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from reference.sink_mean import own_places, sink_mean

FINAL_NORM = {
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "mixtral"), "model.norm"),
    **dict.fromkeys(("gpt2", "bloom", "falcon", "falcon_alibi"), "transformer.ln_f"),
    "gpt_neox": "gpt_neox.final_layer_norm",
    "opt": "model.decoder.final_layer_norm",
}


def all_states(model: Any, architecture: str, **inputs: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """`[layer, text, token, hidden]` before the final norm, and `[text, token, hidden]` after it."""
    caught: list[torch.Tensor] = []
    name = FINAL_NORM.get(architecture)
    hook = model.get_submodule(name).register_forward_pre_hook(lambda _, args: caught.append(args[0])) if name else None
    try:
        with torch.no_grad():
            states = model(**inputs, output_hidden_states=True).hidden_states
    finally:
        if hook is not None:
            hook.remove()
    last = caught[0] if caught else states[-1]
    return torch.stack([*states[1:-1], last]).float().numpy(), states[-1].float().numpy()


def one_by_one(
    model: Any, architecture: str, tokenizer: Any, texts: Sequence[str], position: str
) -> tuple[Float[np.ndarray, "layer text hidden"], Float[np.ndarray, "text hidden"]]:
    """Batch size 1, no padding: states before the final norm, and the last layer's after it."""
    before, after = [], []
    for text in texts:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        states, normed = all_states(model, architecture, input_ids=ids, attention_mask=torch.ones_like(ids))
        if position == "last":
            before.append(states[:, 0, -1])
            after.append(normed[0, -1])
            continue
        own = own_places(ids[0].tolist(), tokenizer.all_special_ids)
        before.append(np.stack([sink_mean(layer, own) for layer in states[:, 0]]))
        after.append(sink_mean(states[-1, 0], own, normed[0]))
    return np.stack(before, axis=1), np.stack(after)


def padded(
    model: Any, architecture: str, tokenizer: Any, texts: Sequence[str], side: str
) -> Float[np.ndarray, "layer text hidden"]:
    """All texts in one batch, padded on one side, read at the last real token."""
    rows = [tokenizer(text)["input_ids"] for text in texts]
    longest = max(map(len, rows))
    ids, mask = torch.full((len(rows), longest), 3), torch.zeros((len(rows), longest), dtype=torch.long)
    for place, row in enumerate(rows):
        real = slice(longest - len(row), longest) if side == "left" else slice(0, len(row))
        ids[place, real], mask[place, real] = torch.tensor(row), 1
    inputs = {"input_ids": ids, "attention_mask": mask}
    if side == "left" and "position_ids" in inspect.signature(model.forward).parameters:
        inputs["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
    states, _ = all_states(model, architecture, **inputs)
    ends = [longest - 1 if side == "left" else len(row) - 1 for row in rows]
    return states[:, np.arange(len(rows)), ends]
