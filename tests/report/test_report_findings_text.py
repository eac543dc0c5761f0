import dataclasses
import re

import numpy as np
import pytest
import xarray as xr
from report_examples import Example, build

from polyvalues.artifacts import Findings
from polyvalues.errors import MeasureError
from polyvalues.report.text.findings_text import CANNOT, describe


def told(example: Example, findings: Findings | None = None) -> str:
    sentences = describe(findings or example.findings, example.info, example.languages)
    return "\n".join(sentence.text for sentence in sentences)


def with_overview(findings: Findings, **numbers: tuple[float, float, float]) -> Findings:
    overview = findings.overview.copy(deep=True)
    for quantity, value in numbers.items():
        overview["value"].loc[{"concept": "all", "quantity": quantity}] = list(value)
    return dataclasses.replace(findings, overview=overview)


def test_headline(study: Example):
    findings = with_overview(study.findings, within=(0.83, 0.8, 0.86), random=(0.5, 0.48, 0.52))
    assert ("Own-language recognition averages 0.83 [0.80, 0.86] over 3 concepts and 4 languages.") in told(
        study, findings
    )


def checked(study: Example, verdict: str) -> Findings:
    overview = study.findings.overview.copy(deep=True)
    overview["baseline"] = ("concept", np.full(overview.sizes["concept"], verdict))
    return dataclasses.replace(study.findings, overview=overview)


@pytest.mark.parametrize("verdict", ["pass", "fail", "cannot tell"])
def test_one_sentence_on_the_baselines_follows_the_verdict(study: Example, verdict: str):
    told_of = describe(checked(study, verdict), study.info, study.languages)
    sentences = [one for one in told_of if "The baselines" in one.text]
    assert len(sentences) == 1
    assert verdict in sentences[0].text
    assert (sentences[0].topic == CANNOT) == (verdict == "cannot tell")


def test_a_cell_is_claimed_by_its_own_interval_however_well_directions_without_meaning_separate(study: Example):
    """Where the sides differ by much more than their noise every direction separates them, one way or the other."""
    recognition = study.findings.recognition.copy(deep=True)
    recognition["control_p"].loc[{"concept": "fairness", "target": "en"}] = 1.0
    assert told(study, dataclasses.replace(study.findings, recognition=recognition)) == told(study)
    recognition["chosen"].loc[{"concept": "fairness", "source": "en", "target": "en", "interval": "lower"}] = 0.49
    text = told(study, dataclasses.replace(study.findings, recognition=recognition))
    assert "In 1 of 11 cases recognition cannot be told from chance: fairness in en." in text


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ((-0.05, -0.08, -0.02), "something is lost"),
        ((-0.05, -0.12, 0.02), "includes 0, so no loss or gain can be claimed"),
        ((0.05, 0.01, 0.09), "work better"),
    ],
)
def test_transfer_claims_follow_the_interval(study: Example, change: tuple[float, float, float], claim: str):
    text = told(study, with_overview(study.findings, transfer=change))
    claims = ("something is lost", "no loss or gain can be claimed", "work better")
    assert claim in text
    assert sum(other in text for other in claims) == 1


def test_extremes_are_the_displayed_ones(study: Example):
    chosen = study.findings.recognition["chosen"].sel(concept="fairness")
    own = {tag: chosen.sel(source=tag, target=tag).values for tag in ("en", "zh", "ta", "sw")}
    low, high = min(own, key=lambda tag: own[tag][0]), max(own, key=lambda tag: own[tag][0])
    text = told(study)
    for word, tag in (("lowest", low), ("highest", high)):
        value = own[tag]
        assert f"{word} in {tag}: {value[0]:.2f} [{value[1]:.2f}, {value[2]:.2f}]" in text
    assert "(of 4 estimates)" in text
    assert "(of 3 estimates)" in text, "the concept with an unmeasured language counts the measured ones"


def test_overlapping_languages_are_not_ranked(study: Example):
    recognition = study.findings.recognition.copy(deep=True)
    recognition["chosen"].loc[{"interval": "lower"}] = 0.4
    recognition["chosen"].loc[{"interval": "upper"}] = 0.99
    text = told(study, dataclasses.replace(study.findings, recognition=recognition))
    assert "the languages cannot be ranked" in text
    assert "In 11 of 11 cases recognition cannot be told from chance" in text


def test_one_language_cannot_be_compared(lone: Example):
    text = told(lone)
    assert "Recognition of fairness in sw is" in text
    assert "Only one language was read (sw)" in text
    assert "transfer" not in text.lower()
    assert "→" not in text


def test_paper_protocol_is_flagged_first(paper: Example):
    sentences = describe(paper.findings, paper.info, paper.languages)
    assert "chosen on the test pairs" in sentences[0].text
    text = told(paper)
    for claim in ("something is lost", "the interval lies above chance"):
        assert claim not in text
        assert claim in told(build())
    assert "because layers are chosen on the test pairs" in told(paper, checked(paper, "fail"))


def blank(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.map(
        lambda array: array.copy(data=np.full(array.shape, np.nan)) if array.dtype.kind == "f" else array
    )


def test_nothing_measured(study: Example):
    old = study.findings
    findings = Findings(blank(old.recognition), blank(old.consistency), blank(old.transfer), blank(old.overview))
    text = told(study, findings)
    assert "Own-language recognition was not measured." in text
    assert "Transfer between languages was not measured." in text
    assert "nan" not in text.lower()


def test_few_pairs_are_named(study: Example):
    recognition = study.findings.recognition.copy(deep=True)
    recognition["n_pairs"].loc[{"concept": "fairness", "target": "ta"}] = 12
    text = told(study, dataclasses.replace(study.findings, recognition=recognition))
    assert "fairness in ta (12)" in text


def test_layers_and_folds():
    text = told(build(cross_fitted=True))
    assert re.search(r"The chosen layers are \d for deontology, \d for fairness and \d for harmfulness", text)
    assert "Some folds of cross-fitted concepts chose another layer" in text
    assert "Some folds" not in told(build())


def test_a_language_without_description_is_an_error(study: Example):
    with pytest.raises(MeasureError, match="'sw'"):
        describe(study.findings, study.info, study.languages[:-1])
    with pytest.raises(MeasureError, match="twice"):
        describe(study.findings, study.info, (*study.languages, study.languages[0]))
