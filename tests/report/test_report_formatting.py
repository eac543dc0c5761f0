import math

import numpy as np
import pytest
import xarray as xr

from polyvalues.report.formatting import Interval, interval_text, intervals, listed, number, visible

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "signed", "expected"),
    [
        (0.834, False, "0.83"),
        (-0.126, False, "−0.13"),
        (-0.001, False, "0.00"),
        (0.05, True, "+0.05"),
        (0.001, True, "0.00"),
        (NAN, True, "–"),
        (math.inf, False, "–"),
    ],
)
def test_number(value: float, signed: bool, expected: str):
    assert number(value, signed=signed) == expected


def test_interval_text():
    assert interval_text(Interval(0.831, 0.8, 0.864)) == "0.83 [0.80, 0.86]"
    assert interval_text(Interval(NAN, NAN, NAN)) == "–"
    assert interval_text(Interval(0.5, NAN, NAN)) == "0.50 [no interval]"


def test_a_bound_is_not_rounded_onto_its_reference():
    assert interval_text(Interval(0.52, 0.5004, 0.54), reference=0.5) == "0.5200 [0.5004, 0.5400]"
    assert interval_text(Interval(0.52, 0.504, 0.54), reference=0.5) == "0.520 [0.504, 0.540]"
    assert interval_text(Interval(0.52, 0.5, 0.54), reference=0.5) == "0.52 [0.50, 0.54]"


def test_claims_need_whole_intervals():
    value = Interval(0.6, 0.55, 0.65)
    assert value.above(0.5)
    assert not value.above(0.55)
    assert not value.above(Interval(0.5, 0.4, 0.58))
    assert value.below(0.7)
    assert not Interval(0.6, NAN, NAN).above(0.5)
    assert not Interval(NAN, NAN, NAN).below(1.0)


def test_visible():
    assert visible("a\u202eb\u2066c\x00d\ud800") == "a⟨U+202E⟩b⟨U+2066⟩c⟨U+0000⟩d⟨U+D800⟩"
    assert visible("క్\u200cష\tnew\nline") == "క్\u200cష\tnew\nline"


def test_listed():
    assert listed(()) == ""
    assert listed(("a",)) == "a"
    assert listed(("a", "b", "c")) == "a, b and c"
    assert listed(tuple("abcdefgh"), most=3) == "a, b and 6 more"


def test_intervals_are_the_cells_by_their_labels():
    values = xr.DataArray(
        np.arange(18.0).reshape(3, 2, 3),
        dims=("interval", "target", "concept"),
        coords={"interval": ["upper", "estimate", "lower"], "target": ["en", "sw"], "concept": ["b", "a", "c"]},
    )
    found = intervals(values, {"concept": ["a", "b"], "target": ["sw", "en"]})
    assert list(found) == [("a", "sw"), ("a", "en"), ("b", "sw"), ("b", "en")]
    for (concept, target), value in found.items():
        assert value == Interval.of(values.sel(concept=concept, target=target))
