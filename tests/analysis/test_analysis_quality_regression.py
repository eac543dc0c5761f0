"""Accuracy regressed on quality: planted slopes are found, others are not, and least squares agrees."""

import numpy as np
import pyarrow as pa
import pytest
import xarray as xr

from polyvalues.analysis.followups.quality_regression import column_notes, quality_columns
from polyvalues.artifacts import Scores
from polyvalues.artifacts.quality_ratings import RATED_SCHEMA
from polyvalues.config import StatisticsSpec
from polyvalues.errors import MeasureError
from reference.measure_cases import make_choice, make_scores
from reference.quality_oracle import rows_of, slopes

SPEC = StatisticsSpec(draws=200)
CHOICE = [make_choice(0, layers=1)]
TAGS = ("en", "fr", "sw")
ITEMS = 300


def planted(slope: float, seed: int = 0) -> tuple[list[Scores], pa.Table]:
    """`length` moves accuracy, `copied` goes with `length`, `script` with nothing; languages differ in level."""
    rng = np.random.default_rng(seed)
    scores, rows = [], []
    for at, target in enumerate(TAGS):
        length, noise, script = rng.normal(size=(3, ITEMS))
        copied = 0.8 * length + 0.6 * noise
        right = rng.random(ITEMS) < 0.5 + 0.1 * at + slope * length
        projection = np.zeros((ITEMS, 2, 1, len(TAGS)))
        projection[:, 0, 0] = np.where(right, 1.0, -1.0)[:, None]
        scores.append(make_scores(projection, target=target, sources=TAGS))
        for row in range(ITEMS):
            quality = 0.5 + 0.1 * length[row] - 0.2 * at
            rows.append(("honesty", target, f"i{row:04d}", quality, False, "", 3 * length[row] - at, copied[row],
                         5 + script[row], 1.0))  # fmt: skip
    names = ("length", "copied", "script", "numbers")
    schema = pa.schema([*RATED_SCHEMA, *(pa.field(name, pa.float64(), nullable=False) for name in names)])
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), schema, strict=True)]
    return scores, pa.table(columns, schema=schema)


def values_of(rated: pa.Table) -> dict[tuple[str, str, str], np.ndarray]:
    names = ["quality", "length", "copied", "script"]
    return {
        (row["concept"], row["language"], row["item"]): np.array([row[name] for name in names])
        for row in rated.to_pylist()
    }


def test_a_planted_slope_is_found_and_nothing_else() -> None:
    scores, rated = planted(0.12)
    found = quality_columns(scores, CHOICE, rated, SPEC).sel(concept="honesty")
    alone, together = found["alone"], found["together"]
    lower, upper = (alone.sel(column="length", interval=bound) for bound in ("lower", "upper"))
    assert lower < 0.12 < upper
    assert lower > 0.05
    assert float(alone.sel(column="copied", interval="lower")) > 0.03  # it goes with length
    for column in ("copied", "script"):
        low, high = (float(together.sel(column=column, interval=bound)) for bound in ("lower", "upper"))
        assert low < 0 < high
    assert float(together.sel(column="length", interval="lower")) > 0.05
    assert np.isnan(alone.sel(column="numbers")).all()  # no spread
    assert np.isnan(together.sel(column=["numbers", "quality"])).all()
    assert int(found["n_pairs"]) == 3 * ITEMS
    assert "length +0." in column_notes(quality_columns(scores, CHOICE, rated, SPEC))[0]


def test_no_slope_no_claim() -> None:
    scores, rated = planted(0.0, seed=3)
    found = quality_columns(scores, CHOICE, rated, SPEC)
    for column in ("length", "copied", "script", "quality"):
        cell = found["alone"].sel(concept="honesty", column=column)
        assert float(cell.sel(interval="lower")) < 0 < float(cell.sel(interval="upper"))


def test_estimates_are_those_of_least_squares_with_a_dummy_per_language() -> None:
    scores, rated = planted(0.1, seed=1)
    found = quality_columns(scores, CHOICE, rated, SPEC).sel(concept="honesty", interval="estimate")
    rows = rows_of(scores, values_of(rated))
    for at, column in enumerate(["quality", "length", "copied", "script"]):
        assert float(found["alone"].sel(column=column)) == pytest.approx(slopes(rows, [at])[0])
    wanted = slopes(rows, [1, 2, 3])
    np.testing.assert_allclose(found["together"].sel(column=["length", "copied", "script"]).values, wanted)


def test_accuracy_is_adjusted_for_the_mean_quality() -> None:
    scores, rated = planted(0.1, seed=1)
    found = quality_columns(scores, CHOICE, rated, SPEC).sel(concept="honesty", interval="estimate")
    rows = rows_of(scores, values_of(rated))
    middle = {tag: np.mean([row[4][0] for row in rows if row[0] == tag]) for tag in TAGS}
    x = np.array([row[4][0] - middle[row[0]] for row in rows])
    raw = float(x @ np.array([row[3] for row in rows]) / (x @ x))
    for tag in TAGS:
        own = np.mean([row[3] for row in rows if row[0] == tag])
        assert float(found["adjusted"].sel(target=tag)) == pytest.approx(min(1, own + raw * (1 - middle[tag])))


def test_units_of_a_column_and_the_order_of_languages_change_nothing() -> None:
    scores, rated = planted(0.1, seed=2)
    first = quality_columns(scores, CHOICE, rated, SPEC)
    at = rated.column_names.index("length")
    other = rated.set_column(at, rated.schema.field(at), pa.array(1000 * rated["length"].to_numpy() + 7))
    xr.testing.assert_allclose(first, quality_columns(scores, CHOICE, other, SPEC))
    again = quality_columns(scores[::-1], CHOICE, rated, SPEC)
    xr.testing.assert_allclose(first, again.sel(target=first["target"].values))


def test_what_cannot_be_said_is_not() -> None:
    scores, rated = planted(0.1)
    few = quality_columns(scores, CHOICE, rated.slice(0, 20), SPEC)
    assert np.isnan(few["together"]).all()  # fewer than ten pairs a column
    doubled = rated.append_column(pa.field("twice", pa.float64(), nullable=False), rated["length"])
    assert np.isnan(quality_columns(scores, CHOICE, doubled, SPEC)["together"]).all()  # two columns say the same
    holes = rated["script"].to_numpy().copy()
    holes[:200] = np.nan
    at = rated.column_names.index("script")
    sparse = rated.set_column(at, rated.schema.field(at), pa.array(holes))
    assert np.isnan(quality_columns(scores, CHOICE, sparse, SPEC)["alone"].sel(column="script")).all()
    with pytest.raises(MeasureError, match="no tested pair"):
        quality_columns(scores, CHOICE, rated.filter(pa.array([False] * rated.num_rows)), SPEC)


def test_a_language_that_is_always_right_says_nothing_by_itself() -> None:
    scores, rated = planted(0.0)
    projection = np.ones((ITEMS, 2, 1, 1))
    projection[:, 1] = 0
    own = make_scores(projection, sources=("en",))
    found = quality_columns([own], CHOICE, rated, SPEC)
    assert np.isnan(found["alone"]).all()
    assert scores
