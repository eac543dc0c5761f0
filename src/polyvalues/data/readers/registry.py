"""All readers by name, and reading a source with the one it names."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers import (
    advbench,
    ethics_commonsense,
    ethics_deontology,
    ethics_utilitarianism,
    hub,
    instructions,
    mosaic,
    mvalue,
    realtoxicityprompts,
    sentence_pairs,
    stereoset,
    table,
    truthfulqa,
    truthfulqa_multi,
)
from polyvalues.data.readers.base import Reader
from polyvalues.errors import SpecError

READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        module.READER.name: module.READER
        for module in (
            mosaic,
            mvalue,
            ethics_commonsense,
            ethics_deontology,
            ethics_utilitarianism,
            stereoset,
            truthfulqa,
            truthfulqa_multi,
            realtoxicityprompts,
            advbench,
            instructions,
            sentence_pairs,
            table,
            hub,
        )
    }
)
"""Every reader, in the order they are listed to users."""


def read_source(source: PairSource) -> PairSet:
    """Read a source with the reader it names.

    Raises:
        SpecError: no reader has that name, or an option is wrong.
        ReaderError: the path is missing or unreadable, or a file is not what its format promises.
        MissingExtra: the reader needs a library that is not installed.
    """
    reader = READERS.get(source.reader)
    if reader is None:
        close = get_close_matches(source.reader, READERS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise SpecError(f"no reader is called {source.reader!r}; {hint}readers: {', '.join(READERS)}")
    return reader.read(source)
