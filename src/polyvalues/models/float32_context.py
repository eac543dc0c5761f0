"""A model computing in float32 for a while, with the weights it was loaded with.

Every half-precision number is a float32 number, so the weights lose nothing when they are widened. The narrow tensors
are kept and put back as they were, also after an error.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from polyvalues.models.language_model import ModelHandle

HALF: Final = (torch.bfloat16, torch.float16)
NARROW: Final = (torch.int8, torch.float8_e4m3fn, torch.float8_e5m2)
_QUANTISED: Final = re.compile(r"quanti[sz]ed|quant_?linear|bitsandbytes|torchao|wqlinear|hqq", re.IGNORECASE)
BYTES: Final = 6
"""Memory asked for per weight: four of them hold the wider copy, the rest is for what is computed."""
_MEMORY: Final = Path("/proc/meminfo")
_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_USED: Final = Path("/sys/fs/cgroup/memory.current")


def computes_in_half(model: nn.Module) -> bool:
    """Whether any weight is in half precision."""
    return any(parameter.dtype in HALF for parameter in model.parameters())


def obstacle(handle: ModelHandle) -> str:
    """What stands in the way of computing in float32, in words; empty: nothing, or the model does so anyway."""
    parameters = list(handle.model.parameters())
    config: Any = handle.model.config
    whole = {*HALF, torch.float32, torch.float64}
    quantised = "quantisation" in handle.description or getattr(config, "quantization_config", None)
    if quantised or any(parameter.dtype not in whole for parameter in parameters):
        return "the model is quantised"
    packed = quantised_modules(handle.model)
    if packed:
        return f"the model is quantised: {', '.join(packed)}"
    if not computes_in_half(handle.model):
        return ""
    if handle.runtime is not None:
        return "another library runs the model"
    if handle.divided:
        return "the model is divided over processes"
    if any(parameter.device.type == "meta" for parameter in parameters):
        return "part of the weights is not in memory"
    needed: Counter[torch.device] = Counter()
    for parameter in parameters:
        needed[parameter.device] += BYTES * parameter.numel() * (parameter.dtype in HALF)
    for device, size in needed.items():
        room = available(device)
        if size and room is None:
            return f"how much memory {device} has left is not known"
        if size and room is not None and size >= room:
            return f"it takes {size / 2**30:.1f} GiB of {device}, {room / 2**30:.1f} are left"
    return ""


def quantised_modules(model: nn.Module) -> tuple[str, ...]:
    """Kinds of modules that keep quantised weights, some of them where `parameters()` does not look.

    Dynamic int8 layers of torch pack their weights into an object; their other parameters are float32. Such layers are
    known by the names of their classes and modules, and by tensors that are quantised.
    """
    found = []
    for module in model.modules():
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        kinds = [f"{kind.__module__}.{kind.__name__}" for kind in (*type(module).__mro__, *map(type, own))]
        if any(_QUANTISED.search(kind) for kind in kinds) or any(
            tensor.is_quantized or tensor.dtype in NARROW for tensor in own
        ):
            found.append(type(module).__name__)
    return tuple(dict.fromkeys(found))


def available(device: torch.device) -> int | None:
    """Bytes of memory that a device has left; None where that is not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu" or not _MEMORY.exists():
        return None
    lines = dict(line.split(":", 1) for line in _MEMORY.read_text(encoding="ascii").splitlines())
    free = 1024 * int(lines["MemAvailable"].split()[0])
    limit = _LIMIT.read_text(encoding="ascii").strip() if _LIMIT.exists() and _USED.exists() else ""
    return min(free, int(limit) - int(_USED.read_text(encoding="ascii"))) if limit.isdecimal() else free


@contextmanager
def single_precision(model: nn.Module) -> Iterator[None]:
    """While the block runs, half-precision weights and buffers are float32; afterwards they are as they were."""
    narrow = [tensor for tensor in chain(model.parameters(), model.buffers()) if tensor.dtype in HALF]
    kept = [tensor.data for tensor in narrow]
    try:
        for tensor in narrow:
            tensor.data = tensor.data.float()
        yield
    finally:
        for tensor, own in zip(narrow, kept, strict=True):
            tensor.data = own
