"""Without flagged pairs: what is left, what changes, and that nothing changes where nothing is left out."""

import numpy as np
import pytest
import xarray as xr

from polyvalues.analysis.followups.without_flagged import exclusion, exclusion_notes
from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.statistics.bootstrap import group_weights
from polyvalues.analysis.transfer import transfer
from polyvalues.artifacts import Scores
from polyvalues.artifacts.quality_ratings import PairKey
from polyvalues.config import StatisticsSpec
from reference.measure_cases import make_choice, make_scores, random_scores
from reference.measure_oracle import interval
from reference.quality_oracle import accuracies

SPEC = StatisticsSpec(draws=20)
CHOICE = [make_choice(0, layers=1)]


def scores_of(seed: int = 0) -> list[Scores]:
    return list(random_scores(np.random.default_rng(seed), layers=1).values())


def items_of(scores: Scores) -> list[str]:
    data = scores.data
    return [str(item) for item, split in zip(data["item"].values, data["split"].values, strict=True) if split == "test"]


def groups_of(scores: Scores) -> list[str]:
    data = scores.data
    names = zip(data["group"].values, data["split"].values, strict=True)
    return [str(name) for name, split in names if split == "test"]


def some(scores: list[Scores], every: int) -> set[PairKey]:
    return {("honesty", str(part.data.attrs["target"]), item) for part in scores for item in items_of(part)[::every]}


def test_leaving_out_nothing_changes_nothing() -> None:
    scores = scores_of()
    found = exclusion(scores, CHOICE, {("honesty", "en", "not there"), ("other", "en", items_of(scores[0])[0])}, SPEC)
    for kind in ("own", "any"):
        part = found.sel(excluded=kind, drop=True)
        assert (part["change"] == 0).all()
        assert (part["n_pairs"] == part["n_kept"]).all()
        xr.testing.assert_equal(part["kept"], recognition(scores, CHOICE, SPEC)["chosen"].rename("kept"))
        xr.testing.assert_equal(part["transfer"], transfer(scores, CHOICE, SPEC)["transfer"])


@pytest.mark.parametrize("kind", ["own", "any"])
def test_resamples_are_those_of_a_loop_over_pairs(kind: str) -> None:
    scores = scores_of(1)
    flagged = {key for key in some(scores, 4) if key[1] != "fr"}
    found = exclusion(scores, CHOICE, flagged, SPEC).sel(excluded=kind)
    groups = sorted({name for part in scores for name in groups_of(part)})
    weights = group_weights("honesty", len(groups), SPEC.draws, SPEC.seed)
    for part in scores:
        target = str(part.data.attrs["target"])

        def out(item: str, target: str = target) -> bool:
            return any(item == other and (kind == "any" or tag == target) for _, tag, other in flagged)

        kept = sum(not out(item) for item in items_of(part))
        assert int(found["n_kept"].sel(concept="honesty", target=target)) == kept
        assert int(found["n_pairs"].sel(concept="honesty", target=target)) == len(items_of(part))
        for source in ("en", "fr", "sw"):
            cell = {"concept": "honesty", "source": source, "target": target}
            without = np.array(accuracies(part, source, weights, groups, out))
            whole = np.array(accuracies(part, source, weights, groups, lambda _: False))
            assert float(found["kept"].sel(cell).sel(interval="estimate")) == pytest.approx(without[0])
            change = without - whole
            left = [name for name, item in zip(groups_of(part), items_of(part), strict=True) if not out(item)]
            sizes = np.unique(left, return_counts=True)[1]
            worth = sizes.sum() ** 2 / (sizes**2).sum()
            if kept < len(items_of(part)):
                said = found["change"].sel(cell).values
                known = change[~np.isnan(change)].tolist()
                assert tuple(said) == pytest.approx(interval(known, SPEC.confidence, worth, (-1, 1)))
            else:
                assert (found["change"].sel(cell) == 0).all()


def test_without_the_wrong_pairs_all_are_right_and_without_all_nothing_is_said() -> None:
    projection = np.zeros((60, 2, 1, 2))
    projection[:, 0, 0] = np.where(np.arange(60) % 3 == 0, -1.0, 1.0)[:, None]
    scores = [make_scores(projection), make_scores(projection, target="fr")]
    wrong = {("honesty", "en", f"i{row:04d}") for row in range(0, 60, 3)}
    found = exclusion(scores, CHOICE, wrong, SPEC).sel(excluded="own", concept="honesty")
    assert float(found["kept"].sel(source="en", target="en", interval="estimate")) == 1
    assert float(found["change"].sel(source="en", target="en", interval="lower")) > 0.1
    assert (found["change"].sel(target="fr") == 0).all()
    note = exclusion_notes(exclusion(scores, CHOICE, wrong, SPEC))[0]
    assert "20 of 120 tested pairs" in note
    assert "0.333 (certain in 1 of 2)" in note
    everything = {("honesty", "en", f"i{row:04d}") for row in range(60)}
    nothing = exclusion(scores, CHOICE, everything, SPEC).sel(excluded="any")
    assert np.isnan(nothing["kept"]).all()
    assert np.isnan(nothing["change"]).all()
    assert int(nothing["n_kept"].sum()) == 0


def test_the_order_of_languages_permutes_labels_only() -> None:
    scores = scores_of(2)
    flagged = some(scores, 5)
    first, second = exclusion(scores, CHOICE, flagged, SPEC), exclusion(scores[::-1], CHOICE, flagged, SPEC)
    xr.testing.assert_equal(first, second.sel(target=first["target"].values))
