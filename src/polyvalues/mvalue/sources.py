"""The original sources of the seven concepts, and what to do about those that are not there.

The paths of the settings may carry options of their reader (`PATH?key=value`), as everywhere; what is not given there
comes from the settings: seed and length ratio of the matching, `group=better` for utilitarianism, so that groups stay
small before the sampling.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from polyvalues.config import PairSource
from polyvalues.config.mvalue import MvalueConcept, MvalueSpec
from polyvalues.data.readers.registry import READERS
from polyvalues.errors import SpecError


class Origin(NamedTuple):
    """Where the pairs of a concept come from: a reader, and the settings that say where its files are."""

    reader: str
    settings: tuple[str, ...]


ORIGINS: Final[Mapping[MvalueConcept, Origin]] = MappingProxyType(
    {
        "morality": Origin("ethics-commonsense", ("ethics",)),
        "deontology": Origin("ethics-deontology", ("ethics",)),
        "utilitarianism": Origin("ethics-utilitarianism", ("ethics",)),
        "fairness": Origin("stereoset", ("stereoset",)),
        "truthfulness": Origin("truthfulqa", ("truthfulqa",)),
        "toxicity": Origin("realtoxicityprompts", ("rtp",)),
        "harmfulness": Origin("advbench", ("advbench", "harmless")),
    }
)
"""By concept, in the order of the paper."""


def recipe_sources(spec: MvalueSpec) -> dict[MvalueConcept, PairSource]:
    """The source of every concept that is wanted.

    Raises:
        SpecError: some have none; names all of them, and how to obtain each. An option is wrong.
    """
    wanted = spec.concepts or tuple(ORIGINS)
    _check_there(spec, wanted)
    return {concept: _source(spec, concept) for concept in wanted}


def _check_there(spec: MvalueSpec, wanted: tuple[MvalueConcept, ...]) -> None:
    missing: dict[MvalueConcept, list[str]] = {
        concept: [name for name in ORIGINS[concept].settings if not getattr(spec, name)]
        for concept in wanted
        if not all(getattr(spec, name) for name in ORIGINS[concept].settings)
    }
    if not missing:
        return
    lines = [f"{len(missing)} of {len(wanted)} concepts have no source:"]
    told: set[str] = set()
    for concept, names in missing.items():
        obtain = READERS[ORIGINS[concept].reader].obtain
        flags = " and ".join(f"--{name} PATH" for name in names)
        lines.append(f"- {concept}: give {flags}." + ("" if obtain in told else f" {obtain}"))
        told.add(obtain)
    rest = [concept for concept in wanted if concept not in missing]
    if rest:
        lines.append(f"or build without them: --concepts {','.join(rest)}")
    raise SpecError("\n".join(lines))


def _source(spec: MvalueSpec, concept: MvalueConcept) -> PairSource:
    reader, settings = ORIGINS[concept]
    given = PairSource.parse(f"{reader}:{getattr(spec, settings[0])}")
    if given.concept is not None:
        raise SpecError(f"--{settings[0]} {getattr(spec, settings[0])}: the recipe says the concept; leave it out")
    known = {option.name for option in READERS[reader].options}
    own: dict[str, str | int | float | bool] = {"seed": spec.seed, "max_length_ratio": spec.max_length_ratio}
    if concept == "utilitarianism":
        own["group"] = "better"
    if spec.harmless:
        own["harmless"] = spec.harmless
    chosen = {name: value for name, value in own.items() if name in known} | given.options
    return given.model_copy(update={"options": chosen})
