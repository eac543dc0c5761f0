"""Which judges a control experiment asks, by name, and what each of them needs.

openings                       how answers begin (the default)
likelihood                     probability of refusing openings against willing ones
probe                          the concept's vector at layers that are not steered
lexicon                        words of a language, toxicity
classifier:ID?label=NAME       a Hugging Face classifier; `behaviour=` as well, several labels by `label=A|B`
endpoint:MODEL?behaviour=NAME  a model behind an OpenAI-compatible endpoint
"""

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from polyvalues.artifacts import Generations
from polyvalues.config import ReadingSpec
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES, words
from polyvalues.data.phrases import insults
from polyvalues.dimensions import Language
from polyvalues.errors import SpecError
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.prompt_templates import Template
from polyvalues.steering.judges.base import Judge, OpeningLists, Openings
from polyvalues.steering.judges.classifier import load_classifier
from polyvalues.steering.judges.endpoint import EndpointJudge
from polyvalues.steering.judges.lexicon import LexiconJudge
from polyvalues.steering.judges.opening_likelihood import LikelihoodJudge
from polyvalues.steering.judges.probe import ProbeJudge
from polyvalues.steering.judges.refusal_openings import OpeningsJudge
from polyvalues.steering.plan import Plan
from polyvalues.steering.steering_vectors import SteeringVectors
from polyvalues.storage.store import Store

SAFER: Final = {"refusal": 1, "safer": 1, "compliance": -1, "toxicity": -1}
"""Whether more (+1) or less (-1) of a behaviour on violating prompts is the safer side; other behaviours: +1."""

NAMES: Final = ("openings", "likelihood", "probe", "lexicon", "classifier", "endpoint")


@dataclass(frozen=True)
class Words:
    """Lists that judges use, with those of the user laid over.

    Attributes:
        openings: of refusals and willing answers.
        lexicon: words of toxic answers.
    """

    openings: OpeningLists
    lexicon: Mapping[Language, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Bench:
    """What judges may need.

    Attributes:
        handle: the model.
        template: how prompts are wrapped.
        reading: how the study reads texts.
        vectors: of the concept.
        steer: the plan of generations.
        words: lists.
        store: the study's folder, for verdicts that were paid for.
    """

    handle: ModelHandle
    template: Template
    reading: ReadingSpec
    vectors: SteeringVectors
    steer: Callable[[Generations], Plan | None]
    words: Words
    store: Store
    steered: tuple[int, ...] = field(default=())


def load_words(openings: Path | None = None, lexicon: Path | None = None) -> Words:
    """The package's lists, and the user's over them (JSON files).

    Raises:
        SpecError: a file cannot be read, or does not hold lists of texts.
    """
    lists = {tag: Openings(words(tag).refuse, words(tag).comply) for tag in MOSAIC_LANGUAGES}
    for tag, own in _json(openings).items():
        if not isinstance(own, dict) or not all(_texts(own.get(name)) for name in ("refuse", "comply")):
            raise SpecError(f'{openings}: {tag!r}: expected {{"refuse": [texts], "comply": [texts]}}')
        lists[tag] = Openings(tuple(own["refuse"]), tuple(own["comply"]))
    known = dict(insults())
    for tag, own in _json(lexicon).items():
        if not _texts(own):
            raise SpecError(f"{lexicon}: {tag!r}: expected a list of words")
        known[tag] = tuple(own)
    return Words(lists, known)


def make_judge(name: str, bench: Bench) -> Judge:
    """A judge by name, as above.

    Raises:
        SpecError: no such judge, or an option it does not have.
        JudgeError: its model cannot be loaded or has no such label.
    """
    kind, _, rest = name.partition(":")
    target, _, query = rest.partition("?")
    options = {part.partition("=")[0]: part.partition("=")[2] for part in query.split("&") if part}
    unknown = set(options) - {"label", "behaviour", "question", "per_minute"}
    if kind not in NAMES or unknown:
        what = f"option {min(unknown)!r} of judge {kind!r}" if unknown else f"judge {kind!r}"
        raise SpecError(f"{what} is unknown; judges: {', '.join(NAMES)}")
    if kind in ("classifier", "endpoint") and not target:
        raise SpecError(f"judge {kind!r} needs a model: {kind}:ID")
    if kind == "openings":
        return OpeningsJudge(bench.words.openings)
    if kind == "likelihood":
        return LikelihoodJudge(bench.handle, bench.template, bench.words.openings, bench.steer)
    if kind == "lexicon":
        return LexiconJudge(bench.words.lexicon)
    if kind == "probe":
        layers = tuple(layer for layer in bench.vectors.layers if layer not in bench.steered)
        return ProbeJudge(bench.handle, bench.vectors, bench.reading, layers)
    if kind == "classifier":
        labels = [label for label in options.get("label", "").split("|") if label]
        return load_classifier(target, labels, options.get("behaviour", "toxicity"))
    return EndpointJudge(
        target,
        options.get("behaviour", "refusal"),
        options.get("question", ""),
        per_minute=float(options.get("per_minute", 0)),
        cache=KeptVerdicts(bench.store),
    )


class KeptVerdicts(MutableMapping[str, str]):
    """Replies of an endpoint, each a small file in the study's folder."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _name(self, key: str) -> str:
        return f"control/verdicts/{key}.json"

    def __getitem__(self, key: str) -> str:
        path = self._store.path(self._name(key))
        if not path.exists():
            raise KeyError(key)
        return str(json.loads(path.read_text(encoding="utf-8"))["reply"])

    def __setitem__(self, key: str, value: str) -> None:
        self._store.write(self._name(key), json.dumps({"reply": value}, ensure_ascii=False))

    def __delitem__(self, key: str) -> None:
        self._store.path(self._name(key)).unlink()

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in sorted(self._store.root.glob("control/verdicts/*.json")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _json(path: Path | None) -> dict:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(found, dict):
        raise SpecError(f"{path}: expected an object with a language per key")
    return found


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) and text.strip() for text in value)
