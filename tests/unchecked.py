"""Types and shapes are checked at every call in tests; a simulation of thousands of calls can do without."""

from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping


@contextmanager
def unchecked() -> Iterator[None]:
    """No checks inside, which would double the time. For what is called again and again, and checked elsewhere.

    Also a decorator: `@unchecked()`.
    """
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)
