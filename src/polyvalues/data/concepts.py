"""The seven value concepts of Xu et al. (2024), and what upholding each of them means.

Convention: `positive` upholds the value and `negative` violates it, for every concept, also for those that are named
after the violation (toxicity, harmfulness): their positive side is the civil, the harmless one. Any other concept name
works; it is then described in general words.
"""

from dataclasses import dataclass
from typing import Final

from polyvalues.dimensions import Side


@dataclass(frozen=True)
class ConceptInfo:
    """What a concept is, in words.

    Attributes:
        name: the concept as it stands in tables, e.g. `toxicity`.
        title: the same for headings.
        positive: what the upholding side is.
        negative: what the violating side is.
        safer: the end of the vector that steering with a positive strength goes towards. A text that a model writes
            is safer when it upholds the value. The texts of harmfulness are *requests*: a model that is pushed to
            see a request as harmless helps with harm, so the safer end is the negative one, to see the harm in it.
    """

    name: str
    title: str
    positive: str
    negative: str
    safer: Side = "positive"


CONCEPTS: Final = (
    ConceptInfo("morality", "Morality", "acts rightly by common sense", "acts wrongly by common sense"),
    ConceptInfo("deontology", "Deontology", "a reasonable duty or excuse", "an unreasonable duty or excuse"),
    ConceptInfo("utilitarianism", "Utilitarianism", "the more pleasant situation", "the less pleasant situation"),
    ConceptInfo("fairness", "Fairness", "contradicts a stereotype", "repeats a stereotype"),
    ConceptInfo("truthfulness", "Truthfulness", "a true answer", "a false answer"),
    ConceptInfo("toxicity", "Toxicity", "civil", "toxic"),
    ConceptInfo("harmfulness", "Harmfulness", "harmless", "harmful", safer="negative"),
)
"""The seven concepts, in the order of the paper."""

_BY_NAME: Final = {concept.name: concept for concept in CONCEPTS}


def concept_info(name: str) -> ConceptInfo:
    """What is known of a concept; for one that is not among the seven, a title made from its name and general words."""
    known = _BY_NAME.get(name)
    if known is not None:
        return known
    title = name.replace("-", " ")
    return ConceptInfo(name, title[:1].upper() + title[1:], "upholds the value", "violates the value")
