"""Every estimator: equal to its formula, and the theorems that follow from it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf, ledoit_wolf_shrinkage

from polyvalues.errors import DegenerateVector, VectorError
from polyvalues.vectors.estimators import pca as pca_module
from polyvalues.vectors.estimators import shrinkage
from polyvalues.vectors.estimators.logistic import logistic
from polyvalues.vectors.fit import ESTIMATORS
from reference.vectors_oracle import ORACLES, cosine, leace_eraser

EVERY = pytest.mark.parametrize("name", list(ESTIMATORS))
SHAPES = pytest.mark.parametrize(("pairs", "hidden"), [(12, 40), (40, 12), (20, 20), (2, 5)])


def sides(pairs: int, hidden: int, seed: int = 0, gap: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Correlated sides with unequal variances and a common gap."""
    rng = np.random.default_rng(seed)
    scale = np.linspace(0.3, 3.0, hidden)
    topic = rng.standard_normal((pairs, hidden)) * scale
    direction = rng.standard_normal(hidden)
    positive = topic + rng.standard_normal((pairs, hidden)) * scale + gap * direction + 5.0
    negative = topic + rng.standard_normal((pairs, hidden)) * scale + 5.0
    return positive, negative


@EVERY
@SHAPES
def test_equals_its_literal_oracle(name: str, pairs: int, hidden: int) -> None:
    positive, negative = sides(pairs, hidden)
    np.testing.assert_allclose(
        ESTIMATORS[name](positive, negative), ORACLES[name](positive, negative), rtol=2e-5, atol=2e-6
    )


@EVERY
@SHAPES
def test_points_to_the_positive_side_and_is_as_long_as_the_sides_lie_apart_along_it(
    name: str, pairs: int, hidden: int
) -> None:
    positive, negative = sides(pairs, hidden, seed=1)
    vector = ESTIMATORS[name](positive, negative)
    assert vector.dtype == np.float64
    difference = positive.mean(axis=0) - negative.mean(axis=0)
    assert vector @ difference > 0
    np.testing.assert_allclose(vector @ difference, vector @ vector, rtol=1e-9)


@EVERY
@SHAPES
def test_swapping_the_sides_negates(name: str, pairs: int, hidden: int) -> None:
    positive, negative = sides(pairs, hidden, seed=2)
    vector = ESTIMATORS[name](positive, negative)
    np.testing.assert_allclose(ESTIMATORS[name](negative, positive), -vector, rtol=1e-5, atol=1e-7)
    assert np.linalg.norm(vector) > 1e-3  # or the line above would hold of nothing


@EVERY
@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-10, 10), seed=st.integers(0, 1000))
def test_scaling_scales_and_a_constant_on_all_texts_changes_nothing(
    name: str, scale: float, shift: float, seed: int
) -> None:
    positive, negative = sides(9, 15, seed)
    offset = np.random.default_rng(seed).standard_normal(15) * shift
    vector = ESTIMATORS[name](positive, negative)
    moved = ESTIMATORS[name](scale * (positive + offset), scale * (negative + offset))
    np.testing.assert_allclose(moved / scale, vector, rtol=1e-4, atol=float(1e-5 * np.linalg.norm(vector)))


@EVERY
def test_rotating_the_space_rotates_the_vector(name: str) -> None:
    positive, negative = sides(10, 16, seed=3)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))[0]
    rotated = ESTIMATORS[name](positive @ rotation, negative @ rotation)
    np.testing.assert_allclose(rotated, ESTIMATORS[name](positive, negative) @ rotation, rtol=1e-4, atol=1e-6)


@EVERY
def test_order_of_the_pairs_does_not_matter(name: str) -> None:
    positive, negative = sides(11, 7, seed=4)
    order = np.random.default_rng(1).permutation(11)
    np.testing.assert_allclose(
        ESTIMATORS[name](positive[order], negative[order]), ESTIMATORS[name](positive, negative), rtol=1e-5, atol=1e-8
    )


@EVERY
def test_inputs_are_left_as_they_were_and_the_result_is_deterministic(name: str) -> None:
    positive, negative = sides(6, 9, seed=5)
    copies = positive.copy(), negative.copy()
    first, second = ESTIMATORS[name](positive, negative), ESTIMATORS[name](positive, negative)
    assert np.array_equal(first, second)
    assert np.array_equal(positive, copies[0])
    assert np.array_equal(negative, copies[1])


