"""What each artefact of the reading line depends on: settings, texts, model, and the artefacts it is made from.

Every artefact names what goes into it directly; what goes into its inputs comes in by their keys. The table is in
`docs/study-folder.md`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from polyvalues.artifacts import PairSet, TextTable
from polyvalues.config import StudySpec
from polyvalues.dimensions import MEAN_TOKENS, Concept, Language
from polyvalues.storage.store import Provenance, content_key


@dataclass(frozen=True, eq=False)
class Dependencies:
    """Provenance of every artefact of one study's reading line.

    Attributes:
        spec: the study.
        tables: texts by concept, language and pass (`fit`, `score`; a cross-fitted concept has `fit` alone).
        identity: of the model.
        prompt: how texts are wrapped and become token ids.
    """

    spec: StudySpec
    tables: Mapping[tuple[Concept, Language, str], TextTable]
    identity: str
    prompt: str

    @property
    def keeps(self) -> bool:
        """Whether activations are kept: asked for, or needed by an estimator that takes more than means."""
        return (
            self.spec.reading.keep_activations
            or self.spec.vectors.estimator != "mean-difference"
            or self.spec.protocol == "paper"
        )

    def kept(self, concept: Concept, language: Language) -> bool:
        """Whether a unit's activations are kept: as above, or because the concept is cross-fitted."""
        return self.keeps or (concept, language, "score") not in self.tables

    def score_pass(self, concept: Concept, language: Language) -> str:
        """The pass whose texts are scored."""
        return "score" if (concept, language, "score") in self.tables else "fit"

    def activations(self, concept: Concept, language: Language, step: str) -> Provenance:
        """Of kept states. Their groups, splits and folds are labels, which can be changed without reading again."""
        settings = self.reading() | {"texts": texts_key(self.tables[concept, language, step])}
        settings["store_dtype"] = self.spec.reading.store_dtype
        return Provenance("activations", settings, {}, self.identity)

    def fitting(self, concept: Concept, language: Language) -> Provenance:
        """Of what a vector is fitted from: kept states, or their sums."""
        if self.kept(concept, language):
            return self.activations(concept, language, "fit")
        vectors = self.spec.vectors
        sums = {"folds": self.spec.split.folds, "control_draws": vectors.baseline_draws, "seed": vectors.seed}
        settings = self.reading() | sums | {"texts": self._texts[concept, language, "fit"]}
        return Provenance("moments", settings, {}, self.identity)

    def vectors(self, concept: Concept) -> Provenance:
        """Of a concept's vectors in all languages."""
        settings = {**self.estimation(), "protocol": self.spec.protocol}
        languages = [tag for name, tag, step in self.tables if name == concept and step == "fit"]
        inputs = {language: self.fitting(concept, language).key for language in languages}
        settings["labels"] = {language: self._texts[concept, language, "fit"] for language in languages}
        return Provenance("vectors", settings, inputs, self.identity)

    def replicates(self, concept: Concept) -> Provenance:
        """Of cosines between vectors refitted on parts of the data."""
        inputs = {"vectors": self.vectors(concept).key}
        return Provenance("replicates", self.spec.vectors.model_dump(mode="json"), inputs, self.identity)

    def scores(self, concept: Concept, target: Language) -> Provenance:
        """Of the scores of one language's pairs under all vectors."""
        step, inputs = self.score_pass(concept, target), {"vectors": self.vectors(concept).key}
        if self.kept(concept, target):
            return Provenance(
                "scores",
                self.estimation() | {"labels": self._texts[concept, target, step]},
                inputs | {"activations": self.activations(concept, target, step).key},
                self.identity,
            )
        settings = self.reading() | {"texts": self._texts[concept, target, step]}
        return Provenance("scores", settings, inputs, self.identity)

    def damaged(self, table: TextTable) -> Provenance:
        """Of the scores of damaged texts under the vectors of the sound ones."""
        settings = self.reading() | self.estimation() | {"texts": table_key(table)}
        return Provenance("damaged scores", settings, {"vectors": self.vectors(table.concept).key}, self.identity)

    def norms(self, texts: list[str]) -> Provenance:
        """Of the lengths of hidden states on neutral texts."""
        return Provenance("norms", {"texts": texts, "prompt": self.prompt}, {}, self.identity)

    def rounding(self, texts: list[str], skipped: str = "") -> Provenance:
        """Of the rounding errors of neutral texts and of scores; `skipped`: why there is no reading in float32."""
        settings = self.reading() | {"neutral": texts, "skipped": skipped}
        concepts = dict.fromkeys(name for name, _, _ in self.tables) if self.spec.protocol == "strict" else ()
        inputs = {f"vectors/{concept}": self.vectors(concept).key for concept in concepts}
        return Provenance("rounding", settings, inputs | {"norms": self.norms(texts).key}, self.identity)

    def findings(self) -> Provenance:
        """Of the findings: all scores and replicates. Claims depend on the same, and on what is known of the model."""
        settings = {"statistics": self.spec.statistics.model_dump(mode="json"), "protocol": self.spec.protocol}
        fitted = [(concept, language) for concept, language, step in self.tables if step == "fit"]
        inputs = {f"scores/{concept}/{target}": self.scores(concept, target).key for concept, target in fitted}
        inputs |= {f"replicates/{concept}": self.replicates(concept).key for concept, _ in fitted}
        return Provenance("findings", settings, inputs, self.identity)

    def reading(self) -> dict[str, Any]:
        """How texts are wrapped and read."""
        own = self.spec.reading.model_dump(mode="json", exclude={"keep_activations", "store_dtype"})
        if self.spec.reading.position == "mean":
            own["tokens"] = MEAN_TOKENS
        return {"reading": own, "prompt": self.prompt, "post_norm": self.spec.protocol == "paper"}

    def estimation(self) -> dict[str, Any]:
        """How vectors are fitted, but for their half-splits, which only replicates use."""
        return {"vectors": self.spec.vectors.model_dump(mode="json", exclude={"half_splits"})}

    @cached_property
    def _texts(self) -> Mapping[tuple[Concept, Language, str], str]:
        return {unit: table_key(table) for unit, table in self.tables.items()}


