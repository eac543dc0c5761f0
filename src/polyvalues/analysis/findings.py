"""All analyses of a study, in order, with what a reader must know about them."""

from collections.abc import Sequence

from polyvalues.analysis.consistency import best_pick, chosen_pick, consistency
from polyvalues.analysis.overview import overview
from polyvalues.analysis.paper_protocol import (
    paper_consistency,
    paper_overview,
    paper_recognition,
    paper_transfer,
    sign_notes,
)
from polyvalues.analysis.population_intervals import Cosines, with_languages
from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.scoring.pair_outcomes import labels_of, paper_outcomes, strict_outcomes
from polyvalues.analysis.transfer import transfer
from polyvalues.analysis.warnings_text import choice_notes, consistency_notes, recognition_notes
from polyvalues.artifacts import Findings, LayerChoice, Replicates, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import Protocol
from polyvalues.errors import MeasureError

_PAPER_NOTE = (
    "paper protocol: the layer of every cell was picked on the pairs it is tested on, which biases all accuracies "
    "upwards, those of the controls too; ties count as correct"
)


def measure(
    scores: Sequence[Scores],
    replicates: Sequence[Replicates],
    choices: Sequence[LayerChoice],
    spec: StatisticsSpec,
    protocol: Protocol,
) -> Findings:
    """Measure everything; deterministic given its arguments.

    Args:
        scores: one per concept and target language.
        replicates: one per concept.
        choices: one per concept; not looked at by the paper protocol.
        spec: confidence, draws, seed.
        protocol: `strict` or `paper`.

    Returns:
        The findings, with warnings.

    Raises:
        MeasureError: nothing to measure, or concepts that lack scores, cosines or a chosen layer.
    """
    scored = {str(item.data.attrs["concept"]) for item in scores}
    compared = {str(item.data.attrs["concept"]) for item in replicates}
    if scored != compared:
        odd = ", ".join(sorted(scored ^ compared))
        raise MeasureError(f"scores and cosines are of different concepts; only one of the two has {odd}")
    if protocol == "paper":
        found = paper_recognition(scores, spec)
        return Findings(
            found,
            paper_consistency(replicates, spec),
            paper_transfer(scores, spec),
            with_languages(
                paper_overview(scores, replicates, spec),
                labels_of(scores),
                lambda: paper_outcomes(scores),
                Cosines(replicates, best_pick, plain=True),
                spec,
            ),
            (_PAPER_NOTE, *recognition_notes(found), *_paper_notes(replicates)),
        )
    found = recognition(scores, choices, spec)
    return Findings(
        found,
        consistency(replicates, choices, spec),
        transfer(scores, choices, spec),
        with_languages(
            overview(scores, replicates, choices, spec),
            labels_of(scores),
            lambda: strict_outcomes(scores, {choice.concept: choice for choice in choices}),
            Cosines(replicates, chosen_pick(choices)),
            spec,
        ),
        (*recognition_notes(found), *choice_notes(choices), *consistency_notes(replicates)),
    )


def _paper_notes(replicates: Sequence[Replicates]) -> tuple[str, ...]:
    return (*consistency_notes(replicates, first_layer=1), *sign_notes(replicates))
