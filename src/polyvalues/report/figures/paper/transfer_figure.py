"""Figures 5 and 8 of the paper: what a target gains or loses with another language's vector, a panel per model.

    T[s -> t] = A[s, t] - A[t, t], mean over concepts

Form after `draw_acc_heatmap_7B` (three models side by side) and `draw_acc_heatmap` (all models in a grid) in the
authors' `transferability_analysis.py`: source languages down, target languages across, by training share, the change in
the cell, colours from negative over medium to positive. The authors stretch the colours of each panel by a logarithm of
their own for gains and for losses; here one linear scale serves all panels, so equal colours are equal changes.
"""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib import colormaps

from polyvalues.report.figures.paper.matrices import Matrices, Pair, all_models, first_models, side_by_side
from polyvalues.report.figures.paper.paper_style import PaperFigure, Style

_LEAD: Final = "Change in accuracy when the source language's vector replaces the target's own"
_PAIR: Final = Pair("transfer", "transfer", 5, 8, _LEAD)


def transfer_main(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 5: the first three models side by side, or one as wide as a column.

    Args:
        means: as `analysis.across_models.concept_means.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `transfer`, `transfer_concepts`, `rank` and `share` of the models shown.
    """
    return side_by_side(_PAIR, means, _what(first_models(means)), style)


def transfer_grid(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 8: all models, as large as the page allows.

    Args:
        means: as `analysis.across_models.concept_means.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `transfer`, `transfer_concepts`, `rank` and `share`.
    """
    return all_models(_PAIR, means, _what(means), style)


def _what(data: xr.Dataset) -> Matrices:
    seen = np.abs(data["transfer"].values)
    edge = float(np.ceil(max([0.05, *seen[np.isfinite(seen)].tolist()]) * 20 - 1e-9) / 20)
    title = "Transfer: what another language's vector gains or loses"
    return Matrices("transfer", colormaps["PuOr"], (-edge, edge), "change in accuracy", title, True, True)
