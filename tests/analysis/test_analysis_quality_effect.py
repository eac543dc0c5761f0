"""Quality that matters is found, quality that does not is not; the file is checked."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from polyvalues.analysis.followups.quality_effect import quality_effect, quality_notes
from polyvalues.artifacts.quality_ratings import RATED_SCHEMA, PairKey, flagged_of, measures_of, ratings_of
from polyvalues.config import StatisticsSpec
from polyvalues.errors import MeasureError, ReaderError
from polyvalues.translation.quality.ratings_file import read_quality
from reference.measure_cases import make_choice, make_scores

SPEC = StatisticsSpec(draws=200)
TAGS = ("en", "fr", "sw")


def rated(quality: dict[PairKey, float]) -> pa.Table:
    columns = [*zip(*quality, strict=True), list(quality.values()), [False] * len(quality), [""] * len(quality)]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, RATED_SCHEMA, strict=True)], schema=RATED_SCHEMA)


def study(matters: bool) -> tuple[list, dict]:
    rng = np.random.default_rng(0)
    scores, quality = [], {}
    for at, target in enumerate(TAGS):
        values = rng.random(200) - 0.2 * at
        projection = np.zeros((200, 2, 1, 3))
        right = rng.random(200) < (0.5 + 0.4 * (values > np.median(values)) - 0.1 * at if matters else 0.7)
        projection[:, 0, 0] = np.where(right, 1.0, -1.0)[:, None]
        scores.append(make_scores(projection, target=target, sources=TAGS))
        items = scores[-1].data["item"].values
        quality |= {("honesty", target, str(item)): float(value) for item, value in zip(items, values, strict=True)}
    return scores, quality


def test_quality_that_matters_is_found_and_other_is_not() -> None:
    scores, quality = study(matters=True)
    found = quality_effect(scores, [make_choice(0, layers=1)], rated(quality), SPEC)
    assert (found["within"].sel(interval="lower") > 0.2).all()
    assert float(found["rho"][0]) == 1
    assert float(found["p"][0]) == pytest.approx(2 / 6)
    assert "certain in 3 of 3" in quality_notes(found)[0]
    scores, quality = study(matters=False)
    nothing = quality_effect(scores, [make_choice(0, layers=1)], rated(quality), SPEC)
    assert float(np.abs(nothing["within"].sel(interval="estimate")).max()) < 0.2
    assert int(nothing["n_pairs"].sum()) == 600


def test_halves_by_hand() -> None:
    projection = np.zeros((4, 2, 1, 1))
    projection[:, 0, 0, 0] = [1.0, -1.0, 1.0, 1.0]
    scores = make_scores(projection, sources=("en",))
    quality = {("honesty", "en", f"i000{row}"): value for row, value in enumerate([1.0, 2.0, 3.0, 4.0])}
    found = quality_effect([scores], [make_choice(0, layers=1)], rated(quality), SPEC)
    assert float(found["within"].sel(interval="estimate")[0, 0]) == 0.5
    assert np.isnan(found["rho"][0])
    same = quality_effect([scores], [make_choice(0, layers=1)], rated(dict.fromkeys(quality, 1.0)), SPEC)
    assert np.isnan(same["within"]).all()
    with pytest.raises(MeasureError, match="no tested pair"):
        quality_effect([scores], [make_choice(0, layers=1)], rated({("other", "en", "i0000"): 1.0}), SPEC)


def test_the_file_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "quality.csv"
    head = "concept,language,item,quality\n"
    path.write_text(head + "morality,sw,a,0.5\n", encoding="utf-8")
    assert ratings_of(read_quality(path)) == {("morality", "sw", "a"): 0.5}
    for text, said in (
        ("concept,language\n", "there is no item, quality"),
        (head + "morality,sw,a,good\n", "line 2, field 'quality': expected a finite number, not 'good'"),
        (head + "morality,sw,a,nan\n", "finite number, not 'nan'"),
        (head + "morality,sw\n", "line 2: expected 4 cells in every row"),
        (head.strip() + ",flagged\nmorality,sw,a,1,perhaps\n", "true or false, not 'perhaps'"),
        (
            head + "morality,sw,a,1\nmorality,sw,a,2\n",
            "line 3: expected every pair once; morality, sw, a is there twice",
        ),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ReaderError, match=said):
            read_quality(path)
    with pytest.raises(ReaderError, match=r"there is no quality\.csv in it"):
        read_quality(tmp_path / "..")
    with pytest.raises(ReaderError, match="expected UTF-8 text"):
        read_quality(tmp_path / "none.csv")


def test_a_simple_file_is_flagged_by_its_own_distribution_and_other_columns_are_measures(tmp_path: Path) -> None:
    path = tmp_path / "quality.tsv"
    rows = [f"morality\tsw\ti{n}\t{0.8 + 0.01 * (n % 5)}\t{n}\tword" for n in range(40)]
    rows.append("morality\tsw\tlow\t0.1\t\tword")
    path.write_text("concept\tlanguage\titem\tquality\tcomet\tby\n" + "\n".join(rows) + "\n", encoding="utf-8")
    found = read_quality(path)
    assert flagged_of(found) == {("morality", "sw", "low"): "low quality"}
    assert measures_of(found) == ("comet",)
    assert np.isnan(found["comet"].to_numpy()[-1])
