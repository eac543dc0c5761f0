"""The journal: what was added is there after any kill, and what is damaged is left out and said."""

import hashlib
import logging
import os
from pathlib import Path

import pytest

from polyvalues.errors import StorageFull, StoreError
from polyvalues.storage.journal import Journal
from polyvalues.storage.store import Store


def journal(folder: Path) -> Journal:
    return Journal(Store(folder), "sub/memory.jsonl")


def test_records_are_there_for_the_next_one(tmp_path: Path) -> None:
    first = journal(tmp_path)
    first.add({"a": ("x", "y\nz"), "b": ("\ud800 ☃",)})
    first.add({"a": ("new",)})
    first.add({})
    second = journal(tmp_path)
    assert second.get("a") == first.get("a") == ("new",)
    assert second.get("b") == ("\ud800 ☃",)
    assert second.get("c") is None
    assert len(second) == 2


def test_a_file_cut_anywhere_keeps_all_whole_records_and_goes_on(tmp_path: Path) -> None:
    for number in range(3):
        journal(tmp_path).add({f"k{number}": (f"text {number}",)})
    path = tmp_path / "sub/memory.jsonl"
    blob = path.read_bytes()
    ends = [at for at, byte in enumerate(blob) if byte == ord("\n")]
    for size in range(len(blob)):
        path.write_bytes(blob[:size])
        cut = journal(tmp_path)
        assert len(cut) == sum(end < size for end in ends)
        cut.add({"after": ("the cut",)})
        again = journal(tmp_path)
        assert again.get("after") == ("the cut",)
        assert len(again) == len(cut)


def test_a_flipped_byte_loses_its_record_only_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal(tmp_path).add({f"k{number}": (f"text {number}",) for number in range(3)})
    path = tmp_path / "sub/memory.jsonl"
    blob = bytearray(path.read_bytes())
    blob[blob.index(b"text 1") + 5] ^= 1
    path.write_bytes(blob)
    with caplog.at_level(logging.WARNING, "polyvalues"):
        read = journal(tmp_path)
    assert (read.get("k0"), read.get("k1"), read.get("k2")) == (("text 0",), None, ("text 2",))
    assert "1 damaged records" in caplog.text


def test_lines_that_fit_their_checksum_and_are_no_records_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "sub/memory.jsonl"
    path.parent.mkdir()
    lines = (b"[1]", b'["k"]', b'["k", [1]]', b'[{}, ["x"]]', b"{", b"\xff", b"[" * 100_000)
    path.write_bytes(b"".join(hashlib.sha256(x).hexdigest()[:16].encode() + b" " + x + b"\n" for x in lines))
    assert len(journal(tmp_path)) == 0


def test_links_are_not_written_through_and_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "sub/memory.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link"):
        journal(tmp_path)
    (tmp_path / "sub/memory.jsonl").unlink()
    late = journal(tmp_path)
    (tmp_path / "sub/memory.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        late.add({"a": ("x",)})
    assert (tmp_path / "elsewhere").read_bytes() == b""
    (tmp_path / "sub/memory.jsonl").unlink()
    (tmp_path / "sub/memory.jsonl").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        journal(tmp_path)
    if os.geteuid() != 0:
        (tmp_path / "shut").mkdir(mode=0o500)
        with pytest.raises(StorageFull):
            Journal(Store(tmp_path / "shut"), "memory.jsonl").add({"a": ("x",)})
