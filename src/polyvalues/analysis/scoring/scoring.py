"""Scores of unseen pairs: each side projected on every source's vector, reduced as the hidden states stream by.

    projection[p, side, l, s] = (h_p,side(l) - midpoint_s(l)) . v_s(l) / |v_s(l)|
    control[p, l, c, d]       = sign((h_p,positive(l) - h_p,negative(l)) . w),  `w` the target's own control direction

in float64, projections stored as float32 (see `polyvalues.analysis.scoring.projection`), signs of controls as one
byte each, for
there are many draws of them and nothing else is asked. One matrix product per layer and batch covers all sources and
controls; memory grows with texts times sources, never with the hidden size.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Float, Float32, Float64, Int, Int8

from polyvalues.analysis.scoring.projection import project, stored_sides, unit_vectors
from polyvalues.analysis.statistics.formulas import correctness
from polyvalues.artifacts import Activations, ConceptVectors, CrossVectors, NestedVectors, Scores, TextTable
from polyvalues.dimensions import CONTROL, CONTROLS, DRAW, FOLD, LAYER, PAIR, SIDE, SIDES, SOURCE, Protocol, States
from polyvalues.errors import MeasureError


class ScoreReducer:
    """Reduces the hidden states of one concept and target language to `Scores`.

    Args:
        table: the texts and the pairs they belong to.
        vectors: vectors of the concept.
        controls: the target's own control directions `[control, draw, layer, hidden]` (`vectors.baselines`).
        protocol: `paper` numbers the layers 1..L, `strict` keeps the coordinates of `vectors`.

    Raises:
        DegenerateVector: a vector is zero; the message names concept, source and layer.
        MeasureError: the vectors are of another concept or lack the target language, or the controls have other layers
            or dimensions than the vectors.
    """

    def __init__(
        self,
        table: TextTable,
        vectors: ConceptVectors,
        *,
        controls: Float[np.ndarray, "control draw layer hidden"],
        protocol: Protocol,
    ):
        data = vectors.data
        self._table, self._protocol = table, protocol
        self._place = f"concept {table.concept!r}, target {table.language!r}"
        if data.attrs["concept"] != table.concept:
            raise MeasureError(f"{self._place}: the vectors are of concept {data.attrs['concept']!r}")
        self._sources = _labels(data[SOURCE])
        self._layers = data[LAYER].values.astype(np.int32)
        self._shape = controls.shape[:2]
        _own(self._sources, table.language, self._place)
        vector = np.moveaxis(data["vector"].values, 1, 0)  # layer source hidden
        if controls.shape[2:] != vector.shape[::2]:
            raise MeasureError(f"{self._place}: controls of shape {controls.shape} do not fit vectors {vector.shape}")
        control = np.moveaxis(controls, 2, 0)  # layer control draw hidden
        unit = unit_vectors(vector, self._vector_name)
        flat = unit_vectors(control, self._control_name).reshape(len(self._layers), -1, vector.shape[-1])
        midpoint = np.moveaxis(data["midpoint"].values, 1, 0).astype(np.float64)
        self._units = np.concatenate([unit, flat], axis=1)
        self._offset = np.einsum("lsh,lsh->ls", midpoint, unit)
        self._raw = np.zeros((len(self._layers), len(table.texts), self._units.shape[1]))
        self._read = np.zeros(len(table.texts), dtype=bool)

    def _vector_name(self, at: tuple[int, ...]) -> str:
        return f"concept {self._table.concept!r}, source {self._sources[at[1]]!r}, layer {self._layers[at[0]]}"

    def _control_name(self, at: tuple[int, ...]) -> str:
        kind = f"{CONTROLS[at[1]]} control, draw {at[2]}"
        return f"concept {self._table.concept!r}, source {self._table.language!r}, layer {self._layers[at[0]]}, {kind}"

    def update(self, index: Int[np.ndarray, " text"], states: States) -> None:
        """Project the states of some texts.

        Args:
            index: their rows in `table.texts`.
            states: their hidden states.

        Raises:
            MeasureError: a row that does not exist or was read before, another number of layers or dimensions than
                the vectors have, or states that are not finite.
        """
        expected = (len(self._layers), len(index), self._units.shape[-1])
        if states.shape != expected:
            raise MeasureError(f"{self._place}: states of shape {states.shape} do not fit vectors of {expected}")
        if len(index) and not 0 <= int(index.min()) <= int(index.max()) < len(self._read):
            raise MeasureError(f"{self._place}: a text row lies outside 0..{len(self._read) - 1}")
        if self._read[index].any() or len(np.unique(index)) < len(index):
            raise MeasureError(f"{self._place}: a text was read twice")
        for layer, rows in enumerate(states):
            place = f"{self._place}, layer {self._layers[layer]}"
            self._raw[layer, index] = project(rows, self._units[layer], place)
        self._read[index] = True

    def merge(self, other: "ScoreReducer") -> None:
        """Take over what another reducer of the same pairs and vectors has read; `other` is left as it is.

        Raises:
            MeasureError: both have read the same text, or `other` belongs to other texts or vectors.
        """
        same = self._table.texts == other._table.texts and self._place == other._place
        if not (same and np.array_equal(self._units, other._units)):
            raise MeasureError(f"{self._place}: cannot merge scores of other texts or vectors ({other._place})")
        if (self._read & other._read).any():
            raise MeasureError(f"{self._place}: a text was read twice")
        self._raw[:, other._read] = other._raw[:, other._read]
        self._read = self._read | other._read

    def result(self) -> Scores:
        """The scores of all pairs.

        Raises:
            MeasureError: a text was never read.
        """
        missing = np.flatnonzero(~self._read)
        if len(missing):
            raise MeasureError(
                f"{self._place}: {len(missing)} of {len(self._read)} texts were never read, first row {missing[0]}"
            )
        table, sources = self._table, len(self._sources)
        positive = np.moveaxis(self._raw[:, table.index[:, 0]], 0, 1)  # pair layer column
        negative = np.moveaxis(self._raw[:, table.index[:, 1]], 0, 1)
        offset = np.broadcast_to(self._offset, positive[..., :sources].shape)
        sides = stored_sides(positive[..., :sources], negative[..., :sources], offset)
        signs = _signs(positive[..., sources:] - negative[..., sources:])
        paper = self._protocol == "paper"
        layers = np.arange(1, len(self._layers) + 1, dtype=np.int32) if paper else self._layers
        return _labelled(
            {
                "projection": ((PAIR, SIDE, LAYER, SOURCE), np.stack(sides, axis=1)),
                "control": ((PAIR, LAYER, CONTROL, DRAW), signs.reshape(*signs.shape[:2], *self._shape)),
            },
            _Pairs(table.item, table.group, table.split, table.fold),
            {LAYER: layers, SOURCE: list(self._sources), CONTROL: list(CONTROLS)},
            {
                "concept": table.concept,
                "target": table.language,
                "protocol": self._protocol,
                "layer_numbering": "paper" if paper else "block",
            },
        )


def cross_scores(activations: Activations, vectors: CrossVectors, nested: NestedVectors) -> Scores:
    """Scores of cross-fitted pairs: each under the vectors that were fitted without the pair's fold.

    Args:
        activations: states of one concept and target language.
        vectors: by source and left-out fold.
        nested: of the target language: vectors without two folds, for choosing layers, and controls without one.

    Raises:
        DegenerateVector: a vector is zero; the message names concept, source, layer and fold.
        MeasureError: inputs of different concepts, languages or layers, a pair without a fold, or states that are
            not finite.
    """
    data = activations.data
    place = _check_cross(activations, vectors, nested)
    index, fold = data["index"].values, data["fold"].values.astype(np.int64)
    layers = vectors.data[LAYER].values.astype(np.int32)
    pairs, sources, folds = len(index), vectors.data.sizes[SOURCE], vectors.data.sizes[FOLD]
    projection = np.zeros((pairs, len(SIDES), len(layers), sources), np.float32)
    selection = np.full((pairs, folds, len(layers)), np.nan, np.float32)
    signs: list[np.ndarray] = []
    for position, layer in enumerate(layers):
        drawn = nested.controls(position)
        units, offset = _cross_units(vectors, nested, (position, drawn), f"{place}, layer {layer}")
        control = np.zeros((pairs, *drawn.shape[:2]), np.int8)
        states = np.asarray(data["states"][position].values)
        for own in np.unique(fold):
            rows = np.flatnonzero(fold == own)
            texts, where = np.unique(index[rows], return_inverse=True)
            raw = project(states[texts], units[own], f"{place}, layer {layer}")[where.reshape(-1, 2)]
            first, second = raw[:, 0], raw[:, 1]
            shift = np.broadcast_to(offset[own], (len(rows), sources))
            sides = stored_sides(first[:, :sources], second[:, :sources], shift)
            projection[rows, :, position] = np.stack(sides, axis=1)
            difference = first - second
            chosen = correctness(difference[:, sources : sources + folds])
            chosen[:, own] = np.nan
            selection[rows, :, position] = chosen
            control[rows] = _signs(difference[:, sources + folds :]).reshape(-1, *drawn.shape[:2])
        signs.append(control)
    names = _Pairs(*(data[name].values for name in ("item", "group", "split", "fold")))
    return _labelled(
        {
            "projection": ((PAIR, SIDE, LAYER, SOURCE), projection),
            "control": ((PAIR, LAYER, CONTROL, DRAW), np.stack(signs, axis=1)),
            "selection": ((PAIR, FOLD, LAYER), selection),
        },
        names,
        {LAYER: layers, SOURCE: list(_labels(vectors.data[SOURCE])), CONTROL: list(CONTROLS)},
        {
            "concept": data.attrs["concept"],
            "target": data.attrs["language"],
            "protocol": "strict",
            "layer_numbering": "block",
        },
    )


@dataclass(frozen=True, eq=False)
class _Pairs:
    """What is known of each pair besides its texts."""

    item: np.ndarray
    group: np.ndarray
    split: np.ndarray
    fold: np.ndarray


def _labelled(variables: dict, pairs: _Pairs, coords: dict, attrs: dict[str, str]) -> Scores:
    along = {
        "item": (PAIR, pairs.item.astype(str)),
        "group": (PAIR, pairs.group.astype(str)),
        "split": (PAIR, pairs.split.astype(str)),
        "fold": (PAIR, pairs.fold.astype(np.int32)),
    }
    return Scores(xr.Dataset(variables, coords={SIDE: list(SIDES), **coords, **along}, attrs=attrs))


def _signs(difference: Float64[np.ndarray, "*cell"]) -> Int8[np.ndarray, "*cell"]:
    return np.sign(difference).astype(np.int8)


def _cross_units(
    vectors: CrossVectors,
    nested: NestedVectors,
    at: tuple[int, Float[np.ndarray, "control draw fold hidden"]],
    place: str,
) -> tuple[Float64[np.ndarray, "fold column hidden"], Float64[np.ndarray, "fold source"]]:
    """Unit vectors for the pairs of each fold (sources, nested folds, controls), and the midpoints' projections.

    `at` is the position of the layer and the controls there.
    """
    layer, drawn = at
    labels = _labels(vectors.data[SOURCE])
    own = nested.data.attrs["language"]
    sources = _layer(vectors.data["vector"].values[:, :, layer])
    midpoints = _layer(vectors.data["midpoint"].values[:, :, layer]).astype(np.float64)
    others = nested.data["vector"].values[:, :, layer]
    controls = np.moveaxis(drawn, 2, 0)
    unit = unit_vectors(sources, lambda at: f"{place}, source {labels[at[1]]!r}, without fold {at[0]}")
    pieces = (
        unit,
        unit_vectors(others, lambda at: f"{place}, source {own!r}, without folds {at[0]} and {at[1]}"),
        unit_vectors(
            controls,
            lambda at: f"{place}, source {own!r}, {CONTROLS[at[1]]} control, draw {at[2]}, without fold {at[0]}",
        ).reshape(len(controls), -1, controls.shape[-1]),
    )
    return np.concatenate(pieces, axis=1), np.einsum("ksh,ksh->ks", midpoints, unit)


def _layer(values: Float32[np.ndarray, "source fold hidden"]) -> Float32[np.ndarray, "fold source hidden"]:
    return np.moveaxis(values, 0, 1)


def _check_cross(activations: Activations, vectors: CrossVectors, nested: NestedVectors) -> str:
    """Where we are, in words, once the three are known to belong together."""
    data = activations.data
    concept, language = data.attrs["concept"], data.attrs["language"]
    place = f"concept {concept!r}, target {language!r}"
    if {vectors.data.attrs["concept"], nested.data.attrs["concept"]} != {concept}:
        raise MeasureError(f"{place}: the vectors are of another concept")
    if nested.data.attrs["language"] != language:
        raise MeasureError(f"{place}: the nested vectors are of language {nested.data.attrs['language']!r}")
    sizes = {len(data["states"]), vectors.data.sizes[LAYER], nested.data.sizes[LAYER]}
    if len(sizes) > 1:
        raise MeasureError(f"{place}: states and vectors have different numbers of layers {sorted(sizes)}")
    folds, fold = vectors.data.sizes[FOLD], data["fold"].values
    if nested.data.sizes[FOLD] != folds:
        raise MeasureError(f"{place}: {folds} folds in the vectors, {nested.data.sizes[FOLD]} in the nested ones")
    if len(fold) and not 0 <= int(fold.min()) <= int(fold.max()) < folds:
        raise MeasureError(f"{place}: a pair lies in fold {fold.min()} or {fold.max()}, outside 0..{folds - 1}")
    return place


def _labels(coordinate: xr.DataArray) -> tuple[str, ...]:
    return tuple(str(value) for value in coordinate.values)


def _own(sources: tuple[str, ...], language: str, place: str) -> int:
    if language not in sources:
        raise MeasureError(f"{place}: no vector of this language (there are {', '.join(sources)})")
    return sources.index(language)