@EVERY
def test_finds_a_planted_direction(name: str) -> None:
    rng = np.random.default_rng(6)
    truth = np.zeros(30)
    truth[4] = 1.0
    negative = rng.standard_normal((400, 30))
    positive = negative + 2.0 * truth + 0.5 * rng.standard_normal((400, 30))
    assert cosine(ESTIMATORS[name](positive, negative), truth) > 0.97


@EVERY
def test_identical_sides_have_no_direction(name: str) -> None:
    positive, _ = sides(6, 9, seed=7)
    with pytest.raises(DegenerateVector, match=r"mean-difference|pca|logistic"):
        ESTIMATORS[name](positive, positive.copy())


@EVERY
def test_states_that_are_not_finite_have_no_direction(name: str) -> None:
    positive, negative = sides(6, 9, seed=8)
    positive[2, 3] = np.inf
    with pytest.raises(DegenerateVector):
        ESTIMATORS[name](positive, negative)


@pytest.mark.parametrize(("name", "message"), [("lda", "do not vary"), ("leace", "no shrinkage, but 2 texts")])
def test_one_pair_has_no_covariance(name: str, message: str) -> None:
    positive, negative = sides(1, 5)
    with pytest.raises(DegenerateVector, match=message):
        ESTIMATORS[name](positive, negative)


def test_mean_difference_sees_through_rounding() -> None:
    # The same three states on both sides in another order: float sums differ in the last place, the sides do not.
    states = np.array([[0.1, 1e3], [0.2, 3e-3], [0.3, 7.1]])
    with pytest.raises(DegenerateVector):
        ESTIMATORS["mean-difference"](states, states[[2, 0, 1]])


def test_float32_states_are_summed_in_float64() -> None:
    positive = np.full((20_000, 1), 16_777_216.0, dtype=np.float32)
    positive[1::2] = 1.0
    negative = np.zeros_like(positive)
    assert ESTIMATORS["mean-difference"](positive, negative)[0] == 8_388_608.5


@pytest.mark.parametrize("name", ["lda", "leace"])
def test_equals_the_mean_difference_for_an_isotropic_covariance(name: str) -> None:
    # Rows +-e_i on either side: the within covariance is exactly a multiple of the identity.
    cube = np.concatenate([np.eye(6), -np.eye(6)])
    gap = np.arange(1.0, 7.0) * 1e-4
    vector = ESTIMATORS[name](cube + gap, cube)
    np.testing.assert_allclose(vector, gap, rtol=1e-6)


def test_lda_is_not_the_mean_difference_for_an_unequal_covariance() -> None:
    positive, negative = sides(200, 10, seed=9)
    difference = positive.mean(axis=0) - negative.mean(axis=0)
    assert cosine(ESTIMATORS["lda"](positive, negative), difference) < 0.9


def test_lda_and_leace_agree_without_shrinkage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinkage, "_shrinkage", lambda *_: 0.0)
    positive, negative = sides(60, 8, seed=10)
    np.testing.assert_allclose(
        ESTIMATORS["lda"](positive, negative), ESTIMATORS["leace"](positive, negative), rtol=1e-9
    )


@SHAPES
def test_shrinkage_is_the_one_of_scikit_learn(pairs: int, hidden: int) -> None:
    rows = sides(pairs, hidden, seed=11)[0]
    rows -= rows.mean(axis=0)
    squares = (rows**2).sum(axis=1)
    expected = ledoit_wolf_shrinkage(rows, assume_centered=True)
    for gram in (rows @ rows.T, rows.T @ rows):
        assert shrinkage._shrinkage(gram, squares, hidden) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("pairs", "hidden"), [(12, 40), (40, 12), (20, 20)])
def test_dual_and_primal_solution_agree_with_the_dense_inverse(pairs: int, hidden: int) -> None:
    rows = sides(pairs, hidden, seed=12)[0]
    rows -= rows.mean(axis=0)
    right = np.random.default_rng(2).standard_normal(hidden)
    expected = np.linalg.solve(ledoit_wolf(rows, assume_centered=True)[0], right)
    np.testing.assert_allclose(shrinkage.shrunk_solve(rows, right, "test"), expected, rtol=1e-8)


