"""Figures 5 and 8 of the paper: what a target gains or loses with another language's vector, a panel per model.

    T[s -> t] = A[s, t] - A[t, t], mean over concepts

Form after `draw_acc_heatmap_7B` (three models side by side) and `draw_acc_heatmap` (all models in a grid) in the
authors' `transferability_analysis.py`: source languages down, target languages across, by training share, the change in
the cell, colours from negative over medium to positive. The authors stretch the colours of each panel by a logarithm of
their own for gains and for losses; here one linear scale serves all panels, so equal colours are equal changes.
"""

import numpy as np
import xarray as xr
from matplotlib import colormaps

from polyvalues.axes import MODEL
from polyvalues.report.figures_paper_consistency import SIDE_BY_SIDE
from polyvalues.report.figures_paper_matrices import READ, Matrices, matrices, order_words
from polyvalues.report.figures_paper_style import PaperFigure, Style, protocols_of
from polyvalues.report.views import layer_words, listed_models


def transfer_main(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 5: the first three models side by side, or one as wide as a column.

    Args:
        means: as `measure.averages.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `transfer`, `transfer_concepts`, `rank` and `share` of the models shown.
    """
    data = _data(means).isel({MODEL: slice(SIDE_BY_SIDE)})
    width = style.column if data.sizes[MODEL] == 1 else style.text
    figure = matrices(data, _what(data), style, width=width, one_row=True)
    rest = means.sizes[MODEL] - data.sizes[MODEL]
    more = f" Figure 8 shows {rest} more." if rest else ""
    return PaperFigure(5, "figure5-transfer", _caption(data) + more, figure, data)


def transfer_grid(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 8: all models, as large as the page allows.

    Args:
        means: as `measure.averages.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `transfer`, `transfer_concepts`, `rank` and `share`.
    """
    data = _data(means)
    figure = matrices(data, _what(data), style, width=style.text, one_row=False)
    return PaperFigure(8, "figure8-transfer-all", _caption(data), figure, data)


def _data(means: xr.Dataset) -> xr.Dataset:
    return means[["transfer", "transfer_concepts", "rank", "share"]]


def _what(data: xr.Dataset) -> Matrices:
    seen = np.abs(data["transfer"].values)
    edge = float(np.ceil(max([0.05, *seen[np.isfinite(seen)].tolist()]) * 20 - 1e-9) / 20)
    title = "Transfer: what another language's vector gains or loses"
    return Matrices("transfer", colormaps["PuOr"], (-edge, edge), "change in accuracy", title, True, True)


def _caption(data: xr.Dataset) -> str:
    names = [str(name) for name in data[MODEL].values]
    return (
        "Change in accuracy when the source language's vector replaces the target's own, "
        f"{layer_words(protocols_of(data))}, mean over concepts; {listed_models(names)}. {order_words(data)} {READ}"
    )
