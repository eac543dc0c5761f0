"""Figures 4 and 7 of the paper: cosines between the vectors of two languages, a panel per model, mean over concepts.

Form after `draw_sim_heatmap_7B` (three models side by side) and `draw_sim_heatmap` (all models in a grid) in the
authors' `consistency_analysis.py`: languages by training share, one colour scale from dissimilar to similar, the number
in the cell. Here the diagonal is grey, since the cosine of a vector with itself says nothing, and the scale is not cut
at the lowest number seen: it runs from 0 to 1, or from -1 to 1 where a cosine is clearly negative.
"""

import numpy as np
import xarray as xr
from matplotlib import colormaps

from polyvalues.axes import MODEL
from polyvalues.report.figures_paper_matrices import READ, Matrices, matrices, order_words
from polyvalues.report.figures_paper_style import PaperFigure, Style, protocols_of
from polyvalues.report.views import layer_words, listed_models

SIDE_BY_SIDE = 3
"""Models of figures 4 and 5 at most."""


def consistency_main(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 4: the first three models side by side, or one as wide as a column.

    Args:
        means: as `measure.averages.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `cosine`, `cosine_concepts`, `rank` and `share` of the models shown.
    """
    data = _data(means).isel({MODEL: slice(SIDE_BY_SIDE)})
    width = style.column if data.sizes[MODEL] == 1 else style.text
    figure = matrices(data, _what(means), style, width=width, one_row=True)
    rest = means.sizes[MODEL] - data.sizes[MODEL]
    more = f" Figure 7 shows {rest} more." if rest else ""
    return PaperFigure(4, "figure4-consistency", _caption(data) + more, figure, data)


def consistency_grid(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 7: all models, as large as the page allows.

    Args:
        means: as `measure.averages.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `cosine`, `cosine_concepts`, `rank` and `share`.
    """
    data = _data(means)
    figure = matrices(data, _what(means), style, width=style.text, one_row=False)
    return PaperFigure(7, "figure7-consistency-all", _caption(data), figure, data)


def _data(means: xr.Dataset) -> xr.Dataset:
    return means[["cosine", "cosine_concepts", "rank", "share"]]


def _what(means: xr.Dataset) -> Matrices:
    values = means["cosine"].values
    negative = bool((values[np.isfinite(values)] < -0.1).any())
    colours, limits = (colormaps["PuOr"], (-1.0, 1.0)) if negative else (colormaps["YlGnBu"], (0.0, 1.0))
    return Matrices("cosine", colours, limits, "cosine", "Consistency: do languages share a direction?", False, False)


def _caption(data: xr.Dataset) -> str:
    names = [str(name) for name in data[MODEL].values]
    return (
        f"Cosine between the concept vectors of two languages, {layer_words(protocols_of(data))}, mean over concepts; "
        f"{listed_models(names)}. {order_words(data)} {READ}"
    )
