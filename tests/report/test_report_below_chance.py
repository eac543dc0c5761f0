"""Recognition that is certainly below chance is said first, with its likely cause."""

import pyarrow as pa
import pytest
import xarray as xr

from polyvalues.artifacts import Claims, Findings
from polyvalues.artifacts.related_items import RELATED_SCHEMA
from polyvalues.report.text.below_chance import below_chance
from polyvalues.report.text.findings_text import BELOW

LANGUAGES = ["en", "fi"]
NONE = RELATED_SCHEMA.empty_table()


def case(accuracy: list[list[float]], q: list[list[float]]) -> tuple[Findings, Claims]:
    coords = {"concept": ["truth"], "source": LANGUAGES, "target": LANGUAGES}
    bounds = [[[value, value - 0.1, value + 0.1] for value in row] for row in accuracy]
    dims = ("concept", "source", "target")
    chosen = xr.DataArray(
        [bounds], dims=(*dims, "interval"), coords={**coords, "interval": ["estimate", "lower", "upper"]}
    )
    nothing = xr.Dataset()
    findings = Findings(xr.Dataset({"chosen": chosen}), nothing, nothing, nothing)
    chance = xr.Dataset({"q": (dims, [q])}, coords=coords)
    return findings, Claims(chance, *([nothing] * 6), notes=())


def row(kind: str, *, together: bool) -> dict[str, object]:
    named: dict[str, object] = {"concept": "truth", "item": "a", "other": "b", "found": "texts", "kind": kind}
    return named | {"cosine": -0.9, "p": 0.0, "together": together}


def test_nothing_is_said_where_nothing_is_certainly_below() -> None:
    assert below_chance(*case([[0.3, 0.6], [0.6, 0.7]], [[0.2, 0.01], [0.01, 0.01]]), NONE) == ()


@pytest.mark.parametrize(
    ("related", "words"),
    [
        (None, "not looked for"),
        (NONE, "no items were found that mirror each other"),
        (
            pa.Table.from_pylist([row("mirrored", together=True)], RELATED_SCHEMA),
            "1 related pairs of items share folds",
        ),
        (pa.Table.from_pylist([row("mirrored", together=False)], RELATED_SCHEMA), "lie in different folds"),
    ],
)
def test_the_cause_below_the_own_vector_is_what_was_found(related: pa.Table | None, words: str) -> None:
    (said,) = below_chance(*case([[0.3, 0.5], [0.5, 0.7]], [[0.01, 1], [1, 0.2]]), related)
    assert said.topic == BELOW
    assert words in said.text
    assert "en" in said.text


def test_exchanged_sides_are_named_where_both_languages_recognise_the_value() -> None:
    (said,) = below_chance(*case([[0.9, 0.1], [0.5, 0.9]], [[0.01, 0.01], [1, 0.01]]), NONE)
    assert "en on fi" in said.text
    assert "exchanged" in said.text
    (said,) = below_chance(*case([[0.5, 0.1], [0.5, 0.9]], [[0.9, 0.01], [1, 0.01]]), NONE)
    assert "so the sides of one are likely exchanged" not in said.text
