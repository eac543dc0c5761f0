"""Scores within the rounding error are counted, and no others."""

import numpy as np
import pytest
import xarray as xr

from polyvalues.artifacts import Scores
from polyvalues.measure.precision import indistinct


def unit(target: str, differences: np.ndarray) -> Scores:
    """`differences` `[pair, source]` at block 3."""
    projection = np.stack([differences, np.zeros_like(differences)], axis=1)[:, :, None].astype(np.float32)
    return Scores(
        xr.Dataset(
            {"projection": (("pair", "side", "layer", "source"), projection)},
            coords={"side": ["positive", "negative"], "layer": [3], "source": ["en", "fi"]},
            attrs={"concept": "care", "target": target},
        )
    )


def test_shares_are_those_of_pairs_within_the_bound() -> None:
    lengths = xr.Dataset(
        {"norm": ("layer", [1.0, 100.0]), "rounding": ("layer", [0.5, 0.01])}, coords={"layer": [2, 3]}
    )
    en = np.array([[1.0, 9.0], [-1.4, 1.5], [1.42, -9.0], [0.0, 9.0]])
    found = indistinct([unit("en", en), unit("fi", 10 * np.ones((4, 2)))], {"care": 3}, lengths)
    assert float(found["bound"][0]) == pytest.approx(np.sqrt(2))
    share = found["share"].sel(concept="care")
    assert share.sel(source="en", target="en") == 0.75
    assert share.sel(source="fi", target="en") == 0.0
    assert (share.sel(target="fi") == 0).all()
    exact = indistinct([unit("en", en)], {"care": 3}, lengths.assign(rounding=0 * lengths["rounding"]))["share"]
    assert float(exact.sel(concept="care", source="en", target="en")) == 0.25  # the tie alone
