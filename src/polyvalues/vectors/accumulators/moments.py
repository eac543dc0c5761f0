"""Sums of hidden states per fold and side, collected as the states stream by.

    total[k, positive] = sum over pairs p of fold k of h_positive(p),  and likewise the negative side
    permuted[r]        = sum over pairs p of c_r(p) (h_positive(p) - h_negative(p)),   c_r(p) a fair coin of p's group
    unit[k]            = sum of pair differences of unit length (`polyvalues.vectors.accumulators.unit_differences`)

A text may serve in several pairs and on both sides, so how often it counts in each sum is worked out once, as a matrix
`weight[text, sum]`; a batch then costs one matrix product per layer, in float64. Pairs without a fold (`fold = -1`)
count nowhere, but their texts are expected all the same. Sums are the same however the texts are batched, up to float64
rounding, and bit-identical for the same batches in the same order.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float, Float64, Int

from polyvalues.artifacts import Activations, Moments, TextTable
from polyvalues.dimensions import DRAW, FOLD, HIDDEN, LAYER, SIDE, SIDES
from polyvalues.errors import VectorError
from polyvalues.vectors.accumulators.completeness import Attendance
from polyvalues.vectors.accumulators.unit_differences import UnitDifferences
from polyvalues.vectors.baseline_directions import coin_contents, coin_signs

CHUNK = 256
"""Texts summed at a time from kept activations, so that memory-mapped states are never all in memory."""


class MomentsReducer:
    """Reduces the hidden states of one concept and language to `Moments`.

    Args:
        table: the texts and the pairs they belong to.
        folds: number of folds; every `table.fold` is below it.
        control_draws: label-permuted controls to sum beside.
        seed: seed of their coins.
        layers: coordinates of the layers that will be read; None numbers them from 0.

    Raises:
        VectorError: a fold is not below `folds`, or no pair has a fold.
    """

    def __init__(
        self, table: TextTable, folds: int, control_draws: int, seed: int, *, layers: Sequence[int] | None = None
    ):
        self._attendance = Attendance(table, layers)
        self._folds, self._draws = folds, control_draws
        self._weight = _weights(table, folds, control_draws, seed)
        self._count = np.bincount(table.fold[table.fold >= 0], minlength=folds).astype(np.int64)
        self._units = UnitDifferences(table, folds)
        self._sums: Float64[np.ndarray, "layer sum hidden"] | None = None

    def update(self, index: Int[np.ndarray, " batch"], states: Float[np.ndarray, "layer text hidden"]) -> None:
        """Add the states of some texts.

        Args:
            index: their rows in `table.texts`.
            states: their hidden states.

        Raises:
            VectorError: rows that do not exist, another number of layers or dimensions than before, or states
                that are not finite.
        """
        self._attendance.mark(index, states)
        if self._sums is None:
            layers, _, hidden = states.shape
            self._sums = np.zeros((layers, self._weight.shape[1], hidden))
        weight = self._weight[index].T
        for layer, rows in enumerate(states):
            self._sums[layer] += weight @ rows.astype(np.float64)
        self._units.update(index, states)

    def merge(self, other: "MomentsReducer") -> None:
        """Add what another reducer of the same pairs has seen; `other` is left as it is.

        Raises:
            VectorError: `other` was made for other pairs, folds, draws or coins.
        """
        if (other._folds, other._draws) != (self._folds, self._draws) or not np.array_equal(
            other._weight, self._weight
        ):
            raise VectorError(f"{self._attendance.name}: cannot merge sums over other pairs, folds or control draws")
        self._attendance.merge(other._attendance)
        if other._sums is not None:
            self._sums = other._sums.copy() if self._sums is None else self._sums + other._sums
        self._units.merge(other._units)

    def result(self) -> Moments:
        """The sums.

        Raises:
            VectorError: a text was not seen, or was seen twice.
        """
        self._attendance.check()
        if self._sums is None:
            raise VectorError(f"{self._attendance.name}: there are no texts to sum over")
        layers, _, hidden = self._sums.shape
        per_fold = self._sums[:, : 2 * self._folds].reshape(layers, self._folds, 2, hidden)
        data = xr.Dataset(
            {
                "count": ((FOLD,), self._count),
                "total": ((FOLD, SIDE, LAYER, HIDDEN), np.ascontiguousarray(np.moveaxis(per_fold, 0, 2))),
                "permuted": (
                    (DRAW, LAYER, HIDDEN),
                    np.moveaxis(self._sums[:, 2 * self._folds :], 0, 1).astype(np.float32, order="C"),
                ),
                "unit_count": ((FOLD,), self._units.count),
                "unit": ((FOLD, LAYER, HIDDEN), self._units.result()),
            },
            coords={SIDE: list(SIDES), LAYER: self._attendance.layers(layers)},
            attrs=self._attendance.attrs,
        )
        return Moments(data)


def moments_from_activations(activations: Activations, folds: int, draws: int, seed: int) -> Moments:
    """The same sums from kept activations.

    Args:
        activations: states and pairs of one concept and language.
        folds: number of folds.
        draws: label-permuted controls.
        seed: seed of their coins.

    Returns:
        What streaming the same states gives, up to float64 rounding (bit-identical for
        batches of `CHUNK` texts in order).

    Raises:
        VectorError: as `MomentsReducer`.
    """
    data = activations.data
    states = data["states"].values
    table = TextTable(
        concept=str(data.attrs["concept"]),
        language=str(data.attrs["language"]),
        texts=(("", ""),) * states.shape[1],
        index=data["index"].values,
        item=data["item"].values,
        group=data["group"].values,
        split=data["split"].values,
        fold=data["fold"].values,
        content=data["content"].values.astype(str),
    )
    layers = data.coords[LAYER].values.tolist() if LAYER in data.coords else None
    reducer = MomentsReducer(table, folds, draws, seed, layers=layers)
    for start in range(0, states.shape[1], CHUNK):
        stop = min(start + CHUNK, states.shape[1])
        reducer.update(np.arange(start, stop), states[:, start:stop])
    return reducer.result()


def _weights(table: TextTable, folds: int, draws: int, seed: int) -> Float64[np.ndarray, "text sum"]:
    """How often each text counts in each sum: `folds x sides` of them, then `draws`."""
    fitting = table.fold >= 0
    name = f"concept {table.concept!r}, language {table.language!r}"
    if not fitting.any():
        raise VectorError(f"{name}: none of the {len(fitting)} pairs has a fold, so there is nothing to fit on")
    fold, index = table.fold[fitting], table.index[fitting]
    if fold.max() >= folds:
        raise VectorError(f"{name}: a pair lies in fold {fold.max()}, but there are folds 0 to {folds - 1}")
    signs = coin_signs(coin_contents(table)[fitting], draws, seed)
    weight = np.zeros((len(table.texts), 2 * folds + draws))
    for side in range(2):
        np.add.at(weight, (index[:, side], 2 * fold + side), 1.0)
        # A view on the columns of the permuted sums; a text of several pairs gathers all their coins.
        np.add.at(weight[:, 2 * folds :], index[:, side], (1.0 - 2.0 * side) * signs.T)
    return weight
