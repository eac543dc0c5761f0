"""The only reader and writer of a study's artefacts.

A study is a folder. Every artefact is one file with a readable name, sealed: its JSON header (format, kind, key, spec,
inputs, model fingerprint, package versions) holds a SHA-256 of the whole file, taken with the digest itself set to
zeros, so a flipped byte or a cut end is noticed before any parser sees the file. A file is written to a temporary
name, synced and renamed, so it is there whole or not at all.

An artefact's *key* is the content hash of everything it depends on. `Store.once` returns the stored artefact when key
and seal agree and makes it anew otherwise; that is all there is to resuming and to redoing exactly what changed.

No pickle is written or read. netCDF files are of the classic kind: unlike HDF5 they hold no time stamps, so
the same artefact is the same bytes.
"""

import contextlib
import errno
import hashlib
import io
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import filelock
import numpy as np
import pyarrow.parquet as pq

from polyvalues.artifacts import PairSet
from polyvalues.artifacts.versions import VERSIONS
from polyvalues.errors import CorruptArtifact, PolyvaluesError, StorageFull, StoreError, StudyLocked
from polyvalues.storage.serialization import CODECS, FORMAT, KINDS, Codec

_LOG = logging.getLogger("polyvalues")
_ZEROS: Final = "0" * 64
_SEAL: Final = re.compile(rb"polyvalues-seal:[0-9a-f]{16}:([0-9a-f]{64})")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_UNWRITABLE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
A = TypeVar("A")


@dataclass(frozen=True)
class Provenance:
    """What an artefact says about where it comes from.

    Attributes:
        kind: of artefact, as in `polyvalues.artifacts.versions`.
        spec: the settings it depends on, as JSON-ready values.
        inputs: content keys of the artefacts it was made from, by name.
        fingerprint: of the model; empty where no model is involved.
    """

    kind: str
    spec: Mapping[str, Any]
    inputs: Mapping[str, str]
    fingerprint: str = ""

    @property
    def key(self) -> str:
        """SHA-256 (hex) of everything the artefact depends on, the versions of format and kind included."""
        return content_key(
            {
                "format": FORMAT,
                "kind": self.kind,
                "version": VERSIONS[self.kind],
                "spec": dict(self.spec),
                "inputs": dict(self.inputs),
                "fingerprint": self.fingerprint,
            }
        )


