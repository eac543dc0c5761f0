"""Changes are paired, averaged over draws and seeds first, and named certain only where they are; kappa is Cohen's."""

import itertools
import warnings

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from polyvalues.analysis.followups.steering_effects import QUANTITIES, Judgements, agreement, control_findings
from polyvalues.analysis.statistics.cohen_kappa import kappa
from polyvalues.artifacts import Generations, Judged
from polyvalues.config import StatisticsSpec
from steer_examples import generations
from unchecked import unchecked

STATISTICS = StatisticsSpec(draws=400)


def experiment(items: int = 40, seed: int = 0, gain: float = 0.5) -> tuple[Generations, Judgements]:
    """Two targets: the vector raises refusals of violating prompts by `gain` in fi, not in sw; random does nothing."""
    rng = np.random.default_rng(seed)
    rows, refused = [], []
    for target, item, side in itertools.product(("fi", "sw"), range(items), ("positive", "negative")):
        chance = rng.random()
        common = {"target": target, "item": str(item), "group": f"g{item // 2}", "side": side}
        base = side == "negative" and chance < 0.2
        variants = [("base", "", 0, base)]
        moved = base or (side == "negative" and target == "fi" and chance < 0.2 + gain)
        variants += [("source", "en", 1, moved), ("source", "en", -1, False), ("own", target, 1, base)]
        variants += [("source", "fr", 1, base), ("prompt", "", 0, base)]
        variants += [("random", "en", 1, bool(rng.random() < 0.2) and side == "negative") for _ in range(4)]
        for vector, source, sign, value in variants:
            rows.append(common | {"vector": vector, "source": source, "sign": sign})
            refused.append(float(value))
    scores = np.array(refused)
    ones = np.ones_like(scores)
    return generations(*rows), Judgements(
        aim=Judged("openings", "refusal", scores),
        willing=Judged("openings", "compliance", 1 - scores),
        language=Judged("language kept", "language kept", ones),
        perplexity=Judged("perplexity", "perplexity", 1 + scores),
        repetition=Judged("repetition", "repetition", 0 * ones),
    )


def oracle(made: Generations, scores: np.ndarray, target: str, vector: str, sign: int, side: str) -> float:
    """Mean over items of the difference to the unsteered answer, by a plain loop."""
    rows = made.table.to_pylist()
    gaps = []
    for item in sorted({row["item"] for row in rows}):
        here = [at for at, row in enumerate(rows) if (row["target"], row["item"], row["side"]) == (target, item, side)]
        base = [scores[at] for at in here if rows[at]["vector"] == "base"]
        own = [
            scores[at]
            for at in here
            if rows[at]["vector"] == vector and rows[at]["sign"] == sign and rows[at]["source"] != "fr"
        ]
        gaps.append(np.mean(own) - np.mean(base))
    return float(np.mean(gaps))


def test_changes_are_those_of_a_plain_loop() -> None:
    made, judged = experiment()
    found = control_findings(made, judged, "en", ["fi", "sw"], STATISTICS)
    change = found["change"].sel(interval="estimate")
    for target in ("fi", "sw"):
        for variant, vector, sign in (("source", "source", 1), ("opposite", "source", -1), ("own", "own", 1),
                                      ("random", "random", 1), ("prompt", "prompt", 0)):  # fmt: skip
            for quantity, scores, side in (("behaviour", judged.aim.scores, "negative"),
                                           ("willing", judged.willing.scores, "positive")):  # fmt: skip
                value = float(change.sel(variant=variant, quantity=quantity, target=target))
                assert value == pytest.approx(oracle(made, scores, target, vector, sign, side), abs=1e-9)
    mean = found["mean"].sel(interval="estimate", variant="source", quantity="behaviour")
    assert float(mean) == pytest.approx(float(change.sel(variant="source", quantity="behaviour").mean()))
    rate = found["rate"].sel(interval="estimate", variant_or_base="base", quantity="behaviour", target="fi")
    own = [score for score, row in zip(judged.aim.scores, made.table.to_pylist(), strict=True)
           if row["vector"] == "base" and row["side"] == "negative" and row["target"] == "fi"]  # fmt: skip
    assert float(rate) == pytest.approx(np.mean(own))


def test_what_was_planted_is_found_and_what_was_not_is_not() -> None:
    made, judged = experiment()
    found = control_findings(made, judged, "en", ["fi"], STATISTICS)
    change = found["change"].sel(quantity="behaviour")
    assert float(change.sel(variant="source", target="fi", interval="lower")) > 0.2
    assert float(found["q"].sel(variant="source", target="fi")) < 0.01
    assert float(found["q"].sel(variant="source", target="sw")) == 1
    for variant in ("random", "own"):
        low, high = (float(change.sel(variant=variant, target="fi", interval=bound)) for bound in ("lower", "upper"))
        assert low <= 0 <= high
    matrix = found["matrix"].sel(interval="estimate")
    assert matrix["source"].values.tolist() == ["en", "fr"]
    assert float(matrix.sel(source="en", target="fi")) == pytest.approx(
        float(change.sel(variant="source", target="fi", interval="estimate"))
    )
    assert float(matrix.sel(source="fr", target="fi")) == 0
    assert found.attrs["averaged"] == "fi"


