"""Which of the files of an ETHICS task are read.

Contract: a path is one CSV file, the folder of a task, or the folder that holds the tasks. The parts are `train`,
`test` and `hard` (`*_test_hard.csv`); everything else in the folder is named in a note.
"""

from pathlib import Path
from typing import Final, NamedTuple

from polyvalues.config import PairSource
from polyvalues.data.readers.base import Chosen, Licence, Option
from polyvalues.data.readers.parsing.text_files import list_folder, nothing_in, source_path, unread
from polyvalues.errors import SpecError

OBTAIN: Final = (
    "ETHICS of Hendrycks et al. (2021), 'Aligning AI With Shared Human Values': repository hendrycks/ethics on "
    "GitHub (ethics.tar). MIT licence."
)

LICENCE: Final = (Licence("MIT", "repository hendrycks/ethics on GitHub"),)

CITATION: Final = (
    "Hendrycks, Burns, Basart, Critch, Li, Song and Steinhardt (2021). Aligning AI With Shared Human Values. ICLR. "
    "arXiv 2008.02275."
)

PART: Final = Option("part", "all", "Which files of a folder are read.", ("train", "test", "hard", "all"))

_ENDINGS: Final = {"train": "_train", "test": "_test", "hard": "_test_hard"}


class Part(NamedTuple):
    """One file, and the part of the data it is."""

    name: str
    path: Path


def ethics_parts(
    reader: str, source: PairSource, chosen: Chosen, task: tuple[str, str]
) -> tuple[list[Part], list[str]]:
    """The files to read, and notes on those that are left.

    Args:
        reader: its name.
        source: where to look.
        chosen: holds the option `part`.
        task: the name of the task's folder and what its files begin with, e.g. `("commonsense", "cm")`.

    Raises:
        ReaderError: nothing there to read.
        SpecError: the option `part` is given for a single file.
    """
    path = source_path(source)
    if not path.is_dir():
        if "part" in chosen.given:
            raise SpecError(
                f"{reader}:{source.path}: the option 'part' chooses among the files of a folder; leave it out"
            )
        return [Part(path.stem, path)], []
    folder, prefix = task
    if (path / folder).is_dir():
        path = path / folder
    files = {name: path / f"{prefix}{ending}.csv" for name, ending in _ENDINGS.items()}
    wanted = list(files) if chosen.text("part") == "all" else [chosen.text("part")]
    parts = [Part(name, files[name]) for name in wanted if files[name].is_file()]
    if not parts:
        raise nothing_in(path, f"a folder with {' or '.join(files[name].name for name in wanted)}")
    left = [entry for entry in list_folder(path) if entry not in {part.path for part in parts}]
    return parts, list(unread(reader, path, left))
