"""Sums of unit differences: equal to the loop over pairs, with little kept in between, the same pairs everywhere."""

import numpy as np
import pytest

from polyvalues.artifacts import TextTable
from polyvalues.vectors.accumulators import unit_differences
from polyvalues.vectors.accumulators.moments import moments_from_activations
from polyvalues.vectors.accumulators.unit_differences import UnitDifferences, sampled, unit_counts, unit_sums
from reference.vectors_cases import activations_of, states_of, table_of

TABLE = table_of(30, 4, seed=0)
STATES = states_of(TABLE, 2, 6, seed=1)


def slow_sums(table: TextTable, states: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    out = np.zeros((4, *states[:, 0].shape))
    for pair in pairs:
        for layer in range(len(states)):
            d = states[layer, table.index[pair, 0]].astype(float) - states[layer, table.index[pair, 1]].astype(float)
            out[table.fold[pair], layer] += d / np.sqrt((d**2).sum())
    return out


def test_sums_equal_the_loop_over_pairs() -> None:
    expected = slow_sums(TABLE, STATES, np.flatnonzero(TABLE.fold >= 0))
    moments = moments_from_activations(activations_of(TABLE, STATES), 4, 2, 0).data
    np.testing.assert_allclose(moments["unit"].values, expected, rtol=1e-12, atol=1e-12)
    assert moments["unit_count"].values.tolist() == moments["count"].values.tolist()
    for layer in range(2):
        found = unit_sums(activations_of(TABLE, STATES), 4, layer)
        np.testing.assert_allclose(found, expected[:, layer], rtol=1e-12, atol=1e-12)


def test_of_many_pairs_the_same_items_take_part_in_every_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_differences, "MOST", 9)
    fitting = np.flatnonzero(TABLE.fold >= 0)
    chosen = sampled(TABLE.item, TABLE.fold)
    assert chosen.sum() == 9
    assert not chosen[TABLE.fold < 0].any()
    order = np.random.default_rng(2).permutation(fitting)
    again = sampled(TABLE.item[order], TABLE.fold[order])
    assert set(TABLE.item[order][again]) == set(TABLE.item[chosen])
    sums = moments_from_activations(activations_of(TABLE, STATES), 4, 2, 0).data
    np.testing.assert_allclose(sums["unit"], slow_sums(TABLE, STATES, np.flatnonzero(chosen)), rtol=1e-12, atol=1e-12)
    assert np.array_equal(sums["unit_count"], unit_counts(TABLE.item, TABLE.fold, 4))
    assert sums["unit_count"].sum() == 9
    assert sums["count"].sum() == len(fitting)


def test_a_state_is_let_go_when_no_pair_waits_for_it() -> None:
    table = table_of(40, 4, seed=3, shared=False)
    states = states_of(table, 2, 6, seed=4)
    apart, together = UnitDifferences(table, 4), UnitDifferences(table, 4)
    for side in table.index.T:  # all positive sides, then all negative ones
        apart.update(side, states[:, side])
        assert apart.waiting in (0, 40)
    for pair in table.index:
        together.update(pair, states[:, pair])
        assert not together.waiting
    assert not apart.waiting
    np.testing.assert_allclose(apart.result(), together.result(), rtol=1e-12)
    shared = UnitDifferences(TABLE, 4)
    shared.update(np.arange(len(TABLE.texts)), STATES)
    assert not shared.waiting


def test_two_sides_with_one_state_have_no_direction() -> None:
    table = table_of(8, 4, seed=5, shared=False)
    states = states_of(table, 1, 4, seed=6)
    states[:, table.index[0, 0]] = states[:, table.index[0, 1]]
    moments = moments_from_activations(activations_of(table, states), 4, 2, 0).data
    np.testing.assert_allclose(moments["unit"], slow_sums(table, states, np.arange(1, 8)), rtol=1e-12)
    assert moments["unit_count"].values.tolist() == [2, 2, 2, 2]
