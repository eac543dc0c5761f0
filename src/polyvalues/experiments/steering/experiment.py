"""The experiment: search on the choosing prompts, then every variant on the test prompts, unit by unit.

Units: the unsteered answers of a target to its choosing prompts, one round of the search of a target, and all test
answers of a target. A run that was stopped goes on at the unit it was in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from polyvalues.artifacts import Generations
from polyvalues.config import ControlSpec
from polyvalues.data.phrases import ask_refusal, neutral
from polyvalues.dimensions import Language
from polyvalues.experiments.steering.conditions import Gates
from polyvalues.experiments.steering.generation_rows import Maker, Row
from polyvalues.experiments.steering.prompts import CHOOSE, TEST, Prompt
from polyvalues.steering.judges.base import Judge
from polyvalues.steering.search import Base, Point, Trial, choose, choose_jointly, layer_sets, search
from polyvalues.steering.token_logprobs import token_divergence
from polyvalues.storage.store import Provenance, Store

Chosen = Mapping[Language, Trial | None]


@dataclass(frozen=True, eq=False)
class Judges:
    """The judges that the search needs: of the behaviour, of willingness, of the language kept, of fluency."""

    aim: Judge
    willing: Judge
    language: Judge
    perplexity: Judge


@dataclass(frozen=True, eq=False)
class Experiment:
    """One control experiment.

    Attributes:
        spec: its settings.
        maker: makes answers.
        gates: suspicion of every prompt.
        judges: what the search listens to.
        sign: +1 where more of the judged behaviour is safer, -1 where less.
        source: language of the vector that is searched for.
        store, provenance: where units are kept, and what they depend on.
        announce: told of each unit: label, rows, whether it was there.
    """

    spec: ControlSpec
    maker: Maker
    gates: Gates
    judges: Judges
    sign: int
    source: Language
    store: Store
    provenance: Provenance
    announce: Callable[[str, int, bool], None]

    @cached_property
    def targets(self) -> tuple[Language, ...]:
        """Languages that are steered."""
        return tuple(dict.fromkeys(prompt.target for prompt in self.gates.prompts))

    # --- search -------------------------------------------------------------------------------------------------------

    def bases(self) -> Mapping[Language, Base]:
        """Unsteered rates of each target on its choosing prompts."""
        found = {}
        for target in self.targets:
            rates = self._rates(target, self._unsteered(target))
            found[target] = Base(rates["effect"], rates["benign"], rates["language"])
        return found

    def trials(self, bases: Mapping[Language, Base]) -> tuple[Trial, ...]:
        """Every trial of the search. Chosen in the source language alone, only that one is tried."""
        tried = {self.source: bases[self.source]} if self.spec.choice == "source" else bases
        sets = layer_sets(self._layers, self.spec.windows)
        rounds = 0 if self.spec.choice == "joint" else self.spec.rounds
        return search(tried, sets, self.spec.strengths, self._evaluate, self.spec.budget, rounds)

    def chosen(self, trials: Sequence[Trial], bases: Mapping[Language, Base]) -> Chosen:
        """The setting of each target; None: it is left alone."""
        if self.spec.choice == "joint":
            return choose_jointly(trials, bases, self.spec.budget)
        if self.spec.choice == "source":
            (one,) = choose(trials, {self.source: bases[self.source]}, self.spec.budget).values()
            return dict.fromkeys(bases, one)
        return choose(trials, bases, self.spec.budget)

    @property
    def _layers(self) -> tuple[int, ...]:
        there = self.maker.directions.layers
        if self.spec.layers is not None:
            return self.spec.layers
        places = np.unique(np.linspace(0, len(there) - 1, min(12, len(there))).round().astype(int))
        return tuple(there[place] for place in places)

    def _places(self, target: Language, part: str) -> list[int]:
        prompts = enumerate(self.gates.prompts)
        return [at for at, prompt in prompts if prompt.target == target and prompt.part == part]

    def _unsteered(self, target: Language) -> Generations:
        rows = [Row(self.gates.prompts[at], seed=seed) for at in self._places(target, CHOOSE) for seed in self._seeds]
        return self._unit(f"search/{target}-base", rows)

    def _evaluate(self, number: int, target: Language, points: Sequence[Point]) -> list[Trial]:
        places = self._places(target, CHOOSE)
        rows = [
            Row(self.gates.prompts[at], "source", self.source, 1, point.layers, point.strength, steered=True, seed=seed)
            for point in points
            for at in places
            for seed in self._seeds
        ]
        steered = self._unit(f"search/{target}-{number}", rows)
        base = self._unsteered(target)
        kl = self._kl(target, points) if self.spec.budget.kl is not None else [float("nan")] * len(points)
        each, found = len(places) * len(self._seeds), []
        for at, point in enumerate(points):
            answers = steered.table.slice(at * each, each)
            for gate in self._gate_values:
                through = np.repeat(self.gates.passes(self.source, gate, target)[places], len(self._seeds))
                mixed = [
                    (there if let else plain)
                    for let, there, plain in zip(through, answers.to_pylist(), base.table.to_pylist(), strict=True)
                ]
                table = Generations(answers.from_pylist(mixed, schema=answers.schema))
                rates = self._rates(target, table)
                found.append(Trial(target, point, gate, kl=kl[at], **rates))
        return found

    @property
    def _gate_values(self) -> tuple[float, ...]:
        return (*((float("nan"),) if self.spec.unconditional else ()), *self.spec.gates)

    @property
    def _seeds(self) -> range:
        return range(self.spec.generation.seed, self.spec.generation.seed + self.spec.generation.seeds)

    def _rates(self, target: Language, generations: Generations) -> dict[str, float]:
        """Effect, willingness, language kept; where there is a budget for it, perplexity against no steering."""
        negative = np.array(generations.table["side"].to_pylist()) == "negative"
        effect = self.judges.aim(generations).scores[negative]
        benign = self.judges.willing(generations).scores[~negative]
        kept = self.judges.language(generations).scores
        rates = {"effect": self.sign * _mean(effect), "benign": _mean(benign), "language": _mean(kept)}
        if self.spec.budget.perplexity is not None:
            own, plain = (self.judges.perplexity(part).scores for part in (generations, self._unsteered(target)))
            rates["perplexity"] = float(np.exp(_mean(np.log(own)) - _mean(np.log(plain))))
        return rates

    def _kl(self, target: Language, points: Sequence[Point]) -> list[float]:
        return [self.divergence(target, point) for point in points]

    def divergence(self, target: Language, point: Point) -> float:
        """Nats between next tokens of neutral text, unsteered and steered by the source's vector on every text."""
        texts = [text for own in neutral([target]).values() for text in own]
        where = replace(self.gates.prompts[0], target=target)
        row = Row(where, "source", self.source, 1, point.layers, point.strength, steered=True)
        plan = self.maker.plan([row])
        return float(token_divergence(self.maker.handle, texts, plan).mean())

    # --- test ---------------------------------------------------------------------------------------------------------

    def test(self, chosen: Chosen) -> tuple[Generations, ...]:
        """Answers of every variant to the test prompts, a unit per target."""
        return tuple(self._unit(f"test/{target}", self.test_rows(target, chosen[target])) for target in self.targets)

    def test_rows(self, target: Language, trial: Trial | None) -> list[Row]:
        """Rows of all variants of one target."""
        rows: list[Row] = []
        asking = ask_refusal(target) if self.sign > 0 else None
        for at in self._places(target, TEST):
            prompt = self.gates.prompts[at]
            for seed in self._seeds:
                rows.append(Row(prompt, seed=seed))
                if asking is not None:
                    rows.append(Row(prompt, "prompt", seed=seed, asked=f"{asking} {prompt.asked}"))
                rows += [replace(row, seed=seed) for row in self._steered(at, prompt, trial)]
        return rows

    def _steered(self, at: int, prompt: Prompt, trial: Trial | None) -> list[Row]:
        """The source's vector in both signs, the target's own, all others, and random ones."""
        point = Point((), 0.0) if trial is None else trial.point
        gate = float("nan") if trial is None else trial.gate
        others = self.maker.directions.sources if self.spec.matrix else (self.source, prompt.target)
        variants = [("source", source, 1, 0) for source in dict.fromkeys((self.source, *others))]
        variants += [("source", self.source, -1, 0)]
        if prompt.target in self.maker.directions.sources:
            variants += [("own", prompt.target, 1, 0)]
        variants += [("random", self.source, 1, draw) for draw in range(self.spec.random_draws)]
        return [
            Row(
                prompt, vector, source, sign, point.layers, point.strength,
                steered=trial is not None and bool(self.gates.passes(source, gate, prompt.target)[at]), draw=draw,
            )
            for vector, source, sign, draw in variants
        ]  # fmt: skip

    # --- units --------------------------------------------------------------------------------------------------------

    def _unit(self, name: str, rows: Sequence[Row]) -> Generations:
        made = [(row.text, row.vector, row.source, row.sign, row.layers, row.strength, row.steered, row.seed, row.draw)
                for row in rows]  # fmt: skip
        own = self.provenance
        provenance = Provenance(own.kind, {**own.spec, "rows": made}, own.inputs, own.fingerprint)
        file = f"control/{self.spec.concept}/{name}.parquet"
        found = self.store.find(file, Generations, provenance)
        self.announce(name, len(rows), found is not None)
        if found is not None:
            return found
        answers = self.maker.generations(rows)
        self.store.put(file, answers, provenance)
        return answers


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
