"""What a study cannot say, and why: the limits that every reader must know, as far as they apply to this study."""

from polyvalues.artifacts import Findings
from polyvalues.dimensions import TARGET
from polyvalues.report.content import Beside
from polyvalues.report.text.findings_text import CANNOT, Sentence


def limits(findings: Findings, beside: Beside) -> tuple[Sentence, ...]:
    """Sentences on what stays open, each with its reason and with what would help.

    Args:
        findings: the numbers.
        beside: what else was measured; an experiment that was made takes its sentence away.
    """
    said = [
        "How another model, prompt or position, or other pairs, would do: intervals are about other items of the same "
        "kind, with everything else as it is here; where other languages are named, about other languages too, as if "
        "those read had been drawn from all that one could read."
    ]
    if findings.recognition.sizes[TARGET] > 1 and not beside.quality:
        said.append(
            "Whether a language is low because of the model or because of its texts: the quality of the translations "
            'was not measured. The command "polyvalues quality" measures it, "polyvalues noise" shows what damage of a '
            "known size would do."
        )
    if not beside.controls:
        said.append(
            "Whether the model acts on what its states tell apart: recognition reads, it does not steer. "
            'The command "polyvalues control" tests that.'
        )
    return tuple(Sentence(text, topic=CANNOT) for text in said)