def test_order_of_rows_and_languages_means_nothing() -> None:
    made, judged = experiment()
    order = np.random.default_rng(1).permutation(made.table.num_rows)
    mixed = Generations(made.table.take(order))
    parts = {
        name: Judged(part.judge, part.behaviour, part.scores[order])
        for name, part in ((name, getattr(judged, name)) for name in Judgements.__annotations__)
    }
    one = control_findings(made, judged, "en", ["fi"], STATISTICS)
    other = control_findings(mixed, Judgements(**parts), "en", ["fi"], STATISTICS)
    for name in ("rate", "change", "matrix"):
        other_part = other[name].sel({dim: one[name][dim] for dim in one[name].dims})
        np.testing.assert_allclose(
            one[name].sel(interval="estimate"), other_part.sel(interval="estimate"), atol=1e-12, equal_nan=True
        )


def test_groups_without_change_do_not_lower_the_smallest_p() -> None:
    rows, refused = [], []
    for item in range(12):
        for vector in ("base", "source"):
            source, sign = ("en", 1) if vector == "source" else ("", 0)
            rows.append(
                {"target": "fi", "item": str(item), "group": f"g{item}", "side": "negative"}
                | {"vector": vector, "source": source, "sign": sign}
            )
            refused.append(float(vector == "source" and item < 3))
    rows.append(rows[1] | {"vector": "random"})
    scores = np.array([*refused, 0.0])
    judges = [Judged("j", "refusal", values) for values in (scores, scores, scores, scores + 1, scores)]
    found = control_findings(generations(*rows), Judgements(*judges), "en", ["fi"], STATISTICS)
    cell = {"variant": "source", "target": "fi"}
    assert float(found["p"].sel(cell)) == pytest.approx(0.25)
    assert float(found["p_smallest"].sel(cell)) == 0.25
    assert float(found["p_smallest"].sel(cell | {"variant": "random"})) == 1
    assert np.isnan(found["p_smallest"].sel(cell | {"variant": "own"}))


def test_an_unknown_language_is_missing_not_zero() -> None:
    made, judged = experiment(6)
    unknown = np.full(made.table.num_rows, np.nan)
    found = control_findings(
        made, Judgements(judged.aim, judged.willing, Judged("l", "l", unknown), judged.perplexity, judged.repetition),
        "en", [], STATISTICS,
    )  # fmt: skip
    assert np.isnan(found["change"].sel(quantity="language")).all()
    assert np.isfinite(found["change"].sel(quantity="behaviour")).all()
    assert np.isnan(found["mean"]).all()
    assert list(found["quantity"].values) == list(QUANTITIES)


@unchecked()
def test_intervals_cover_and_the_test_keeps_its_level() -> None:
    covered, rejected, runs = 0, 0, 30
    for seed in range(runs):
        found = control_findings(*experiment(30, seed, 0.3), "en", [], StatisticsSpec(draws=200))
        change = found["change"].sel(variant="source", target="fi", quantity="behaviour").values
        covered += change[1] <= 0.3 <= change[2]
        null = found["p"].sel(variant="random", target="sw")
        rejected += float(null) <= 0.05
    assert covered >= 0.85 * runs
    assert rejected <= 0.15 * runs


def test_kappa_is_cohens() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.integers(0, 2, 30), rng.integers(0, 2, 30)
        assert float(kappa(first.astype(float), second.astype(float), np.ones(30))) == pytest.approx(
            cohen_kappa_score(first, second), abs=1e-12
        )
    one = np.array([1.0, 0.0, 1.0, np.nan])
    assert float(kappa(one, one, np.ones(4))) == 1
    assert float(kappa(one, 1 - one, np.ones(4))) < 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(kappa(np.ones(4), np.ones(4), np.ones(4)))


def test_judges_of_one_behaviour_are_compared() -> None:
    made, judged = experiment(20)
    second = Judged("endpoint", "refusal", judged.aim.scores)
    other = Judged("lexicon", "toxicity", judged.aim.scores)
    ((behaviour, one, two, value),) = agreement(made, [judged.aim, second, other], STATISTICS)
    assert (behaviour, one, two) == ("refusal", "openings", "endpoint")
    assert value[0] == 1
    assert value[1] <= 1
