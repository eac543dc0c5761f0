"""Distances are what their sources say: symmetric, within 0 and 1, and missing where nothing is known."""

import numpy as np
import pytest

import polyvalues.languages.distances as module
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.errors import SpecError
from polyvalues.languages.distances import KINDS, TABLES, _known, distances


@pytest.mark.parametrize("table", TABLES)
def test_they_are_distances(table: str) -> None:
    found = distances(MOSAIC_LANGUAGES, table)
    for kind in KINDS:
        values = found[kind].values
        np.testing.assert_array_equal(values, values.T)
        np.testing.assert_array_equal(np.diag(values), 0)
        assert np.nanmax(values) <= 1
        assert np.nanmin(values) >= 0
    assert found.attrs["unknown"] == ""


def test_what_everybody_knows() -> None:
    found = distances(MOSAIC_LANGUAGES)

    def d(kind: str, first: str, second: str) -> float:
        return float(found[kind].sel(source=first, target=second))

    assert (
        d("genetic", "es", "ca") < d("genetic", "es", "fr") < d("genetic", "es", "en") < d("genetic", "es", "fi") == 1
    )
    assert d("genetic", "fi", "hu") < 1
    assert d("genetic", "ta", "te") < 1
    assert d("genetic", "sw", "ny") < 0.6
    assert d("geographic", "es", "pt") < 0.1 < d("geographic", "es", "ja")
    # Paris to Tokyo is about 9,700 km, half the way round is 20,015
    assert d("geographic", "fr", "ja") == pytest.approx(9_700 / 20_015, abs=0.03)
    assert d("syntactic", "ta", "te") < d("syntactic", "ta", "vi")


def test_missing_stays_missing_and_placeholders_are_told_apart() -> None:
    computed, paper, known = (distances(MOSAIC_LANGUAGES, table) for table in TABLES)
    assert (paper["geographic"].sel(source="zh").drop_sel(target="zh") == 1).all()
    assert np.isnan(known["geographic"].sel(source="zh").drop_sel(target="zh")).all()
    assert float(computed["geographic"].sel(source="zh", target="ko")) < 0.15
    for tag in ("pt", "ta", "ny"):
        assert np.isnan(computed["phonological"].sel(source=tag).drop_sel(target=tag)).all()
        assert float(paper["phonological"].sel(source=tag, target="zh")) < 0.001
        assert np.isnan(known["phonological"].sel(source=tag, target="zh"))


@pytest.mark.parametrize(
    ("kind", "least"),
    [("genetic", 0.98), ("geographic", 0.98), ("syntactic", 0.9), ("phonological", 0.85), ("inventory", 0.95)],
)
def test_both_tables_agree_where_both_know(kind: str, least: float) -> None:
    ours, theirs = (distances(MOSAIC_LANGUAGES, table)[kind].values for table in ("computed", "paper-known"))
    upper = np.triu_indices(16, 1)
    a, b = ours[upper], theirs[upper]
    both = ~(np.isnan(a) | np.isnan(b))
    assert np.corrcoef(a[both], b[both])[0, 1] > least


def test_order_and_unknown_languages() -> None:
    found = distances(["sw", "xx", "pt-BR", "en"])
    assert found.attrs["unknown"] == "xx"
    assert np.isnan(found["genetic"].sel(source="xx")).all()
    straight = distances(["en", "pt", "sw"])
    assert float(found["syntactic"].sel(source="pt-BR", target="en")) == float(
        straight["syntactic"].sel(source="pt", target="en")
    )
    with pytest.raises(SpecError, match="unknown"):
        distances(["en"], "mine")


def test_every_language_that_uriel_knows() -> None:
    found = distances(["de", "ar", "hi", "ru", "yo", "th", "am", "tr", "smn", "quz", "ayr"])
    assert found.attrs["unknown"] == ""
    assert np.isfinite(found["genetic"]).all()
    assert np.isfinite(found["geographic"]).all()
    known = _known()
    assert len({row["code"] for row in known.values()}) == 7970
    assert known["fi"] is known["fin"]
    whole = distances(sorted({row["code"] for row in known.values()})[::40])
    for kind in KINDS:
        values = whole[kind].values
        np.testing.assert_array_equal(values, values.T)
        assert np.nanmin(values) == 0
        assert np.nanmax(values) <= 1


def test_nothing_known_is_no_distance() -> None:
    assert distances(["xx", "yy"]).attrs["unknown"] == "xx, yy"
    assert np.isnan(distances(["xx", "yy"])["genetic"]).all()
    assert distances([])["genetic"].shape == (0, 0)
    # some codes have no place in Glottolog's tree, and no distance by it
    placeless = next(code for code, row in _known().items() if not row["ancestors"])
    assert np.isnan(distances([placeless, "en"])["genetic"].sel(source="en", target=placeless))


def test_feature_distances_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {
        "aa": {"syntactic": "11000", "phonological": ".", "inventory": "."},
        "bb": {"syntactic": "10100", "phonological": ".", "inventory": "."},
        "cc": {"syntactic": "1010.", "phonological": ".", "inventory": "."},
    }
    other = {"ancestors": "", "latitude": "", "longitude": ""}
    monkeypatch.setattr(module, "_known", lambda: {tag: row | other for tag, row in rows.items()})
    found = distances(["aa", "bb", "cc"])
    # cos = 1 / 2, arccos = pi / 3
    assert float(found["syntactic"].sel(source="aa", target="bb")) == pytest.approx(2 / 3)
    assert np.isnan(found["syntactic"].sel(source="aa", target="cc"))  # four features known of both: too few
    assert np.isnan(found["geographic"].sel(source="aa", target="bb"))
