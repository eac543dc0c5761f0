"""Claims are taken from the folder when nothing changed, left out with a reason, and said only as far as they hold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from polyvalues.artifacts import Claims
from polyvalues.config import StatisticsSpec
from polyvalues.report.text.hypothesis_results import claims_csv, describe_claims, p_text
from polyvalues.storage.store import Provenance, Store
from polyvalues.study import hypothesis_tests as module
from polyvalues.study.hypothesis_tests import PARTS, Measured, analyses, load_claims, make_claims, no_claims
from reference.measure_cases import make_choice, make_scores, random_replicates
from reference.vectors_cases import activations_of, states_of, table_of

SPEC = StatisticsSpec(draws=50)
LANGUAGES = ("en", "fr", "es", "sw", "ny")
SHARES = {"en": 60.0, "fr": 9.0, "es": 5.0, "sw": 0.5, "ny": 0.1}


def measured(
    strength: float, languages: tuple[str, ...] = LANGUAGES, shares: dict[str, float] | None = None
) -> Measured:
    """Sources are better, the larger their share, by `strength` per factor of ten."""
    rng = np.random.default_rng(0)
    logs = np.log10([SHARES[name] for name in languages])
    scores = []
    for split, pairs in (("test", 150), ("select", 40)):
        for target in languages:
            values = np.zeros((pairs, 2, 1, len(languages)))
            luck = rng.random((pairs, 1 if strength else len(languages)))
            values[:, 0, 0] = np.where(luck < 0.75 + strength * (logs - logs.mean()), 1.0, -1.0)
            scores.append(make_scores(values, target=target, sources=languages, split=split))
    both = {name: [s.data for s in scores if s.data.attrs["target"] == name] for name in languages}
    joined = [type(scores[0])(xr.concat(parts, dim="pair", combine_attrs="override")) for parts in both.values()]
    replicates = [random_replicates(rng, languages=languages, layers=1)]
    inputs = {"honesty": {}}
    for seed, name in enumerate(languages):
        table = table_of(12, 4, 0, language=name, shared=False)
        inputs["honesty"][name] = activations_of(table, states_of(table, 1, 8, seed))
    known = SHARES if shares is None else shares
    return Measured(joined, replicates, [make_choice(0, layers=1)], known, ("en",), inputs)


def test_everything_is_tested_stored_and_taken_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, provenance = Store(tmp_path), Provenance("findings", {"a": 1}, {"b": "c"})
    first = make_claims(measured(0.06), SPEC, store, provenance)
    assert all(getattr(first, name) for name in PARTS)
    assert first.kinship["table"].values.tolist() == ["computed", "paper", "paper-known"]

    def never(*_: object) -> None:
        raise AssertionError("measured again")

    for name in (
        "chance",
        "stability",
        "languages_difference",
        "agreement",
        "companions",
        "kinship",
        "direction",
        "coherence",
    ):
        monkeypatch.setattr(module, name, never)
    again = make_claims(measured(0.06), SPEC, store, provenance)
    assert all(getattr(first, name).identical(getattr(again, name)) for name in PARTS)
    assert load_claims(store).direction.identical(first.direction)
    with pytest.raises(AssertionError, match="again"):
        make_claims(measured(0.06, shares={"en": 1.0, "fr": 0.5, "es": 0.2}), SPEC, store, provenance)


def test_what_cannot_be_tested_is_said(tmp_path: Path) -> None:
    found = make_claims(measured(0.06, shares={}), SPEC, Store(tmp_path / "a"), Provenance("findings", {}, {}))
    assert not found.direction
    assert any("training shares are not known" in note for note in found.notes)
    alone = make_claims(measured(0.06, languages=("en",)), SPEC, Store(tmp_path / "b"), Provenance("findings", {}, {}))
    assert alone.chance
    assert not alone.agreement
    assert not alone.kinship
    assert "direction (it needs three languages" in describe_claims(alone)[-1].text
    assert describe_claims(no_claims()) == ()
    assert claims_csv(no_claims()) == {}


def said(strength: float, folder: Path) -> str:
    found = make_claims(measured(strength), SPEC, Store(folder), Provenance("findings", {}, {}))
    return "\n".join(sentence.text for sentence in describe_claims(found))


def test_a_trait_is_claimed_only_when_it_is_there(tmp_path: Path) -> None:
    with_trait, without = said(0.06, tmp_path / "a"), said(0.0, tmp_path / "b")
    assert "runs from better- to poorer-resourced languages" in with_trait
    assert "better for" in with_trait
    assert "no sign that transfer runs one way" in without
    for text in (with_trait, without):
        assert "q ≤ 0.05" in text
        assert "chosen again in" in text
        assert "Of 10 pairs of languages" in text


def test_tables_hold_every_number(tmp_path: Path) -> None:
    found: Claims = make_claims(measured(0.06), SPEC, Store(tmp_path), Provenance("findings", {}, {}))
    files = claims_csv(found)
    assert {"chance.csv", "stability.csv", "differences.csv", "agreement.csv", "kinship.csv", "direction.csv"} <= set(
        files
    )
    rows = files["chance.csv"].splitlines()
    assert rows[0] == "concept,source,target,p,q,p_smallest,power"
    assert len(rows) == 1 + 25
    assert "verdict" in files["agreement.csv"].splitlines()[0]
    assert "gain_estimate" in files["direction.csv"]
    assert "fr" in files["direction_target.csv"]
    assert files["direction_concept.csv"].startswith("concept,")


def test_small_p_values_are_not_zero() -> None:
    assert p_text(1e-9) == "p < 0.001"
    assert p_text(0.031) == "p = 0.031"


def test_kinship_is_claimed_beyond_genealogy_and_not_where_p_cannot_be_small(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PERMUTATIONS", 49)
    found = analyses(measured(0.06), SPEC)["kinship"][1]()
    cells = {"table": "computed", "of": "cosine", "coefficient": "pearson", "form": "beyond"}
    for name, values in (("q", (0.01, 0.2, 0.01)), ("p_smallest", (0.1, 0.0005, 0.0005))):
        for kind, value in zip(("genetic", "geographic", "syntactic"), values, strict=True):
            found[name].loc[{**cells, "kind": kind}] = value
    said = [sentence.text for sentence in describe_claims(replace(no_claims(), kinship=found))]
    certain, cannot = (next(text for text in said if part in text) for part in ("(q ≤", "cannot be tested"))
    assert "syntactic beyond genealogy and geography (in 1 of 1 concepts)" in certain
    assert "no sign of it for geographic beyond genealogy" in certain
    assert "genetic (p cannot be below 0.1)" in cannot
