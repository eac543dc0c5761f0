"""Finding a model's decoder blocks without a list of architectures.

The blocks are the `ModuleList` whose length is the number of layers of the text config. When several have that
length, these go, one rule after the other, as long as something is left: lists inside another candidate (experts of a
mixture), lists of another modality or of an encoder, lists whose members are not in the model's
`_no_split_modules`. Exactly one must remain. Block i, counted from 0, is layer i: its output is the residual stream
before the final norm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from polyvalues.errors import ArchitectureError

_COUNTS: Final = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
OTHER_PARTS: Final = ("vision", "visual", "image", "audio", "speech", "encoder", "projector", "perceiver")


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of a model.

    Attributes:
        path: name of the list inside the model, e.g. `layers` or `decoder.layers`.
        modules: the blocks, in order.
        final_norm: what is applied after the last block, None when the blocks' parent has no such module.
    """

    path: str
    modules: tuple[nn.Module, ...]
    final_norm: nn.Module | None


def block_states(output: Any) -> Tensor:
    """The hidden states `[text, token, hidden]` in what a block returns: a tensor, or the first entry of a tuple.

    Raises:
        ArchitectureError: there are none.
    """
    states = output[0] if isinstance(output, tuple | list) and output else output
    if not isinstance(states, Tensor) or states.dim() != 3:
        what = type(output).__name__
        raise ArchitectureError(f"a block returned {what} without a tensor [text, token, hidden] in front")
    return states


def text_config(config: Any) -> Any:
    """The part of a (possibly multimodal) config that describes the language model."""
    try:
        return config.get_text_config(decoder=True)
    except (AttributeError, ValueError):
        # Configs of remote code may lack it, and it refuses models with several decoders: then the whole is meant.
        return config


def find_blocks(model: nn.Module) -> Blocks:
    """The decoder blocks of a base model (of an encoder: its blocks).

    Raises:
        ArchitectureError: no list has the right length, or several remain; the message names every `ModuleList`.
    """
    config = text_config(getattr(model, "config", None))
    counts = {name: getattr(config, name, None) for name in _COUNTS}
    depth = next((value for value in counts.values() if isinstance(value, int)), None)
    lists = {name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    tried = ", ".join(f"{name or '(root)'} ({len(module)})" for name, module in lists.items()) or "none"
    if depth is None:
        raise ArchitectureError(
            f"{type(model).__name__}: its config has none of {', '.join(_COUNTS)}, so the number of blocks is unknown; "
            f"module lists found: {tried}"
        )
    found = [name for name, module in lists.items() if len(module) == depth]
    unsplit = set(getattr(model, "_no_split_modules", None) or ())
    rules: tuple[Callable[[str], bool], ...] = (
        lambda name: not any(name.startswith(f"{other}.") for other in found),
        lambda name: not any(part in name.lower() for part in OTHER_PARTS),
        lambda name: {type(block).__name__ for block in lists[name]} <= unsplit,
    )
    for rule in rules:
        found = [name for name in found if rule(name)] or found
    if len(found) != 1:
        what = f"{len(found)} remain: {', '.join(found)}" if found else "none has it"
        raise ArchitectureError(
            f"{type(model).__name__}: looked for the one module list with {depth} members (the config's number of "
            f"layers), {what}; module lists found: {tried}; "
            f"classes not to split: {', '.join(sorted(unsplit)) or 'none'}"
        )
    path = found[0]
    parent = model.get_submodule(path.rpartition(".")[0])
    return Blocks(path, tuple(lists[path]), _final_norm(parent, lists[path]))


def _final_norm(parent: nn.Module, blocks: nn.ModuleList) -> nn.Module | None:
    """The norm after the last block: the last sibling behind the blocks that is a norm, else one named `final...`."""
    children = list(parent.named_children())
    place = next(i for i, (_, module) in enumerate(children) if module is blocks)
    norms = [(i, name, module) for i, (name, module) in enumerate(children) if "norm" in type(module).__name__.lower()]
    after = [module for i, _, module in norms if i > place]
    named = [module for _, name, module in norms if "final" in name]
    return next(reversed(after), None) or next(iter(named), None)
