"""What a test could not have shown, in words: its smallest possible p is above the level."""

from typing import Final

import numpy as np
import xarray as xr

LEVEL: Final = 0.05


def smallest_p(data: xr.Dataset, name: str = "p") -> xr.DataArray:
    """The smallest possible value of a p-value; 0 where a data set of an earlier release does not say it."""
    known = f"{name}_smallest"
    return data[known] if known in data else xr.zeros_like(data[name])


def beyond_reach(data: xr.Dataset) -> np.ndarray:
    """Where a test cannot be significant whatever the data."""
    return np.asarray(~np.isnan(data["p"].values) & (smallest_p(data).values > LEVEL))


def untested_words(cells: int, smallest: float) -> str:
    """How many cells cannot be tested, in words; empty when there are none."""
    return f"; {cells} cannot be tested (smallest possible p {smallest:.2g})" if cells else ""
