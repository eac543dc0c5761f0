import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from polyvalues.analysis.scoring.projection import stored_sides
from polyvalues.analysis.scoring.scoring import ScoreReducer
from polyvalues.artifacts import ConceptVectors, TextTable
from polyvalues.dimensions import CONTROL, Protocol
from polyvalues.errors import DegenerateVector, MeasureError

LAYERS, HIDDEN, TEXTS = 3, 8, 7
DRAWN = np.random.default_rng(7).normal(size=(2, 3, LAYERS, HIDDEN)).astype(np.float32)


def make_table(*, language: str = "fr", concept: str = "honesty") -> TextTable:
    index = np.array([[0, 1], [2, 3], [4, 0], [5, 5], [6, 2]])
    return TextTable(
        concept,
        language,
        tuple(("", f"text {row}") for row in range(TEXTS)),
        index,
        np.array([f"i{row}" for row in range(5)]),
        np.array(["g0", "g0", "g1", "g2", "g2"]),
        np.array(["test", "test", "select", "test", "select"]),
        np.full(5, -1, np.int32),
    )


def make_vectors(*, seed: int = 0, concept: str = "honesty") -> ConceptVectors:
    rng = np.random.default_rng(seed)
    shape = (2, LAYERS, HIDDEN)
    return ConceptVectors(
        xr.Dataset(
            {
                "vector": (("source", "layer", "hidden"), rng.normal(size=shape).astype(np.float32)),
                "midpoint": (("source", "layer", "hidden"), rng.normal(size=shape).astype(np.float32)),
            },
            coords={"source": ["en", "fr"], "layer": [4, 5, 9]},
            attrs={"concept": concept, "estimator": "mean-difference"},
        )
    )


def make_reducer(
    table: TextTable | None = None, vectors: ConceptVectors | None = None, *, protocol: Protocol = "strict"
) -> ScoreReducer:
    return ScoreReducer(table or make_table(), vectors or make_vectors(), controls=DRAWN, protocol=protocol)


def make_states(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(LAYERS, TEXTS, HIDDEN)).astype(np.float32)


def read(vectors: ConceptVectors, states: np.ndarray, *, protocol: Protocol = "strict") -> xr.Dataset:
    reducer = make_reducer(vectors=vectors, protocol=protocol)
    reducer.update(np.arange(TEXTS), states)
    return reducer.result().data


def test_scores_are_the_formula():
    vectors, states, table = make_vectors(), make_states(), make_table()
    found = read(vectors, states)
    for pair in range(5):
        for layer in range(LAYERS):
            for source in range(2):
                v = vectors.data["vector"].values[source, layer].astype(float)
                m = vectors.data["midpoint"].values[source, layer].astype(float)
                for side in range(2):
                    h = states[layer, table.index[pair, side]].astype(float)
                    expected = (h - m) @ v / np.sqrt(v @ v)
                    assert found["projection"].values[pair, side, layer, source] == pytest.approx(expected, rel=1e-5)
            for control in range(2):
                for draw in range(3):
                    w = DRAWN[control, draw, layer].astype(float)
                    positive, negative = (states[layer, row].astype(float) for row in table.index[pair])
                    assert found["control"].values[pair, layer, control, draw] == np.sign((positive - negative) @ w)


def test_labels_follow_the_contract():
    found = read(make_vectors(), make_states())
    assert found["projection"].dims == ("pair", "side", "layer", "source")
    assert found["control"].dims == ("pair", "layer", CONTROL, "draw")
    assert (found["projection"].dtype, found["control"].dtype) == (np.float32, np.int8)
    assert found["layer"].values.tolist() == [4, 5, 9]
    assert found.attrs == {"concept": "honesty", "target": "fr", "protocol": "strict", "layer_numbering": "block"}
    assert found["group"].values.tolist() == ["g0", "g0", "g1", "g2", "g2"]


def test_the_paper_numbers_layers_from_one():
    found = read(make_vectors(), make_states(), protocol="paper")
    assert found["layer"].values.tolist() == [1, 2, 3]
    assert found.attrs["layer_numbering"] == "paper"


def test_the_same_text_on_both_sides_is_an_exact_tie():
    found = read(make_vectors(), make_states())
    assert (found["projection"].values[3, 0] == found["projection"].values[3, 1]).all()
    assert not found["control"].values[3].any()


def test_batches_and_merging_make_no_difference():
    vectors, states, table = make_vectors(), make_states(), make_table()
    whole = read(vectors, states)
    first, second = (make_reducer(table, vectors) for _ in range(2))
    first.update(np.array([6, 1]), states[:, [6, 1]])
    second.update(np.array([0, 2, 3]), states[:, [0, 2, 3]])
    second.update(np.array([5, 4]), states[:, [5, 4]])
    first.merge(second)
    xr.testing.assert_allclose(first.result().data, whole, rtol=1e-6)


