"""One study's reading line: pairs -> moments or activations -> vectors -> scores, unit by unit, through the store.

The unit of work is one concept x language x pass. A unit is redone as a whole or found whole: a run that was killed
goes on at the unit it was in, and ends with the same bytes.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow.compute as pc
import xarray as xr

from polyvalues.analysis.scoring.rounding_effects import vector_errors
from polyvalues.analysis.scoring.scoring import ScoreReducer, cross_scores
from polyvalues.artifacts import (
    Activations,
    ConceptVectors,
    CrossVectors,
    Moments,
    PairSet,
    Replicates,
    Scores,
    TextTable,
)
from polyvalues.config import StudySpec
from polyvalues.data.phrases import neutral
from polyvalues.data.text_table import text_table
from polyvalues.dimensions import CONCEPT, LAYER, SOURCE, Concept, Language
from polyvalues.models.float32_context import obstacle
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.residual_norms import Lengths, residual_lengths
from polyvalues.models.rounding_error import Rounding, rounding
from polyvalues.storage.serialization import states_name
from polyvalues.storage.store import Provenance, Store
from polyvalues.study.cache_dependencies import Dependencies
from polyvalues.study.work_units import Made, Unit, read_unit
from polyvalues.vectors.accumulators.activations import ActivationsReducer, labelled_as, relabelled
from polyvalues.vectors.baselines import baselines
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors
from polyvalues.vectors.fit import fit_vectors, paper_vectors
from polyvalues.vectors.leave_fold_out import replicates
from polyvalues.vectors.paper_signs import signed_replicates

Inputs = Mapping[Language, Moments | Activations]
_Fitted = tuple[Inputs, ConceptVectors, Callable[[], CrossVectors]]


@runtime_checkable
class Progress(Protocol):
    """Who is told how far the line has come. Counts are unique texts."""

    def start(self, texts: int) -> None:
        """The line will need this many texts, stored ones included."""

    def unit(self, label: str, texts: int, stored: bool) -> None:
        """A unit begins (or was found in the store, and is done)."""

    def advance(self, texts: int) -> None:
        """So many texts of the unit have been read."""


class Silent:
    """Tells nobody."""

    def start(self, texts: int) -> None:
        """Ignore."""

    def unit(self, label: str, texts: int, stored: bool) -> None:
        """Ignore."""

    def advance(self, texts: int) -> None:
        """Ignore."""


@dataclass(frozen=True)
class ConceptRun:
    """What the line leaves of one concept."""

    concept: Concept
    scores: Mapping[Language, Scores]
    replicates: Replicates
    inputs: Inputs


@dataclass(frozen=True, eq=False)
class Entry:
    """A unit and its place in the store.

    Attributes:
        name: of the artefact.
        kind: its type.
        provenance: what it depends on.
        unit: what has to be read for it.
        step: `fit` or `score`.
    """

    name: str
    kind: type[Moments] | type[Activations] | type[Scores]
    provenance: Provenance
    unit: Unit
    step: str


@dataclass(frozen=True, eq=False)
class Line:
    """The line for one study.

    Attributes:
        spec: the study.
        store: its folder.
        handle: its model, loaded.
        pairs: its pairs, checked and split.
        progress: who is told.
        counts: unique texts read by the model and found in the store so far (`read`, `stored`).
        told: artefacts whose texts have been counted.
    """

    spec: StudySpec
    store: Store
    handle: ModelHandle
    pairs: PairSet
    progress: Progress = field(default_factory=Silent)
    counts: dict[str, int] = field(default_factory=lambda: {"read": 0, "stored": 0})
    told: set[str] = field(default_factory=set)

    @cached_property
    def concepts(self) -> tuple[Concept, ...]:
        """Concepts in the order of the pairs."""
        return tuple(dict.fromkeys(self.pairs.table["concept"].to_pylist()))

    @cached_property
    def tables(self) -> Mapping[tuple[Concept, Language, str], TextTable]:
        """Text tables by concept, language and pass (`fit`, `score`; a cross-fitted concept has `fit` alone)."""
        tables: dict[tuple[Concept, Language, str], TextTable] = {}
        for concept in self.concepts:
            mine = self.pairs.table.filter(pc.field("concept") == concept)
            cross = "cross" in mine["split"].unique().to_pylist()
            passes = {"fit": ("cross",)} if cross else {"fit": ("fit",), "score": ("select", "test")}
            for language in dict.fromkeys(mine["language"].to_pylist()):
                for name, splits in passes.items():
                    tables[concept, language, name] = text_table(self.pairs, concept, language, splits)
        return tables

    @cached_property
    def depends(self) -> Dependencies:
        """What every artefact depends on."""
        return Dependencies(self.spec, self.tables, self.handle.identity, self.handle.prompt)

    def languages(self, concept: Concept) -> tuple[Language, ...]:
        """Languages of a concept, in the order of the pairs."""
        return tuple(language for name, language, step in self.tables if name == concept and step == "fit")

    def announce(self) -> None:
        """Tell the progress how many texts there are."""
        self.progress.start(sum(len(table.texts) for table in self.tables.values()))

    def run(self, concept: Concept) -> ConceptRun:
        """Everything of one concept, from the store or made."""
        inputs, vectors = self.fitted(concept)
        resampled = self.store.once(
            f"vectors/{concept}.replicates.nc",
            Replicates,
            self.depends.replicates(concept),
            lambda: self._resample(inputs, vectors),
        )
        crossed = cache(lambda: cross_vectors(inputs, self.spec.vectors))
        scores = {target: self._score_unit(concept, target, (inputs, vectors, crossed)) for target in inputs}
        return ConceptRun(concept, scores, resampled, inputs)

    def fitted(self, concept: Concept) -> tuple[Inputs, ConceptVectors]:
        """What a concept's vectors were fitted from, and the vectors; from the store when they are there."""
        inputs = {language: self._fit_unit(concept, language) for language in self.languages(concept)}
        provenance = self.depends.vectors(concept)
        vectors = self.store.once(
            f"vectors/{concept}.safetensors", ConceptVectors, provenance, lambda: self._fit(inputs)
        )
        return inputs, vectors

    def norms(self) -> xr.Dataset:
        """Lengths of hidden states on neutral text, `[layer]` each; `norm` is the unit of steering strengths.

        `first`, `last` and `sink` say what attention sinks are beside it (`models.residual_norms.Lengths`).
        """
        texts = [text for own in neutral(self._all_languages).values() for text in own]
        return self.store.once(
            "vectors/norms.nc",
            xr.Dataset,
            self.depends.norms(texts),
            lambda: self._lengths(residual_lengths(self.handle, texts)),
        )

    def rounding(self) -> xr.Dataset:
        """How far rounding moves what is read (`models.rounding_error`).

        Returns:
            `batches` and `dtype` `[layer]`, in mean lengths; strict protocol: `score_error` `[concept, source, layer]`,
            `cosine_error` `[concept, source, target, layer]` (`analysis.scoring.rounding_effects`).
            attrs: `skipped`, why the dtype's error was not measured, empty if it was.
        """
        texts = [text for own in neutral(self._all_languages).values() for text in own]
        norms = self.norms()["norm"]

        def measured() -> xr.Dataset:
            found = rounding(self.handle, texts, self.spec.reading, np.asarray(norms.values, dtype=np.float64))
            values = {"batches": (LAYER, found.batches), "dtype": (LAYER, found.dtype)}
            data = xr.Dataset(values, coords={LAYER: norms[LAYER].values}, attrs={"skipped": found.skipped})
            return data if self.spec.protocol == "paper" else data.assign(self._errors(found))

        name, wanted = "vectors/rounding.nc", self.depends.rounding(texts)
        if self.store.find(name, xr.Dataset, wanted) is None:
            wanted = self.depends.rounding(texts, obstacle(self.handle))
        return self.store.once(name, xr.Dataset, wanted, measured)

    def _errors(self, found: Rounding) -> xr.Dataset:
        """Of scores and cosines, by every vector; NaN where a concept has none."""
        parts = []
        for concept in self.concepts:
            data = self.fitted(concept)[1].data
            texts = [len(self.tables[concept, str(name), "fit"].texts) for name in data[SOURCE].values]
            parts.append(vector_errors(found.moved, data, [count / 2 for count in texts]))
        joined = xr.concat(parts, dim=CONCEPT, join="outer")
        return joined.assign_coords({CONCEPT: list(self.concepts)}).reindex({LAYER: range(self.handle.n_layers)})

    def _lengths(self, found: Lengths) -> xr.Dataset:
        values = {name: (LAYER, getattr(found, name)) for name in ("norm", "first", "last", "sink")}
        return xr.Dataset(values, coords={LAYER: list(range(self.handle.n_layers))})

    @property
    def _all_languages(self) -> tuple[Language, ...]:
        return tuple(dict.fromkeys(language for _, language, _ in self.tables))

    # --- the fitting pass ---------------------------------------------------------------------------------------------

    def _fit(self, inputs: Inputs) -> ConceptVectors:
        if self.spec.protocol == "strict":
            return fit_vectors(inputs, self.spec.vectors)
        kept = {name: unit for name, unit in inputs.items() if isinstance(unit, Activations)}
        return paper_vectors(kept)

    def _resample(self, inputs: Inputs, vectors: ConceptVectors) -> Replicates:
        make = replicates if self.spec.protocol == "strict" else signed_replicates
        return make(inputs, vectors, self.spec.vectors)

    def states(self, concept: Concept) -> Mapping[Language, Activations]:
        """Kept states of a cross-fitted concept, whatever groups and folds they were stored with; else nothing."""
        crossed = not any(name == concept and step == "score" for name, _, step in self.tables)
        made = {tag: self._obtain(self._fit_entry(concept, tag)) for tag in self.languages(concept)} if crossed else {}
        return {tag: unit for tag, unit in made.items() if isinstance(unit, Activations)}

    def _fit_unit(self, concept: Concept, language: Language) -> Moments | Activations:
        entry = self._fit_entry(concept, language)
        made = self._obtain(entry)
        assert isinstance(made, Moments | Activations)
        return self._labelled(entry, made) if isinstance(made, Activations) else made

    def _labelled(self, entry: "Entry", made: Activations) -> Activations:
        """Kept states with the groups, splits and folds of now; their file, too."""
        if not labelled_as(made, entry.unit.table):
            made = relabelled(made, entry.unit.table)
            self.store.put(entry.name, made, entry.provenance)
        return made

    def _fit_entry(self, concept: Concept, language: Language) -> "Entry":
        if self.depends.kept(concept, language):
            return self._kept_entry(concept, language, "fit")
        vectors = self.spec.vectors
        unit = Unit(
            "moments", self.tables[concept, language, "fit"], self.spec.reading, self.spec.protocol, self._layers,
            folds=self.spec.split.folds, draws=vectors.baseline_draws, seed=vectors.seed,
        )  # fmt: skip
        name = f"moments/{concept}/{language}.safetensors"
        return Entry(name, Moments, self.depends.fitting(concept, language), unit, "fit")

    def _kept_entry(self, concept: Concept, language: Language, step: str) -> "Entry":
        table = self.tables[concept, language, step]
        unit = Unit("activations", table, self.spec.reading, self.spec.protocol, self._layers)
        name = f"activations/{concept}/{language}.{step}.nc"
        return Entry(name, Activations, self.depends.activations(concept, language, step), unit, step)

    @property
    def _layers(self) -> tuple[int, ...]:
        return self.spec.reading.layers or tuple(range(self.handle.n_layers))

    # --- the scoring pass ---------------------------------------------------------------------------------------------

    def _score_unit(self, concept: Concept, target: Language, fitted: _Fitted) -> Scores:
        inputs, vectors, crossed = fitted
        entry = self._score_entry(concept, target, vectors)
        read = entry.step == "score"
        found = self.store.find(entry.name, Scores, entry.provenance)
        if found is not None:
            if read:
                self._tell(entry, stored=True)
            return found
        if not read:
            made = self._cross_scores(inputs[target], crossed())
        elif self.depends.keeps:
            place = self._kept_entry(concept, target, "score")
            kept = self._obtain(place)
            assert isinstance(kept, Activations)
            kept = self._labelled(place, kept)
            table, controls = entry.unit.table, self._controls(inputs[target])
            reducer = ScoreReducer(table, vectors, controls=controls, protocol=self.spec.protocol)
            states = np.asarray(kept.data["states"].values, dtype=np.float32)
            reducer.update(np.arange(len(entry.unit.table.texts)), states)
            made = reducer.result()
        else:
            self._tell(entry, stored=False)
            unit = replace(entry.unit, controls=self._controls(inputs[target]))
            made = read_unit(self.handle, unit, self._advance)
            assert isinstance(made, Scores)
        self.store.put(entry.name, made, entry.provenance)
        return made

    def _score_entry(self, concept: Concept, target: Language, vectors: ConceptVectors) -> "Entry":
        step = self.depends.score_pass(concept, target)
        table = self.tables[concept, target, step]
        unit = Unit("scores", table, self.spec.reading, self.spec.protocol, self._layers, vectors=vectors)
        return Entry(f"scores/{concept}/{target}.nc", Scores, self.depends.scores(concept, target), unit, step)

    def _controls(self, fitting: Moments | Activations) -> np.ndarray:
        """Baseline directions of one language."""
        return baselines(fitting, self.spec.vectors, paper=self.spec.protocol == "paper")

    def _cross_scores(self, unit: Moments | Activations, crossed: CrossVectors) -> Scores:
        assert isinstance(unit, Activations)
        nested = nested_vectors(unit, self.spec.vectors, folds=crossed.data.sizes["fold"])
        return cross_scores(unit, crossed, nested)

    # --- shared -------------------------------------------------------------------------------------------------------

    def _obtain(self, entry: "Entry") -> Made:
        """What a unit makes, from the store or read here."""
        found = self.store.find(entry.name, entry.kind, entry.provenance)
        self._tell(entry, stored=found is not None)
        if found is not None:
            return found
        table = entry.unit.table
        if entry.kind is Activations:
            shape = (len(self._layers), len(table.texts), self.handle.hidden)
            with self.store.array(states_name(entry.name), shape, self.spec.reading.store_dtype) as out:
                made = read_unit(self.handle, entry.unit, self._advance, out=out)
        else:
            made = read_unit(self.handle, entry.unit, self._advance)
        self.store.put(entry.name, made, entry.provenance)
        return made

    def _advance(self, texts: int) -> None:
        self.progress.advance(texts)
        self.counts["read"] += texts

    def _tell(self, entry: "Entry", stored: bool) -> None:
        table = entry.unit.table
        if stored and entry.name in self.told:
            return  # counted when a worker read it, or when vectors were fitted for the workers
        self.told.add(entry.name)
        self.progress.unit(f"{table.concept} {table.language} {entry.step}", len(table.texts), stored)
        if stored:
            self.counts["stored"] += len(table.texts)

    # --- read elsewhere -----------------------------------------------------------------------------------------------

    def missing(self, step: str) -> Iterator["Entry"]:
        """Units that the store lacks: what vectors are fitted from (`fit`), or what is scored with them (`score`)."""
        for concept in self.concepts:
            languages = self.languages(concept)
            if step == "fit":
                inputs: Inputs = {}
                entries = [self._fit_entry(concept, language) for language in languages]
                if self.depends.keeps:
                    scored = [tag for tag in languages if (concept, tag, "score") in self.tables]
                    entries += [self._kept_entry(concept, language, "score") for language in scored]
            else:
                inputs, vectors = self.fitted(concept)
                entries = [self._score_entry(concept, language, vectors) for language in languages]
                entries = [entry for entry in entries if entry.step == "score" and not self.depends.keeps]
            for entry in entries:
                if self.store.find(entry.name, entry.kind, entry.provenance) is None:
                    own = inputs.get(entry.unit.table.language)
                    unit = entry.unit if own is None else replace(entry.unit, controls=self._controls(own))
                    yield replace(entry, unit=unit)

    def keep(self, entry: "Entry", made: Made) -> None:
        """Store what a worker made of a unit."""
        table = entry.unit.table
        if isinstance(made, Activations):
            states = made.data["states"]
            with self.store.array(states_name(entry.name), states.shape, self.spec.reading.store_dtype) as out:
                reducer = ActivationsReducer(table, out, layers=self._layers)
                reducer.update(np.arange(len(table.texts)), states.values)
                made = reducer.result()
        self.store.put(entry.name, made, entry.provenance)
        self.told.add(entry.name)
        self.progress.unit(f"{table.concept} {table.language} {entry.step}", len(table.texts), stored=False)
        self._advance(len(table.texts))
