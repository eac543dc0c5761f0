"""Streamed sums and kept activations: equal to loops over pairs, however the texts are batched or divided."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyvalues.artifacts import Moments, TextTable
from polyvalues.errors import VectorError
from polyvalues.vectors.accumulators.activations import ActivationsReducer
from polyvalues.vectors.accumulators.moments import CHUNK, MomentsReducer, moments_from_activations
from polyvalues.vectors.baseline_directions import coin_contents, coin_signs
from reference.vectors_cases import activations_of, states_of, table_of
from reference.vectors_oracle import fold_totals

TABLE = table_of(25, 4, seed=0)
STATES = states_of(TABLE, 3, 7, seed=1)


def batches(texts: int, cuts: list[int], seed: int) -> list[np.ndarray]:
    """The texts in random order, cut into batches."""
    order = np.random.default_rng(seed).permutation(texts)
    return [part for part in np.split(order, sorted({cut % texts for cut in cuts})) if len(part)]


def streamed(parts: list[np.ndarray], table: TextTable = TABLE, states: np.ndarray = STATES) -> MomentsReducer:
    reducer = MomentsReducer(table, 4, 3, seed=5)
    for index in parts:
        reducer.update(index, states[:, index])
    return reducer


def same(left: Moments, right: Moments, *, exactly: bool = False) -> None:
    for name in ("count", "unit_count"):
        assert np.array_equal(left.data[name], right.data[name])
    for name in ("total", "permuted", "unit"):
        if exactly:
            assert np.array_equal(left.data[name], right.data[name])
        loose = (1e-5, 1e-5) if name == "permuted" else (1e-12, 1e-11)  # float64 and float32
        np.testing.assert_allclose(left.data[name], right.data[name], rtol=loose[0], atol=loose[1])


def test_sums_equal_the_loop_over_pairs() -> None:
    moments = streamed([np.arange(len(TABLE.texts))]).result().data
    count, total = fold_totals(TABLE, STATES, 4)
    assert np.array_equal(moments["count"], count)
    assert int(count.sum()) == int((TABLE.fold >= 0).sum()) < len(TABLE.fold)
    np.testing.assert_allclose(moments["total"], total, rtol=1e-12, atol=1e-11)
    assert moments["total"].dims == ("fold", "side", "layer", "hidden")
    assert moments["total"].dtype == np.float64
    assert moments["count"].dtype == np.int64
    assert moments.attrs == {"concept": "morality", "language": "en"}


def test_a_swapped_side_would_be_noticed() -> None:
    swapped = TextTable(**{**vars(TABLE), "index": TABLE.index[:, ::-1]})
    total = streamed([np.arange(len(TABLE.texts))], swapped).result().data["total"].values
    assert np.abs(total - fold_totals(TABLE, STATES, 4)[1]).max() > 1


def test_permuted_sums_equal_the_loop_over_pairs() -> None:
    fitting = np.flatnonzero(TABLE.fold >= 0)
    signs = coin_signs(coin_contents(TABLE)[fitting], 3, 5)
    expected = np.zeros((3, 3, 7))
    for draw in range(3):
        for sign, pair in zip(signs[draw], fitting, strict=True):
            positive, negative = TABLE.index[pair]
            expected[draw] += sign * (STATES[:, positive].astype(float) - STATES[:, negative].astype(float))
    moments = streamed([np.arange(len(TABLE.texts))]).result().data
    np.testing.assert_allclose(moments["permuted"], expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(1, 100), max_size=8), seed=st.integers(0, 100))
def test_batches_do_not_matter_and_the_same_batches_give_the_same_bits(cuts: list[int], seed: int) -> None:
    parts = batches(len(TABLE.texts), cuts, seed)
    once = streamed([np.arange(len(TABLE.texts))]).result()
    same(streamed(parts).result(), once)
    same(streamed(parts).result(), streamed(parts).result(), exactly=True)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100))
def test_merge_commutes_and_associates(seed: int) -> None:
    parts = batches(len(TABLE.texts), [5, 11], seed)

    def merged(*orders: int | tuple[int, int]) -> Moments:
        reducers = []
        for order in orders:
            first, *rest = (order,) if isinstance(order, int) else order
            reducer = streamed([parts[first]])
            for number in rest:
                reducer.merge(streamed([parts[number]]))
            reducers.append(reducer)
        reducers[0].merge(reducers[1])
        for reducer in reducers[2:]:
            reducers[0].merge(reducer)
        return reducers[0].result()

    same(merged((0, 1), 2), merged(2, (0, 1)), exactly=True)
    same(merged((0, 1), 2), merged(0, (1, 2)))
    same(merged(0, 1, 2), streamed(parts).result())


def test_merging_with_what_has_seen_nothing_changes_nothing_and_the_other_is_left_alone() -> None:
    everything = [np.arange(len(TABLE.texts))]
    empty, full = streamed([]), streamed(everything)
    empty.merge(full)
    full.merge(streamed([]))
    same(empty.result(), full.result(), exactly=True)
    half = streamed([np.arange(10)])
    half.merge(streamed([np.arange(10, len(TABLE.texts))]))
    assert streamed(everything).result().data["count"].sum() == full.result().data["count"].sum()
    same(full.result(), streamed(everything).result(), exactly=True)


@pytest.mark.parametrize("shared", [True, False])
def test_sums_of_kept_activations_equal_the_streamed_ones(shared: bool) -> None:
    pairs = CHUNK if shared else CHUNK // 2 + 20
    table = table_of(pairs, 4, seed=3, shared=shared)
    states = states_of(table, 2, 5, seed=4)
    texts = np.arange(len(table.texts))
    kept = moments_from_activations(activations_of(table, states), 4, 3, 5)
    same(kept, streamed([texts], table, states).result())
    same(kept, streamed([texts[:CHUNK], texts[CHUNK:]], table, states).result(), exactly=True)
    assert list(kept.data.coords["layer"].values) == [0, 1]


def test_coins_of_a_pair_do_not_depend_on_which_other_pairs_are_read() -> None:
    contents = coin_contents(TABLE)
    signs = coin_signs(contents, 3, 5)
    assert np.array_equal(coin_signs(contents[5:9], 3, 5), signs[:, 5:9])
    assert np.array_equal(coin_signs(contents, 2, 5), signs[:2])


@pytest.mark.parametrize("kind", ["moments", "activations"])
def test_every_text_once(kind: str) -> None:
    def reducer() -> MomentsReducer | ActivationsReducer:
        return MomentsReducer(TABLE, 4, 2, 0) if kind == "moments" else ActivationsReducer(TABLE, None)

    most = np.arange(len(TABLE.texts) - 1)
    missing = reducer()
    missing.update(most, STATES[:, most])
    with pytest.raises(VectorError, match=r"'morality', language 'en'.*1 were not read and 0 .*first: row 27"):
        missing.result()
    double = reducer()
    double.update(np.arange(len(TABLE.texts)), STATES)
    double.update(np.array([3]), STATES[:, [3]])
    with pytest.raises(VectorError, match="0 were not read and 1 were read more than once"):
        double.result()
    with pytest.raises(VectorError, match="28 were not read"):
        reducer().result()


@pytest.mark.parametrize("kind", ["moments", "activations"])
def test_batches_that_cannot_belong_are_refused(kind: str) -> None:
    reducer = (
        MomentsReducer(TABLE, 4, 2, 0, layers=(2, 5, 6))
        if kind == "moments"
        else ActivationsReducer(TABLE, None, layers=(2, 5, 6))
    )
    with pytest.raises(VectorError, match="2 rows are named, but states of 1 texts"):
        reducer.update(np.array([0, 1]), STATES[:, [0]])
    with pytest.raises(VectorError, match="rows 5 to 28, but there are 28 texts"):
        reducer.update(np.array([5, 28]), STATES[:, [0, 1]])
    with pytest.raises(VectorError, match=r"states of 2 layers, but layers \[2, 5, 6\]"):
        reducer.update(np.array([5]), STATES[:2, [5]])
    broken = STATES[:, [4]].copy()
    broken[1, 0, 3] = np.nan
    with pytest.raises(VectorError, match="text 4 at layer 5 is not finite"):
        reducer.update(np.array([4]), broken)
    reducer.update(np.array([0]), STATES[:, [0]])
    with pytest.raises(VectorError, match=r"3 layers x 5 dimensions follow|do not fit"):
        reducer.update(np.array([1]), STATES[:, [1], :5])
    other = table_of(26, 4, seed=9)
    if isinstance(reducer, MomentsReducer):
        with pytest.raises(VectorError, match="cannot merge"):
            reducer.merge(MomentsReducer(other, 4, 2, 0))
    else:
        with pytest.raises(VectorError, match="cannot merge"):
            reducer.merge(ActivationsReducer(other, None))


def test_layers_are_labelled() -> None:
    reducer = MomentsReducer(TABLE, 4, 2, 0, layers=(2, 5, 6))
    reducer.update(np.arange(len(TABLE.texts)), STATES)
    assert list(reducer.result().data["layer"].values) == [2, 5, 6]


def test_folds_must_fit() -> None:
    with pytest.raises(VectorError, match="lies in fold 3, but there are folds 0 to 2"):
        MomentsReducer(TABLE, 3, 2, 0)
    none = TextTable(**{**vars(TABLE), "fold": np.full(25, -1, dtype=np.int32)})
    with pytest.raises(VectorError, match="none of the 25 pairs has a fold"):
        MomentsReducer(none, 3, 2, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_activations_fill_the_array_they_are_given(dtype: type) -> None:
    out = np.full((3, len(TABLE.texts), 7), np.nan, dtype=dtype)
    reducer = ActivationsReducer(TABLE, out)
    for index in batches(len(TABLE.texts), [4, 9], 0):
        reducer.update(index, STATES[:, index])
    data = reducer.result().data
    assert np.shares_memory(data["states"].values, out)
    assert np.array_equal(out, STATES.astype(dtype))
    assert data["states"].dims == ("layer", "text", "hidden")
    assert np.array_equal(data["index"], TABLE.index)
    for name in ("item", "group", "split", "fold"):
        assert np.array_equal(data[name].values, getattr(TABLE, name))


def test_activations_may_be_memory_mapped(tmp_path: object) -> None:
    out = np.lib.format.open_memmap(f"{tmp_path}/states.npy", "w+", np.float32, (3, len(TABLE.texts), 7))
    reducer = ActivationsReducer(TABLE, out)
    reducer.update(np.arange(len(TABLE.texts)), STATES)
    assert np.shares_memory(reducer.result().data["states"].values, out)


def test_activations_merge() -> None:
    left, right, none = (
        ActivationsReducer(TABLE, None),
        ActivationsReducer(TABLE, None),
        ActivationsReducer(TABLE, None),
    )
    left.update(np.arange(10), STATES[:, :10])
    right.update(np.arange(10, 28), STATES[:, 10:])
    left.merge(right)
    none.merge(left)
    none.merge(ActivationsReducer(TABLE, None))
    assert np.array_equal(none.result().data["states"], STATES)
    right.merge(right)
    with pytest.raises(VectorError, match="18 were read more than once"):
        right.result()


def test_states_beyond_float16_are_refused() -> None:
    reducer = ActivationsReducer(TABLE, np.zeros((3, 28, 7), dtype=np.float16))
    with pytest.raises(VectorError, match=r"1e\+05 is beyond float16; set store_dtype = 'float32'"):
        reducer.update(np.array([0]), np.full((3, 1, 7), 1e5, dtype=np.float32))


def test_an_array_that_cannot_keep_the_states_is_refused() -> None:
    with pytest.raises(VectorError, match="float64"):
        ActivationsReducer(TABLE, np.zeros((3, 28, 7)))
    with pytest.raises(VectorError, match="28 texts"):
        ActivationsReducer(TABLE, np.zeros((3, 27, 7), dtype=np.float32))
    reducer = ActivationsReducer(TABLE, np.zeros((3, 28, 8), dtype=np.float32))
    with pytest.raises(VectorError, match="do not fit"):
        reducer.update(np.array([0]), STATES[:, [0]])