def test_no_covariance_without_shrinkage_and_with_too_few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinkage, "_shrinkage", lambda *_: 0.0)
    with pytest.raises(DegenerateVector, match="no shrinkage, but 4 texts for 9 dimensions"):
        ESTIMATORS["lda"](*sides(2, 9))


@SHAPES
def test_erasing_with_leace_leaves_nothing_linear_and_before_there_was(pairs: int, hidden: int) -> None:
    positive, negative = sides(pairs, hidden, seed=13)
    vector = ESTIMATORS["leace"](positive, negative)
    difference = positive.mean(axis=0) - negative.mean(axis=0)
    assert np.linalg.norm(difference) > 0.5
    mean = np.concatenate([positive, negative]).mean(axis=0)

    def erase(x: np.ndarray) -> np.ndarray:
        return x - np.outer((x - mean) @ vector, difference) / (vector @ difference)

    np.testing.assert_allclose(erase(positive).mean(axis=0), erase(negative).mean(axis=0), atol=1e-9)
    projection, centre = leace_eraser(positive, negative)
    texts = np.concatenate([positive, negative])
    np.testing.assert_allclose(erase(texts), texts - (texts - centre) @ projection.T, atol=1e-6)
    np.testing.assert_allclose(erase(texts) @ vector, mean @ vector, atol=1e-9)


def test_pca_follows_the_spread_where_it_exceeds_the_mean() -> None:
    rng = np.random.default_rng(14)
    differences = rng.standard_normal((300, 6)) * 0.1
    differences[:, 0] += 1.0
    differences[:, 5] += 5.0 * rng.standard_normal(300)
    found = ESTIMATORS["pca"](differences, np.zeros_like(differences))
    assert abs(found[5]) > 0.95 * np.linalg.norm(found)


def test_pca_ignores_which_side_is_which_but_for_the_sign() -> None:
    positive, negative = sides(50, 8, seed=15)
    coins = np.random.default_rng(3).random(50) < 0.5
    swapped = np.where(coins[:, None], positive, negative), np.where(coins[:, None], negative, positive)
    assert abs(cosine(ESTIMATORS["pca"](*swapped), ESTIMATORS["pca"](positive, negative))) == pytest.approx(1.0)


@pytest.mark.parametrize(("pairs", "hidden"), [(30, 50), (50, 30)])
def test_lanczos_and_dense_decomposition_agree(pairs: int, hidden: int) -> None:
    positive, negative = sides(pairs, hidden, seed=16)
    rows = positive - negative
    assert abs(cosine(pca_module._lanczos(rows), pca_module._dense(rows))) == pytest.approx(1.0, abs=1e-10)
    assert np.array_equal(pca_module._lanczos(rows), pca_module._lanczos(rows))


def test_pca_takes_lanczos_when_both_sizes_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    positive, negative = sides(30, 20, seed=17)
    dense = ESTIMATORS["pca"](positive, negative)
    monkeypatch.setattr(pca_module, "DENSE", 5)
    monkeypatch.setattr(pca_module, "_dense", None)
    np.testing.assert_allclose(ESTIMATORS["pca"](positive, negative), dense, rtol=1e-6, atol=1e-9)


def test_logistic_says_when_it_does_not_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polyvalues.vectors.estimators.logistic.ITERATIONS", 1)
    with pytest.raises(VectorError, match="no convergence after 1"):
        logistic(*sides(30, 10))


def test_logistic_of_one_pair_is_its_difference() -> None:
    positive, negative = sides(1, 6)
    np.testing.assert_allclose(logistic(positive, negative), (positive - negative)[0], rtol=1e-9)


@pytest.mark.parametrize("name", ["pca", "lda", "logistic", "leace"])
def test_a_wide_problem_is_quick(name: str) -> None:
    """4096 dimensions and 100 pairs: nothing of size hidden x hidden (128 MiB in float64) is built."""
    import tracemalloc

    positive, negative = sides(100, 4096)
    tracemalloc.start()
    try:
        ESTIMATORS[name](positive, negative)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20
