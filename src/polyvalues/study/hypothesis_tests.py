"""The tested analyses of a study, from what is stored: no model is needed, and each is redone only if inputs changed.

    chance, stability, differences   from scores             agreement, kinship   from replicate cosines
    direction                        from scores and training shares
    companions, predictors           from kept hidden states, or sums; predictors from scores, too

Kinship is taken with every distance table of `polyvalues.languages`: our own, and the paper's with its placeholder
rows left out and left in, side by side on the dimension `table`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import xarray as xr

from polyvalues.analysis.consistency import languages_of
from polyvalues.analysis.hypothesis_tests.chance_test import chance
from polyvalues.analysis.hypothesis_tests.consistency_verdicts import agreement, agreement_notes
from polyvalues.analysis.hypothesis_tests.distance_correlation import kinship
from polyvalues.analysis.hypothesis_tests.layer_stability import stability
from polyvalues.analysis.hypothesis_tests.paired_differences import languages_difference
from polyvalues.analysis.hypothesis_tests.similarity_intervals import companion_intervals
from polyvalues.analysis.hypothesis_tests.transfer_direction import direction
from polyvalues.analysis.steerability_predictors import predictors
from polyvalues.artifacts import Activations, Claims, LayerChoice, Moments, Replicates, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.languages.distances import TABLES, distances
from polyvalues.storage.store import Provenance, Store
from polyvalues.vectors.similarity.difference_coherence import coherence
from polyvalues.vectors.similarity.similarities import companions

PARTS: Final = ("chance", "stability", "differences", "agreement", "companions", "kinship", "direction", "predictors")
TABLE: Final = "table"
_PERMUTATIONS: Final = 1999
"""Of each Mantel test: there are hundreds of them in a study, and p below 0.0005 need not be told apart."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What the analyses start from.

    Attributes:
        scores: one per concept and target.
        replicates: one per concept.
        choices: one per concept.
        shares: percent of the training data per language; empty when unknown.
        dominant: languages the model was mostly trained on.
        inputs: by concept and language, what the vectors were fitted from; empty when it is not at hand.
    """

    scores: Sequence[Scores]
    replicates: Sequence[Replicates]
    choices: Sequence[LayerChoice]
    shares: Mapping[str, float]
    dominant: Sequence[str]
    inputs: Mapping[str, Mapping[str, Moments | Activations]] = field(default_factory=dict)


def make_claims(measured: Measured, spec: StatisticsSpec, store: Store, provenance: Provenance) -> Claims:
    """Run every analysis that the data allow, or take it from the folder.

    Args:
        measured: what is known.
        spec: confidence, draws, seed.
        store: the study's folder; `findings/NAME.nc` each.
        provenance: of the findings.

    Returns:
        The claims; what could not be tested is an empty data set, and `notes` says why.
    """
    facts = json.dumps({"shares": dict(measured.shares), "dominant": list(measured.dominant)}, sort_keys=True)
    inputs = {**provenance.inputs, "facts": facts}
    parts, notes = {}, []
    for name, (needs, make) in analyses(measured, spec).items():
        if needs:
            notes.append(f"{name}: {needs}")
            store.discard(f"findings/{name}.nc")  # of an earlier state of the study
        keyed = Provenance(name, provenance.spec, inputs, provenance.fingerprint)
        parts[name] = xr.Dataset() if needs else _stored(store, f"findings/{name}.nc", keyed, make)
    if parts["agreement"]:
        notes += agreement_notes(parts["agreement"])
    return Claims(**parts, notes=tuple(notes))


def load_claims(store: Store) -> Claims:
    """The claims in a finished study's folder; empty data sets for those it does not have."""
    there = {name: f"findings/{name}.nc" for name in PARTS}
    parts = {
        name: store.get(file, xr.Dataset) if store.path(file).exists() else xr.Dataset() for name, file in there.items()
    }
    return Claims(**parts, notes=tuple(agreement_notes(parts["agreement"])) if parts["agreement"] else ())


def no_claims() -> Claims:
    """Nothing tested: the paper protocol tests nothing."""
    nothing: dict[str, xr.Dataset] = {name: xr.Dataset() for name in PARTS}
    return Claims(**nothing, notes=())


def analyses(measured: Measured, spec: StatisticsSpec) -> dict[str, tuple[str, Callable[[], xr.Dataset]]]:
    """Per analysis what stands in its way ("" if nothing), and how it is made."""
    scores, replicates, choices = measured.scores, measured.replicates, measured.choices
    languages = tuple(dict.fromkeys(name for part in replicates for name in languages_of(part)))
    several = "" if len(languages) > 1 else "one language has nothing to be compared with"
    known = [name for name in languages if measured.shares.get(name, 0) > 0]
    directed = (
        several
        or ("the model's training shares are not known" if not measured.shares else "")
        or (f"training shares are known of {len(known)} languages, 3 are needed" if len(known) < 3 else "")
    )
    fitted = "" if measured.inputs else "what the vectors were fitted from is not at hand"
    kin = "" if len(languages) > 3 else f"{len(languages)} languages make too few pairs to correlate"
    return {
        "chance": ("", lambda: chance(scores, choices)),
        "stability": ("", lambda: stability(scores, choices, spec)),
        "differences": (several, lambda: languages_difference(scores, choices, spec)),
        "agreement": (several, lambda: agreement(replicates, choices, spec)),
        "companions": (several or fitted, lambda: _companions(measured, spec)),
        "kinship": (kin, lambda: _kinship(measured, languages, spec)),
        "predictors": (fitted, lambda: _predictors(measured, spec)),
        "direction": (directed, lambda: direction(scores, choices, measured.shares, spec)),
    }


def _companions(measured: Measured, spec: StatisticsSpec) -> xr.Dataset:
    layers = {choice.concept: choice.layer for choice in measured.choices}
    parts = [companions(measured.inputs, concept, layers[concept]) for concept in measured.inputs]
    return companion_intervals(parts, spec)


def _predictors(measured: Measured, spec: StatisticsSpec) -> xr.Dataset:
    estimators = {str(part.data.attrs["concept"]): str(part.data.attrs["estimator"]) for part in measured.replicates}
    parts = [
        coherence(inputs, estimators[concept]).assign_attrs(concept=concept)
        for concept, inputs in measured.inputs.items()
    ]
    return predictors(parts, measured.scores, measured.choices, spec)


def _kinship(measured: Measured, languages: tuple[str, ...], spec: StatisticsSpec) -> xr.Dataset:
    found = [
        kinship(
            measured.replicates,
            measured.choices,
            distances(languages, table),
            spec,
            dominant=measured.dominant,
            shares=measured.shares,
            permutations=_PERMUTATIONS,
        )
        for table in TABLES
    ]
    joined = xr.concat(found, dim=TABLE, combine_attrs="override", join="override")
    return joined.assign_coords({TABLE: list(TABLES)}).assign_attrs(
        distances="; ".join(part.attrs["distances"] for part in found)
    )


def _stored(store: Store, name: str, provenance: Provenance, make: Callable[[], xr.Dataset]) -> xr.Dataset:
    found = store.find(name, xr.Dataset, provenance)
    if found is None:
        store.put(name, make(), provenance)
        # read back, so that what follows sees the same bits whether they were just computed or found
        found = store.get(name, xr.Dataset)
    return found
