"""Cross-fitting on planted mirrored data: right with related items in one fold, wrong without."""

import numpy as np
import pytest

from polyvalues.simulation import mirrored_data
from polyvalues.simulation.mirrored_data import covered, folded, mirrored_states, nothing_there

REPLICATIONS = 20


def estimates(strength: float) -> np.ndarray:
    """Estimate, lower and upper bound, truth of every replication."""
    return np.array(
        [next(iter(covered(strength)(np.random.default_rng([3, r])).values())) for r in range(REPLICATIONS)]
    )


def inside(cells: np.ndarray) -> float:
    return float(np.mean((cells[:, 1] <= cells[:, 3]) & (cells[:, 3] <= cells[:, 2])))


def test_related_items_in_one_fold_give_the_truth() -> None:
    for strength in (0.0, 1.0):
        cells = estimates(strength)
        assert inside(cells) >= 0.8  # P(fewer than 16 of 20 | 95 %) = 0.0026
        assert abs(np.mean(cells[:, 0] - cells[:, 3])) < 0.05


def test_items_apart_from_their_mirror_images_are_recognised_below_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrored_data, "grouped", lambda states, _: states)
    nothing, signal = estimates(0.0), estimates(1.0)
    assert inside(nothing) == 0
    assert nothing[:, 0].mean() < 0.25
    assert np.mean(signal[:, 0] - signal[:, 3]) < -0.07
    p = [nothing_there(np.random.default_rng([4, r]))["chance, all items mirrored"] for r in range(5)]
    assert max(p) <= 0.05


def test_folds_of_two_halve_the_harm_and_do_not_end_it() -> None:
    """The mean of the held-out scores is -P(the mirror image is in another fold) times what the two have in common."""
    rng = np.random.default_rng(5)
    found = {}
    for folds in (2, 10, 60):
        scores = []
        for _ in range(30):
            states = mirrored_states(rng, 0.0).data["states"].values[0].astype(float)
            gaps = states[0::2] - states[1::2]
            fold = rng.permutation(np.arange(60) % folds)
            rest = np.stack([gaps[fold != own].sum(axis=0) for own in fold])
            scores.append(np.mean(np.sum(gaps * rest, axis=1)))
        found[folds] = float(np.mean(scores))
    common = mirrored_data.SHARE * mirrored_data.HIDDEN
    for folds, value in found.items():
        apart = 1 - (60 / folds - 1) / 59
        assert value == pytest.approx(-apart * common, rel=0.15)


def test_groups_are_dealt_whole_to_folds_of_like_size() -> None:
    rng = np.random.default_rng(6)
    states = mirrored_states(rng, 0.0)
    names = states.data["item"].values.tolist()
    fold = folded(states, {item: f"g{at // 2}" for at, item in enumerate(names)}, rng).data["fold"].values
    assert np.array_equal(fold[0::2], fold[1::2])
    assert np.bincount(fold).tolist() == [6] * 10
