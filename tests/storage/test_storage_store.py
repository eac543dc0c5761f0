"""The store: sealed, atomic, keyed by content, honest about damage."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import xarray as xr

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA, Activations, ConceptVectors, Moments, PairSet, Scores
from polyvalues.errors import CorruptArtifact, StorageFull, StoreError, StudyLocked
from polyvalues.storage.serialization import CODECS, KINDS, states_name
from polyvalues.storage.store import Provenance, Store

PROVENANCE = Provenance(kind="vectors", spec={"a": 1}, inputs={"pairs": "00"}, fingerprint="0123456789abcdef")


def vectors(seed: int = 0) -> ConceptVectors:
    rng = np.random.default_rng(seed)
    shape = (2, 3, 4)
    data = xr.Dataset(
        {
            "vector": (("source", "layer", "hidden"), rng.normal(size=shape).astype(np.float32)),
            "midpoint": (("source", "layer", "hidden"), rng.normal(size=shape).astype(np.float32)),
        },
        coords={"source": ["en", "ta"], "layer": np.arange(3, dtype=np.int32)},
        attrs={"concept": "fairness"},
    )
    return ConceptVectors(data)


def scores() -> Scores:
    data = xr.Dataset(
        {"projection": (("pair", "side", "layer", "source"), np.arange(12, dtype=np.float32).reshape(3, 2, 2, 1))},
        coords={
            "item": ("pair", np.array(["a", "b", "ñ"], dtype=object)),
            "fold": ("pair", np.array([0, 1, -1], dtype=np.int32)),
            "source": np.array(["en"], dtype=object),
            "layer": np.arange(2, dtype=np.int32),
        },
        attrs={"concept": "fairness", "target": "ta"},
    )
    return Scores(data)


def pairs() -> PairSet:
    row = dict.fromkeys(PAIR_SCHEMA.names, "x")
    rows = [row | {"item": "1", "positive": "சரி"}, row | {"item": "2", "negative": "non è\x1fgiusto"}]
    drop = dict.fromkeys(DROP_SCHEMA.names, "y")
    return PairSet(pa.Table.from_pylist(rows, PAIR_SCHEMA), pa.Table.from_pylist([drop], DROP_SCHEMA), ("note",))


def moments() -> Moments:
    data = xr.Dataset({"count": ("fold", np.array([2, 2**40]))}, attrs={"language": "en"})
    return Moments(data)


@pytest.mark.parametrize(
    ("name", "artefact"), [("v.safetensors", vectors()), ("s.nc", scores()), ("m.safetensors", moments())]
)
def test_round_trip_is_exact(tmp_path: Path, name: str, artefact: ConceptVectors | Scores | Moments) -> None:
    store = Store(tmp_path)
    store.put(name, artefact, PROVENANCE)
    back = store.get(name, type(artefact))
    xr.testing.assert_identical(back.data.drop_vars([]), artefact.data)
    for key in artefact.data.data_vars:
        assert back.data[key].dtype == artefact.data[key].dtype


def test_pairs_round_trip_with_drops_and_notes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("pairs.parquet", pairs(), PROVENANCE)
    back = store.get("pairs.parquet", PairSet)
    assert back.table.to_pylist() == pairs().table.to_pylist()
    assert back.drops.to_pylist() == pairs().drops.to_pylist()
    assert back.notes == ("note",)


def test_same_artefact_same_bytes(tmp_path: Path) -> None:
    for name, artefact in [("v.safetensors", vectors()), ("s.nc", scores()), ("p.parquet", pairs())]:
        Store(tmp_path / "a").put(name, artefact, PROVENANCE)
        Store(tmp_path / "b").put(name, artefact, PROVENANCE)
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "artefact"), [("v.safetensors", vectors()), ("s.nc", scores()), ("p.parquet", pairs())]
)
def test_any_flipped_byte_is_noticed(tmp_path: Path, name: str, artefact: object) -> None:
    store = Store(tmp_path)
    store.put(name, artefact, PROVENANCE)
    path = tmp_path / name
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    places = rng.choice(len(whole), size=60, replace=False)
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged))
        with pytest.raises(CorruptArtifact, match=name):
            store.get(name, type(artefact))
    path.write_bytes(whole)
    store.get(name, type(artefact))


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_cut_file_is_noticed(tmp_path: Path, keep: int) -> None:
    store = Store(tmp_path)
    store.put("v.safetensors", vectors(), PROVENANCE)
    path = tmp_path / "v.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CorruptArtifact):
        store.get("v.safetensors", ConceptVectors)


def test_once_makes_only_what_is_missing_changed_or_damaged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store, made = Store(tmp_path), []

    def make() -> ConceptVectors:
        made.append(1)
        return vectors()

    for _ in range(2):
        store.once("v.safetensors", ConceptVectors, PROVENANCE, make)
    assert len(made) == 1
    other = Provenance(kind="vectors", spec={"a": 2}, inputs=PROVENANCE.inputs, fingerprint=PROVENANCE.fingerprint)
    store.once("v.safetensors", ConceptVectors, other, make)
    assert len(made) == 2
    assert not caplog.records
    (tmp_path / "v.safetensors").write_bytes(b"rubbish")
    store.once("v.safetensors", ConceptVectors, other, make)
    assert len(made) == 3
    assert "v.safetensors" in caplog.text
    assert "damaged" in caplog.text


def test_every_part_of_the_provenance_is_in_the_key() -> None:
    keys = {
        PROVENANCE.key,
        Provenance("scores", PROVENANCE.spec, PROVENANCE.inputs, PROVENANCE.fingerprint).key,
        Provenance("vectors", {"a": 2}, PROVENANCE.inputs, PROVENANCE.fingerprint).key,
        Provenance("vectors", PROVENANCE.spec, {"pairs": "01"}, PROVENANCE.fingerprint).key,
        Provenance("vectors", PROVENANCE.spec, PROVENANCE.inputs, "f" * 16).key,
    }
    assert len(keys) == 5


def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("s.nc", scores(), PROVENANCE)
    with pytest.raises(CorruptArtifact, match="holds 'Scores'"):
        store.get("s.nc", xr.Dataset)
    with pytest.raises(StoreError, match="no such artefact"):
        store.get("missing.nc", Scores)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    import pickle  # the point of the test

    (tmp_path / "v.safetensors").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CorruptArtifact):
        Store(tmp_path).get("v.safetensors", ConceptVectors)


def test_activations_are_mapped_and_checked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    values = np.random.default_rng(1).normal(size=(2, 5, 3)).astype(np.float32)
    with store.array(states_name("a.nc"), values.shape, "float32") as out:
        out[:] = values
    labels = xr.Dataset(
        {"index": (("pair", "side"), np.array([[0, 1]]))},
        coords={"layer": np.arange(2, dtype=np.int32), "item": ("pair", np.array(["i"], dtype=object))},
    )
    artefact = Activations(labels.assign(states=(("layer", "text", "hidden"), values)))
    store.put("a.nc", artefact, PROVENANCE)
    back = store.get("a.nc", Activations)
    np.testing.assert_array_equal(back.data["states"].values, values)
    assert back.data["layer"].values.tolist() == [0, 1]
    blob = bytearray((tmp_path / "a.npy").read_bytes())
    blob[-1] ^= 1
    (tmp_path / "a.npy").write_bytes(bytes(blob))
    with pytest.raises(CorruptArtifact, match=r"a\.npy"):
        store.get("a.nc", Activations)


def test_an_unfinished_array_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt), store.array("a.npy", (2, 2), "float32"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_second_run_in_one_folder_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from polyvalues.storage.store import Store\n"
        "with Store(Path(sys.argv[1])).locked():\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StudyLocked, match="another run"), Store(tmp_path).locked():
        pass
    holder.kill()
    holder.communicate()
    with Store(tmp_path).locked():
        pass


def test_leftovers_of_a_killed_run_are_cleared(tmp_path: Path) -> None:
    (tmp_path / "vectors").mkdir()
    leftover = tmp_path / "vectors" / ".v.safetensors.partial"
    leftover.write_bytes(b"half")
    with Store(tmp_path).locked():
        assert not leftover.exists()


def test_a_full_disk_is_explained_and_the_old_file_stays(tmp_path: Path) -> None:
    """A real refusal by the kernel: the file-size limit of a child process, in place of a full disk."""
    store = Store(tmp_path)
    store.put("v.safetensors", vectors(0), PROVENANCE)
    before = (tmp_path / "v.safetensors").read_bytes()
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from polyvalues.storage.store import Store; from polyvalues.errors import StorageFull\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
        "try:\n    Store(Path(sys.argv[1])).write('v.safetensors', b'x' * 4096)\n"
        "except StorageFull as error:\n    sys.stdout.write(str(error))\n"
    )
    child = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "intact" in child.stdout
    assert "v.safetensors" in child.stdout
    assert (tmp_path / "v.safetensors").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["v.safetensors"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_every_refusal_to_write_is_explained(tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageFull, match="Make room"):
        Store(tmp_path).write("x.csv", "a,b\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../v.nc", "/etc/x.nc", "a//b", "a/../b", "", "a b", ".hidden", "a/b\n", "a\\b"])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="cannot be a file name"):
        Store(tmp_path).write(name, "x")


def test_a_number_that_netcdf_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="2\\^31"):
        Store(tmp_path).put("x.nc", xr.Dataset({"n": ("x", np.array([2**40]))}), PROVENANCE)


def test_a_file_in_place_of_a_folder_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a study", encoding="utf-8")
    with pytest.raises(StoreError, match="a finished study"):
        Store(tmp_path / "file").get("findings/recognition.nc", xr.Dataset)


def test_where_an_artefact_comes_from_and_what_no_longer_belongs(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("v.safetensors", vectors(), PROVENANCE)
    assert store.provenance("v.safetensors", ConceptVectors) == (PROVENANCE.key, {"pairs": "00"})
    store.discard("v.safetensors")
    store.discard("v.safetensors")
    with pytest.raises(StoreError, match="no such artefact"):
        store.provenance("v.safetensors", ConceptVectors)


def test_headers_hold_words_that_no_renaming_changes(tmp_path: Path) -> None:
    """Folders of earlier releases hold these words: none may change, whatever the classes are called."""
    assert set(KINDS) == set(CODECS)
    assert sorted(KINDS.values()) == [
        "Activations", "ConceptVectors", "Dataset", "Generations", "Moments", "PairSet", "Replicates", "Scores",
        "SteeringVectors", "Table",
    ]  # fmt: skip
    with pytest.raises(StoreError):
        Store(tmp_path).put("x.nc", object(), Provenance("pairs", {}, {}))
