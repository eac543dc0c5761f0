import itertools

import numpy as np

from polyvalues.analysis.findings import measure
from polyvalues.analysis.paper_protocol import paper_consistency, paper_overview, paper_recognition, paper_transfer
from polyvalues.config import StatisticsSpec
from reference import measure_oracle as oracle
from reference.measure_cases import make_scores, random_replicates, random_scores, weightings

SPEC = StatisticsSpec(draws=60, confidence=0.9)
LANGUAGES = ("en", "fr", "sw")


def test_every_cell_is_the_best_layer_on_the_test_pairs_with_ties_correct():
    scores = random_scores(np.random.default_rng(0), layers=4, pairs=80, numbering="paper")
    found = paper_recognition(list(scores.values()), SPEC).sel(concept="honesty")
    drawn = weightings(scores, SPEC)
    layers = set()
    for s, t in itertools.product(LANGUAGES, LANGUAGES):
        by_layer = [oracle.accuracy(scores[t].data, s, layer, drawn[0], ties=1) for layer in range(1, 5)]
        np.testing.assert_allclose(
            found["accuracy"].sel(source=s, target=t, interval="estimate").values, [float(x) for x in by_layer]
        )
        best = 1 + by_layer.index(max(by_layer))
        layers.add(best)
        assert found["cell_layer"].sel(source=s, target=t).item() == best
        expected = [oracle.accuracy(scores[t].data, s, best, weight, ties=1) for weight in drawn]
        np.testing.assert_allclose(
            found["chosen"].sel(source=s, target=t).values,
            oracle.interval(expected, 0.9, oracle.effective_groups(scores[t].data)),
            rtol=1e-9,
        )
    assert len(layers) > 1
    assert found["cell_layer"].dtype == np.int32
    assert found["chosen_layer"].item() == -1
    assert found.attrs["note"] == "selected on test: biased upwards"
    assert found["layer"].values.tolist() == [1, 2, 3, 4]


def test_select_pairs_have_no_say_either():
    scores = random_scores(np.random.default_rng(1), numbering="paper")
    expected = paper_recognition(list(scores.values()), SPEC)
    for item in scores.values():
        item.data["projection"].values[item.data["split"].values == "select"] *= -1
    assert paper_recognition(list(scores.values()), SPEC).identical(expected)


def test_ties_are_correct():
    scores = [make_scores(np.ones((20, 2, 2, 1)), sources=("en",), numbering="paper", layers=[1, 2])]
    found = paper_recognition(scores, SPEC)
    assert found["chosen"].sel(interval="estimate").item() == 1
    assert found["cell_layer"].item() == 1  # the first of equals


def test_controls_are_picked_the_same_way():
    scores = random_scores(np.random.default_rng(2), numbering="paper")
    found = paper_recognition(list(scores.values()), SPEC)["control_chosen"].sel(interval="estimate", concept="honesty")
    for target, item in scores.items():
        tested = item.data.isel(pair=np.flatnonzero(item.data["split"].values == "test"))["control"]
        best = (tested >= 0).mean("pair").max("layer").mean("draw")  # every draw at its own best layer
        np.testing.assert_allclose(found.sel(target=target).values, best.values)


def test_cosines_are_the_maximum_over_layers():
    replicates = random_replicates(np.random.default_rng(3))
    found = paper_consistency([replicates], SPEC)
    expected = replicates.data["plain"].values[..., 0].max(axis=-1)
    np.testing.assert_array_equal(found["chosen"].values[0, ..., 0], expected)
    assert found["layer"].values.tolist() == [1, 2, 3]
    assert found.attrs["layer_numbering"] == "paper"
    for s, t in itertools.permutations(range(3), 2):
        layer = int(replicates.data["plain"].values[s, t, :, 0].argmax())
        for name, chosen in (("cosine", "chosen"), ("disattenuated", "disattenuated_chosen")):
            np.testing.assert_array_equal(found[chosen].values[0, s, t], found[name].values[0, s, t, layer])


def test_transfer_is_the_difference_of_two_best_layers():
    scores = random_scores(np.random.default_rng(4), numbering="paper")
    found = paper_transfer(list(scores.values()), SPEC)["transfer"].sel(concept="honesty", interval="estimate")
    chosen = paper_recognition(list(scores.values()), SPEC)["chosen"].sel(concept="honesty", interval="estimate")
    for s, t in itertools.product(LANGUAGES, LANGUAGES):
        difference = chosen.sel(source=s, target=t).item() - chosen.sel(source=t, target=t).item()
        np.testing.assert_allclose(found.sel(source=s, target=t).item(), difference, atol=1e-12)


def test_overview_sums_up_the_same_numbers():
    scores = random_scores(np.random.default_rng(5), numbering="paper")
    replicates = [random_replicates(np.random.default_rng(6))]
    value = paper_overview(list(scores.values()), replicates, SPEC)["value"].sel(concept="all", interval="estimate")
    chosen = paper_recognition(list(scores.values()), SPEC)["chosen"].values[0, ..., 0]
    cosine = paper_consistency(replicates, SPEC)["chosen"].values[0, ..., 0]
    away = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(value.sel(quantity="within").item(), np.diag(chosen).mean())
    np.testing.assert_allclose(value.sel(quantity="cross").item(), chosen[away].mean())
    np.testing.assert_allclose(value.sel(quantity="cosine").item(), cosine[away].mean())


def test_the_reader_is_told():
    scores = random_scores(np.random.default_rng(7), numbering="paper", pairs=20)
    replicates = random_replicates(np.random.default_rng(8))
    replicates.data["product"].values[0, 0, 2] = 0
    found = measure(list(scores.values()), [replicates], [], SPEC, "paper")
    assert "biases all accuracies upwards" in found.warnings[0]
    assert any("not known: en (layers 3)" in note for note in found.warnings)
