"""Values planted upside down in single languages are found; items that are bad everywhere are not called culture."""

from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from polyvalues.artifacts import Activations, LayerChoice, Scores
from polyvalues.data.doubt import DOUBT_SCHEMA
from polyvalues.errors import MeasureError
from polyvalues.measure.divergence import DIVERGENCE_SCHEMA, STATUSES, divergence
from polyvalues.measure.scores import cross_scores
from polyvalues.measure.select import choose_layers
from polyvalues.planted import PlantedSpec, plant, planted_activations
from polyvalues.specs import VectorSpec
from polyvalues.vectors.cross import cross_vectors, nested_vectors
from reference import divergence_oracle as oracle

LANGUAGES = ("en", "fr", "es", "fi", "sw", "ta")
Study = tuple[list[Scores], list[LayerChoice]]


def flipped(activations: Activations, items: set[str]) -> Activations:
    """The same states with the sides of some items exchanged."""
    data = activations.data.copy()
    index = data["index"].values.copy()
    rows = np.isin(data["item"].values, sorted(items))
    index[rows] = index[rows][:, ::-1]
    return replace(activations, data=data.assign(index=(("pair", "side"), index)))


@cache
def study(pairs: int, noise: float, flips: tuple[tuple[str, tuple[int, ...]], ...] = (), seed: int = 0) -> Study:
    """Cross-fitted scores of planted data whose items `flips` are upside down in the languages named."""
    spec = PlantedSpec(
        languages=LANGUAGES, pairs=pairs, layers=1, hidden=48, cosine=0.9, strength=3.0, noise=noise, seed=seed
    )
    planted = plant(spec)
    inputs = {name: planted_activations(planted, "morality", name) for name in LANGUAGES}
    for name, numbers in flips:
        inputs[name] = flipped(inputs[name], {f"item-{number:05d}" for number in numbers})
    vectors = VectorSpec()
    crossed = cross_vectors(inputs, vectors)
    scores = [cross_scores(part, crossed, nested_vectors(part, vectors, folds=10)) for part in inputs.values()]
    return scores, [choose_layers({str(item.data.attrs["target"]): item for item in scores})]


FLIPS = {
    60: (("sw", (3, 11, 20, 41)), ("ta", (7, 11, 30, 52))),
    400: (("sw", tuple(range(0, 400, 20))), ("ta", tuple(range(5, 400, 20)))),
}


@pytest.mark.parametrize(("pairs", "least_recall"), [(60, 0.75), (400, 0.75)])
def test_planted_flips_are_found(pairs: int, least_recall: float) -> None:
    precision, recall = [], []
    for seed in range(3):
        table = divergence(*study(pairs, 0.7, FLIPS[pairs], seed)).to_pylist()
        named = {(row["target"], row["item"]) for row in table if row["status"] == "candidate"}
        truth = {(name, f"item-{number:05d}") for name, numbers in FLIPS[pairs] for number in numbers}
        precision.append(len(named & truth) / max(1, len(named)))
        recall.append(len(named & truth) / len(truth))
    assert np.mean(precision) >= 0.85
    assert np.mean(recall) >= least_recall


def test_without_flips_p_values_are_rightly_sized_and_almost_nothing_is_named() -> None:
    p: dict[str, list[float]] = {"p_disagreement": [], "p_departure": []}
    named = rows = 0
    for seed in range(4):
        for row in divergence(*study(400, 1.0, (), seed)).to_pylist():
            for name, values in p.items():
                values.append(row[name])
            named += row["status"] != "no sign"
            rows += 1
    for values in p.values():
        assert 0.03 <= np.mean(np.array(values) <= 0.05) <= 0.07
    assert named / rows <= 0.002


def test_an_item_upside_down_in_many_languages_is_a_bad_item() -> None:
    flips = tuple((name, (9,)) for name in ("fr", "fi", "sw"))
    rows = [row for row in divergence(*study(200, 0.5, flips)).to_pylist() if row["item"] == "item-00009"]
    found = {row["target"]: row["status"] for row in rows if row["status"] != "no sign"}
    assert set(found) >= {"fr", "fi", "sw"}
    assert set(found.values()) == {"bad item"}


def test_a_doubtful_translation_is_set_apart() -> None:
    scores, choices = study(200, 0.5, (("sw", (9, 21)),))
    doubt = {"concept": "morality", "language": "sw", "item": "item-00009", "reason": "length", "detail": ""}
    table = divergence(scores, choices, doubts=pa.Table.from_pylist([doubt], schema=DOUBT_SCHEMA))
    found = {
        row["item"]: row["status"] for row in table.to_pylist() if row["status"] != "no sign" and row["target"] == "sw"
    }
    assert found["item-00009"] == "doubtful"
    assert found["item-00021"] == "candidate"


def test_a_different_direction_shows_in_the_disagreement() -> None:
    """The target's own vector is another one: its judgement differs, though no item is flipped."""
    scores, choices = study(200, 0.5)
    table = divergence(scores, choices)
    assert set(table["status"].to_pylist()) <= set(STATUSES)
    part = next(item for item in scores if item.data.attrs["target"] == "fi")
    own = part.data["projection"].sel(source="fi").values[:, :, 0]
    foreign = part.data["projection"].sel(source="en").values[:, :, 0]
    expected = oracle.disagreement((foreign[:, 0] - foreign[:, 1]).tolist(), (own[:, 0] - own[:, 1]).tolist())
    order = np.argsort(part.data["item"].values)
    mine = [row["disagreement"] for row in table.to_pylist() if row["target"] == "fi"]
    np.testing.assert_allclose(mine, np.array(expected)[order], rtol=1e-4, atol=1e-4)


def test_departures_agree_with_the_oracle() -> None:
    scores, choices = study(60, 0.7, FLIPS[60])
    foreign = {}
    for part in scores:
        values = part.data["projection"].sel(source="en").values[:, :, 0]
        order = np.argsort(part.data["item"].values)
        foreign[str(part.data.attrs["target"])] = (values[:, 0] - values[:, 1])[order].tolist()
    expected = oracle.departure(foreign, "ta")
    mine = [row["departure"] for row in divergence(scores, choices).to_pylist() if row["target"] == "ta"]
    np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-4)


def test_order_of_languages_changes_rows_only_in_order() -> None:
    scores, choices = study(60, 0.7, FLIPS[60])
    first, second = divergence(scores, choices), divergence(scores[::-1], choices)
    assert first.schema == DIVERGENCE_SCHEMA

    def ranked(table: pa.Table) -> list[tuple[object, ...]]:
        return sorted(tuple(row.values()) for row in table.to_pylist())

    assert ranked(first) == ranked(second)


def test_two_languages_have_no_departures() -> None:
    scores, choices = study(60, 0.7)
    pair = [Scores(item.data.sel(source=["en", "fr"])) for item in scores[:2]]
    table = divergence(pair, choices)
    assert set(table["departure"].to_pylist()) == {None}
    assert None not in table["disagreement"].to_pylist()


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(MeasureError, match="no vectors of source 'xx'"):
        divergence(*study(60, 0.7), source="xx")
