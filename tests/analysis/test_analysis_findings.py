import io

import numpy as np
import pytest
import xarray as xr

from polyvalues.analysis.findings import measure
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.warnings_text import ranges
from polyvalues.artifacts import LayerChoice, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import CONTROL
from polyvalues.errors import MeasureError
from reference.measure_cases import make_choice, make_scores, random_replicates, random_scores

SPEC = StatisticsSpec(draws=40)
PARTS = ("recognition", "consistency", "transfer", "overview")


def study(seed: int = 0, numbering: str = "block"):
    rng = np.random.default_rng(seed)
    scores, parts, choices = [], [], []
    for concept in ("honesty", "fairness"):
        by_target = random_scores(rng, concept=concept, pairs=120, numbering=numbering)
        scores += by_target.values()
        parts.append(random_replicates(rng, concept=concept))
        choices.append(choose_layers(by_target))
    return scores, parts, choices


@pytest.mark.parametrize("protocol", ["strict", "paper"])
def test_the_same_input_gives_the_same_findings(protocol):
    inputs = study(numbering="paper" if protocol == "paper" else "block")
    first, second = (measure(*inputs, SPEC, protocol) for _ in range(2))
    for name in PARTS:
        xr.testing.assert_identical(getattr(first, name), getattr(second, name))
        attrs = getattr(first, name).attrs
        assert (attrs["protocol"], attrs["confidence"]) == (protocol, 0.95)
        assert attrs["layer_numbering"] == ("paper" if protocol == "paper" else "block")
    assert first.warnings == second.warnings


@pytest.mark.parametrize("protocol", ["strict", "paper"])
def test_no_estimate_without_an_interval(protocol):
    found = measure(*study(numbering="paper" if protocol == "paper" else "block"), SPEC, protocol)
    for name in PARTS:
        for variable in getattr(found, name).data_vars.values():
            if "interval" in variable.dims:
                estimate, lower, upper = np.moveaxis(variable.values, -1, 0)
                np.testing.assert_array_equal(np.isnan(estimate), np.isnan(lower))
                np.testing.assert_array_equal(np.isnan(estimate), np.isnan(upper))
                known = ~np.isnan(estimate)
                assert known.any()
                assert (lower[known] <= estimate[known]).all()
                assert (estimate[known] <= upper[known]).all()


def test_findings_and_scores_survive_netcdf():
    scores, parts, choices = study()
    found = measure(scores, parts, choices, SPEC, "strict")
    for name in PARTS:
        data = getattr(found, name)
        blob = bytes(data.to_netcdf(engine="scipy"))
        xr.testing.assert_equal(xr.load_dataset(io.BytesIO(blob), engine="scipy"), data)
    read = [Scores(xr.load_dataset(io.BytesIO(bytes(item.data.to_netcdf(engine="scipy"))))) for item in scores]
    again = measure(read, parts, choices, SPEC, "strict")
    for name in PARTS:
        xr.testing.assert_identical(getattr(again, name), getattr(found, name))


def test_a_clean_study_has_no_warnings():
    rng = np.random.default_rng(1)
    languages = ("en", "fr")
    values = rng.normal(size=(200, 2, 3, 2))
    values[:, 0, 1] += 1
    split = ["select"] * 60 + ["test"] * 140
    control = rng.normal(size=(200, 3, 2, 2))
    scores = {name: make_scores(values, target=name, split=split, control=control) for name in languages}
    parts = [random_replicates(rng, languages=languages)]
    assert measure(list(scores.values()), parts, [choose_layers(scores)], SPEC, "strict").warnings == ()


def test_warnings_name_the_cells():
    scores, parts, _ = study()
    choices = [
        LayerChoice("honesty", 1, np.array([], np.int32), np.array([0.5, 0.5, 0.5]), np.arange(3, dtype=np.int32)),
        make_choice(1, concept="fairness"),
    ]
    scores[1].data["split"].values[:] = "select"  # honesty in fr
    few = scores[2].data["split"].values  # honesty in sw
    few[np.flatnonzero(few == "test")[5:]] = "select"
    scores[3].data["projection"].values[:, 0, :, 0] = 50  # fairness, en on en: all right
    parts[0].data["product"].values[1, 1, :2] = 0.0
    parts[1].data["product"].values[2, :, 0, 3] = np.nan
    parts[1].data["product"].values[:, 2, 0, 3] = np.nan
    found = measure(scores, parts, choices, SPEC, "strict")
    text = "\n".join(found.warnings)
    for expected in (
        "honesty: no tested pairs in fr; nothing was measured there",
        "honesty: few groups in sw (",
        "honesty: layers 0-2 tie for the best; layer 1, closest to the middle, was taken",
        "honesty: reliability at most 0.05, so disattenuated cosines are not known: fr (layers 0-1)",
        "fairness: all pairs are right, or all are wrong, in en on en; the interval there is the Clopper-Pearson bound",
        "fairness: a vector is zero or undefined with one fold left out, so its cosines are not known: sw (layers 0)",
    ):
        assert expected in text


