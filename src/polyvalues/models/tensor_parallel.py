"""One model over several processes: tensor parallel by transformers' own plan, started by torchrun.

Every process holds a part of each matrix, so all of them must run the same passes. The first one leads: it does what a
single process does, and before each pass tells the others which token ids to read, as plain tensors. The others follow.
"""

import importlib
import os
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Int
from torch import distributed

from polyvalues.errors import ModelLoadError

_END: Final = -1


@dataclass(frozen=True, eq=False)
class Order:
    """A pass that all processes run.

    Attributes:
        ids: token ids, padded on the right.
        lengths: tokens of each text.
        packs: whether the texts are packed.
        last: the last block that is needed.
        through: the pass goes on to the end of the model.
        trial: the pass may fail (`polyvalues.models.batching_trial`), in all processes alike.
    """

    ids: Int[np.ndarray, "text token"]
    lengths: Int[np.ndarray, " text"]
    packs: bool
    last: int
    through: bool
    trial: bool = False


def leads() -> bool:
    """Whether this process is the first of those that torchrun started, or alone."""
    return int(os.environ.get("RANK", "0")) == 0


def parallel_plan(name: str) -> dict[str, Any]:
    """What `from_pretrained` is given.

    Raises:
        ModelLoadError: the process was not started by torchrun.
    """
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
        raise ModelLoadError(
            f"{name}: model.tensor_parallel = true needs one process per part: "
            "torchrun --nproc-per-node N -m polyvalues run ..."
        )
    # transformers 4 takes the plan itself; 5 takes it inside a config, and warns about the other way.
    config: Any = getattr(importlib.import_module("transformers.distributed"), "DistributedConfig", None)
    if "tp_plan" not in getattr(config, "__dataclass_fields__", {}):
        return {"tp_plan": "auto"}
    return {"distributed_config": config(tp_plan="auto")}


def give(order: Order | None, device: torch.device) -> None:
    """Tell the followers what to run; None: that there is nothing more."""
    if order is None:
        _shared(torch.tensor([_END, 0, 0, 0, 0, 0]), device)
        return
    rows, width = order.ids.shape
    _shared(torch.tensor([rows, width, int(order.packs), order.last, int(order.through), int(order.trial)]), device)
    _shared(torch.from_numpy(np.concatenate([order.lengths[:, None], order.ids], axis=1).astype(np.int64)), device)


def take(device: torch.device) -> Order | None:
    """What the leader says, None at the end."""
    rows, width, packs, last, through, trial = _shared(torch.zeros(6, dtype=torch.int64), device).tolist()
    if rows == _END:
        return None
    table = _shared(torch.zeros((rows, width + 1), dtype=torch.int64), device).numpy()
    return Order(table[:, 1:], table[:, 0], bool(packs), last, bool(through), bool(trial))


def _shared(content: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The leader's content, on every process. NCCL sends from the accelerator, gloo from the CPU."""
    there = content.to(device if distributed.get_backend() == "nccl" else "cpu")
    distributed.broadcast(there, src=0)
    return there.cpu()
