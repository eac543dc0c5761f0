"""A file that only grows: one record a line, each with its own checksum, so that a kill loses at most the line being
written.

    SHA-256 of the rest (16 hex digits), a space, JSON: [key, [text, ...]]

Reading leaves out lines that do not fit their checksum and says how many; an unfinished last line is cut off before
the next one is written. A key that is there twice counts as its last record. One process writes at a time: hold the
folder's lock.
"""

import hashlib
import json
import logging
import os
from collections.abc import Collection, Mapping
from typing import Final

from polyvalues.errors import StoreError
from polyvalues.storage.store import Store, explained, sync_folder

_LOG = logging.getLogger("polyvalues")
_DIGEST: Final = 16

Record = tuple[str, ...]


class Journal:
    """Texts by key, in one file of a store's folder.

    Args:
        store: the folder.
        name: of the file, as the store names files.

    Raises:
        StoreError: the file is a link, or cannot be read.
    """

    def __init__(self, store: Store, name: str) -> None:
        self.path = store.path(name)
        if self.path.is_symlink():
            raise StoreError(f"{self.path}: is a link, which could lead writing anywhere; put the file itself there")
        self._records: dict[str, Record] = {}
        self._end = 0
        self._read()

    def __len__(self) -> int:
        return len(self._records)

    def get(self, key: str) -> Record | None:
        """The texts under a key."""
        return self._records.get(key)

    def records(self) -> Collection[Record]:
        """All texts, in the order in which their keys first came."""
        return self._records.values()

    def add(self, entries: Mapping[str, Record]) -> None:
        """Append records; they are on the disk when this returns.

        Raises:
            StorageFull: the file cannot be written.
        """
        blob = b"".join(_line(key, record) for key, record in entries.items())
        if not blob:
            return
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            with os.fdopen(handle, "wb") as file:
                file.truncate(self._end)  # what a kill left unfinished
                file.seek(self._end)
                file.write(blob)
                file.flush()
                os.fsync(file.fileno())
            if self._end == 0:  # the file may be new
                sync_folder(self.path.parent)
        self._end += len(blob)
        self._records.update(entries)

    def _read(self) -> None:
        try:
            blob = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be read ({error.strerror})") from None
        self._end = blob.rfind(b"\n") + 1
        damaged = 0
        for line in blob[: self._end].split(b"\n")[:-1]:
            record = _record(line)
            if record is None:
                damaged += 1
            else:
                self._records[record[0]] = record[1]
        if damaged:
            _LOG.warning("%s: %d damaged records are left out; they are made again", self.path, damaged)


def _line(key: str, record: Record) -> bytes:
    content = json.dumps([key, list(record)], ensure_ascii=True).encode()
    return hashlib.sha256(content).hexdigest()[:_DIGEST].encode() + b" " + content + b"\n"


def _record(line: bytes) -> tuple[str, Record] | None:
    digest, _, content = line.partition(b" ")
    if hashlib.sha256(content).hexdigest()[:_DIGEST].encode() != digest:
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or len(found) != 2 or not isinstance(found[0], str):
        return None
    texts = found[1]
    return (found[0], tuple(texts)) if isinstance(texts, list) and all(isinstance(t, str) for t in texts) else None
