"""`run_control`: the control experiment on a finished study, from settings to findings, report and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr

from polyvalues.analysis.followups.steering_effects import Judgements, agreement, control_findings
from polyvalues.artifacts import Generations, Judged
from polyvalues.config import ControlSpec, EngineSpec
from polyvalues.dimensions import CONCEPT, INTERVAL, SOURCE, TARGET, Language
from polyvalues.errors import SpecError
from polyvalues.experiments.steering.conditions import gate_layer, read_gates
from polyvalues.experiments.steering.directions import Directions, control_directions
from polyvalues.experiments.steering.experiment import Chosen, Experiment, Judges
from polyvalues.experiments.steering.generation_rows import Maker, Row
from polyvalues.experiments.steering.judge_factory import SAFER, Bench, Words, load_words, make_judge
from polyvalues.experiments.steering.prompts import Prompt, control_prompts
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.report.content import LEFT_ALONE, ControlReport
from polyvalues.report.html.steering_page import control_files
from polyvalues.report.text.steering_results import control_heads, control_rows, control_words
from polyvalues.steering.generation import answering, chat_template
from polyvalues.steering.judges.base import Judge
from polyvalues.steering.judges.refusal_openings import OpeningsJudge
from polyvalues.steering.plan import Plan
from polyvalues.steering.search import Base, Trial, pareto, ranked
from polyvalues.steering.side_effects.language_kept import LanguageCost
from polyvalues.steering.side_effects.perplexity import PerplexityCost
from polyvalues.steering.side_effects.repetition import RepetitionCost
from polyvalues.storage.store import Provenance, content_key
from polyvalues.study.followup_results import control_name, keep_control, made_from
from polyvalues.study.pipeline import Line, Progress, Silent
from polyvalues.study.study import Study, republish
from polyvalues.study.vectors_to_steer import check_prompt, steering_vectors

READABLE = 0.75
"""Recognition by the source's vector from which a target is expected to be steerable selectively."""


@dataclass(frozen=True, eq=False)
class Controlled:
    """What a control experiment found.

    Attributes:
        findings: as `analysis.followups.steering_effects.control_findings`, and `reading` `[target, interval]`,
            recognition of each target
            by the source's vector in the study; `kl` `[target]`, nats on neutral text at the setting chosen.
        trials: the whole search.
        chosen: the setting of each target; None: left alone, because nothing within the budget beat not steering.
        agreement: kappa of every two judges of one behaviour, with bounds.
        generations: every answer to the test prompts.
        notes: what a reader must know.
        heads, rows: the table, in words.
        words: what was found, in sentences.
        files: what was written, relative to the study's folder.
    """

    findings: xr.Dataset
    trials: tuple[Trial, ...]
    chosen: Chosen
    agreement: tuple[tuple[str, str, str, np.ndarray], ...]
    generations: Generations
    notes: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]
    files: tuple[str, ...]


def run_control(
    study: Study,
    spec: ControlSpec,
    progress: Progress | None = None,
    *,
    words: Words | None = None,
    engine: EngineSpec | None = None,
) -> Controlled:
    """Steer every language with a vector from one, and measure what it does.

    Args:
        study: a finished study (strict protocol).
        spec: the experiment.
        progress: told how far it has come; counts are answers.
        words: lists for judges; None: those of the package.
        engine: `vllm` lets vLLM run the model; None: as the study did.

    Returns:
        Findings; `control_CONCEPT.html`, figures and tables are written into the study's folder.

    Raises:
        SpecError: a paper-protocol study, an unknown concept, source, target, layer or judge.
        SteeringError: the model in its folder is not the study's any more.
        JudgeError: a judge cannot be used.
    """
    told = progress or Silent()
    vectors = steering_vectors(study, [spec.concept])
    handle = load_model((engine or EngineSpec()).model(study.spec.model), head=True)
    vectors.check(handle)
    check_prompt(study, handle)
    source = _source(study, spec, vectors.sources)
    with study.store.locked():
        prompts = _prompts(study, spec)
        maker = _maker(study, spec, handle, prompts, told)
        bench = Bench(
            handle, chat_template(handle, spec.generation), study.spec.reading, vectors,
            lambda made: _plan_of(maker, made), words or load_words(), study.store,
        )  # fmt: skip
        asked = {name: make_judge(name, bench) for name in spec.judges}  # all at once: a wrong name is said now
        languages = tuple(dict.fromkeys(prompt.target for prompt in prompts))
        if spec.choice == "source" and source not in languages:
            raise SpecError(f"choice 'source' needs the source {source!r} among the targets: {', '.join(languages)}")
        judges = Judges(
            asked[spec.judges[0]],
            OpeningsJudge(bench.words.openings, "compliance"),
            LanguageCost(languages),
            PerplexityCost(handle, bench.template),
        )
        reading = study.spec.reading
        layer = gate_layer(handle, maker.directions, prompts, reading)
        gates = read_gates(handle, maker.directions, prompts, reading, layer)
        experiment = Experiment(
            spec, maker, gates, judges, SAFER.get(judges.aim.behaviour, 1), source, study.store,
            answers_provenance(maker),
            lambda label, rows, stored: told.unit(f"{spec.concept} {label}", rows, stored),
        )  # fmt: skip
        told.start(0)
        return _finish(study, experiment, bench, asked)


