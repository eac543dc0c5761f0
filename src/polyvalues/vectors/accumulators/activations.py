"""Hidden states kept as they are, for estimators that need more than sums and for cross-fitting.

    states[layer, text] = h(text) at that layer

The array may be given, e.g. memory-mapped by whoever owns the file; it is filled in place, row by row, so memory does
not grow with the data. float16 halves its size and keeps 11 bits; a state beyond its range (65504) is refused.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from polyvalues.artifacts import Activations, TextTable
from polyvalues.dimensions import HIDDEN, LAYER, PAIR, SIDE, SIDES, TEXT
from polyvalues.errors import VectorError
from polyvalues.vectors.accumulators.completeness import Attendance
from polyvalues.vectors.baseline_directions import coin_contents


class ActivationsReducer:
    """Collects the hidden states of one concept and language into `Activations`.

    Args:
        table: the texts and the pairs they belong to.
        out: array `[layer, text, hidden]`, float32 or float16, that is filled; None allocates float32 when the first
            states come.
        layers: coordinates of the layers that will be read; None numbers them from 0.

    Raises:
        VectorError: `out` has another number of texts, or another type.
    """

    def __init__(self, table: TextTable, out: np.ndarray | None = None, *, layers: Sequence[int] | None = None):
        self._table, self._out = table, out
        self._attendance = Attendance(table, layers)
        if out is None:
            return
        if out.dtype not in (np.float32, np.float16):
            raise VectorError(f"{self._attendance.name}: cannot keep states as {out.dtype}, only float32 or float16")
        if out.ndim != 3 or out.shape[1] != len(table.texts):
            raise VectorError(
                f"{self._attendance.name}: shape {out.shape} is not [layer, {len(table.texts)} texts, hidden]"
            )

    def update(self, index: Int[np.ndarray, " batch"], states: Float[np.ndarray, "layer text hidden"]) -> None:
        """Keep the states of some texts.

        Args:
            index: their rows in `table.texts`.
            states: their hidden states.

        Raises:
            VectorError: as `MomentsReducer.update`, or states too large for float16.
        """
        name = self._attendance.name
        if self._out is not None and self._out.shape[::2] != states.shape[::2]:
            raise VectorError(f"{name}: states of shape {states.shape} do not fit into {self._out.shape}")
        self._attendance.mark(index, states)
        if self._out is None:
            layers, _, hidden = states.shape
            self._out = np.zeros((layers, len(self._table.texts), hidden), dtype=np.float32)
        with np.errstate(over="ignore"):
            kept = states.astype(self._out.dtype, copy=False)
        if not np.isfinite(kept).all():
            raise VectorError(
                f"{name}: a state of {np.abs(states).max():.3g} is beyond {self._out.dtype}; "
                "set store_dtype = 'float32' in [reading]"
            )
        self._out[:, index] = kept

    def merge(self, other: "ActivationsReducer") -> None:
        """Copy what another reducer of the same pairs has seen; `other` is left as it is.

        Raises:
            VectorError: `other` was made for other pairs.
        """
        if not np.array_equal(other._table.index, self._table.index):
            raise VectorError(f"{self._attendance.name}: cannot merge states of other pairs")
        rows = np.flatnonzero(other._attendance.seen)
        if self._out is not None and other._out is not None and self._out.shape != other._out.shape:
            raise VectorError(f"{self._attendance.name}: cannot merge shape {other._out.shape} into {self._out.shape}")
        self._attendance.merge(other._attendance)
        if other._out is None:
            return
        if self._out is None:
            self._out = np.zeros_like(other._out)
        self._out[:, rows] = other._out[:, rows].astype(self._out.dtype, copy=False)

    def result(self) -> Activations:
        """The states with their pairs.

        Raises:
            VectorError: a text was not seen, or was seen twice.
        """
        self._attendance.check()
        if self._out is None:
            raise VectorError(f"{self._attendance.name}: there are no texts to keep")
        table = self._table
        data = xr.Dataset(
            {"states": ((LAYER, TEXT, HIDDEN), self._out), "index": ((PAIR, SIDE), table.index)},
            coords={
                SIDE: list(SIDES),
                LAYER: self._attendance.layers(len(self._out)),
                "item": ((PAIR,), table.item),
                "group": ((PAIR,), table.group),
                "split": ((PAIR,), table.split),
                "fold": ((PAIR,), table.fold),
                "content": ((PAIR,), coin_contents(table)),
            },
            attrs=self._attendance.attrs,
        )
        return Activations(data)


def relabelled(activations: Activations, table: TextTable) -> Activations:
    """The same states with the groups, splits and folds of a table of the same texts."""
    names = {name: ((PAIR,), values) for name, values in _labels(table).items()}
    return Activations(activations.data.assign_coords(names))


def labelled_as(activations: Activations, table: TextTable) -> bool:
    """Whether the states have the groups, splits and folds of the table."""
    data = activations.data
    return all(np.array_equal(data[name].values, values) for name, values in _labels(table).items())


def _labels(table: TextTable) -> dict[str, np.ndarray]:
    """What is known of each pair besides its texts."""
    names = ("item", "group", "split", "fold")
    return {**{name: getattr(table, name) for name in names}, "content": coin_contents(table)}
