"""Languages told by the names of folders and files.

Contract: a folder or a part of a file's name tells a language when it is a registered tag whose first part has two
letters (`es`, `pt-BR`), or, for folders only, three; so that `raw`, `csv` or `cps` in a file's name is no language.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from polyvalues.data.readers.parsing.pair_rows import is_language
from polyvalues.data.readers.parsing.text_files import list_folder, nothing_in, unread

_SHORT: Final = re.compile(r"[A-Za-z]{2}(-[A-Za-z0-9]{2,8})*")
_FOLDER: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def language_of_name(name: str) -> str | None:
    """The language a folder is called by, None if its name is no tag with a two-letter language."""
    return name if _SHORT.fullmatch(name) and is_language(name) else None


def language_of_stem(stem: str) -> str | None:
    """The language in a file's name without ending, None if no part or more than one part of it is a tag."""
    found = {part for part in re.split(r"[_.\s-]+", stem) if part.islower() and language_of_name(part)}
    return found.pop() if len(found) == 1 else None


def language_folders(
    reader: str, path: Path, suffixes: Sequence[str]
) -> tuple[list[tuple[str | None, list[Path]]], list[str]]:
    """The files of each language in a folder, and notes on what else it holds.

    Args:
        reader: its name, for the notes.
        path: a folder with one folder per language, or the folder of one language, or a folder of files only.
        suffixes: endings of the files.

    Returns:
        `(language, files)` per folder that has files; the language is None when nothing tells it.

    Raises:
        ReaderError: nothing there to read.
    """
    entries = list_folder(path)
    here = [entry for entry in entries if entry.is_file() and entry.suffix.lower() in suffixes]
    if here:
        left = [entry for entry in entries if entry not in here]
        return [(language_of_name(path.name), here)], list(unread(reader, path, left))
    folders: list[tuple[str | None, list[Path]]] = []
    left = []
    for entry in entries:
        named = entry.is_dir() and _FOLDER.fullmatch(entry.name) is not None and is_language(entry.name)
        inside = list_folder(entry) if named else []
        found = [file for file in inside if file.is_file() and file.suffix.lower() in suffixes]
        if found:
            folders.append((entry.name, found))
            left += [file for file in inside if file not in found]
        else:
            left.append(entry)
    if not folders:
        raise nothing_in(
            path, f"a folder with files ending in {' or '.join(suffixes)}, or one such folder per language"
        )
    return folders, list(unread(reader, path, left))
