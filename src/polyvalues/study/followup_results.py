"""What a study's page shows beside the findings, from the folder: claims with a figure, and what was asked afterwards.

Nothing is measured here but an order for the eye (`analysis.statistics.clustering`); what is not in the folder is not
shown.
"""

import json
import logging

import numpy as np
import pyarrow as pa
import xarray as xr

from polyvalues.analysis.statistics.clustering import clustered
from polyvalues.artifacts import Claims, Findings, Generations, PairSet
from polyvalues.dimensions import CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.languages.distances import distances
from polyvalues.report.content import Beside, ControlReport
from polyvalues.report.html.divergence_page import strongest
from polyvalues.report.html.quality_section import most_doubted
from polyvalues.storage.store import Store
from polyvalues.translation.quality.pair_ratings import summarise_rated

NOISE = "findings/noise.nc"
QUALITY = "findings/quality.nc"
QUALITY_COLUMNS = "findings/quality_columns.nc"
EXCLUSION = "findings/exclusion.nc"
RATED = "findings/rated.parquet"
DIVERGENCE = "findings/divergence.parquet"
RELATED = "findings/related.parquet"
FINDINGS = "findings/recognition.nc"
PRECISION = "findings/precision.nc"
ROUNDING = "vectors/rounding.nc"
PAIRS = "pairs.parquet"
_LOG = logging.getLogger("polyvalues")
_ITEMS = 15
"""Diverging items on the study's page; their own page has more."""
_DOUBTED = 30
"""Flagged pairs on the study's page."""
_CHARACTERS = 600
"""Of a text on the study's page; the page of its own has them whole."""


def beside(store: Store, findings: Findings, claims: Claims, pairs: PairSet) -> Beside:
    """Everything there is.

    Args:
        store: the study's folder.
        findings: the numbers.
        claims: what was tested.
        pairs: the study's pairs, for the texts of diverging items.

    Raises:
        CorruptArtifact: a file in the folder is damaged.
    """
    tags = [str(tag) for tag in findings.recognition[TARGET].values]
    tables = [str(table) for table in claims.kinship["table"].values] if claims.kinship else []
    items, counts = (), {}
    if is_current(store, DIVERGENCE, pa.Table):
        items, counts = strongest(store.get(DIVERGENCE, pa.Table), pairs, _ITEMS, characters=_CHARACTERS)
    rated = store.get(RATED, pa.Table) if is_current(store, RATED, pa.Table) else None
    return Beside(
        clusters=_clusters(findings),
        kinship=claims.kinship,
        direction=claims.direction,
        predictors=claims.predictors,
        distances={table: distances(tags, table) for table in tables},
        controls=_controls(store),
        noise=_dataset(store, NOISE),
        quality=_dataset(store, QUALITY),
        columns=_dataset(store, QUALITY_COLUMNS),
        exclusion=_exclusion(store, findings),
        languages=pa.table({}) if rated is None else summarise_rated(rated),
        doubted=() if rated is None else most_doubted(rated, pairs, _DOUBTED, _CHARACTERS),
        items=items,
        item_counts=counts,
    )


def related_of(store: Store) -> pa.Table | None:
    """Related pairs of items that a study found; None where they were not looked for."""
    return store.get(RELATED, pa.Table) if store.path(RELATED).exists() else None


def control_name(concept: str) -> str:
    """The file with the search of a control experiment."""
    return f"findings/control_{concept}_trials.parquet"


def keep_control(report: ControlReport) -> tuple[xr.Dataset, pa.Table]:
    """What is stored of a control experiment beside its answers: findings with their words, and the search."""
    words = {
        "settings": json.dumps(dict(report.settings)),
        "agreement": json.dumps([[*names, np.asarray(value).tolist()] for *names, value in report.agreement]),
        "notes": json.dumps(list(report.notes)),
        "model": report.model,
    }
    return report.findings.assign_attrs(words), pa.Table.from_pandas(report.trials, preserve_index=False)


def _controls(store: Store) -> tuple[ControlReport, ...]:
    found = []
    for path in sorted(store.path("findings").glob(control_name("*").rpartition("/")[2])):
        concept = path.name.removeprefix("control_").removesuffix("_trials.parquet")
        if not is_current(store, f"findings/control_{concept}.nc", xr.Dataset):
            continue
        trials = store.get(f"findings/{path.name}", pa.Table).to_pandas()
        data = store.get(f"findings/control_{concept}.nc", xr.Dataset)
        answers = [
            store.get(f"control/{concept}/test/{target}.parquet", Generations).table for target in data[TARGET].values
        ]
        settings, agreement, notes = (json.loads(data.attrs[name]) for name in ("settings", "agreement", "notes"))
        found.append(
            ControlReport(
                data, trials, settings,
                [(kind, first, second, np.array(value, dtype=np.float64)) for kind, first, second, value in agreement],
                notes, str(data.attrs["model"]), Generations(pa.concat_tables(answers)),
            )
        )  # fmt: skip
    return tuple(found)


def _clusters(findings: Findings) -> dict[str, tuple[str, ...]]:
    """By concept, languages in the order of their vectors; nothing with fewer than three."""
    cosines = findings.consistency["chosen"].sel({INTERVAL: "estimate"}).transpose(CONCEPT, SOURCE, TARGET)
    tags = [str(tag) for tag in cosines[SOURCE].values]
    if len(tags) < 3:
        return {}
    return {
        str(concept): clustered(np.asarray(table, dtype=np.float64), tags)
        for concept, table in zip(cosines[CONCEPT].values, cosines.values, strict=True)
    }


def _exclusion(store: Store, findings: Findings) -> xr.Dataset:
    """On the labels of the findings; nothing where no tested pair is flagged."""
    found = _dataset(store, EXCLUSION)
    if not found or not (found["n_pairs"] != found["n_kept"]).any():
        return xr.Dataset()
    counts = dict.fromkeys(("n_pairs", "n_kept", "n_groups"), 0)
    values = dict.fromkeys(("kept", "change", "transfer"), np.nan)
    labels = {dim: findings.recognition[dim].values for dim in (CONCEPT, SOURCE, TARGET)}
    return found.reindex(labels, fill_value=counts | values)


def _dataset(store: Store, name: str) -> xr.Dataset:
    return store.get(name, xr.Dataset) if is_current(store, name, xr.Dataset) else xr.Dataset()


def made_from(store: Store) -> dict[str, str]:
    """Inputs of whatever is asked of a finished study: the keys of its findings and of its pairs.

    Raises:
        StoreError: the folder holds no finished study.
    """
    return {"findings": store.provenance(FINDINGS, xr.Dataset)[0], "pairs": store.provenance(PAIRS, PairSet)[0]}


def is_current(store: Store, name: str, kind: type) -> bool:
    """Whether the folder holds this, made from the findings (ratings: the pairs) that it holds now.

    What is older is named in a warning.

    Raises:
        CorruptArtifact: a file in the folder is damaged.
    """
    if not store.path(name).exists():
        return False
    _, inputs = store.provenance(name, kind)
    now = made_from(store)
    wanted = "pairs" if name == RATED else "findings"
    if inputs.get(wanted) == now[wanted]:
        return True
    _LOG.warning("%s: belongs to an earlier state of this study and is left out; ask for it again", store.path(name))
    return False
