"""Whether config, weights and tokenizer of a model belong together.

Refused, unless `model.mismatch = "report"` (then the record says so):

    unused weights     the checkpoint has weights of the part that is read, and the model has no place for them: more
                       blocks than the config says, biases that the config leaves out, adapters. Heads, poolers, other
                       modalities, buffers that are computed, and blocks for the prediction of further tokens (if the
                       config counts them) are no such weights
    rounded weights    dtype `auto` follows the config, and the weights are stored in a dtype that cannot be read in it
                       without loss
    another tokenizer  it has more tokens than the model has embeddings, or less than half as many; ids that the config
                       gives to special tokens (and its class does not) are ordinary tokens; an encoder's tokenizer adds
                       no special tokens
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub import try_to_load_from_cache
from safetensors import safe_open
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from polyvalues.models.blocks import OTHER_PARTS, text_config

_COMPUTED: Final = frozenset({"inv_freq", "original_inv_freq", "position_ids", "token_type_ids", "masked_bias"})
"""Last parts of the names of buffers that old checkpoints hold and models compute."""

_TOWERS: Final = tuple(part for part in OTHER_PARTS if part != "encoder")
_SPECIAL: Final = ("bos", "eos", "pad", "unk", "cls", "sep", "mask")
_STORED: Final[Mapping[str, torch.dtype]] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
_WHOLE: Final[Mapping[torch.dtype, frozenset[torch.dtype]]] = {
    torch.float64: frozenset({torch.float64}),
    torch.float32: frozenset({torch.float32, torch.float64}),
    torch.float16: frozenset({torch.float16, torch.float32, torch.float64}),
    torch.bfloat16: frozenset({torch.bfloat16, torch.float32, torch.float64}),
}
"""In which dtypes another is held without loss."""


def unused_weights(full: PreTrainedModel, base: PreTrainedModel, unexpected: Any, *, head: bool) -> list[str]:
    """Names of weights of the checkpoint that belong to what is used and have no place in it.

    Args:
        full: the model as it was loaded.
        base: the part without its head.
        unexpected: names that transformers reports, after those that the model's class ignores.
        head: the head is used as well.
    """
    inside = {name for name, _ in base.named_children()} | {name for name, _ in base.named_parameters(recurse=False)}
    prefixes = {full.base_model_prefix, base.base_model_prefix} - {""}
    outer = {name for name, _ in full.named_children()} - prefixes if head else set()
    buffers = {name for name, _ in full.named_buffers()}
    config = text_config(full.config)
    blocks, count = getattr(config, "num_hidden_layers", None), getattr(config, "num_nextn_predict_layers", None)
    further = range(blocks, blocks + count) if isinstance(blocks, int) and isinstance(count, int) else range(0)
    found = []
    for name in sorted(unexpected):
        parts = name.split(".")
        own = parts[1:] if len(parts) > 1 and parts[0] in prefixes else parts
        number = next((int(part) for part in own if part.isdigit()), -1)
        elsewhere = "pooler" in own or any(word in part for part in own[:2] for word in _TOWERS)
        computed = own[-1] in _COMPUTED or name in buffers
        if (own[0] in inside or parts[0] in outer) and not (elsewhere or computed or number in further):
            found.append(name)
    return found


def stored_dtype(source: str, revision: str | None) -> torch.dtype | None:
    """The dtype of most numbers in the weight files; None where it cannot be told (FP8 and other packed formats)."""
    counts: Counter[str] = Counter()
    for path in _weight_files(source, revision):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  # no mapping
                part = file.get_slice(name)
                counts[part.get_dtype()] += int(torch.Size(part.get_shape()).numel())
    floats = {name: count for name, count in counts.items() if "F" in name}
    return _STORED.get(max(floats, key=floats.__getitem__)) if floats else None


def rounding(stored: torch.dtype | None, model: nn.Module, announced: str) -> list[str]:
    """Whether weights are rounded without having been asked for, in words.

    Args:
        stored: their dtype in the files.
        model: as loaded.
        announced: the dtype that was asked for; only `auto` is not the user's own choice.
    """
    loaded: Any = model.dtype
    if announced != "auto" or stored is None or loaded in _WHOLE[stored]:
        return []
    names = [str(dtype).removeprefix("torch.") for dtype in (loaded, stored)]
    return [
        f"its config announces {names[0]}, its weights are stored in {names[1]} and would be rounded: set model.dtype "
        f"to {names[1]!r} to read what is stored, or to {names[0]!r} to round it"
    ]


def foreign_tokenizer(
    tokenizer: PreTrainedTokenizerBase,
    config: Mapping[str, Any],
    rows: int,
    *,
    usual: Mapping[str, Any],
    encoder: bool,
) -> list[str]:
    """Signs that a tokenizer is another model's, in words.

    Args:
        tokenizer: the tokenizer.
        config: what config.json says, as plain values.
        rows: embeddings of the model.
        usual: what a config of its class says if nothing is said; such ids are written down unasked.
        encoder: whether the model is an encoder.
    """
    own: Any = tokenizer
    added = {int(number): str(token.content) for number, token in own.added_tokens_decoder.items()}
    words = {int(number): str(word) for word, number in own.get_vocab().items()}
    ordinary = words.keys() - added.keys()
    signs = []
    if ordinary and max(ordinary) >= rows:
        signs.append(f"its tokenizer has ids up to {max(ordinary)}, the model {rows} embeddings")
    if rows >= 2 * len(words):
        signs.append(f"its tokenizer has {len(words)} tokens, the model {rows} embeddings")
    for name, number in _special_ids(config):
        word = words.get(number, "")
        stated = usual.get(name) != number
        if stated and own.is_fast and word and number in ordinary and not _looks_special(word):
            signs.append(f"its config says {name} = {number}, which is the ordinary token {word!r} of its tokenizer")
    begins: Any = own.cls_token_id
    if encoder and begins is not None and begins not in list(own("a")["input_ids"]):
        signs.append(
            f"its tokenizer knows {own.cls_token!r}, with which texts of encoders begin, and does not put it there: "
            "tokenizer.json has lost its post-processor"
        )
    return signs


def _special_ids(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    inner = config.get("text_config")
    for part in (config, inner if isinstance(inner, Mapping) else {}):
        for kind in _SPECIAL:
            value = part.get(f"{kind}_token_id")
            for number in value if isinstance(value, list) else [value]:
                if isinstance(number, int) and number >= 0:
                    yield f"{kind}_token_id", number


def _looks_special(word: str) -> bool:
    return len(word) > 2 and word[0] + word[-1] in ("<>", "[]")


def _weight_files(source: str, revision: str | None) -> list[str]:
    """The files that transformers reads: one, or those of the index."""
    folder = Path(source)

    def found(name: str) -> str | None:
        if folder.is_dir():
            return str(folder / name) if (folder / name).is_file() else None
        path = try_to_load_from_cache(source, name, revision=revision)
        return path if isinstance(path, str) else None

    whole = found("model.safetensors")
    if whole is not None:
        return [whole]
    index = found("model.safetensors.index.json")
    return [str(path) for path in sorted(Path(index).parent.glob("*.safetensors"))] if index else []
