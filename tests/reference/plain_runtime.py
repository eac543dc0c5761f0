"""The slow form of a runtime: the whole batch through a transformers model again for every token, without a cache.

The tokens of a pass are handed to the taps mixed, as libraries with batches of their own mix them. Greedy only.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor

from polyvalues.models.blocks import block_states
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.runtime import ONE_TOKEN, Decoding, Places, Tap


class PlainRuntime:
    """Runs a handle's own model."""

    name = "plain"

    def __init__(self, handle: ModelHandle) -> None:
        self.handle = handle

    @torch.inference_mode()
    def run(
        self, prompts: Sequence[Sequence[int]], taps: Mapping[int, Tap], decoding: Decoding = ONE_TOKEN, /
    ) -> list[list[int]]:
        """See `polyvalues.models.runtime.Runtime`."""
        assert decoding.temperature == 0
        causal: Any = self.handle.causal
        texts = [list(prompt) for prompt in prompts]
        for _ in range(decoding.new_tokens):
            lengths = torch.tensor([len(text) for text in texts])
            real = torch.arange(int(lengths.max())) < lengths[:, None]
            ids = torch.zeros(real.shape, dtype=torch.long)
            ids[real] = torch.tensor([token for text in texts for token in text])
            with ExitStack() as stack:
                for layer, tap in taps.items():
                    hook = self.handle.blocks[layer].register_forward_hook(_behind(tap, real))
                    stack.callback(hook.remove)
                logits = causal(input_ids=ids, attention_mask=real.long(), use_cache=False).logits
            for row, text in enumerate(texts):
                if len(text) == len(prompts[row]) or text[-1] not in decoding.ends:
                    text.append(int(logits[row, lengths[row] - 1].argmax()))
        return [text[len(prompt) :] for text, prompt in zip(texts, prompts, strict=True)]


def _behind(tap: Tap, real: Tensor) -> Any:
    places = real.nonzero()
    mixed = places[torch.randperm(len(places), generator=torch.Generator().manual_seed(1))]

    def hook(_module: Any, _inputs: Any, output: Any) -> Any:
        states = block_states(output)
        changed = tap(states[mixed[:, 0], mixed[:, 1]], Places(mixed[:, 0], mixed[:, 1]))
        if changed is None:
            return None
        whole = states.clone()
        whole[mixed[:, 0], mixed[:, 1]] = changed
        return (whole, *output[1:]) if isinstance(output, tuple) else whole

    return hook