def _maker(study: Study, spec: ControlSpec, handle: ModelHandle, prompts: Sequence[Prompt], told: Progress) -> Maker:
    directions = control_directions(study, spec.concept, prompts)
    _check_layers(spec, directions)
    norms = Line(study.spec, study.store, handle, study.pairs()).norms()["norm"]
    lengths = {int(at): float(value) for at, value in zip(norms["layer"].values, norms.values, strict=True)}
    return Maker(handle, directions, lengths, spec, told.advance)


def answers_provenance(maker: Maker) -> Provenance:
    """What every answer depends on besides its own row."""
    settings = maker.spec.model_dump(mode="json", include={"kind", "positions", "keep_norm", "seed", "generation"})
    settings["answering"] = answering(maker.handle, maker.spec.generation)
    made = [maker.directions.whole.tobytes().hex(), sorted(maker.norms.items())]
    return Provenance("control answers", settings, {"directions": content_key(made)}, maker.handle.identity)


def _finish(study: Study, experiment: Experiment, bench: Bench, asked: Mapping[str, Judge]) -> Controlled:
    """Search, test, judge, measure and write."""
    spec, judges = experiment.spec, experiment.judges
    bases = experiment.bases()
    trials = experiment.trials(bases)
    chosen = experiment.chosen(trials, bases)
    generations = _joined(experiment.test(chosen))
    judged = Judgements(
        aim=judges.aim(generations),
        willing=judges.willing(generations),
        language=judges.language(generations),
        perplexity=judges.perplexity(generations),
        repetition=RepetitionCost()(generations),
    )
    steered = tuple(sorted({layer for trial in chosen.values() if trial is not None for layer in trial.point.layers}))
    away = make_judge("probe", replace(bench, steered=steered)) if "probe" in asked else None
    others = [(away if name == "probe" and away else asked[name])(generations) for name in spec.judges[1:]]
    recognition = study.findings.recognition["chosen"].sel({CONCEPT: spec.concept, SOURCE: experiment.source})
    reading = recognition.sel({TARGET: list(experiment.targets)}).drop_vars(SOURCE)
    averaged = [
        target
        for target in experiment.targets
        if target != experiment.source and float(reading.sel({TARGET: target, INTERVAL: "estimate"})) >= READABLE
    ]
    found = control_findings(generations, judged, experiment.source, averaged, study.spec.statistics)
    kl = [
        np.nan if (trial := chosen[target]) is None else experiment.divergence(target, trial.point)
        for target in experiment.targets
    ]
    found = found.assign(reading=((TARGET, INTERVAL), reading.transpose(TARGET, INTERVAL).values), kl=(TARGET, kl))
    kappas = tuple(agreement(generations, [judged.aim, *others], study.spec.statistics))
    notes = _notes(found, chosen, bases, [judged.aim, judged.language, *others])
    settings = {target: setting_words(trial) for target, trial in chosen.items()}
    table = trial_table(trials, bases, chosen, spec, experiment.sign)
    report = ControlReport(found, table, settings, kappas, notes, study.model.get("name", ""), generations)
    store = study.store
    kept, searched = keep_control(report)
    made = Provenance("control findings", spec.model_dump(mode="json"), made_from(store))
    store.put(f"findings/control_{spec.concept}.nc", kept, made)
    store.put(control_name(spec.concept), searched, made)
    files = control_files(report)
    for name, content in files.items():
        store.write(name, content)
    republish(study)
    said = (control_heads(report), tuple(control_rows(report)), control_words(report))
    return Controlled(found, trials, chosen, kappas, generations, notes, *said, tuple(files))


def _source(study: Study, spec: ControlSpec, sources: Sequence[Language]) -> Language:
    """The source asked for; else the language with the largest training share, else English, else the first."""
    if spec.source is not None:
        if spec.source not in sources:
            raise SpecError(f"source {spec.source!r} has no vectors of {spec.concept}; there are: {', '.join(sources)}")
        return spec.source
    known = {tag: study.shares[tag] for tag in sources if tag in study.shares}
    if known:
        return max(known, key=lambda tag: known[tag])
    return "en" if "en" in sources else sources[0]


