"""The paper protocol's findings: Xu et al. 2024 (arXiv 2402.18120), as the authors' code computes them.

    recognition   accuracy with ties correct, every cell at the layer where it scores best on the test pairs themselves
    consistency   cosines of signed vectors (`polyvalues.vectors.paper_signs`), each at the layer where it is highest
    transfer      difference of two such accuracies

For comparison with published figures only: choosing on the test pairs is biased upwards, more so with many layers and
few pairs, and for the controls too, which are treated alike. Intervals are those of the strict protocol at the picked
layers and do not cover the picking. Layers are numbered 1..L, as `output_hidden_states` numbers them.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from polyvalues.analysis import consistency, overview, recognition, transfer
from polyvalues.analysis.scoring.pair_outcomes import ConceptOutcomes, labels_of, paper_outcomes
from polyvalues.analysis.warnings_text import ranges
from polyvalues.artifacts import Replicates, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import CONCEPT, FOLD, LAYER, SOURCE, TARGET

_ATTRS = {"protocol": "paper", "note": "selected on test: biased upwards"}


def paper_recognition(scores: Sequence[Scores], spec: StatisticsSpec) -> xr.Dataset:
    """As `Findings.recognition`, with `cell_layer` int32 `[concept, source, target]`, the layer of each cell.

    `chosen_layer` and `fold_layer` are -1; `cell_layer` is -1 where nothing was measured.

    Raises:
        MeasureError: no scores.
    """
    labels = labels_of(scores)
    data = recognition.tabulate(labels, paper_outcomes(scores), spec)
    estimate = data["accuracy"].values[..., 0]
    best = consistency.best_pick("", labels.layers, estimate)
    measured = ~np.isnan(estimate).all(axis=-1)
    cell = np.where(measured, np.array(labels.layers, np.int32)[best], -1).astype(np.int32)
    concepts = len(labels.concepts)
    data = data.assign(
        chosen_layer=((CONCEPT,), np.full(concepts, -1, np.int32)),
        fold_layer=((CONCEPT, FOLD), np.full((concepts, 1), -1, np.int32)),
        cell_layer=((CONCEPT, SOURCE, TARGET), cell),
    )
    return data.assign_attrs(_ATTRS)


def paper_consistency(replicates: Sequence[Replicates], spec: StatisticsSpec) -> xr.Dataset:
    """As `Findings.consistency`, `chosen` being the maximum over layers (reliabilities and controls likewise).

    Raises:
        MeasureError: no replicates, or a concept twice.
    """
    data = consistency.tabulate(replicates, consistency.best_pick, spec, plain=True)
    numbers = np.arange(1, data.sizes[LAYER] + 1, dtype=np.int32)
    return data.assign_coords({LAYER: numbers}).assign_attrs({**_ATTRS, "layer_numbering": "paper"})


def sign_notes(replicates: Sequence[Replicates]) -> list[str]:
    """Which vectors were turned round before their cosines, one line per concept."""
    notes = []
    for part in replicates:
        if "sign" not in part.data:
            continue
        turned = part.data["sign"].transpose(SOURCE, LAYER).values < 0
        names = [str(name) for name in part.data[SOURCE].values]
        cells = [
            f"{name} (layers {ranges(np.flatnonzero(row) + 1)})"
            for name, row in zip(names, turned, strict=True)
            if row.any()
        ]
        if cells:
            notes.append(
                f"{part.data.attrs['concept']}: fewer than half of the fitted pairs are the right way round, so "
                f"vectors were turned round before their cosines: {'; '.join(cells)}"
            )
    return notes


def paper_transfer(scores: Sequence[Scores], spec: StatisticsSpec) -> xr.Dataset:
    """As `Findings.transfer`, each accuracy at its own best layer.

    Raises:
        MeasureError: no scores.
    """
    return transfer.tabulate(labels_of(scores), paper_outcomes(scores), spec).assign_attrs(_ATTRS)


def paper_overview(scores: Sequence[Scores], replicates: Sequence[Replicates], spec: StatisticsSpec) -> xr.Dataset:
    """As `Findings.overview`, of the numbers above.

    Raises:
        MeasureError: no scores.
    """

    def outcomes() -> Iterator[ConceptOutcomes]:
        return paper_outcomes(scores)

    data = overview.tabulate(labels_of(scores), outcomes, replicates, consistency.best_pick, spec, plain=True)
    return data.assign_attrs(_ATTRS)
