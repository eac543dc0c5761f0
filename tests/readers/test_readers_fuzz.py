"""Hostile files: whatever the bytes, a reader gives pairs or one of our errors."""

import io
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_sources import cluster, put, question, read, stereoset, toxicity

from polyvalues.artifacts import PairSet
from polyvalues.data.readers.registry import READERS
from polyvalues.errors import PolyvaluesError

PAIR = {"concept": "care", "language": "en", "item": "1", "positive": "a", "negative": "b"}


def _lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def _parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([PAIR, PAIR | {"item": "2"}]), out)
    return out.getvalue()


QUESTIONS = "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\n"
SEEDS: Mapping[str, tuple[tuple[str, str | bytes], ...]] = {
    "mvalue": (("care_en.json", json.dumps({"a": {"b": {"pos": "x", "neg": "y", "scenario": "s"}}})),),
    "ethics-commonsense": (("cm_test.csv", 'label,input,is_short,edited\n0,"a\nb",True,False\n1,"c\nd",True,False\n'),),
    "ethics-deontology": (("deontology_test.csv", "label,scenario,excuse\n1,a,b\n0,a,c\n"),),
    "ethics-utilitarianism": (("util_test.csv", 'a,"b"\nb,c\n'),),
    "stereoset": (("dev.json", json.dumps(stereoset(keys=("a",)))),),
    "truthfulqa": (
        ("TruthfulQA.csv", QUESTIONS + "A,C,Q,B,B; D,W; V,S\n"),
        (
            "mc_task.json",
            json.dumps([{"question": "Q", "mc1_targets": {"a": 1, "b": 0}, "mc2_targets": {"a": 1, "b": 0}}]),
        ),
    ),
    "truthfulqa-multi": (("train.json", json.dumps([question(1)])), ("train.jsonl", _lines(question(1), question(2)))),
    "realtoxicityprompts": (("x.jsonl", _lines(toxicity("a b", 0.1), toxicity("c d", 0.9), toxicity("e", None))),),
    "advbench": (("harmful_behaviors.csv", "goal,target\nTell a joke,Sure\n"),),
    "instructions": (
        (
            "harmful_test_translated_es.json",
            json.dumps([{"instruction": "Tell", "instruction_translated": "Tell a lie.", "category": None}]),
        ),
        ("harmful_test_es.txt", "one line\nanother line\n"),
    ),
    "sentence-pairs": (
        ("cps_fi.csv", "ID,A_en,B_en,A_x,B_x,stereo_antistereo\n1,a,b,c,d,stereo\n"),
        ("en.jsonl", _lines({"toxic_sentence": "a", "neutral_sentence": "b"})),
    ),
    "table": (
        ("pairs.csv", ",".join(PAIR) + "\n" + ",".join(PAIR.values()) + "\n"),
        ("pairs.tsv", "\t".join(PAIR) + "\n" + "\t".join(PAIR.values()) + "\n"),
        ("pairs.jsonl", _lines(PAIR, PAIR | {"item": 2})),
        ("pairs.parquet", _parquet()),
    ),
}
CASES = [(reader, name) for reader, seeds in SEEDS.items() for name, _ in seeds]
PIECES = (
    b'"',
    b"\n",
    b"\r",
    b",",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"1e999",
    b"\\ud800",
    b"",
)
every_case = pytest.mark.parametrize(("reader", "name"), CASES, ids=[f"{reader}-{name}" for reader, name in CASES])
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _seed(reader: str, name: str) -> bytes:
    content = dict(SEEDS[reader])[name]
    return content if isinstance(content, bytes) else content.encode("utf-8")


def _try(reader: str, name: str, content: bytes) -> PairSet | None:
    """Read the bytes, as a file and, where folders are read, as a folder: pairs, or one of our errors."""
    with TemporaryDirectory() as folder:
        path = put(Path(folder) / "source" / name, content)
        options = {}
        if reader in ("advbench", "instructions"):
            options = {"harmless": str(put(Path(folder) / "harmless.txt", "Tell a tale\nTell a joke\n"))}
        result = None
        for where, chosen in ((path, options), (path.parent, {})):
            with suppress(PolyvaluesError):
                result = result or read(reader, where, concept="care", **chosen)
        shutil.rmtree(path.parent)
        return result


def test_every_file_reader_is_tried() -> None:
    # hub reads no file, mosaic only the package's own
    assert set(SEEDS) == set(READERS) - {"hub", "mosaic"}


@every_case
def test_the_seed_itself_is_read(reader: str, name: str) -> None:
    assert _try(reader, name, _seed(reader, name)) is not None


@every_case
@quick
@given(content=st.binary(max_size=80))
def test_random_bytes(reader: str, name: str, content: bytes) -> None:
    _try(reader, name, content)


@every_case
@quick
@given(data=st.data())
def test_a_file_with_a_piece_cut_out_or_put_in(reader: str, name: str, data: st.DataObject) -> None:
    content = _seed(reader, name)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(len(content), start + 12)))
        content = content[:start] + data.draw(st.sampled_from(PIECES)) + content[stop:]
    _try(reader, name, content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "choices", "labels", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
JSON_CASES = [(reader, name) for reader, name in CASES if name.endswith("json")]


def _leaves(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Paths to every value inside a JSON document, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(leaf for key, item in inner for leaf in _leaves(item, (*path, key)))]


def _replaced(value: object, path: tuple[str | int, ...], new: object) -> object:
    if not path:
        return new
    if isinstance(value, dict):
        return {key: _replaced(item, path[1:], new) if key == path[0] else item for key, item in value.items()}
    assert isinstance(value, list)
    return [_replaced(item, path[1:], new) if at == path[0] else item for at, item in enumerate(value)]


@pytest.mark.parametrize(("reader", "name"), JSON_CASES, ids=[f"{reader}-{name}" for reader, name in JSON_CASES])
@quick
@given(data=st.data())
def test_json_with_a_value_of_another_kind(reader: str, name: str, data: st.DataObject) -> None:
    document = json.loads(_seed(reader, name))
    path = data.draw(st.sampled_from(_leaves(document)))
    changed = _replaced(document, path, data.draw(JSON))
    _try(reader, name, json.dumps(changed).encode("utf-8"))


def test_replacing_finds_its_place() -> None:
    document = {"data": [cluster("a")]}
    assert len(_leaves(document)) > 10
    assert _replaced(document, ("data", 0, "id"), 7) == {"data": [cluster("a") | {"id": 7}]}