def content_key(content: object) -> str:
    """SHA-256 (hex) of the canonical JSON form of `content`."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Store:
    """One study folder.

    Args:
        root: the folder; made when first written to.
        versions: package versions, written into every header (and not part of any key).
    """

    def __init__(self, root: Path, versions: Mapping[str, str] | None = None) -> None:
        self.root = root
        self._versions = dict(versions or {})

    def path(self, name: str) -> Path:
        """Where `name` is kept. Names are made from concepts and languages, which may come from data: checked here.

        Raises:
            StoreError: the name, or a link in the folder, could lead out of it or upset a file system.
        """
        if not _NAME.fullmatch(name) or ".." in name:
            raise StoreError(f"{name!r} cannot be a file name; rename the concept or language it is made from")
        path = self.root / name
        linked = next((folder for folder in path.parents if folder.is_symlink() and self.root in folder.parents), None)
        if linked is not None:
            raise StoreError(
                f"{linked}: is a link inside a study folder, which could lead writing anywhere; link the whole study "
                "folder instead"
            )
        return path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder. The operating system lets go when the process ends, however it ends.

        Raises:
            StudyLocked: another process holds it.
            StorageFull: the folder cannot be made or written.
        """
        with explained(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.root / ".lock", timeout=0)
            try:
                lock.acquire()
            except filelock.Timeout:
                raise StudyLocked(
                    f"{self.root}: another run is working in this folder; wait for it or use another --out"
                ) from None
        try:
            for leftover in self.root.rglob(".*.partial"):
                leftover.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def once(self, name: str, kind: type[A], provenance: Provenance, make: Callable[[], A]) -> A:
        """The artefact `name`, from the folder when it is there and valid, else made and stored.

        A file that is damaged is reported (warning, by name) and made anew; one with another key is overwritten.

        Raises:
            StorageFull: it cannot be written; the old file is intact.
        """
        found = self.find(name, kind, provenance)
        if found is not None:
            return found
        artefact = make()
        self.put(name, artefact, provenance)
        return artefact

    def find(self, name: str, kind: type[A], provenance: Provenance) -> A | None:
        """The artefact `name` if the folder holds it whole and with this provenance's key, else None."""
        path = self.path(name)
        try:
            header, data = self._open(path, kind)
            if header.get("key") != provenance.key:
                return None
            return self._decode(path, kind, data)
        except FileNotFoundError:
            return None
        except CorruptArtifact as error:
            _LOG.warning("%s; making it again", error)
            return None

    def provenance(self, name: str, kind: type) -> tuple[str, Mapping[str, str]]:
        """Key and inputs of a stored artefact, as its header has them.

        Raises:
            StoreError: there is no such file.
            CorruptArtifact: it is damaged, or not an artefact of this kind.
        """
        path = self.path(name)
        try:
            header, _ = self._open(path, kind)
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(f"{path}: no such artefact; is {self.root} a finished study?") from None
        inputs = header.get("inputs")
        return str(header.get("key", "")), dict(inputs) if isinstance(inputs, dict) else {}

    def discard(self, name: str) -> None:
        """Remove a file that no longer belongs to the folder, if it is there.

        Raises:
            StorageFull: it cannot be removed.
        """
        path = self.path(name)
        with explained(path):
            path.unlink(missing_ok=True)

    def get(self, name: str, kind: type[A]) -> A:
        """The stored artefact `name`, whatever its key.

        Raises:
            StoreError: there is no such file.
            CorruptArtifact: it is damaged, or not an artefact of this kind.
        """
        path = self.path(name)
        try:
            _, data = self._open(path, kind)
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(f"{path}: no such artefact; is {self.root} a finished study?") from None
        return self._decode(path, kind, data)

    def put(self, name: str, artefact: object, provenance: Provenance) -> str:
        """Write `artefact` under `name`, sealed and atomically; returns its key."""
        kind, path = type(artefact), self.path(name)
        codec, key = _codec(kind, path), provenance.key
        token = f"polyvalues-seal:{key[:16]}:"
        header = {
            "format": FORMAT,
            "kind": KINDS[kind],
            "key": key,
            "made": f"{provenance.kind} {VERSIONS[provenance.kind]}",
            "spec": dict(provenance.spec),
            "inputs": dict(provenance.inputs),
            "fingerprint": provenance.fingerprint,
            "versions": self._versions,
            "seal": token + _ZEROS,
        }
        with explained(path):
            blob = codec.encode(artefact, json.dumps(header, sort_keys=True, ensure_ascii=True), path)
        at = blob.find((token + _ZEROS).encode()) + len(token)
        digest = hashlib.sha256(blob).hexdigest().encode()
        self.write(name, blob[:at] + digest + blob[at + 64 :])
        return key

    def write(self, name: str, content: bytes | str) -> None:
        """Write a plain file (table, figure, page) atomically: there whole, or the old one untouched.

        Raises:
            StorageFull: disk full, quota reached, file too large, or the folder is read-only.
        """
        _write(self.path(name), content.encode() if isinstance(content, str) else content)

    @contextlib.contextmanager
    def array(self, name: str, shape: tuple[int, ...], dtype: str) -> Iterator[np.ndarray]:
        """A new memory-mapped array file to fill; it appears under `name` when the block ends without an error.

        The room is claimed at once, so a full disk is noticed before the work, not after it.
        """
        path = self.path(name)
        partial = path.with_name(f".{path.name}.partial")
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)  # a link left there would be followed
            try:
                mapped = np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape)
                with partial.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, partial.stat().st_size)
                yield mapped
                mapped.flush()
                with partial.open("rb") as file:
                    os.fsync(file.fileno())
                partial.replace(path)
                sync_folder(path.parent)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise

    def _open(self, path: Path, kind: type) -> tuple[dict[str, Any], bytes]:
        """Header and content of a file whose seal holds."""
        blob = path.read_bytes()
        for match in _SEAL.finditer(blob):
            start, end = match.span(1)
            if hashlib.sha256(blob[:start] + _ZEROS.encode() + blob[end:]).hexdigest().encode() == match[1]:
                break
        else:
            raise CorruptArtifact(f"{path}: damaged or cut short (its checksum does not fit its content)")
        header = _parsed(path, lambda: json.loads(_codec(kind, path).header(blob)))
        if not isinstance(header, dict):
            raise CorruptArtifact(f"{path}: its header is {type(header).__name__}, not an object")
        if header.get("format") != FORMAT:
            raise CorruptArtifact(f"{path}: written in format {header.get('format')!r}, this version reads {FORMAT!r}")
        if header.get("kind") != KINDS[kind]:
            raise CorruptArtifact(f"{path}: holds {header.get('kind')!r} where {KINDS[kind]!r} was expected")
        return header, blob

    @staticmethod
    def _decode(path: Path, kind: type[A], blob: bytes) -> A:
        artefact = _parsed(path, lambda: _codec(kind, path).decode(blob, path))
        assert isinstance(artefact, kind)
        return artefact


def _write(path: Path, blob: bytes) -> None:
    """Write, sync, rename."""
    partial = path.with_name(f".{path.name}.partial")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.unlink(missing_ok=True)
            with partial.open("xb") as file:  # never through a link that is there
                file.write(blob)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            sync_folder(path.parent)
        except OSError:
            partial.unlink(missing_ok=True)
            raise


def write_pairs(pairs: PairSet, path: Path) -> None:
    """Write pairs as one plain Parquet file that the reader `table` reads back.

    Raises:
        StorageFull: the file cannot be written.
    """
    sink = io.BytesIO()
    pq.write_table(pairs.table, sink)
    _write(path, sink.getvalue())


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _codec(kind: type, path: Path) -> Codec:
    if kind not in CODECS:
        raise StoreError(f"{path}: a {kind.__name__} is not something that is stored")
    return CODECS[kind]


def _parsed(path: Path, parse: Callable[[], Any]) -> Any:
    """What a parser makes of a file. A seal shows that a file is whole, not that it is ours: anyone can make one."""
    try:
        return parse()
    except PolyvaluesError:
        raise
    except Exception as error:  # noqa: BLE001 (files made to be hostile make parsers raise anything)
        raise CorruptArtifact(f"{path}: cannot be decoded ({type(error).__name__}: {str(error)[:200]})") from None


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise StorageFull(
            f"{path}: cannot be written ({os.strerror(error.errno or 0).lower()}); what was stored before is intact. "
            "Make room or allow writing there, then run the same command again: it goes on from here"
        ) from None
