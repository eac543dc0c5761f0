"""Mean cosines of pair differences: equal to loops over pairs, and near 0 where there is nothing."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from polyvalues.artifacts import Activations
from polyvalues.errors import VectorError
from polyvalues.vectors.accumulators.moments import moments_from_activations
from polyvalues.vectors.fit import ESTIMATORS
from polyvalues.vectors.similarity.difference_coherence import coherence
from reference.vectors_cases import activations_of, states_of, table_of

FOLDS = 4


def inputs_of(seed: int = 0) -> dict[str, Activations]:
    out = {}
    for language in ("en", "sw"):
        table = table_of(24, FOLDS, seed, language=language)
        out[language] = activations_of(table, states_of(table, 2, 6, seed + len(language)))
    return out


def sides_of(activations: Activations, layer: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    data = activations.data
    rows = data["fold"].values >= 0
    states = data["states"].values[layer].astype(np.float64)[data["index"].values[rows]]
    return states[:, 0], states[:, 1], data["fold"].values[rows]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def slow(activations: Activations, layer: int, out: tuple[int, ...], fit: Callable) -> tuple[float, float]:
    """Both mean cosines without the pairs of some folds, pair by pair."""
    positive, negative, fold = sides_of(activations, layer)
    stay = [row for row in range(len(fold)) if fold[row] not in out]
    d = positive - negative
    among = [cosine(d[p], d[q]) for p, q in combinations(stay, 2) if fold[p] != fold[q]]
    along = []
    for p in stay:
        rest = [row for row in stay if fold[row] != fold[p]]
        along.append(cosine(d[p], fit(positive[rest], negative[rest])))
    return float(np.mean(among)), float(np.mean(along))


@pytest.mark.parametrize("estimator", ["mean-difference", "pca"])
def test_both_equal_the_loop_over_pairs_in_every_replicate(estimator: str) -> None:
    inputs = inputs_of()
    found = coherence(inputs, estimator)
    replicates = [(), *((k,) for k in range(FOLDS))]
    for language, activations in inputs.items():
        for layer in range(2):
            cell = found.sel(language=language).isel(layer=layer)
            for number, out in enumerate(replicates):
                among, along = slow(activations, layer, out, ESTIMATORS[estimator])
                np.testing.assert_allclose(cell["among"].values[number], among, atol=1e-12)
                np.testing.assert_allclose(cell["along"].values[number], along, atol=1e-10)
    assert found.attrs == {"concept": "morality", "estimator": estimator, "folds": FOLDS}
    assert found["pairs"].values.tolist() == [int((part.data["fold"] >= 0).sum()) for part in inputs.values()]


def test_streamed_sums_give_the_same() -> None:
    inputs = inputs_of(3)
    sums = {name: moments_from_activations(part, FOLDS, 2, 0) for name, part in inputs.items()}
    kept, streamed = coherence(inputs, "mean-difference"), coherence(sums, "mean-difference")
    for name in kept.data_vars:
        np.testing.assert_allclose(streamed[name].values, kept[name].values, rtol=1e-9, atol=1e-11)


def test_lengths_do_not_matter_and_turning_all_pairs_round_changes_nothing() -> None:
    table = table_of(24, FOLDS, 1, language="en", shared=False)
    states = states_of(table, 1, 6, 2)
    longer = states.copy()
    for row, (positive, negative) in enumerate(table.index):
        middle = (states[:, positive] + states[:, negative]) / 2
        for text in (positive, negative):
            longer[:, text] = middle + (1 + row) * (states[:, text] - middle)
    first, second = (coherence({"en": activations_of(table, part)}, "mean-difference") for part in (states, longer))
    np.testing.assert_allclose(second["among"].values, first["among"].values, atol=1e-6)
    turned = activations_of(table, states)
    turned.data["index"].values[:] = turned.data["index"].values[:, ::-1].copy()
    third = coherence({"en": turned}, "mean-difference")
    for name in ("among", "along"):
        np.testing.assert_allclose(third[name].values, first[name].values, atol=1e-12)


def test_where_there_is_nothing_cosines_are_near_zero_though_the_plain_ones_are_not() -> None:
    plain, along = [], []
    for seed in range(30):
        table = table_of(40, FOLDS, seed, language="en", shared=False)
        states = np.random.default_rng(seed).standard_normal((1, 80, 32)).astype(np.float32)
        activations = activations_of(table, states)
        positive, negative, _ = sides_of(activations, 0)
        d = positive - negative
        plain.append(np.mean([cosine(row, d.mean(axis=0)) for row in d]))
        along.append(float(coherence({"en": activations}, "mean-difference")["along"].values[0, 0, 0]))
    assert np.mean(plain) > 0.14  # 1 / sqrt(40) = 0.158
    assert abs(np.mean(along)) < 0.03


def test_one_fold_is_too_few() -> None:
    table = table_of(6, 1, 0, language="en", shared=False)
    with pytest.raises(VectorError, match="1 fold"):
        coherence({"en": activations_of(table, states_of(table, 1, 4, 0))}, "mean-difference")
