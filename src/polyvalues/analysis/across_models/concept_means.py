"""Means over concepts, for figures and tables that show whole models beside one another.

    own[m, t]          mean over concepts of A[t, t]
    cosine[m, s, t]    mean over concepts of the cosine
    transfer[m, s, t]  mean over concepts of A[s, t] - A[t, t]
    r[m, k, f]         mean over concepts of the correlation of cosines with linguistic similarity
    (`analysis.hypothesis_tests.distance_correlation`)

all at the chosen layers, each over the concepts that have the cell; how many those are is counted beside it. They are
means of estimates. Intervals of different concepts cannot be averaged, so `own` has one only where a single concept was
measured.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.hypothesis_tests.distance_correlation import FORM, KIND, METHOD, OF
from polyvalues.analysis.statistics.formulas import ordered_mean
from polyvalues.artifacts import ModelFindings
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, MODEL, SOURCE, TARGET, Language
from polyvalues.errors import MeasureError

CERTAIN: Final = 0.05
"""q up to which a correlation counts as certain."""
_TABLE: Final = "table"


def concept_means(models: Sequence[ModelFindings], languages: Sequence[Language]) -> xr.Dataset:
    """Recognition, cosines and transfer of every model, mean over its concepts.

    Args:
        models: with distinct names.
        languages: all languages of any of them, in the order wanted.

    Returns:
        `own` float64 `[model, target, interval]`; `cosine`, `transfer` float64 `[model, source, target]`;
        `own_concepts` int32 `[model, target]`, `cosine_concepts`, `transfer_concepts` int32 `[model, source, target]`,
        how many concepts a number is the mean of (0: NaN); `share` float64 `[model, target]`, percent of the training
        data, NaN where unknown; `rank` int32 `[model, target]`, place of a language among those the model was measured
        in: by share, largest first, then those without a known share in the order of `languages`; -1: not measured.
        Coordinate `protocol` `[model]`.

    Raises:
        MeasureError: no model, two of one name, or a language that `languages` does not name.
    """
    names = [model.name for model in models]
    if not names or len(set(names)) != len(names):
        raise MeasureError(f"models {', '.join(names) or '(none)'}: expected at least one, with distinct names")
    for model in models:
        absent = [tag for tag in _targets(model) if tag not in languages]
        if absent:
            raise MeasureError(f"{model.name}: language {absent[0]!r} is not among those to show: {list(languages)}")
    parts = {
        "cosine": [_mean(model.findings.consistency["chosen"], languages) for model in models],
        "transfer": [_mean(model.findings.transfer["transfer"], languages) for model in models],
    }
    own = [_own(model, languages) for model in models]
    share = np.array([[model.shares.get(tag, np.nan) for tag in languages] for model in models], dtype=np.float64)
    measured = np.array([[tag in _targets(model) for tag in languages] for model in models], dtype=bool)
    cell = (MODEL, SOURCE, TARGET)
    return xr.Dataset(
        {
            "own": ((MODEL, TARGET, INTERVAL), np.stack([values for values, _ in own])),
            "own_concepts": ((MODEL, TARGET), np.stack([count for _, count in own])),
            **{name: (cell, np.stack([values for values, _ in part])) for name, part in parts.items()},
            **{f"{name}_concepts": (cell, np.stack([count for _, count in part])) for name, part in parts.items()},
            "share": ((MODEL, TARGET), share),
            "rank": ((MODEL, TARGET), np.stack([_rank(*row) for row in zip(share, measured, strict=True)])),
        },
        coords={
            MODEL: names,
            SOURCE: list(languages),
            TARGET: list(languages),
            INTERVAL: list(BOUNDS),
            "protocol": (MODEL, [str(model.findings.recognition.attrs.get("protocol", "")) for model in models]),
        },
    )


def kinship_means(models: Sequence[ModelFindings], table: str = "computed") -> xr.Dataset:
    """Pearson's correlation of cosines with linguistic similarity, mean over concepts, of the models that were tested.

    Args:
        models: with distinct names.
        table: of language distances, as in `polyvalues.languages`.

    Returns:
        `r` float64 `[model, kind, form]`; `concepts` int32, how many concepts have it; `certain` int32 `[model, kind]`,
        in how many of them the correlation is certain in the form `beyond` (q at most `CERTAIN`): of the genetic
        distance by itself, of the other kinds beyond it. Models without tested kinship are left out; without any the
        data set is empty.
    """
    tested = [model for model in models if model.claims.kinship]
    if not tested:
        return xr.Dataset()
    found = []
    for model in tested:
        data = model.claims.kinship.sel({_TABLE: table, OF: "cosine", METHOD: "pearson"})
        r = data["items"].sel({INTERVAL: "estimate"}).transpose(CONCEPT, KIND, FORM)
        q = data["q"].sel({FORM: "beyond"}).transpose(CONCEPT, KIND)
        known = np.isfinite(r.values)
        found.append(
            xr.Dataset(
                {
                    "r": ((KIND, FORM), ordered_mean(r.values)),
                    "certain": ((KIND,), (q.values <= CERTAIN).sum(axis=0).astype(np.int32)),
                    "concepts": ((KIND, FORM), known.sum(axis=0).astype(np.int32)),
                },
                coords={KIND: r[KIND].values, FORM: r[FORM].values},
            )
        )
    joined = xr.concat(found, dim=xr.IndexVariable(MODEL, [model.name for model in tested]), join="exact")
    return joined.assign_attrs(table=table, test=str(tested[0].claims.kinship.attrs.get("test_beyond", "")))


def _targets(model: ModelFindings) -> list[str]:
    return [str(tag) for tag in model.findings.recognition[TARGET].values]


def _mean(
    values: xr.DataArray, languages: Sequence[Language]
) -> tuple[Float64[np.ndarray, "source target"], np.ndarray]:
    """Mean over concepts of the estimates, for all `languages`, and how many concepts each is the mean of."""
    cells = values.sel({INTERVAL: "estimate"}).reindex({SOURCE: list(languages), TARGET: list(languages)})
    table = cells.transpose(CONCEPT, SOURCE, TARGET).values
    return ordered_mean(table), np.isfinite(table).sum(axis=0).astype(np.int32)


def _own(
    model: ModelFindings, languages: Sequence[Language]
) -> tuple[Float64[np.ndarray, "target interval"], np.ndarray]:
    """Own recognition; bounds only where one concept was measured."""
    chosen = model.findings.recognition["chosen"].reindex({SOURCE: list(languages), TARGET: list(languages)})
    table = chosen.sel({INTERVAL: list(BOUNDS)}).transpose(CONCEPT, SOURCE, TARGET, INTERVAL).values
    own = np.stack([table[:, at, at] for at in range(len(languages))], axis=1)
    count = np.isfinite(own[..., 0]).sum(axis=0).astype(np.int32)
    mean = ordered_mean(own)
    mean[count != 1, 1:] = np.nan
    return mean, count


def _rank(share: Float64[np.ndarray, " target"], measured: np.ndarray) -> np.ndarray:
    order = np.argsort(np.where(np.isfinite(share), -share, np.inf), kind="stable")
    rank = np.full(len(share), -1, np.int32)
    kept = order[measured[order]]
    rank[kept] = np.arange(len(kept), dtype=np.int32)
    return rank
