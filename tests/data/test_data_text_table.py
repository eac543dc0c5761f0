import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair_rows import grid, numbered, pair_set, row

from polyvalues.artifacts import PairSet
from polyvalues.config import SplitSpec
from polyvalues.data.splits import split_pairs
from polyvalues.data.text_table import text_table
from polyvalues.errors import PairsError

CROSS = SplitSpec(mode="cross", folds=3)
FILL = [numbered(number) for number in range(100, 103)]


def crossed(rows: list[dict[str, str]]) -> PairSet:
    return split_pairs(pair_set([*rows, *FILL]), CROSS)


def test_each_text_is_there_once_and_every_pair_finds_its_two() -> None:
    pairs = crossed([
        row("a", "kind", "rude", prefix="Be "), row("b", "Be kind", "sour"), row("c", "rude", "Be rude"),
        row("d", "sour", "kind", prefix="Be "),
    ])  # fmt: skip
    table = text_table(pairs, "morality", "en", ["cross"])
    # "Be kind" is one text however it is divided; the first division is kept
    assert table.texts[:5] == (("Be ", "kind"), ("Be ", "rude"), ("", "sour"), ("", "rude"), ("Be ", "sour"))
    assert table.index[:4].tolist() == [[0, 1], [0, 2], [3, 1], [4, 0]]
    assert table.item.tolist() == ["a", "b", "c", "d", "i100", "i101", "i102"]
    assert len({prefix + side for prefix, side in table.texts}) == len(table.texts)


def test_types_and_labels() -> None:
    pairs = split_pairs(grid(80, ["en", "es"]), SplitSpec(mode="split"))
    table = text_table(pairs, "morality", "es", ("select", "test"))
    own = [entry for entry in pairs.table.to_pylist() if entry["language"] == "es" and entry["split"] != "fit"]
    assert (table.concept, table.language) == ("morality", "es")
    assert table.index.dtype == np.int64
    assert table.fold.dtype == np.int32
    for name in ("item", "group", "split", "fold"):
        assert getattr(table, name).tolist() == [entry[name] for entry in own]
    assert table.item.dtype.kind == table.group.dtype.kind == table.split.dtype.kind == "U"
    assert set(table.split) == {"select", "test"}


@given(st.lists(st.tuples(*[st.text("ab", max_size=2)] * 3), min_size=1, max_size=12))
def test_every_pair_reads_its_own_texts(sides: list[tuple[str, str, str]]) -> None:
    rows = [row(f"x{number}", pos, neg, prefix=prefix) for number, (prefix, pos, neg) in enumerate(sides)]
    table = text_table(crossed(rows), "morality", "en", {"cross"})
    read = ["".join(text) for text in table.texts]
    assert len(set(read)) == len(read)
    for pair, (prefix, pos, neg) in enumerate(sides):
        assert [read[place] for place in table.index[pair]] == [prefix + pos, prefix + neg]
    # order of first appearance
    first = np.unique(table.index.ravel(), return_index=True)[1]
    assert np.all(np.diff(first) > 0)


def test_nothing_to_read_is_an_error() -> None:
    pairs = crossed([])
    with pytest.raises(PairsError, match="concept 'morality', language 'en': no pair in fit"):
        text_table(pairs, "morality", "en", ["fit"])
    with pytest.raises(PairsError, match="language 'sw'"):
        text_table(pairs, "morality", "sw", ["cross"])
    with pytest.raises(PairsError, match="concept 'fairness'"):
        text_table(pairs, "fairness", "en", ["cross"])
    with pytest.raises(PairsError, match="no pair in"):
        text_table(pairs, "morality", "en", [])
    with pytest.raises(PairsError, match="unknown split 'tests'"):
        text_table(pairs, "morality", "en", ["tests"])
    with pytest.raises(PairsError, match="not been split"):
        text_table(grid(3), "morality", "en", ["fit"])
