from collections.abc import Mapping

import pyarrow as pa
import pytest
from pair_rows import grid, numbered, pair_set

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA, PairSet
from polyvalues.config import PairSource
from polyvalues.data import pairs as module
from polyvalues.data.pairs import make_pairs, read_pairs
from polyvalues.errors import PairsError

PLAIN = {"concept": "fairness", "language": "en", "item": "1", "positive": "fair", "negative": "unfair"}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch):
    """Reads given sets through `read_pairs`, as if the sources `test:<name>` held them."""

    def read_sets(sets: Mapping[str, PairSet]) -> PairSet:
        monkeypatch.setattr(module, "read_source", lambda source: sets[source.path])
        return read_pairs([PairSource(reader="test", path=name) for name in sets])

    return read_sets


def test_sources_follow_one_another_with_their_drops_and_notes(read) -> None:
    drop = {"concept": "morality", "item": "z", "reason": "unmatched"}
    one = pair_set([numbered(2), numbered(1)], [{**drop, "language": "en"}], ["sides matched", "seed 0"])
    other = pair_set([numbered(0, "es")], [{**drop, "language": "es"}], ["seed 0", "file b"])
    both = read({"a": one, "b": other})
    assert both.table.to_pylist() == [numbered(2), numbered(1), numbered(0, "es")]
    assert both.table.schema == PAIR_SCHEMA
    assert both.drops["language"].to_pylist() == ["en", "es"]
    assert both.drops.schema == DROP_SCHEMA
    assert both.notes == ("sides matched", "seed 0", "file b")


def test_one_item_in_two_sources_names_both(read) -> None:
    with pytest.raises(PairsError) as caught:
        read({"a": grid(2, ["en"]), "b": grid(2, ["es"]), "c": pair_set([numbered(9), numbered(1, "es")])})
    message = str(caught.value)
    assert "'morality', language 'es': item 'i1' is in test:b and in test:c" in message
    assert "concept=NAME" in message


def test_one_item_id_in_two_languages_or_concepts_is_fine(read) -> None:
    assert read({"a": grid(2), "b": grid(2, concept="fairness")}).table.num_rows == 12


def test_one_item_twice_in_a_source_names_the_rows(read) -> None:
    twice = pair_set([numbered(0), numbered(1), numbered(0)])
    with pytest.raises(PairsError, match=r"test:b: .*item 'i0' occurs twice \(rows 1 and 3\)"):
        read({"a": grid(2, ["es"]), "b": twice})


def test_no_source_is_an_error() -> None:
    with pytest.raises(PairsError, match="no source of pairs"):
        read_pairs([])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("concept", "Common Sense", "is not a concept name"),
        ("concept", "", "is blank"),
        ("language", "jp", "did you mean 'ja'"),
        ("language", " ", "is blank"),
        ("item", "\t", "is blank"),
        ("group", "", "is blank"),
    ],
)
def test_a_wrong_id_names_source_row_and_column(read, field: str, value: str, message: str) -> None:
    with pytest.raises(PairsError, match=f"test:a, row 2, '{field}': .*{message}"):
        read({"a": pair_set([numbered(0), {**numbered(1), field: value}])})


def test_a_table_of_another_shape_is_refused(read) -> None:
    table = grid(2, ["en"]).table
    with pytest.raises(PairsError, match=r"missing: \['group'\]"):
        read({"a": PairSet(table.drop_columns(["group"]))})
    with pytest.raises(PairsError, match=r"unknown: \['extra'\]"):
        read({"a": PairSet(table.append_column("extra", pa.array(["x", "y"])))})
    place = table.schema.get_field_index("prefix")
    holed = table.set_column(place, "prefix", pa.array(["", None], type=pa.string()))
    with pytest.raises(PairsError, match="test:a, row 2: 'prefix' is null"):
        read({"a": PairSet(holed)})
    nested = table.set_column(place, "prefix", pa.array([["x"], ["y"]]))
    with pytest.raises(PairsError, match="not text"):
        read({"a": PairSet(nested)})


def test_columns_of_another_order_or_string_type_are_put_right(read) -> None:
    table = grid(2, ["en"]).table
    large = table.cast(pa.schema([pa.field(name, pa.large_string()) for name in table.column_names]))
    found = read({"a": PairSet(large.select(list(reversed(table.column_names))))})
    assert found.table.equals(table)
    assert found.table.schema == PAIR_SCHEMA


def test_plain_rows_get_their_defaults() -> None:
    pairs = make_pairs(
        [PLAIN, {**PLAIN, "item": "2", "group": "g", "prefix": "It is ", "category": "c", "source": "s"}]
    )
    assert pairs.table.schema == PAIR_SCHEMA
    assert pairs.table.to_pylist() == [
        {**PLAIN, "group": "1", "prefix": "", "category": "", "source": "python"},
        {**PLAIN, "item": "2", "group": "g", "prefix": "It is ", "category": "c", "source": "s"},
    ]
    assert (pairs.drops.num_rows, pairs.notes) == (0, ())


def test_drops_and_notes_of_plain_rows() -> None:
    drop = {"concept": "fairness", "language": "en", "item": "3", "reason": "unmatched"}
    pairs = make_pairs([PLAIN], drops=[drop], notes=["by hand"])
    assert pairs.drops.to_pylist() == [{**drop, "detail": "", "action": "dropped"}]
    assert pairs.notes == ("by hand",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([PLAIN, {key: PLAIN[key] for key in PLAIN if key != "item"}], "row 2 lacks 'item'"),
        ([{**PLAIN, "item": 1}], "row 1, 'item': expected text, got int 1"),
        ([{**PLAIN, "prefix": None}], "row 1, 'prefix': expected text, got NoneType"),
        ([{**PLAIN, "pos": "x"}], "row 1 has unknown 'pos'"),
        ([PLAIN, PLAIN], r"item '1' occurs twice \(rows 1 and 2\)"),
        ([{**PLAIN, "language": "english"}], "row 1, 'language'"),
        ([{**PLAIN, "concept": "A b"}], "row 1, 'concept'"),
    ],
)
def test_wrong_plain_rows_are_refused(rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(PairsError, match=message):
        make_pairs(rows)


def test_a_wrong_drop_is_refused() -> None:
    with pytest.raises(PairsError, match="drop 1 lacks 'reason'"):
        make_pairs([PLAIN], drops=[{"concept": "fairness", "language": "en", "item": "1"}])
    with pytest.raises(PairsError, match="drop 1 has unknown 'group'"):
        make_pairs([PLAIN], drops=[{"concept": "fairness", "language": "en", "item": "1", "reason": "x", "group": "1"}])


def test_no_rows_are_an_empty_set() -> None:
    assert make_pairs([]).table.schema == PAIR_SCHEMA