def test_concepts_must_fit_together():
    scores, parts, choices = study()
    with pytest.raises(MeasureError, match="only one of the two has fairness"):
        measure(scores, parts[:1], choices, SPEC, "strict")


def test_runs_of_layers_are_joined():
    assert ranges([7, 0, 1, 2, 9, 10]) == "0-2, 7, 9-10"
    assert ranges([]) == ""


# --- mistakes of the official code, as far as they could be made here -------------------------------------


def test_mistake_2_each_number_stands_in_its_own_cell():
    languages = ("en", "fr", "sw")
    replicates = random_replicates(np.random.default_rng(0), languages=languages)
    for s in range(3):
        for t in range(3):
            replicates.data["product"].values[s, t] = 1 if s == t else 0.1 * (s + t)
    scores = random_scores(np.random.default_rng(1), languages=languages)
    found = measure(list(scores.values()), [replicates], [make_choice(1)], SPEC, "strict").consistency["chosen"]
    for s, source in enumerate(languages):
        for t, target in enumerate(languages):
            cell = found.sel(concept="honesty", source=source, target=target, interval="estimate").item()
            assert cell == pytest.approx(1 if s == t else 0.1 * (s + t))


def test_mistake_3_the_layer_is_not_chosen_on_the_test_pairs():
    values = np.zeros((40, 2, 2, 1))
    values[:20, 0, 0] = 1  # select: layer 0 is perfect, layer 1 wrong
    values[:20, 1, 1] = 1
    values[20:, 1, 0] = 1  # test: the other way round
    values[20:, 0, 1] = 1
    scores = {"en": make_scores(values, sources=("en",), split=["select"] * 20 + ["test"] * 20)}
    choice = choose_layers(scores)
    parts = [random_replicates(np.random.default_rng(0), languages=("en",), layers=2)]
    found = measure(list(scores.values()), parts, [choice], SPEC, "strict").recognition
    assert found["chosen_layer"].item() == 0
    assert found["chosen"].sel(interval="estimate").item() == 0  # not the 1 it would find by looking


def test_mistake_5_ties_are_half_right():
    scores = [make_scores(np.ones((40, 2, 1, 1)), sources=("en",), control=np.zeros((40, 1, 2, 2)))]
    parts = [random_replicates(np.random.default_rng(0), languages=("en",), layers=1)]
    found = measure(scores, parts, [make_choice(0, layers=1)], SPEC, "strict").recognition
    for name in ("chosen", "auroc", "control_chosen"):
        assert (found[name].sel(interval="estimate").values == 0.5).all()


def test_mistake_6_recognition_and_cosines_use_the_same_sign():
    values = np.zeros((40, 2, 1, 2))
    values[:, 0, :, 0] = 1  # en's vector points the right way
    values[:, 1, :, 1] = 1  # fr's points the wrong way, as its cosine says
    scores = [make_scores(values, target=name) for name in ("en", "fr")]
    part = random_replicates(np.random.default_rng(0), languages=("en", "fr"), layers=1)
    part.data["product"].values[0, 1] = part.data["product"].values[1, 0] = -0.9
    found = measure(scores, [part], [make_choice(0, layers=1)], SPEC, "strict")
    accuracy = found.recognition["chosen"].sel(concept="honesty", interval="estimate").values
    np.testing.assert_array_equal(accuracy, [[1, 1], [0, 0]])
    assert found.consistency["chosen"].sel(source="en", target="fr", interval="estimate").item() == pytest.approx(-0.9)


def test_mistake_7_controls_of_two_languages_are_compared_as_they_are():
    part = random_replicates(np.random.default_rng(0))
    part.data["control"].values[0, 1] = part.data["control"].values[1, 0] = 0.85
    scores = random_scores(np.random.default_rng(1))
    found = measure(list(scores.values()), [part], [make_choice(1)], SPEC, "strict").consistency["control_chosen"]
    cell = found.sel({"concept": "honesty", "source": "en", "target": "fr", CONTROL: "random"}).values
    np.testing.assert_allclose(cell, 0.85)  # a dependence would show
