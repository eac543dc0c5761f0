"""Items that mirror or repeat each other, from their hidden states."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from polyvalues.artifacts import Activations
from polyvalues.artifacts.related_items import LEAST_COSINE
from polyvalues.vectors import related_pairs
from polyvalues.vectors.related_pairs import related_by_states, rotated, score_products

Law = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
LAWS: dict[str, Law] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "t3": lambda rng, shape: rng.standard_t(3, shape),
    "skewed": lambda rng, shape: rng.exponential(1, shape),
    "massive": lambda rng, shape: rng.standard_normal(shape) * np.where(np.arange(shape[1]) < 3, 20.0, 1.0),
    "t3, uneven": lambda rng, shape: rng.standard_t(3, shape) * np.arange(1, shape[1] + 1) ** -0.7,
    "lengths": lambda rng, shape: rng.standard_normal(shape) * np.exp(rng.standard_normal((shape[0], 1))),
}


def states_of(gaps: np.ndarray, language: str = "en") -> Activations:
    """Kept states whose pairs differ by `gaps` `[item, hidden]`."""
    items = len(gaps)
    states = np.stack([gaps / 2, -gaps / 2], axis=1).reshape(1, 2 * items, -1).astype(np.float32)
    names = np.array([f"i{at:03}" for at in range(items)])
    along = {"group": names, "split": np.full(items, "cross"), "fold": np.arange(items, dtype=np.int32) % 10}
    data = xr.Dataset(
        {"states": (("layer", "text", "hidden"), states),
         "index": (("pair", "side"), np.arange(2 * items).reshape(-1, 2))},
        coords={"layer": [0], "item": ("pair", names), **{key: ("pair", value) for key, value in along.items()}},
        attrs={"concept": "truth", "language": language},
    )  # fmt: skip
    return Activations(data)


@pytest.mark.parametrize("law", LAWS)
def test_unrelated_items_are_called_related_in_no_more_than_a_twentieth_of_data_sets(law: str) -> None:
    rng = np.random.default_rng(4)
    false = 0
    for _ in range(60):
        gaps = LAWS[law](rng, (40, 48))
        gaps[:, 0] += 1.0
        false += related_by_states({"en": states_of(gaps)}, rng).num_rows > 0
    assert false <= 8  # P(more than 8 of 60 | 5 %) = 0.004


@pytest.mark.parametrize("law", ["normal", "t3", "massive"])
def test_planted_relations_are_found_though_a_signal_is_there(law: str) -> None:
    rng = np.random.default_rng(5)
    gaps = LAWS[law](rng, (60, 64))
    gaps[1:20:2] = -0.9 * gaps[0:20:2] + 0.4 * gaps[1:20:2]
    gaps[21:30:2] = 0.9 * gaps[20:30:2] + 0.4 * gaps[21:30:2]
    gaps[:, 5] += 1.0
    rows = related_by_states({"en": states_of(gaps), "fi": states_of(gaps, "fi")}, rng).to_pylist()
    true = [row for row in rows if int(row["item"][1:]) // 2 == int(row["other"][1:]) // 2 < 15]
    assert len(true) >= 14
    assert len(rows) - len(true) <= 2
    assert all(row["kind"] == ("mirrored" if int(row["item"][1:]) < 20 else "alike") for row in true)


def test_a_rotation_keeps_the_spectrum_and_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    product = score_products(rng.standard_normal((30, 8)))
    seen = []
    monkeypatch.setattr(related_pairs, "_cosines", lambda turned: seen.append(turned) or turned)
    null = rotated(product, rng)
    assert len(seen) == related_pairs.DRAWS
    assert null.total == related_pairs.DRAWS * 435
    for turned in seen:
        assert np.allclose(np.linalg.eigvalsh(turned), np.linalg.eigvalsh(product), atol=1e-10)
        assert np.allclose(turned.sum(axis=0), 0, atol=1e-10)
    assert not np.allclose(seen[0], seen[1])


def test_scores_see_neither_a_common_shift_nor_the_scale_of_a_coordinate() -> None:
    rng = np.random.default_rng(7)
    gaps = rng.standard_normal((12, 5))
    moved = 3 + gaps * np.array([1, 10, 0.1, 5, 2])
    assert np.allclose(score_products(gaps), score_products(moved))
    assert np.allclose(score_products(gaps).sum(axis=0), 0, atol=1e-12)


def test_large_sets_draw_the_null_from_some_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(related_pairs, "_MOST", 20)
    rng = np.random.default_rng(8)
    null = rotated(score_products(rng.standard_normal((50, 16))), rng)
    assert null.total == related_pairs.DRAWS * 190
    assert null.tail.min() >= LEAST_COSINE


def test_too_few_items_tell_nothing() -> None:
    assert related_by_states({"en": states_of(np.eye(5))}, np.random.default_rng(0)).num_rows == 0