@settings(max_examples=15)
@given(st.floats(1e-3, 1e3))
def test_the_length_of_a_vector_makes_no_difference(factor):
    vectors, states = make_vectors(), make_states()
    longer = vectors.data.assign(vector=(vectors.data["vector"] * np.float32(factor)).astype(np.float32))
    found, expected = read(ConceptVectors(longer), states), read(vectors, states)
    np.testing.assert_allclose(found["projection"].values, expected["projection"].values, rtol=2e-5, atol=2e-6)


def test_a_text_that_was_never_read_is_an_error():
    reducer = make_reducer()
    reducer.update(np.arange(5), make_states()[:, :5])
    with pytest.raises(MeasureError, match="'honesty', target 'fr': 2 of 7 texts were never read, first row 5"):
        reducer.result()


def test_a_text_that_was_read_twice_is_an_error():
    reducer, other = (make_reducer() for _ in range(2))
    reducer.update(np.arange(5), make_states()[:, :5])
    other.update(np.array([4]), make_states()[:, [4]])
    with pytest.raises(MeasureError, match="read twice"):
        reducer.update(np.array([4]), make_states()[:, [4]])
    with pytest.raises(MeasureError, match="read twice"):
        reducer.merge(other)


@pytest.mark.parametrize(("index", "layers"), [([7], LAYERS), ([-1], LAYERS), ([0], LAYERS - 1)])
def test_states_that_do_not_fit_are_an_error(index, layers):
    reducer = make_reducer()
    with pytest.raises(MeasureError, match="'honesty', target 'fr'"):
        reducer.update(np.array(index), make_states()[:layers, [0]])


def test_states_that_are_not_finite_are_an_error():
    states = make_states()
    states[1, 3, 0] = np.inf
    with pytest.raises(MeasureError, match="layer 5: a hidden state is not finite"):
        read(make_vectors(), states)


def test_a_zero_vector_is_an_error_that_names_the_place():
    vectors = make_vectors()
    vectors.data["vector"].values[0, 2] = 0
    with pytest.raises(DegenerateVector, match="concept 'honesty', source 'en', layer 9"):
        make_reducer(vectors=vectors)
    drawn = DRAWN.copy()
    drawn[1, 2, 0] = 0
    with pytest.raises(DegenerateVector, match="source 'fr', layer 4, permuted control, draw 2"):
        ScoreReducer(make_table(), make_vectors(), controls=drawn, protocol="strict")
    with pytest.raises(MeasureError, match="do not fit vectors"):
        ScoreReducer(make_table(), make_vectors(), controls=DRAWN[:, :, 1:], protocol="strict")


def test_vectors_of_another_concept_or_language_are_an_error():
    with pytest.raises(MeasureError, match="the vectors are of concept 'fairness'"):
        make_reducer(vectors=make_vectors(concept="fairness"))
    with pytest.raises(MeasureError, match=r"target 'sw': no vector of this language \(there are en, fr\)"):
        make_reducer(make_table(language="sw"))
    reducer = make_reducer()
    with pytest.raises(MeasureError, match="cannot merge"):
        reducer.merge(make_reducer(vectors=make_vectors(seed=5)))


NEAR = st.floats(-1e4, 1e4, allow_nan=False)


@given(hnp.arrays(np.float64, 6, elements=NEAR), st.integers(0, 5), NEAR)
def test_storing_in_float32_keeps_the_sign_of_near_ties(positive, steps, midpoint):
    negative = positive.copy()
    for _ in range(steps):  # a few float64 steps away: equal once rounded to float32
        negative = np.nextafter(negative, np.array([np.inf, -np.inf] * 3))
    kept, other = stored_sides(positive, negative, np.full(6, midpoint))
    assert kept.dtype == other.dtype == np.float32
    np.testing.assert_array_equal(np.sign(kept - other), np.sign(positive - negative))
    step = np.spacing(np.abs((positive - midpoint).astype(np.float32)))
    assert (np.abs(kept - (positive - midpoint)) <= 1.5 * step + 1e-38).all()


def test_near_ties_reach_the_scores():
    vectors, states = make_vectors(), make_states()
    states[:, 1] = states[:, 0]
    v = vectors.data["vector"].values[0]
    for layer in range(LAYERS):  # one float32 step in the coordinate that counts least
        least = int(np.abs(v[layer]).argmin())
        states[layer, 1, least] = np.nextafter(states[layer, 0, least], np.float32(-np.inf))
        found = read(vectors, states)["projection"].values[0, :, layer, 0]
        assert np.sign(found[0] - found[1]) == np.sign(v[layer, least])


def test_pairs_may_be_absent():
    table = make_table()
    none, index = table.item[:0], np.empty((0, 2), np.int64)
    empty = TextTable("honesty", "fr", (), index, none, none, none, table.fold[:0])
    found = make_reducer(empty).result().data
    assert found.sizes["pair"] == 0
    assert found["projection"].shape == (0, 2, 3, 2)
