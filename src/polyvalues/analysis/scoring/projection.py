"""Projections, and how they are stored without losing the sign of a near tie.

    score(h) = (h - midpoint) . v / |v|,   in float64; stored as float32

Rounding to float32 keeps the order of two numbers but may make them equal. Where the two sides of a pair differ in
float64 and not in float32, the positive side is moved by one float32 step, so that `positive - negative` has the sign
it had. Equal projections, as those of one text on both sides, stay equal.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32, Float64

from polyvalues.errors import DegenerateVector, MeasureError


def unit_vectors(
    vectors: Float[np.ndarray, "*cell hidden"], name: Callable[[tuple[int, ...]], str]
) -> Float64[np.ndarray, "*cell hidden"]:
    """`vectors` divided by their length, in float64.

    Args:
        vectors: directions of any length.
        name: says in words which vector stands at an index, for the message.

    Raises:
        DegenerateVector: one of them is zero or not finite.
    """
    exact = vectors.astype(np.float64)
    length = np.linalg.norm(exact, axis=-1)
    usable = np.isfinite(length) & (length > 0)
    if not usable.all():
        first = tuple(int(position) for position in np.argwhere(~usable)[0])
        raise DegenerateVector(
            f"{name(first)}: the vector is zero or not finite (length {length[first]}), nothing can be projected on "
            "it; do the two sides differ at the position that is read?"
        )
    return exact / length[..., None]


def project(
    states: Float[np.ndarray, "text hidden"], units: Float64[np.ndarray, "column hidden"], place: str
) -> Float64[np.ndarray, "text column"]:
    """`h . u` of every text and unit vector, one matrix product in float64.

    Raises:
        MeasureError: a state is not finite.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # seen and reported below
        projected = states.astype(np.float64) @ units.T
    if not np.isfinite(projected).all():
        raise MeasureError(f"{place}: a hidden state is not finite; read the model in float32 or bfloat16")
    return projected


def stored_sides(
    positive: Float64[np.ndarray, "*cell"], negative: Float64[np.ndarray, "*cell"], offset: Float64[np.ndarray, "*cell"]
) -> tuple[Float32[np.ndarray, "*cell"], Float32[np.ndarray, "*cell"]]:
    """Both sides minus `offset` (the midpoint's projection) as float32, the order of the two kept strictly."""
    kept, other = (positive - offset).astype(np.float32), (negative - offset).astype(np.float32)
    merged = (kept == other) & (positive != negative)
    away = np.where(positive > negative, np.float32(np.inf), np.float32(-np.inf))
    return np.where(merged, np.nextafter(kept, away), kept), other
