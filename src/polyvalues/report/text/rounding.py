"""What rounding errors may change in a study, in words."""

import numpy as np
import xarray as xr


def precision_words(found: xr.Dataset, dtype: str) -> str:
    """Say how large the rounding error of a score is, and what errors of that size change; empty where it is unknown.

    Args:
        found: as `analysis.scoring.rounding_effects` gives it, with `skipped` among its attributes.
        dtype: of the model.
    """
    if not found or not np.isfinite(found["share"]).any():
        return ""
    skipped, draws = str(found.attrs["skipped"]), int(found.attrs["draws"])
    error = (found["error"] / found["spread"].where(found["spread"] > 0)).values
    against = f"one text at a time (float32 was not tried: {skipped})" if skipped else "float32, one text at a time"
    text = (
        f"Rounding error of scores read in {dtype}, against {against}: {np.nanmedian(error):.1g} standard deviations "
        f"of own scores (median; highest {np.nanmax(error):.1g}). {float(found['share'].mean()):.1%} of the tested "
        f"scores are smaller than their error, so that their sign may differ; alone they could change an accuracy by "
        f"at most {float(found['change'].max()):.2f}. "
    )
    text += _cosines(found)
    moved = float(found["redrawn"].max())
    if not moved and not any(float(found[name].max()) for name in ("layer", "folds", "verdict")):
        return text + f"Errors of this size, drawn {draws} times, changed no layer, accuracy or test against chance."
    text += (
        f"In {draws} draws of errors of this size the chosen layer changed in {_worst(found['layer'])} of draws, the "
        f"layer of a fold in {_worst(found['folds'])} (in the worst concept), accuracies by up to {moved:.2f} (95 % of "
        f"draws, worst cell), and {float(found['verdict'].mean()):.1%} of the tests against chance fell on the other "
        "side of q = 0.05. "
    )
    beyond, cells = int((found["redrawn"] > found["half_width"]).sum()), int(np.isfinite(found["redrawn"]).sum())
    if beyond:
        return text + (
            f"In {beyond} of {cells} cells the accuracy moved further than half the width of its interval, which does "
            "not cover this error" + ("." if dtype == "float32" else ": read the model in float32.")
        )
    return text + "No accuracy moved further than half the width of its interval, which leaves this error out."


def _cosines(found: xr.Dataset) -> str:
    """The error of cosines beside the half-width of their interval, in the pair where it matters most."""
    if "cosine_error" not in found:
        return ""
    error, half = found["cosine_error"].values.ravel(), found["cosine_half_width"].values.ravel()
    known = np.flatnonzero(np.isfinite(error) & np.isfinite(half))
    if not len(known):
        return ""
    worst = known[np.argmax(error[known] / np.maximum(half[known], 1e-12))]
    return (
        f"A cosine of two languages' vectors moves by {np.median(error[known]):.1g} (one standard deviation, median "
        f"over pairs of languages); at worst by {error[worst]:.1g}, where its interval is {half[worst]:.2f} to either "
        "side of the cosine and leaves this error out. "
    )


def _worst(values: xr.DataArray) -> str:
    return f"{float(values.max()):.0%}"