def texts_key(table: TextTable) -> str:
    """Content hash of a text table but for groups, splits and folds: texts and pairs."""
    digest = hashlib.sha256(json.dumps([table.concept, table.language, table.texts, table.item.tolist()]).encode())
    digest.update(np.ascontiguousarray(table.index, dtype=np.int64).tobytes())
    return content_key(digest.hexdigest())


def pairs_provenance(spec: StudySpec, pairs: PairSet) -> Provenance:
    """Of the pairs as used: what was read, what was left out of it, and the settings that did so."""
    settings = spec.model_dump(mode="json", include={"pairs", "check", "split", "protocol", "paper"})
    left_out = content_key([pairs.drops.to_pydict(), pairs.notes])
    return Provenance("pairs", settings, {"data": data_key(pairs), "left out": left_out})


def data_key(pairs: PairSet) -> str:
    """Content hash of the pairs that are used."""
    return content_key(pairs.table.to_pydict())


def table_key(table: TextTable) -> str:
    """Content hash of a text table: texts, pairs, groups, splits, folds, and what label-permuted coins depend on.

    Coins are for pairs that are fitted on; of the others the content of the group is left out.
    """
    coins = np.where(table.fold >= 0, table.content, "")
    labels = [part.tolist() for part in (table.item, table.group, table.split, table.fold, coins)]
    digest = hashlib.sha256(json.dumps([table.concept, table.language, table.texts, labels]).encode())
    digest.update(np.ascontiguousarray(table.index, dtype=np.int64).tobytes())
    return content_key(digest.hexdigest())
