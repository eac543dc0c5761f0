"""Matching single texts: the promises hold for any lengths, and neither side is the longer one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyvalues.data.readers.parsing.length_matching import match_lengths

SIDE = st.lists(st.tuples(st.integers(0, 300), st.sampled_from("ab")), max_size=60)


@settings(max_examples=60, deadline=None)
@given(SIDE, SIDE, st.floats(1.01, 3), st.integers(0, 5))
def test_each_text_at_most_once_same_category_about_the_same_length(
    positive: list[tuple[int, str]], negative: list[tuple[int, str]], ratio: float, seed: int
) -> None:
    lengths = [length for length, _ in positive], [length for length, _ in negative]
    categories = [kind for _, kind in positive], [kind for _, kind in negative]
    index = match_lengths(lengths, categories, ratio, seed)
    assert index.shape == (len(index), 2)
    assert (np.diff(index[:, 0]) > 0).all()
    assert len(set(index[:, 1].tolist())) == len(index)
    for first, second in index.tolist():
        assert categories[0][first] == categories[1][second]
        short, long = sorted((max(lengths[0][first], 1), max(lengths[1][second], 1)))
        assert long <= short * ratio * (1 + 1e-9)
    np.testing.assert_array_equal(index, match_lengths(lengths, categories, ratio, seed))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=40), st.integers(0, 3))
def test_equal_lengths_always_find_each_other(lengths: list[int], seed: int) -> None:
    kinds = [""] * len(lengths)
    index = match_lengths((lengths, lengths[::-1]), (kinds, kinds), 1.2, seed)
    assert len(index) == len(lengths)
    assert all(lengths[first] == lengths[::-1][second] for first, second in index.tolist())


def test_the_seed_matters() -> None:
    lengths = [10] * 50
    first, second = (match_lengths((lengths, lengths), ([""] * 50, [""] * 50), 1.2, seed) for seed in (0, 1))
    assert (first != second).any()


@pytest.mark.parametrize("swap", [False, True])
def test_neither_side_is_the_longer_one(*, swap: bool) -> None:
    rng = np.random.default_rng(0)
    # Lengths of the sides rise and fall in opposite directions, the case where joining in order of length is biased.
    sides = [rng.gamma(4, 20, 2000).astype(int) + 1, rng.gamma(9, 12, 2000).astype(int) + 1]
    first, second = sides[::-1] if swap else sides
    index = match_lengths((first.tolist(), second.tolist()), ([""] * 2000, [""] * 2000), 1.25, 0)
    a, b = first[index[:, 0]], second[index[:, 1]]
    assert len(index) > 1000
    assert abs(np.mean((a > b) + 0.5 * (a == b)) - 0.5) < 0.03
    assert abs(a.mean() - b.mean()) < 1.0
    # It can fail: the texts themselves are far apart.
    assert abs(first.mean() - second.mean()) > 20
