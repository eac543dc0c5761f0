"""Candidates that gather in a topic are found; scattered ones are not."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from polyvalues.analysis.followups.item_divergence import DIVERGENCE_SCHEMA
from polyvalues.analysis.followups.topic_enrichment import ENRICHMENT_SCHEMA, enrichment

CATEGORIES = {("care", f"i{n:03d}"): f"topic-{n % 8}" for n in range(80)}


def table(statuses: dict[int, str], target: str = "sw") -> pa.Table:
    rows = [
        {
            "concept": "care",
            "target": target,
            "source": "en",
            "item": f"i{n:03d}",
            "doubts": "",
            "status": statuses.get(n, "no sign"),
        }
        for n in range(80)
    ]
    return pa.Table.from_pylist(rows, schema=DIVERGENCE_SCHEMA)


def test_a_topic_full_of_candidates_is_found() -> None:
    found = enrichment(table(dict.fromkeys((3, 11, 19, 27, 35, 8), "candidate")), CATEGORIES).to_pylist()
    assert (found[0]["category"], found[0]["candidates"], found[0]["items"]) == ("topic-3", 5, 10)
    expected = stats.fisher_exact([[5, 1], [5, 69]], alternative="greater")[1]
    assert found[0]["p"] == pytest.approx(expected)
    assert found[0]["q"] <= 0.05
    assert found[1]["category"] == "topic-0"
    assert found[1]["q"] > 0.05


def test_scattered_candidates_are_not_significant() -> None:
    rng = np.random.default_rng(0)
    q = []
    for _ in range(100):
        chosen = rng.choice(80, size=8, replace=False)
        q += [
            row["q"] <= 0.05
            for row in enrichment(table(dict.fromkeys(chosen.tolist(), "candidate")), CATEGORIES).to_pylist()
        ]
    assert np.mean(q) <= 0.02


def test_what_was_set_apart_does_not_count() -> None:
    found = enrichment(table({3: "candidate", 11: "doubtful", 19: "bad item"}), CATEGORIES).to_pylist()
    assert (found[0]["candidates"], found[0]["items"], found[0]["all_items"]) == (1, 8, 78)


def test_nothing_gives_nothing() -> None:
    assert enrichment(table({}), CATEGORIES).schema == ENRICHMENT_SCHEMA
    assert enrichment(table({1: "candidate"}), {}).num_rows == 0


def test_a_single_candidate_gathers_nowhere() -> None:
    """It falls into some topic, whose p is small where topics are; all of them are tested."""
    topics = {("care", f"i{n:03d}"): f"topic-{n % 40:02d}" for n in range(80)}
    (row,) = enrichment(table({3: "candidate"}), topics).to_pylist()
    assert row["p"] == pytest.approx(2 / 80)
    assert row["p_smallest"] == row["p"]
    assert row["q"] == pytest.approx(1.0)


def test_the_smallest_p_is_that_of_a_topic_with_all_candidates() -> None:
    statuses = dict.fromkeys(range(3, 28, 8), "candidate")
    (row,) = enrichment(table(statuses), CATEGORIES).to_pylist()
    assert row["p"] == pytest.approx(row["p_smallest"])
    other = enrichment(table({**statuses, 4: "candidate"}), CATEGORIES).to_pylist()
    assert all(row["p_smallest"] < row["p"] for row in other)
