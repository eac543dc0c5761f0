"""Related items: what is beyond chance, and which items share a group."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from polyvalues.artifacts.related_items import (
    LEVEL,
    Null,
    beyond_chance,
    common_groups,
    merge_groups,
    related_rows,
    strong_cells,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 40))
def test_pairs_that_are_not_given_count_as_tests(p: list[float], more: int) -> None:
    values = np.array(p)
    adjusted = stats.false_discovery_control(np.append(values, np.ones(more)), method="bh")[: len(p)]
    clear = np.abs(adjusted - LEVEL) > 1e-9
    assert np.array_equal(beyond_chance(values, len(p) + more)[clear], (adjusted <= LEVEL)[clear])


def test_p_counts_the_observed_one_among_the_draws() -> None:
    null = Null(np.array([0.3, 0.4, 0.5]), 99)
    assert null.p(np.array([-0.6, 0.4, -0.25])).tolist() == [0.01, 0.03, 0.04]


def test_rows_name_the_pair_its_kind_and_its_cosine() -> None:
    cosine = np.eye(7)
    cosine[2, 5] = cosine[5, 2] = -0.9
    cosine[0, 1] = cosine[1, 0] = 0.8
    cosine[3, 4] = cosine[4, 3] = 0.25
    null = Null(np.full(30, 0.3), 420)
    rows = related_rows("truth", list("abcdefg"), strong_cells(cosine), null, "states").to_pylist()
    assert [(row["item"], row["other"], row["kind"], row["cosine"]) for row in rows] == [
        ("c", "f", "mirrored", -0.9),
        ("a", "b", "alike", 0.8),
    ]


def test_groups_are_merged_strongest_first_until_a_fold_is_full() -> None:
    group = {f"i{at}": f"i{at}" for at in range(20)}
    chain = [("i0", "i1"), ("i2", "i3"), ("i1", "i2"), ("i0", "i1")]
    merged, together = merge_groups(group, chain, 10)
    assert together == [True, True, False, True]  # two items are a fold's worth
    assert merged["i1"] == "i0"
    assert merged["i3"] == "i2"
    assert merged["i4"] == "i4"
    merged, together = merge_groups(group, chain, 5)
    assert together == [True] * 4
    assert {merged[f"i{at}"] for at in range(4)} == {"i0"}


def test_there_are_never_fewer_groups_than_folds() -> None:
    group = {f"i{at}": f"i{at}" for at in range(10)}
    pairs = [(f"i{at}", f"i{at + 1}") for at in range(0, 10, 2)]
    merged, together = merge_groups(group, pairs, 8)
    assert len(set(merged.values())) == 8
    assert together == [True, True, False, False, False]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_common_groups_are_no_finer_than_either(labels: list[tuple[int, int]]) -> None:
    first = {f"i{at}": f"g{one}" for at, (one, _) in enumerate(labels)}
    second = {f"i{at}": f"g{two}" for at, (_, two) in enumerate(labels)}
    names = common_groups(first, second)
    assert all(names[first[item]] == names[second[item]] for item in first)
    assert set(common_groups(first, first).items()) == {(name, name) for name in first.values()}
