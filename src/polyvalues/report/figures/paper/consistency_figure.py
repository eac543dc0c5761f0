"""Figures 4 and 7 of the paper: cosines between the vectors of two languages, a panel per model, mean over concepts.

Form after `draw_sim_heatmap_7B` (three models side by side) and `draw_sim_heatmap` (all models in a grid) in the
authors' `consistency_analysis.py`: languages by training share, one colour scale from dissimilar to similar, the number
in the cell. Here the diagonal is grey, since the cosine of a vector with itself says nothing, and the scale is not cut
at the lowest number seen: it runs from 0 to 1, or from -1 to 1 where a cosine is clearly negative.
"""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib import colormaps

from polyvalues.report.figures.paper.matrices import Matrices, Pair, all_models, side_by_side
from polyvalues.report.figures.paper.paper_style import PaperFigure, Style

_PAIR: Final = Pair("cosine", "consistency", 4, 7, "Cosine between the concept vectors of two languages")


def consistency_main(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 4: the first three models side by side, or one as wide as a column.

    Args:
        means: as `analysis.across_models.concept_means.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `cosine`, `cosine_concepts`, `rank` and `share` of the models shown.
    """
    return side_by_side(_PAIR, means, _what(means), style)


def consistency_grid(means: xr.Dataset, style: Style) -> PaperFigure:
    """Draw figure 7: all models, as large as the page allows.

    Args:
        means: as `analysis.across_models.concept_means.concept_means`.
        style: the look.

    Returns:
        The figure; its data are `cosine`, `cosine_concepts`, `rank` and `share`.
    """
    return all_models(_PAIR, means, _what(means), style)


def _what(means: xr.Dataset) -> Matrices:
    values = means["cosine"].values
    negative = bool((values[np.isfinite(values)] < -0.1).any())
    colours, limits = (colormaps["PuOr"], (-1.0, 1.0)) if negative else (colormaps["YlGnBu"], (0.0, 1.0))
    return Matrices("cosine", colours, limits, "cosine", "Consistency: do languages share a direction?", False, False)
