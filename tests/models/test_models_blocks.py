"""Blocks are found by what they are, and a failure names what was tried."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from polyvalues.errors import ArchitectureError
from polyvalues.models.blocks import find_blocks
from tiny_models import ARCHITECTURES

PATHS = {
    **dict.fromkeys(ARCHITECTURES, "layers"),
    **dict.fromkeys(("gpt2", "bloom", "falcon", "falcon_alibi"), "h"),
    **dict.fromkeys(("bert", "roberta"), "encoder.layer"),
    "opt": "decoder.layers",
}


class Toy(nn.Module):
    """A model of module lists by path; `_no_split_modules` as given."""

    def __init__(self, config: Any, lists: dict[str, list[nn.Module]], unsplit: tuple[str, ...] = ()):
        super().__init__()
        self.config = config
        self._no_split_modules = list(unsplit)
        for path, modules in lists.items():
            parent: nn.Module = self
            for part in path.split(".")[:-1]:
                if part not in dict(parent.named_children()):
                    parent.add_module(part, nn.Module())
                parent = parent.get_submodule(part)
            parent.add_module(path.rpartition(".")[2], nn.ModuleList(modules))


class Block(nn.Module):
    pass


def some(kind: Callable[[], nn.Module], n: int) -> list[nn.Module]:
    return [kind() for _ in range(n)]


def config(**values: Any) -> Any:
    return SimpleNamespace(**values)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture(loaded: Callable[[str], Any], name: str):
    handle = loaded(name).handle
    blocks = find_blocks(handle.model)
    assert blocks.path == PATHS[name]
    assert blocks.modules == handle.blocks
    assert [type(block) for block in blocks.modules] == [type(blocks.modules[0])] * 3


def test_experts_as_many_as_layers_are_not_taken_for_blocks():
    model = Toy(config(num_hidden_layers=2), {"layers": some(Block, 2)})
    for block in model.get_submodule("layers").children():
        block.add_module("experts", nn.ModuleList(some(nn.Identity, 2)))
    assert find_blocks(model).path == "layers"


@pytest.mark.parametrize("other", ["vision_tower.layers", "audio.blocks", "encoder.layers", "image_model.h"])
def test_other_parts_of_the_same_depth_are_left_out(other: str):
    model = Toy(config(num_hidden_layers=2), {other: some(Block, 2), "language_model.layers": some(Block, 2)})
    assert find_blocks(model).path == "language_model.layers"


def test_classes_not_to_split_decide():
    lists = {"layers": some(Block, 2), "adapters": some(nn.Identity, 2)}
    assert find_blocks(Toy(config(num_hidden_layers=2), lists, ("Block",))).path == "layers"


@pytest.mark.parametrize("key", ["num_hidden_layers", "n_layer", "n_layers", "num_layers"])
def test_the_depth_has_several_names(key: str):
    assert find_blocks(Toy(config(**{key: 2}), {"h": some(Block, 2), "mlp": some(Block, 3)})).path == "h"


def test_the_text_part_of_a_config_counts():
    both = config(num_hidden_layers=7, get_text_config=lambda **_: config(num_hidden_layers=2))
    assert find_blocks(Toy(both, {"h": some(Block, 2), "tower": some(Block, 7)})).path == "h"


def test_none_of_the_right_length_names_what_was_tried():
    with pytest.raises(ArchitectureError, match=r"with 4 members.*none has it.*layers \(2\), other \(3\)"):
        find_blocks(Toy(config(num_hidden_layers=4), {"layers": some(Block, 2), "other": some(Block, 3)}))


def test_several_of_the_right_length_are_an_error():
    with pytest.raises(ArchitectureError, match="2 remain: layers, other"):
        find_blocks(Toy(config(num_hidden_layers=2), {"layers": some(Block, 2), "other": some(Block, 2)}))


def test_no_depth_in_the_config():
    with pytest.raises(ArchitectureError, match=r"none of num_hidden_layers, n_layer.*module lists found: none"):
        find_blocks(Toy(config(), {}))
