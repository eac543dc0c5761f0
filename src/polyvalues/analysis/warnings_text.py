"""What a reader of the findings must know, in words: one line per concept and matter, cells named.

Looks at finished numbers only; measures nothing itself.
"""

from collections.abc import Iterable, Sequence
from typing import Final, SupportsInt

import numpy as np
import xarray as xr

from polyvalues.analysis.consistency import folds_of, languages_of, layers_of, unreliable
from polyvalues.analysis.scoring.layer_selection import best_layer, tied_layers
from polyvalues.analysis.statistics.formulas import MIN_RELIABILITY
from polyvalues.artifacts import LayerChoice, Replicates
from polyvalues.dimensions import CONCEPT, INTERVAL, SOURCE, TARGET

FEW_GROUPS: Final = 30
"""With fewer groups the percentile bootstrap is known to be too narrow."""

_NAMED = 6


def recognition_notes(recognition: xr.Dataset) -> list[str]:
    """Languages without pairs or vectors, few groups, and cells in which all pairs are right or all wrong."""
    notes = []
    estimate = recognition["chosen"].sel({INTERVAL: "estimate"}).transpose(CONCEPT, SOURCE, TARGET).values
    sources, targets = (np.array([str(name) for name in recognition[dim].values]) for dim in (SOURCE, TARGET))
    for row, concept in enumerate(str(name) for name in recognition[CONCEPT].values):
        pairs, groups = recognition["n_pairs"].values[row], recognition["n_groups"].values[row]
        cells = estimate[row]
        if (pairs == 0).any():
            notes.append(f"{concept}: no tested pairs in {_listed(targets[pairs == 0])}; nothing was measured there")
        lacking = np.isnan(cells).all(axis=1)
        if lacking.any() and (pairs > 0).any():
            notes.append(f"{concept}: no vector of {_listed(sources[lacking])}; nothing was measured with it")
        few = (groups > 0) & (groups < FEW_GROUPS)
        if few.any():
            named = (f"{name} ({count})" for name, count in zip(targets[few], groups[few], strict=True))
            notes.append(f"{concept}: few groups in {_listed(named)}; the intervals are rough")
        perfect = [f"{sources[s]} on {targets[t]}" for s, t in np.argwhere((cells == 0) | (cells == 1))]
        if perfect:
            notes.append(
                f"{concept}: all pairs are right, or all are wrong, in {_listed(perfect)}; the interval there is the "
                "Clopper-Pearson bound over groups"
            )
    return notes


def choice_notes(choices: Sequence[LayerChoice]) -> list[str]:
    """Layers that tie for the best."""
    notes = []
    for choice in choices:
        tied = choice.layers[tied_layers(choice.accuracy)]
        if len(tied) > 1:
            taken = choice.layers[best_layer(choice.accuracy)]
            notes.append(
                f"{choice.concept}: layers {ranges(tied)} tie for the best; layer {taken}, closest to the middle, "
                "was taken"
            )
    return notes


def consistency_notes(replicates: Sequence[Replicates], *, first_layer: int | None = None) -> list[str]:
    """Vectors that are too noisy or vanish.

    Args:
        replicates: one per concept.
        first_layer: number of the first layer where layers are renumbered (paper); None keeps the coordinates.
    """
    notes = []
    for part in replicates:
        concept, languages = str(part.data.attrs["concept"]), languages_of(part)
        layers = np.array(layers_of(part))
        if first_layer is not None:
            layers = np.arange(first_layer, first_layer + len(layers))
        product, own = part.data["product"].values, np.arange(len(languages))
        if folds_of(part) < 3:
            notes.append(f"{concept}: fewer than three folds; cosines have no interval and are left out")
            continue
        vanished = np.asarray(np.isnan(product[own, own]).any(axis=-1))
        noisy = np.asarray(unreliable(part) & ~vanished)
        for where, reason in (
            (vanished, "a vector is zero or undefined with one fold left out, so its cosines are not known"),
            (noisy, f"reliability at most {MIN_RELIABILITY}, so disattenuated cosines are not known"),
        ):
            by_layers: dict[str, list[str]] = {}
            for name, flags in zip(languages, where, strict=True):
                if flags.any():
                    by_layers.setdefault(ranges(layers[flags]), []).append(name)
            cells = "; ".join(f"{', '.join(names)} (layers {at})" for at, names in by_layers.items())
            if cells:
                notes.append(f"{concept}: {reason}: {cells}")
    return notes


def ranges(layers: Iterable[SupportsInt]) -> str:
    """Sorted whole numbers, runs joined: `0-3, 7`."""
    runs: list[list[int]] = []
    for layer in sorted(int(value) for value in layers):
        if runs and layer == runs[-1][1] + 1:
            runs[-1][1] = layer
        else:
            runs.append([layer, layer])
    return ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in runs)


def _listed(names: Iterable[str]) -> str:
    """The first few names, then how many more."""
    given = [str(name) for name in names]
    rest = len(given) - _NAMED
    return ", ".join(given[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
