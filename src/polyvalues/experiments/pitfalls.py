"""What each known mistake does to a finished study's numbers: from its scores and kept activations, and its model.

Parts that need what a study does not have (activations, more than three languages) are left out with a reason.
"""

from dataclasses import astuple, dataclass, fields
from typing import Final

import numpy as np
import pandas as pd

from polyvalues.analysis.followups.pitfall_effects import (
    Differences,
    Mistake,
    leakage,
    post_norm,
    selection_and_ties,
    shifted,
)
from polyvalues.artifacts import Activations, ConceptVectors
from polyvalues.languages.distances import distances
from polyvalues.models.hidden_states import after_norm
from polyvalues.models.model_handle import load_model
from polyvalues.report.tables.csv_tables import csv_text
from polyvalues.study.study import Study, measured

KINDS: Final = ("genetic", "geographic", "syntactic")


@dataclass(frozen=True)
class Mistaken:
    """What mistakes do to a study.

    Attributes:
        rows: one per mistake and quantity.
        notes: what was left out, and why.
    """

    rows: tuple[Mistake, ...]
    notes: tuple[str, ...]


def measure_mistakes(study: Study, *, with_model: bool = True, seed: int = 0) -> Mistaken:
    """Measure every mistake that the study's folder allows; writes `findings/mistakes.csv`.

    Args:
        study: a finished study (strict protocol).
        with_model: load the model for its final norm (nothing is read with it); False leaves post-norm reading out.
        seed: of random splits.

    Raises:
        SpecError: a study of the paper protocol.
        PolyvaluesError: the model cannot be loaded.
    """
    _, scores, choices = measured(study)
    rows: list[Mistake] = list(selection_and_ties(scores, choices, study.spec.statistics))
    notes = []
    layers = {choice.concept: choice.layer for choice in choices}
    kept = {concept: _activations(study, concept) for concept in layers}
    kept = {concept: parts for concept, parts in kept.items() if parts}
    if kept:
        aligned = [_aligned(parts, layers[concept]) for concept, parts in kept.items()]
        rows.append(leakage([part for part in aligned if len(part) > 1], np.random.default_rng([seed, 0])))
    else:
        notes.append("leakage and post-norm: no activations were kept (cross-fit the concepts, or keep_activations)")
    if kept and with_model:
        normed = _normed(study, kept)
        if normed is None:
            notes.append("post-norm: the model's final norm was not found")
        else:
            rows.append(post_norm(*normed, folds=study.spec.split.folds, rng=np.random.default_rng([seed, 1])))
    shifts = _shifts(study)
    rows += shifts
    lacking = [kind for kind in KINDS if not any(f" {kind} " in row.quantity for row in shifts)]
    if lacking:
        notes.append(f"shift: too few languages, or distances that do not vary, to correlate ({', '.join(lacking)})")
    found = Mistaken(tuple(rows), tuple(notes))
    frame = pd.DataFrame([astuple(row) for row in rows], columns=[field.name for field in fields(Mistake)])
    with study.store.locked():
        study.store.write("findings/mistakes.csv", csv_text(frame))
    return found


def _activations(study: Study, concept: str) -> dict[str, Activations]:
    """By language, the states that the study's vectors were fitted from; older ones in the folder are left alone."""
    _, fitted_from = study.store.provenance(f"vectors/{concept}.safetensors", ConceptVectors)
    found = {}
    for language in map(str, study.findings.recognition["target"].values):
        name = f"activations/{concept}/{language}.fit.nc"
        if not study.store.path(name).exists():
            continue
        if study.store.provenance(name, Activations)[0] == fitted_from.get(language):
            found[language] = study.store.get(name, Activations)
    return found


def _differences(states: np.ndarray, part: Activations) -> Differences:
    index = part.data["index"].values
    return states[index[:, 0]].astype(np.float64) - states[index[:, 1]].astype(np.float64)


def _aligned(parts: dict[str, Activations], layer: int) -> dict[str, Differences]:
    """Pair differences at one layer, of the items all languages have, in one order."""
    items = {name: part.data["item"].values.tolist() for name, part in parts.items()}
    common = sorted(set.intersection(*(set(own) for own in items.values())))
    found = {}
    for name, part in parts.items():
        row = {item: at for at, item in enumerate(items[name])}
        values = _differences(part.data["states"].sel(layer=layer).values, part)
        found[name] = values[[row[item] for item in common]]
    return found


def _normed(
    study: Study, kept: dict[str, dict[str, Activations]]
) -> tuple[list[Differences], list[Differences]] | None:
    handle = load_model(study.spec.model.model_copy(update={"runtime": "transformers"}))
    last = handle.n_layers - 1
    if handle.final_norm is None or any(
        last not in part.data["layer"].values for parts in kept.values() for part in parts.values()
    ):
        return None
    before, after = [], []
    for parts in kept.values():
        for part in parts.values():
            states = part.data["states"].sel(layer=last).values
            normed = after_norm(handle, states)
            before.append(_differences(states, part))
            after.append(_differences(normed, part))
    return before, after


def _shifts(study: Study) -> list[Mistake]:
    """The mean over concepts of r, per kind of distance."""
    chosen = study.findings.consistency["chosen"].sel(interval="estimate")
    languages = tuple(str(tag) for tag in chosen["source"].values)
    if len(languages) < 4:
        return []
    table = distances(languages, "computed")
    found = []
    for kind in KINDS:
        parts = [
            shifted(chosen.sel(concept=concept).values, 1 - table[kind].values, kind)
            for concept in chosen["concept"].values
        ]
        known = [(part.right, part.mistaken) for part in parts if np.isfinite((part.right, part.mistaken)).all()]
        if known:  # else the distance is the same for all pairs, or missing
            right, mistaken = (float(value) for value in np.mean(known, axis=0))
            name, nothing = f"{parts[0].quantity}, mean over concepts", float("nan")
            found.append(Mistake("shift", name, right, mistaken, nothing, nothing, ""))
    return found
