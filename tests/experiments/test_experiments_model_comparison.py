"""Several studies at once: written, paired, and advised on only as far as the data go."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from line_examples import build_model, settings, write_pairs
from polyvalues.analysis.across_models.training_mixture import multilinguality
from polyvalues.artifacts import Claims, Findings, ModelFindings
from polyvalues.dimensions import BOUNDS
from polyvalues.errors import SpecError
from polyvalues.experiments.model_comparison import compare_studies, difference_words
from polyvalues.experiments.pitfalls import measure_mistakes
from polyvalues.report.text.mixture_advice import NOTHING, advise
from polyvalues.study.hypothesis_tests import no_claims
from polyvalues.study.run import run_study
from polyvalues.study.study import load_study

TAGS = ("en", "fr", "es", "sw", "ny")
SHARES = {"en": 60.0, "fr": 9.0, "es": 5.0, "sw": 0.5, "ny": 0.1}


def synthetic(trait: bool) -> tuple[Findings, Claims]:
    """Findings and claims of a model with a strong trait, or with none at all."""
    own = np.array([0.95, 0.9, 0.8, 0.55, 0.5]) if trait else np.array([0.7, 0.7, 0.71, 0.69, 0.7])
    cells = np.full((1, 5, 5, 3), 0.5)
    cells[0, range(5), range(5)] = own[:, None]
    labels = {"concept": ["a"], "source": list(TAGS), "target": list(TAGS)}
    recognition = xr.Dataset(
        {"chosen": (("concept", "source", "target", "interval"), cells)}, coords={**labels, "interval": list(BOUNDS)}
    )
    value = np.array([[[0.7, 0.68, 0.72]]])
    overview = xr.Dataset(
        {"value": (("concept", "quantity", "interval"), value)},
        coords={"concept": ["all"], "quantity": ["within"], "interval": list(BOUNDS)},
    )
    q = np.where(cells[..., 0] > 0.6, 0.001, 0.9) if trait else np.full((1, 5, 5), 0.9)
    slope = (0.2, 0.1, 0.3) if trait else (0.01, -0.1, 0.12)
    gain = np.array([[[0.2, 0.1, 0.3] if trait and tag in ("sw", "ny") else [0.0, -0.1, 0.1] for tag in TAGS]])
    word = np.where(gain[..., 1] > 0, "gains", "cannot tell")
    direction = xr.Dataset(
        {
            "slope": (("concept", "interval"), np.array([slope])),
            "high_minus_low": (("concept", "interval"), np.array([slope])),
            "p": (("concept",), np.array([0.001 if trait else 0.8])),
            "gain": (("concept", "target", "interval"), gain),
            "gain_word": (("concept", "target"), word),
            "donor": (("target",), np.array(["fr", "en", "en", "en", "en"])),
        },
        coords={"concept": ["all"], "target": list(TAGS), "interval": list(BOUNDS)},
    )
    nothing = no_claims()
    claims = Claims(
        xr.Dataset({"q": (("concept", "source", "target"), q)}, coords=labels),
        nothing.stability, nothing.differences, nothing.agreement, nothing.companions, nothing.kinship, direction,
    )  # fmt: skip
    return Findings(recognition, xr.Dataset(), xr.Dataset(), overview), claims


def advised(traits: list[bool], shares: dict[str, float] = SHARES) -> tuple[list[str], bool]:
    parts = [(f"m{at}", *synthetic(trait)) for at, trait in enumerate(traits)]
    table = multilinguality([ModelFindings(name, findings, claims, shares) for name, findings, claims in parts])
    found = advise([ModelFindings(name, findings, claims, shares) for name, findings, claims in parts], table)
    assert all("observational: n = " in advice.caveat for advice in found)
    return [advice.text for advice in found], any(advice.supported for advice in found)


def test_with_the_trait_there_is_advice_with_its_numbers() -> None:
    texts, supported = advised([True])
    said = "\n".join(texts)
    assert supported
    assert "flatten the mixture" in said
    assert "+0.20 [+0.10, +0.30]" in said
    assert "sw (0.50 %" in said
    assert NOTHING not in said


def test_without_the_trait_the_advice_says_so() -> None:
    texts, supported = advised([False])
    assert not supported
    assert texts[-1] == NOTHING
    assert "no sign that transfer follows training shares" in texts[0]
    assert "flatten" not in "\n".join(texts)


def test_unknown_shares_and_few_models_are_said() -> None:
    texts, supported = advised([True], shares={})
    assert not supported
    assert "training shares are not known" in texts[0]
    assert (
        "Across models: 2 are too few; the smallest p that permuting 2 models can give is 1." in advised([True] * 2)[0]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("compare")
    build_model(home / "model")
    write_pairs(home / "pairs.jsonl", languages=("en", "fi", "ta"))
    for name, languages in (("one", None), ("two", ["en", "fi"])):
        run_study(
            settings(
                home / "model", home / "pairs.jsonl", home / name,
                split={"mode": "cross", "folds": 4}, check={"languages": languages},
            )
        )  # fmt: skip
    return home


def test_studies_are_compared_on_what_they_share(folder: Path, tmp_path: Path) -> None:
    studies = [load_study(folder / "one"), load_study(folder / "two")]
    found = compare_studies(studies, tmp_path / "out")
    (data,) = found.differences.values()
    assert data["target"].values.tolist() == ["en", "fi"]
    np.testing.assert_allclose(data["difference"].sel(interval="estimate").values, 0)  # one model, the same pairs
    assert "0 of 4 differences are certain" in difference_words(found)[0]
    assert "made on other pairs" in found.notes[0]
    assert found.table["study"].values.tolist() == ["model (one)", "model (two)"]
    page = (tmp_path / "out/compare.html").read_text(encoding="utf-8")
    assert NOTHING in page
    assert page.count("data:image/svg+xml") == 3
    for name in (
        "traits.csv",
        "correlations.csv",
        "languages.csv",
        "advice.csv",
        "traits.svg",
        "shares.svg",
        "differences.svg",
    ):
        assert (tmp_path / "out" / name).stat().st_size > 0


def test_nothing_to_compare_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="at least one"):
        compare_studies([])
    paper = run_study(
        settings(folder / "model", folder / "pairs.jsonl", tmp_path / "paper", protocol="paper", split={})
    )
    with pytest.raises(SpecError, match="strict protocol"):
        compare_studies([paper])


def test_mistakes_are_measured_on_a_study(folder: Path) -> None:
    study = load_study(folder / "one")
    found = measure_mistakes(study)
    assert [row.mistake for row in found.rows] == ["selection", "ties", "leakage", "post-norm"]
    assert any("too few languages" in note for note in found.notes)
    assert all(np.isfinite([row.right, row.mistaken]).all() for row in found.rows)
    own = study.findings.recognition["chosen"].sel(interval="estimate")
    assert found.rows[0].right == pytest.approx(float(own.mean()))
    assert (study.folder / "findings/mistakes.csv").read_text(encoding="utf-8").count("\n") == 5
