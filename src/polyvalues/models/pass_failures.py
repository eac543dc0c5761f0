"""What a forward pass can fail with, and whether it ran out of memory."""

from typing import Final

import torch

from polyvalues.errors import ArchitectureError

FAILURES: Final = (
    RuntimeError,
    MemoryError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    AssertionError,
    ArchitectureError,
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return any(sign in text for sign in ("not enough memory", "out of memory", "can't allocate memory"))
