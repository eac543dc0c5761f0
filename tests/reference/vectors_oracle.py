"""Slow literal versions of the vectors stage, written from the formulas: loops, dense matrices, nothing shared."""

import numpy as np
import scipy.linalg
from sklearn.covariance import ledoit_wolf

from polyvalues.artifacts import Activations, TextTable


def along(direction: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Sign and length of the package: the part of the mean difference along the direction."""
    return direction * (direction @ difference) / (direction @ direction)


def mean_difference(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    total = np.zeros(positive.shape[1])
    for upper, lower in zip(positive, negative, strict=True):
        total = total + (upper.astype(np.float64) - lower.astype(np.float64))
    return total / len(positive)


def pca(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """By the full decomposition of the symmetrised, centred differences."""
    differences = positive - negative
    both = np.concatenate([differences, -differences])
    first = np.linalg.svd(both - both.mean(axis=0))[2][0]
    return along(first, mean_difference(positive, negative))


def lda(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """With the dense covariance scikit-learn shrinks."""
    within = np.concatenate([positive - positive.mean(axis=0), negative - negative.mean(axis=0)])
    covariance = ledoit_wolf(within, assume_centered=True)[0]
    difference = mean_difference(positive, negative)
    return along(np.linalg.inv(covariance) @ difference, difference)


def leace_eraser(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The eraser `x -> x - P (x - mean)` as the paper states it, with a whitening matrix; returns P and the mean."""
    texts = np.concatenate([positive, negative])
    labels = np.repeat([1.0, 0.0], len(positive))
    mean = texts.mean(axis=0)
    sigma_xx = ledoit_wolf(texts - mean, assume_centered=True)[0]
    sigma_xz = (texts - mean).T @ (labels - labels.mean())[:, None] / len(texts)
    whiten = np.linalg.inv(np.real(np.asarray(scipy.linalg.sqrtm(sigma_xx))))
    seen = whiten @ sigma_xz
    projection = seen @ np.linalg.pinv(seen)
    return np.linalg.inv(whiten) @ projection @ whiten, mean


def leace(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """The row space of the eraser's projection."""
    projection, _ = leace_eraser(positive, negative)
    row = np.linalg.svd(projection)[2][0]
    return along(row, mean_difference(positive, negative))


def logistic(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """By Newton's method on the loss as written, in all dimensions."""
    differences = positive - negative
    scaled = differences / np.sqrt((differences**2).sum(axis=1).mean())
    weights = np.zeros(scaled.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(scaled @ weights))
        gradient = weights - 2 * scaled.T @ chance
        hessian = np.eye(len(weights)) + 2 * (scaled * (chance * (1 - chance))[:, None]).T @ scaled
        weights = weights - np.linalg.solve(hessian, gradient)
    return along(weights, mean_difference(positive, negative))


ORACLES = {"mean-difference": mean_difference, "pca": pca, "lda": lda, "logistic": logistic, "leace": leace}


def fold_totals(table: TextTable, states: np.ndarray, folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Count `[fold]` and sums `[fold, side, layer, hidden]`, pair by pair."""
    layers, _, hidden = states.shape
    count, total = np.zeros(folds, dtype=np.int64), np.zeros((folds, 2, layers, hidden))
    for pair in range(len(table.index)):
        if table.fold[pair] < 0:
            continue
        count[table.fold[pair]] += 1
        for side in (0, 1):
            for layer in range(layers):
                total[table.fold[pair], side, layer] += states[layer, table.index[pair, side]].astype(np.float64)
    return count, total


def refit(activations: Activations, estimator: str, folds: set[int], layer: int) -> np.ndarray:
    """A vector fitted from scratch on the pairs of some folds."""
    data = activations.data
    states, index, fold = data["states"].values[layer].astype(np.float64), data["index"].values, data["fold"].values
    rows = [pair for pair in range(len(index)) if int(fold[pair]) in folds]
    positive = np.stack([states[index[pair, 0]] for pair in rows])
    negative = np.stack([states[index[pair, 1]] for pair in rows])
    return ORACLES[estimator](positive, negative)


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))
