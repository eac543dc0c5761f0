"""Which texts a reducer has seen: each is expected exactly once, with the same layers and dimensions throughout."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from polyvalues.artifacts import TextTable
from polyvalues.errors import VectorError


class Attendance:
    """Keeps the register of one concept and language.

    Args:
        table: the texts expected.
        layers: coordinates of the layers; None numbers them from 0.

    Attributes:
        name: concept and language, for messages.
        attrs: concept and language, for artefacts.
        seen: int64 `[text]`, how often each text came.
    """

    def __init__(self, table: TextTable, layers: Sequence[int] | None):
        self.name = f"concept {table.concept!r}, language {table.language!r}"
        self.attrs = {"concept": table.concept, "language": table.language}
        self.seen = np.zeros(len(table.texts), dtype=np.int64)
        self._shape: tuple[int, int] | None = None
        self._layers = None if layers is None else [int(layer) for layer in layers]

    def mark(self, index: Int[np.ndarray, " batch"], states: Float[np.ndarray, "layer text hidden"]) -> None:
        """Note that a batch has come.

        Raises:
            VectorError: it cannot belong here, or holds numbers that are not finite.
        """
        layers, texts, hidden = states.shape
        if len(index) != texts:
            raise VectorError(f"{self.name}: {len(index)} rows are named, but states of {texts} texts are given")
        if len(index) and not (index.min() >= 0 and index.max() < len(self.seen)):
            raise VectorError(f"{self.name}: rows {index.min()} to {index.max()}, but there are {len(self.seen)} texts")
        if self._shape not in (None, (layers, hidden)):
            raise VectorError(f"{self.name}: states of {layers} layers x {hidden} dimensions follow {self._shape}")
        if self._layers is not None and len(self._layers) != layers:
            raise VectorError(f"{self.name}: states of {layers} layers, but layers {self._layers} were announced")
        finite = np.isfinite(states).all(axis=2)
        if not finite.all():
            layer, text = np.argwhere(~finite)[0]
            raise VectorError(
                f"{self.name}: the state of text {index[text]} at layer {self.layers(layers)[layer]} is not finite"
            )
        self._shape = (layers, hidden)
        np.add.at(self.seen, index, 1)

    def merge(self, other: "Attendance") -> None:
        """Add another register of the same texts.

        Raises:
            VectorError: it is of other texts, layers or dimensions.
        """
        if other.name != self.name or len(other.seen) != len(self.seen) or other._layers != self._layers:
            raise VectorError(f"{self.name}: cannot merge with {other.name} ({len(other.seen)} texts)")
        if None not in (self._shape, other._shape) and self._shape != other._shape:
            raise VectorError(f"{self.name}: cannot merge states of shape {other._shape} with {self._shape}")
        self._shape = self._shape or other._shape
        self.seen = self.seen + other.seen

    def check(self) -> None:
        """Every text came exactly once.

        Raises:
            VectorError: some did not.
        """
        wrong = np.flatnonzero(self.seen != 1)
        if wrong.size:
            missing, double = int((self.seen == 0).sum()), int((self.seen > 1).sum())
            raise VectorError(
                f"{self.name}: of {len(self.seen)} texts {missing} were not read and {double} were read more than once "
                f"(first: row {wrong[0]}); read each exactly once"
            )

    def layers(self, count: int) -> list[int]:
        """Coordinates of `count` layers."""
        return list(range(count)) if self._layers is None else self._layers
