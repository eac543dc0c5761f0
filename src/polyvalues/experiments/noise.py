"""Reads a study's tested pairs again, with their texts damaged by known amounts, and scores them with its own vectors.

The unit of work is one kind of damage x dose x concept x language, kept in the study's folder like every other unit, so
a run that was interrupted goes on where it was. The vectors and the chosen layers are those of the sound texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from polyvalues.analysis.scoring.scoring import cross_scores
from polyvalues.artifacts import Activations, PairSet, Scores, TextTable
from polyvalues.data.perturbations import degrade
from polyvalues.data.text_table import text_table
from polyvalues.dimensions import Concept, Language
from polyvalues.study.pipeline import Line
from polyvalues.study.work_units import Unit, read_unit
from polyvalues.vectors.baselines import baselines
from polyvalues.vectors.cross_fitting import cross_vectors, nested_vectors


@dataclass(frozen=True)
class Damage:
    """What is done to the texts: kinds and doses as in `polyvalues.data.perturbations`, and the seed."""

    kinds: Sequence[str]
    doses: Sequence[float]
    seed: int = 0


def damaged_scores(line: Line, damage: Damage) -> Mapping[str, Mapping[float, Sequence[Scores]]]:
    """Scores by kind of damage and dose.

    Args:
        line: a study's line whose units are all in its folder (strict protocol).
        damage: what to do; dose 0 is not among the doses, it is the study itself.

    Returns:
        By kind, then dose: one `Scores` per concept and target.

    Raises:
        PolyvaluesError: a unit of the study is missing and cannot be made, or the model cannot read a text.
    """
    damaged = {
        (kind, dose): degrade(line.pairs, kind, dose, damage.seed) for kind in damage.kinds for dose in damage.doses
    }
    units = [(concept, language) for concept in line.concepts for language in line.languages(concept)]
    tables = {(*place, *unit): _table(line, pairs, *unit) for place, pairs in damaged.items() for unit in units}
    line.progress.start(sum(len(table.texts) for table in tables.values()))
    found: dict[str, dict[float, list[Scores]]] = {kind: {dose: [] for dose in damage.doses} for kind in damage.kinds}
    for concept in line.concepts:
        for kind, dose, scores in _concept(line, concept, damage, tables):
            found[kind][dose].append(scores)
    return found


def _concept(
    line: Line, concept: Concept, damage: Damage, tables: Mapping[tuple[str, float, Concept, Language], TextTable]
) -> Iterator[tuple[str, float, Scores]]:
    inputs, vectors = line.fitted(concept)
    crossed = cross_vectors(inputs, line.spec.vectors) if _cross(line, concept) else None
    folds = 0 if crossed is None else crossed.data.sizes["fold"]
    for language, sound in inputs.items():
        nested = cache(lambda own=sound: nested_vectors(own, line.spec.vectors, folds=folds))
        for kind, dose in product(damage.kinds, damage.doses):
            table = tables[kind, dose, concept, language]
            provenance = line.depends.damaged(table)
            name = f"damage/{kind}-{dose:g}/{concept}/{language}.nc"
            scores = line.store.find(name, Scores, provenance)
            line.progress.unit(f"{concept} {language} {kind} {dose:g}", len(table.texts), scores is not None)
            if scores is None:
                reading, layers = line.spec.reading, tuple(int(layer) for layer in sound.data["layer"].values)
                step = "scores" if crossed is None else "activations"
                controls = None if crossed is not None else baselines(sound, line.spec.vectors)
                unit = Unit(step, table, reading, "strict", layers, vectors=vectors, controls=controls)
                made = read_unit(line.handle, unit, line.progress.advance)
                if crossed is not None and isinstance(made, Activations):
                    made = cross_scores(made, crossed, nested())
                assert isinstance(made, Scores)
                scores = made
                line.store.put(name, scores, provenance)
            yield kind, dose, scores


def _cross(line: Line, concept: Concept) -> bool:
    return not any(name == concept and step == "score" for name, _, step in line.tables)


def _table(line: Line, pairs: PairSet, concept: Concept, language: Language) -> TextTable:
    return text_table(pairs, concept, language, ("cross",) if _cross(line, concept) else ("test",))
