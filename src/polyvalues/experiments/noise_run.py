"""What noise does to a finished study: its texts are damaged, and read by its model again."""

import xarray as xr

from polyvalues.analysis.followups.noise_robustness import noise, noise_notes
from polyvalues.dimensions import DAMAGE_KINDS
from polyvalues.errors import SpecError
from polyvalues.experiments.noise import Damage, damaged_scores
from polyvalues.models.model_handle import load_model
from polyvalues.report.text.hypothesis_results import dataset_csv
from polyvalues.storage.store import Provenance
from polyvalues.study.followup_results import NOISE, made_from
from polyvalues.study.pipeline import Line, Progress, Silent
from polyvalues.study.study import Study, measured, republish
from polyvalues.study.vectors_to_steer import check_prompt


def measure_noise(study: Study, damage: Damage, progress: Progress | None = None) -> tuple[xr.Dataset, tuple[str, ...]]:
    """What damage to the target's texts does to recognition; writes `findings/noise.nc` and a CSV table.

    Args:
        study: a finished study (strict protocol); its model is loaded again.
        damage: kinds and doses (0 is added: it is the study itself).
        progress: told how far it has come.

    Returns:
        As `analysis.followups.noise_robustness.noise`, and its notes.

    Raises:
        SpecError: a study of the paper protocol, or a kind or dose that is not known.
        PolyvaluesError: the model cannot be loaded, or is not the one the study was made with.
    """
    pairs, scores, choices = measured(study)
    unknown = [kind for kind in damage.kinds if kind not in DAMAGE_KINDS]
    if unknown or not damage.kinds:
        raise SpecError(f"damage kind {', '.join(unknown) or '(none)'} is unknown; known: {', '.join(DAMAGE_KINDS)}")
    handle = load_model(study.spec.model)
    made_with = study.model.get("fingerprint", handle.fingerprint)
    if handle.fingerprint != made_with:
        raise SpecError(
            f"{study.folder}: made with the model {made_with}, but {study.spec.model.id!r} is now "
            f"{handle.fingerprint}; run the study again first"
        )
    check_prompt(study, handle)
    doses = tuple(sorted({float(dose) for dose in damage.doses if dose > 0}))
    with study.store.locked():
        line = Line(study.spec, study.store, handle, pairs, progress or Silent())
        found = damaged_scores(line, Damage(tuple(damage.kinds), doses, damage.seed))
        by_dose = {kind: {0.0: scores, **parts} for kind, parts in found.items()}
        result = noise(by_dose, choices, study.spec.statistics, shares=study.shares)
        settings = {"kinds": list(damage.kinds), "doses": list(doses), "seed": damage.seed}
        study.store.put(NOISE, result, Provenance("noise", settings, made_from(study.store)))
        for name, content in dataset_csv("noise", result).items():
            study.store.write(f"findings/{name}", content)
        republish(study)
    return result, tuple(noise_notes(result))
