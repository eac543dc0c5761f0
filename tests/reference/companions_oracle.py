"""Companions of the cosine, slowly: explicit inverses, principal angles by SVD, HSIC by its three sums over items."""

from itertools import permutations

import numpy as np
from sklearn.covariance import ledoit_wolf


def whitened(first: np.ndarray, second: np.ndarray, fold: np.ndarray, rows: np.ndarray) -> float:
    """Cosine in the inverse metric; its numerator has no product of a fold with itself."""
    inverse = np.linalg.inv(ledoit_wolf(rows, assume_centered=True)[0])
    apart = fold[:, None] != fold
    crossed = [(x @ inverse @ y.T)[apart].mean() for x, y in ((first, second), (second, first))]
    v, w = first.mean(axis=0), second.mean(axis=0)
    return float(np.mean(crossed) / np.sqrt((v @ inverse @ v) * (w @ inverse @ w)))


def overlap(first: np.ndarray, second: np.ndarray, k: int) -> float:
    bases = [np.linalg.svd(d, full_matrices=False)[2][:k] for d in (first, second)]
    return float(np.sqrt(np.mean(np.linalg.svd(bases[0] @ bases[1].T)[1] ** 2)))


def hsic(k: np.ndarray, m: np.ndarray) -> float:
    """Unbiased HSIC as Song et al. first write it: averages over tuples of distinct items."""
    n = len(k)
    pairs = np.mean([k[i, j] * m[i, j] for i, j in permutations(range(n), 2)])
    quads = np.mean([k[i, j] * m[q, r] for i, j, q, r in permutations(range(n), 4)])
    triples = np.mean([k[i, j] * m[i, q] for i, j, q in permutations(range(n), 3)])
    return float(pairs + quads - 2 * triples)


def cka(first: np.ndarray, second: np.ndarray) -> float:
    k, m = first @ first.T, second @ second.T
    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))
