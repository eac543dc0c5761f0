"""Each mistake does what is known of it: by hand, on planted data, and nothing where it cannot matter."""

import numpy as np
import pytest

from polyvalues.analysis.followups.pitfall_effects import leakage, post_norm, selection_and_ties, shifted
from polyvalues.config import StatisticsSpec
from reference.measure_cases import make_choice, make_scores

SPEC = StatisticsSpec(draws=200)


def test_selection_by_hand() -> None:
    """Layer 0 is chosen and tells half of the pairs apart; layer 1 tells all of them apart."""
    projection = np.zeros((40, 2, 2, 2))
    projection[:, 0, 0] = np.where(np.arange(40)[:, None] % 2, 1.0, -1.0)
    projection[:, 0, 1] = 1.0
    found, _ = selection_and_ties([make_scores(projection)], [make_choice(0, layers=2)], SPEC)
    assert (found.right, found.mistaken) == (0.5, 1.0)
    assert found.lower > 0.2


def test_selection_raises_pure_noise_above_chance() -> None:
    rng = np.random.default_rng(0)
    scores = [make_scores(rng.normal(size=(100, 2, 12, 2)), target=name) for name in ("en", "fr")]
    found, _ = selection_and_ties(scores, [make_choice(5, layers=12)], SPEC)
    assert found.right == pytest.approx(0.5, abs=0.06)
    assert found.mistaken > found.right + 0.04
    single = [make_scores(rng.normal(size=(100, 2, 1, 2)), target=name) for name in ("en", "fr")]
    alone, _ = selection_and_ties(single, [make_choice(0, layers=1)], SPEC)
    assert alone.right == alone.mistaken


def test_ties_count_a_half_more() -> None:
    projection = np.zeros((40, 2, 1, 2))
    projection[10:, 0] = 1.0
    _, found = selection_and_ties([make_scores(projection)], [make_choice(0, layers=1)], SPEC)
    assert found.right == pytest.approx((30 + 5) / 40)
    assert found.mistaken == 1.0
    assert 0 < found.lower < 0.125 < found.upper


def test_leakage_needs_something_that_translations_share() -> None:
    """Item noise that is the same in two languages leaks; independent noise does not."""
    rng = np.random.default_rng(1)
    common = rng.normal(size=(60, 40))
    shared = {name: common + 0.05 * rng.normal(size=(60, 40)) for name in ("en", "sw")}
    apart = {name: rng.normal(size=(60, 40)) for name in ("en", "sw")}
    leaked = leakage([shared], np.random.default_rng(2))
    assert leaked.mistaken > leaked.right + 0.1
    assert leaked.lower > 0
    clean = leakage([apart], np.random.default_rng(2))
    assert abs(clean.mistaken - clean.right) < 0.04
    again = leakage([shared], np.random.default_rng(2))
    assert again == leaked


def test_a_norm_that_changes_nothing_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    plain = [rng.normal(size=(30, 8)) + 0.3 for _ in range(4)]
    same = post_norm(plain, [3.0 * values for values in plain], 5, np.random.default_rng(0))
    assert same.right == same.mistaken
    crushed = [values * np.array([1e-3] + [1.0] * 7) for values in plain]
    other = post_norm(plain, crushed, 5, np.random.default_rng(0))
    assert other.right == same.right
    assert other.mistaken != other.right


def test_the_shift_pairs_each_distance_with_the_cosine_before() -> None:
    rng = np.random.default_rng(4)
    points = rng.normal(size=(8, 3))
    similarity = -np.linalg.norm(points[:, None] - points[None], axis=-1)
    found = shifted(similarity * 0.1, similarity, "genetic")
    assert found.right == pytest.approx(1.0)
    values = similarity[np.triu_indices(8, 1)]
    assert found.mistaken == pytest.approx(np.corrcoef(values[:-1], values[1:])[0, 1])
