"""How far projections of means follow 1/length on nonsense, with attention sinks and without them, layer by layer.

Words in any order, 4 to 59 of them, read at position `mean` as studies read, and averaged over all tokens as was done
before. Per layer: median over random directions of |r| between projection and 1/length; what independent numbers give;
the same of the last token's state, which holds no mean at all; and the largest difference between packed, padded and
one-at-a-time reading, relative to the layer's largest value.

    python -m benchmarks.attention_sinks [--model FOLDER] [--texts 60]
"""

import argparse

import numpy as np
import torch
from jaxtyping import Float

from benchmarks.table import machine, show
from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.models.batching import tokenise
from polyvalues.models.blocks import block_states
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle, load_model

SENTENCE = (
    "stone river apple window seven green paper road cloud table lamp north button sugar train the of and a leaf glass "
    "spoon winter carpet yellow door candle horse letter market bridge"
)
WORDS = tuple(SENTENCE.split())

States = Float[np.ndarray, "layer text hidden"]


def nonsense(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts of words in any order."""
    rng = np.random.default_rng(seed)
    return [("", " ".join(rng.choice(WORDS, rng.integers(4, 60)))) for _ in range(count)]


def read(handle: ModelHandle, texts: list[tuple[str, str]], spec: ReadingSpec) -> States:
    """States by `record`, in the order of the texts."""
    out = np.empty((handle.n_layers, len(texts), handle.hidden), dtype=np.float32)
    for part in record(handle, texts, spec):
        out[:, part.index] = part.states
    return out


@torch.inference_mode()
def plain_means(handle: ModelHandle, texts: list[tuple[str, str]]) -> tuple[States, np.ndarray]:
    """Means over all tokens, and how many there are."""
    tokens = tokenise(texts, handle.template, handle.token_limit)
    means: list[np.ndarray] = []
    rows = tokens.listed(np.arange(len(texts)))
    for ids in rows:
        found: list[torch.Tensor] = []
        hooks = [
            block.register_forward_hook(
                lambda *given, keep=found: keep.append(block_states(given[2])[0].float().mean(0))
            )
            for block in handle.blocks
        ]
        handle.model(input_ids=torch.tensor([ids]))
        for hook in hooks:
            hook.remove()
        means.append(torch.stack(found).numpy())
    return np.stack(means, axis=1), np.array([len(ids) for ids in rows])


def follows(states: States, lengths: np.ndarray, seed: int = 1) -> Float[np.ndarray, " layer"]:
    """Median |r| over 400 random directions."""
    directions = np.random.default_rng(seed).standard_normal((states.shape[-1], 400))
    x = 1 / lengths
    x = (x - x.mean()) / x.std()
    along = states.astype(np.float64) @ directions
    along = (along - along.mean(axis=1, keepdims=True)) / along.std(axis=1, keepdims=True)
    return np.median(np.abs(np.einsum("t,ltd->ld", x, along)) / len(x), axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="babel", help="folder or Hub id")
    parser.add_argument("--texts", type=int, default=60)
    options = parser.parse_args()
    handle = load_model(ModelSpec(id=options.model, device="cpu", dtype="float32"))
    texts = nonsense(options.texts, 0)
    before, lengths = plain_means(handle, texts)
    ways = [ReadingSpec(position="mean", batch_tokens=1, packing="off"), ReadingSpec(position="mean", packing="off")]
    alone, padded, packed = (read(handle, texts, spec) for spec in (*ways, ReadingSpec(position="mean")))
    last = read(handle, texts, ReadingSpec())
    chance = follows(np.random.default_rng(2).standard_normal((1, len(texts), 400)), lengths)[0]
    scale = np.abs(alone).max(axis=(1, 2))
    apart = np.maximum(np.abs(padded - alone).max(axis=(1, 2)), np.abs(packed - alone).max(axis=(1, 2))) / scale
    print(machine(torch.get_num_threads(), ("polyvalues", "torch", "transformers")))
    print(f"independent numbers: {chance:.2f}\n")
    columns = [follows(states, lengths) for states in (before, alone, last)]
    rows = [["block", "all tokens", "own tokens", "last token", "packed or padded against alone"]]
    for layer, values in enumerate(zip(*columns, strict=True)):
        rows.append([str(layer), *(f"{value:.2f}" for value in values), f"{apart[layer]:.0e}"])
    show(rows)


if __name__ == "__main__":
    main()
