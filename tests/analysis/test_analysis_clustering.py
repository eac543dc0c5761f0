import numpy as np

from polyvalues.analysis.statistics.clustering import clustered


def test_planted_groups_stand_together():
    """Two groups of alike vectors, mixed: each comes out in one piece."""
    group = np.array([0, 1, 0, 1, 1, 0])
    cosines = np.where(group[:, None] == group[None, :], 0.9, 0.1) + 0.01 * np.eye(6)
    order = clustered(cosines, list("abcdef"))
    assert {frozenset(order[:3]), frozenset(order[3:])} == {frozenset("acf"), frozenset("bde")}


def test_neighbours_on_a_line_stay_neighbours():
    at = np.array([3.0, 0.0, 2.0, 1.0, 4.0])
    cosines = np.exp(-np.abs(at[:, None] - at[None, :]))
    order = [float(at["abcde".index(name)]) for name in clustered(cosines, list("abcde"))]
    assert order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0])


def test_renaming_renames_only():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((6, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    plain = clustered(vectors @ vectors.T, list("abcdef"))
    assert clustered(vectors @ vectors.T, list("uvwxyz")) == tuple("uvwxyz"["abcdef".index(name)] for name in plain)
    assert sorted(plain) == list("abcdef")


def test_languages_without_a_vector_come_last():
    cosines = np.full((4, 4), 0.5)
    cosines[1, :], cosines[:, 1] = np.nan, np.nan
    assert clustered(cosines, list("abcd"))[-1] == "b"
    assert clustered(np.full((3, 3), np.nan), list("abc")) == ("a", "b", "c")
