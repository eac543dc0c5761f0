"""Companions of the cosine: equal to slow ones, blind to what they should not see, and able to see what they should."""

import numpy as np
import pytest
import xarray as xr

from polyvalues.analysis.hypothesis_tests.similarity_intervals import companion_intervals
from polyvalues.artifacts import Activations
from polyvalues.config import StatisticsSpec
from polyvalues.errors import MeasureError, VectorError
from polyvalues.vectors.accumulators.moments import moments_from_activations
from polyvalues.vectors.similarity.cka import cka_table, gram
from polyvalues.vectors.similarity.similarities import COMPANIONS, companions
from polyvalues.vectors.similarity.subspace_overlap import overlaps, top_directions
from reference import companions_oracle as oracle
from reference.vectors_cases import activations_of, states_of, table_of

FOLDS, PAIRS, HIDDEN = 5, 20, 8
RNG_ROTATION = np.linalg.qr(np.random.default_rng(5).standard_normal((HIDDEN, HIDDEN)))[0]


def unit(language: str, seed: int, *, change=lambda states: states) -> Activations:
    table = table_of(PAIRS, FOLDS, 0, language=language, shared=False)
    return activations_of(table, change(states_of(table, 2, HIDDEN, seed)).astype(np.float32))


@pytest.fixture
def inputs() -> dict[str, dict[str, Activations]]:
    return {"morality": {"en": unit("en", 1), "sw": unit("sw", 2), "fi": unit("fi", 3)}}


def differences(fitting: Activations, layer: int = 1) -> np.ndarray:
    states = fitting.data["states"].values[layer].astype(np.float64)
    index = fitting.data["index"].values
    return states[index[:, 0]] - states[index[:, 1]]


def value(data: xr.Dataset, name: str) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return (data["numerator"] / data["denominator"]).sel(companion=name).values


def test_equal_to_the_slow_ones_in_every_replicate(inputs) -> None:
    data = companions(inputs, "morality", 1)
    own = list(inputs["morality"].values())
    rows = []
    for fitting in own:
        states, index = fitting.data["states"].values[1].astype(np.float64), fitting.data["index"].values
        rows += [states[side] - states[side].mean(axis=0) for side in index.T]
    fold = own[0].data["fold"].values
    for replicate in range(FOLDS + 1):
        stay = fold != replicate - 1
        first, second = (differences(fitting)[stay] for fitting in own[:2])
        expected = oracle.whitened(first, second, fold[stay], np.concatenate(rows))
        assert value(data, "whitened")[0, 1, replicate] == pytest.approx(expected)
        order = np.flatnonzero(np.arange(FOLDS) != replicate - 1)
        halves = [np.isin(fold[stay], order[side::2]) for side in range(2)]
        crossed = [oracle.overlap(first[a], second[b], 5) for a, b in (halves, halves[::-1])]
        assert value(data, "subspace")[0, 1, replicate] == pytest.approx(np.mean(crossed))
    few = [differences(fitting)[fold == 0][:, :] for fitting in own[:2]]
    few = [np.concatenate([d, d[:2] * 3 + 1]) for d in few]
    table = cka_table(np.stack([gram(d) for d in few]))
    assert table[0, 1] == pytest.approx(oracle.cka(*few))
    assert np.isnan(value(data, "centred")).all()  # one concept has nothing to be centred by
    for name in COMPANIONS[1:]:
        np.testing.assert_allclose(value(data, name), value(data, name).swapaxes(0, 1), atol=1e-12)


def test_the_same_language_twice_is_as_near_as_it_is_to_itself() -> None:
    twin = {"morality": {"en": unit("en", 1), "sw": unit("sw", 1)}}
    for name in COMPANIONS[1:]:
        found = value(companions(twin, "morality", 0), name)[..., : FOLDS + 1]
        np.testing.assert_allclose(found[0, 1], found[0, 0], atol=1e-6)
        np.testing.assert_allclose(found[0, 1], found[1, 1], atol=1e-6)
    same = value(companions(twin, "morality", 0), "cka")[..., : FOLDS + 1]
    np.testing.assert_allclose(same, 1.0, atol=1e-6)  # of the same items


def test_a_rotation_moves_vectors_but_not_the_arrangement_of_items() -> None:
    turned = {"m": {"en": unit("en", 1), "sw": unit("sw", 1, change=lambda s: s @ RNG_ROTATION)}}
    data = companions(turned, "m", 1)
    assert value(data, "cka")[0, 1, 0] == pytest.approx(1.0, abs=1e-5)
    scaled = {"m": {"en": unit("en", 1), "sw": unit("sw", 1, change=lambda s: 3 * s)}}
    for name in COMPANIONS[1:]:
        found = value(companions(scaled, "m", 1), name)[..., 0]
        np.testing.assert_allclose(found[0, 1], found[0, 0], atol=1e-5)


