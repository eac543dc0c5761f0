"""A comparison of three made-up models, one with a name out to do harm, that share two of four languages."""

import numpy as np
import xarray as xr
from report_examples import views

from polyvalues.dimensions import BOUNDS
from polyvalues.report.figures.comparison import recognition_by_share, traits_against_mixture
from polyvalues.report.figures.figure_set import save_figure
from polyvalues.report.figures.heatmaps import model_difference
from polyvalues.report.html.comparison_page import ComparisonReport, comparison_page
from polyvalues.report.text.mixture_advice import Advice

TAGS = ("en", "zh", "ta", "sw")
STUDIES = ("alpha", "beta", "gamma")
TRAITS = ("within", "cross", "transfer", "cosine", "slope")
MIXTURES = ("dominance", "entropy", "over_one")


def comparison_report(harm: str = "") -> ComparisonReport:
    """The numbers; `harm` is put into the last model's name."""
    rng = np.random.default_rng(11)
    studies = [*STUDIES[:-1], STUDIES[-1] + harm]

    def bounded(*shape: int) -> np.ndarray:
        middle = rng.uniform(-0.3, 0.3, shape)
        return np.stack([middle, middle - 0.1, middle + 0.1], axis=-1)

    table = xr.Dataset(
        {
            "trait_value": (("study", "trait", "interval"), bounded(3, 5)),
            "mixture_value": (("study", "mixture"), rng.uniform(1, 60, (3, 3))),
            "own": (("study", "target"), rng.uniform(0.4, 1, (3, 4))),
            "share": (("study", "target"), rng.uniform(0.1, 60, (3, 4))),
            **{name: (("trait", "mixture"), rng.uniform(0, 1, (5, 3))) for name in ("rho", "p")},
            "n": (("trait", "mixture"), np.full((5, 3), 3, dtype=np.int32)),
        },
        coords={"study": studies, "trait": list(TRAITS), "mixture": list(MIXTURES), "target": list(TAGS),
                "interval": list(BOUNDS)},
    )  # fmt: skip
    shared = {"concept": ["fairness", "harm"], "source": ["en", "sw"], "target": ["en", "sw"], "interval": list(BOUNDS)}
    differences = {
        f"{first} less {second}": xr.DataArray(bounded(2, 2, 2), dims=tuple(shared), coords=shared)
        for first, second in ((studies[0], studies[1]), (studies[0], studies[2]))
    }
    return ComparisonReport(
        table, differences, views(TAGS), ("model", *MIXTURES), [(name, "1", "2", "3") for name in studies],
        (f"A sentence. {harm}",), (Advice("Advice.", supported=False, caveat="Few models"),), (f"A note. {harm}",),
    )  # fmt: skip


def comparison_example(harm: str = "") -> str:
    """The page."""
    report = comparison_report(harm)
    pair, values = next(iter(report.differences.items()))
    drawn = {
        "traits": traits_against_mixture(report.table),
        "shares": recognition_by_share(report.table),
        "differences": model_difference(values, report.languages, pair),
    }
    return comparison_page(report, {name: save_figure(figure, "svg").decode() for name, figure in drawn.items()})