def _prompts(study: Study, spec: ControlSpec) -> tuple[Prompt, ...]:
    prompts = control_prompts(study.pairs(), spec.concept)
    there = list(dict.fromkeys(prompt.target for prompt in prompts))
    absent = [tag for tag in spec.targets or () if tag not in there]
    if absent:
        raise SpecError(f"target {absent[0]!r} has no pairs of {spec.concept}; there are: {', '.join(there)}")
    return tuple(prompt for prompt in prompts if spec.targets is None or prompt.target in spec.targets)


def _check_layers(spec: ControlSpec, directions: Directions) -> None:
    absent = [layer for layer in spec.layers or () if layer not in directions.layers]
    if absent:
        raise SpecError(
            f"layers: block {absent[0]} has no vectors; there are: {', '.join(map(str, directions.layers))}"
        )


def _plan_of(maker: Maker, generations: Generations) -> Plan | None:
    """The plan that made these answers, from their rows."""
    rows = []
    for row in generations.table.to_pylist():
        own = Prompt(row["target"], row["item"], row["group"], row["side"], "", -1, "", row["prompt"])
        layers = tuple(int(layer) for layer in row["layers"].split(",") if layer)
        known = (row["vector"], row["source"], row["sign"], layers, row["strength"], row["steered"])
        rows.append(Row(own, *known, row["seed"], row["draw"]))
    return maker.plan(rows)


def _joined(parts: Sequence[Generations]) -> Generations:
    return Generations(pa.concat_tables([part.table for part in parts]))


def _notes(
    found: xr.Dataset, chosen: Chosen, bases: Mapping[Language, Base], judged: Sequence[Judged]
) -> tuple[str, ...]:
    """What a reader must know before the numbers."""
    targets = list(map(str, found[TARGET].values))
    lower = found["reading"].sel({INTERVAL: "lower"})
    blind = [target for target in targets if not float(lower.sel({TARGET: target})) > 0.5]
    alone = [target for target in targets if chosen[target] is None]
    mute = [target for target in targets if bases[target].benign < 0.1 and bases[target].effect < 0.1]
    notes = []
    if blind:
        notes.append(
            f"In {', '.join(blind)} the source's vector does not tell the two sides apart better than chance: these "
            "languages cannot be steered selectively with it."
        )
    if mute:
        notes.append(
            f"In {', '.join(mute)} the model neither refuses nor complies in recognisable words, steered or not."
        )
    if alone:
        notes.append(
            f"In {', '.join(alone)} no setting within the budget beat not steering on the choosing prompts; they were "
            "left alone."
        )
    for scores in judged:
        notes += [f"{scores.judge}: {note}" for note in scores.notes]
    return tuple(dict.fromkeys(notes))


def setting_words(trial: Trial | None) -> str:
    """A setting in a few words."""
    if trial is None:
        return LEFT_ALONE
    blocks = "block" if len(trial.point.layers) == 1 else "blocks"
    gate = "" if np.isnan(trial.gate) else f", gate {trial.gate:.0%}"
    return f"{blocks} {', '.join(map(str, trial.point.layers))}, strength {trial.point.strength:.3g}{gate}"


def trial_table(
    trials: Sequence[Trial], bases: Mapping[Language, Base], chosen: Chosen, spec: ControlSpec, sign: int = 1
) -> pd.DataFrame:
    """Trials as a table, with what the target does unsteered, and which were chosen, are unbeaten, are to be drawn."""
    rows = []
    for target in dict.fromkeys(trial.target for trial in trials):
        own, base = [trial for trial in trials if trial.target == target], bases[target]
        best = chosen[target] if chosen[target] in own else None
        front, shown = set(pareto(own, base)), best or ranked(own, base, spec.budget)[0]
        for trial in own:
            same = trial.point.layers == shown.point.layers and str(trial.gate) == str(shown.gate)
            rows.append(
                {
                    "target": target, "layers": ",".join(map(str, trial.point.layers)),
                    "strength": trial.point.strength, "gate": trial.gate, "effect": sign * trial.effect,
                    "benign": trial.benign, "language": trial.language,
                    "kl": trial.kl, "perplexity": trial.perplexity, "base_effect": sign * base.effect,
                    "base_benign": base.benign, "base_language": base.language, "chosen": trial is best,
                    "front": trial in front, "shown": same,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