def test_unrelated_languages_have_no_cka_on_average_and_biased_cka_would() -> None:
    rng = np.random.default_rng(0)
    found, biased = [], []
    for _ in range(200):
        first, second = rng.standard_normal((2, 12, 40))
        found.append(cka_table(np.stack([gram(first), gram(second)]))[0, 1])
        k, m = (d @ d.T for d in (first - first.mean(axis=0), second - second.mean(axis=0)))
        biased.append((k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum()))
    assert abs(np.mean(found)) < 0.03
    assert np.mean(biased) > 0.5


def test_centring_takes_away_what_all_concepts_share() -> None:
    rng = np.random.default_rng(3)
    shared = 40.0 * rng.standard_normal(HIDDEN)  # of the language pair: makes every cosine high
    own = {name: rng.standard_normal((2, HIDDEN)) * 8 for name in ("a", "b", "c")}

    def make(concept: str, row: int, language: str) -> Activations:
        table = table_of(PAIRS, FOLDS, 0, language=language, shared=False)
        states = np.random.default_rng([row, ord(concept)]).standard_normal((1, 2 * PAIRS, HIDDEN))
        states[:, table.index[:, 0]] += shared + own[concept][row]
        made = activations_of(table, states.astype(np.float32))
        return Activations(made.data.assign_attrs(concept=concept))

    inputs = {
        concept: {language: make(concept, row, language) for row, language in enumerate(("en", "sw"))}
        for concept in own
    }
    data = companions(inputs, "a", 0)
    plain = [differences(fitting, 0).mean(axis=0) for fitting in inputs["a"].values()]
    assert plain[0] @ plain[1] / np.prod([np.linalg.norm(v) for v in plain]) > 0.8
    fold = inputs["a"]["en"].data["fold"].values
    rows = {c: [differences(f, 0) for f in given.values()] for c, given in inputs.items()}
    weight = {c: (c == "a") - 1 / 3 for c in own}
    product = sum(
        weight[c] * weight[d] * (rows[c][0] @ rows[d][1].T)[fold[:, None] != fold].mean() for c in own for d in own
    )
    beyond = [sum(weight[c] * rows[c][row].mean(axis=0) for c in own) for row in range(2)]
    expected = product / np.prod([np.linalg.norm(v) for v in beyond])
    assert value(data, "centred")[0, 1, 0] == pytest.approx(expected, abs=1e-6)
    assert expected < 0.7
    assert data.attrs["centred_by"] == "a b c"
    summed = {
        c: {name: moments_from_activations(f, FOLDS, 1, 0) for name, f in given.items()} for c, given in inputs.items()
    }
    from_sums = companions(summed, "a", 0)
    np.testing.assert_allclose(value(from_sums, "centred"), value(data, "centred"), atol=1e-6)
    assert np.isnan(from_sums["numerator"].values[1:]).all()  # they need hidden states


def test_degenerate_cells_are_nan_not_numbers() -> None:
    flat = np.zeros((1, 6, HIDDEN))
    assert np.isnan(top_directions(flat[0], 2)).all()
    bases = np.stack([np.full((2, HIDDEN), np.nan), np.eye(2, HIDDEN)])
    assert np.isnan(overlaps(bases, bases)[0, 1])
    assert overlaps(bases, bases)[1, 1] == pytest.approx(1.0)
    assert np.isnan(cka_table(np.stack([gram(flat[0])] * 2))).all()
    assert np.isnan(cka_table(np.zeros((2, 3, 3)))).all()


def test_what_cannot_be_is_said(inputs) -> None:
    with pytest.raises(VectorError, match="layer 7"):
        companions(inputs, "morality", 7)
    with pytest.raises(MeasureError, match="each concept once"):
        companion_intervals([companions(inputs, "morality", 1)] * 2, StatisticsSpec())


def test_intervals_hold_the_estimate_and_the_diagonal_is_one(inputs) -> None:
    raw = companions(inputs, "morality", 1)
    data = companion_intervals([raw], StatisticsSpec())
    estimate, lower, upper = (data["value"].sel(interval=name).values for name in ("estimate", "lower", "upper"))
    known = ~np.isnan(estimate)
    assert known[:, 1:].all()
    assert not known[:, :1].any()
    assert ((lower <= estimate) | ~known).all()
    assert ((estimate <= upper) | ~known).all()
    np.testing.assert_allclose(estimate[0, 1:, np.arange(3), np.arange(3)], 1.0)
    np.testing.assert_allclose(estimate[0, 2, 0, 1], value(raw, "subspace")[0, 1, 0])
    mean = value(raw, "cka")[..., 0][np.triu_indices(3, 1)].mean()
    assert float(data["mean"].sel(companion="cka", interval="estimate")[0]) == pytest.approx(mean)
