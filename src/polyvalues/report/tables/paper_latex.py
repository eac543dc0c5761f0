r"""Tables 1, 2 and 6 of the paper, from any studies: a row per model.

    1   correlation of cosines with linguistic similarity, `Direct` and `Split`, for four kinds of similarity
    2   control: a behaviour without and with one language's vector, a column per target language
    6   recognition of every language by its own vector, a block per concept, the mean over languages last

Form of 1 and 6 after `linguistic_relationships` and `convert_latex_table` in the authors' repository. The repository
has no code of table 2; its form is the nearest that these numbers suggest. Needs `\usepackage{booktabs}` and
`\usepackage{graphicx}`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.artifacts import ModelFindings
from polyvalues.dimensions import BOUNDS, CONCEPT, INTERVAL, MODEL, QUANTITY, SOURCE, TARGET, Language
from polyvalues.report.formatting import listed, number
from polyvalues.report.tables.latex import environment, escape_latex
from polyvalues.report.views import headline, layer_words

_KINDS: Final = ("genetic", "syntactic", "geographic", "phonological")
_FORMS: Final = ("direct", "split")
_LONGEST: Final = 40
_STEPS: Final = ("unsteered", "steered", "change")


@dataclass(frozen=True, eq=False)
class PaperTable:
    """A table in the manner of the paper's.

    Attributes:
        number: of the table in the paper.
        name: of its file, without ending.
        caption: what it shows, in sentences.
        latex: the table.
        data: exactly the numbers in it.
    """

    number: int
    name: str
    caption: str
    latex: str
    data: xr.Dataset


def kinship_table(means: xr.Dataset) -> PaperTable:
    """Table 1.

    Args:
        means: as `analysis.across_models.concept_means.kinship_means`, not empty.

    Returns:
        The table; its data are `r`, `certain` and `concepts` of the kinds and forms shown.
    """
    data = means.sel({"kind": list(_KINDS), "form": list(_FORMS)})
    heads = " & ".join(rf"\multicolumn{{2}}{{c}}{{{kind.capitalize()}}}" for kind in _KINDS)
    rules = " ".join(rf"\cmidrule(lr){{{2 * at + 2}-{2 * at + 3}}}" for at in range(len(_KINDS)))
    lines = [rf" & {heads} \\", rules, " & ".join(["", *("Direct", "Split") * len(_KINDS)]) + r" \\", r"\midrule"]
    for name in map(str, data[MODEL].values):
        row = data.sel({MODEL: name})
        cells = [_correlation(row.sel(kind=kind, form=form), form) for kind in _KINDS for form in _FORMS]
        lines.append(" & ".join([_named(name), *cells]) + r" \\")
    caption = (
        "Pearson correlation of the cosine between two languages' vectors with their linguistic similarity, mean "
        "over concepts. Direct: over all pairs of languages; in parentheses, in how many concepts cosines certainly go "
        "with it (q at most 0.05): with genetic similarity by permuting languages, with any other kind beyond "
        "genealogy (syntactic and phonological: and geography), against simulated languages. Split: mean of the "
        "correlations over pairs with and pairs without a dominant language."
    )
    latex = environment(lines, "l" + "c" * 2 * len(_KINDS), escape_latex(caption), "kinship")
    return PaperTable(1, "table1-kinship", caption, latex, data)


def control_table(controls: Mapping[str, xr.Dataset]) -> PaperTable:
    """Table 2, for one concept.

    Args:
        controls: by model, findings of its control experiment
            (`analysis.followups.steering_effects.control_findings`, with `kl`); at
            least one, all of one concept and behaviour.

    Returns:
        The table; its data are `value` `[model, step, target, interval]`, the rate of the behaviour unsteered and
        steered and the change, and `mean` `[model, interval]`, the change over the targets that the vector reads. A
        target that was left alone has no steered rate.
    """
    first = next(iter(controls.values()))
    concept, behaviour = str(first.attrs["concept"]), str(first.attrs["behaviour"])
    targets = list(dict.fromkeys(str(tag) for found in controls.values() for tag in found[TARGET].values))
    data = xr.Dataset(
        {
            "value": ((MODEL, "step", TARGET, INTERVAL), np.stack([_steps(own, targets) for own in controls.values()])),
            "mean": ((MODEL, INTERVAL), np.stack([_mean(own) for own in controls.values()])),
        },
        coords={MODEL: list(controls), "step": list(_STEPS), TARGET: targets, INTERVAL: list(BOUNDS)},
        attrs={"concept": concept, "behaviour": behaviour},
    )
    lines = [" & ".join(["", "", *(rf"\textbf{{{escape_latex(tag)}}}" for tag in targets), r"\textbf{mean}"]) + r" \\"]
    for name, own in controls.items():
        said = ("unsteered", f"vector of {own.attrs['steered_by']}", "change")
        lines.append(r"\midrule")
        for at, (step, words) in enumerate(zip(_STEPS, said, strict=True)):
            values = data["value"].sel({MODEL: name, "step": step, INTERVAL: "estimate"}).values
            cells = [escape_latex(number(100 * float(value), digits=1, signed=step == "change")) for value in values]
            mean = float(data["mean"].sel({MODEL: name, INTERVAL: "estimate"}))
            last = escape_latex(number(100 * mean, digits=1, signed=True)) if step == "change" else ""
            lines.append(" & ".join([_named(name) if at == 0 else "", escape_latex(words), *cells, last]) + r" \\")
    caption = (
        f"Control of {concept}: {behaviour} on violating test prompts, in percent, without and with one language's "
        f"vector. Mean of the change: {_averaged(controls)}. A dash: left alone, or not measured."
    )
    safe = re.sub(r"[^A-Za-z0-9-]", "-", concept)
    latex = environment(lines, "ll" + "r" * (len(targets) + 1), escape_latex(caption), f"control-table-{safe}")
    return PaperTable(2, f"table2-control-{safe}", caption, latex, data)


def recognition_table(models: Sequence[ModelFindings], languages: Sequence[Language]) -> PaperTable:
    """Table 6.

    Args:
        models: with distinct names; at least one.
        languages: all languages of any of them, in order.

    Returns:
        The table; its data are `own` `[concept, model, target, interval]`, recognition at the chosen layer, and `mean`
        `[concept, model, interval]`, over languages, as in the overview.
    """
    concepts = list(dict.fromkeys(str(name) for m in models for name in m.findings.recognition[CONCEPT].values))
    names = [model.name for model in models]
    data = xr.Dataset(
        {
            "own": (
                (CONCEPT, MODEL, TARGET, INTERVAL),
                np.stack([_own(m, concepts, languages) for m in models], axis=1),
            ),
            "mean": (
                (CONCEPT, MODEL, INTERVAL),
                [[_within(model, concept) for model in models] for concept in concepts],
            ),
        },
        coords={CONCEPT: concepts, MODEL: names, TARGET: list(languages), INTERVAL: list(BOUNDS)},
    )
    protocols = {model.name: str(model.findings.recognition.attrs.get("protocol", "")) for model in models}
    heads = [rf"\textbf{{{escape_latex(tag)}}}" for tag in (*languages, "avg")]
    lines = [" & ".join(["", *heads]) + r" \\"]
    for concept in concepts:
        title = escape_latex(concept)
        lines += [r"\midrule", rf"\multicolumn{{{len(heads) + 1}}}{{l}}{{\textbf{{{title}}}}} \\"]
        for name in names:
            own = data.sel({CONCEPT: concept, MODEL: name, INTERVAL: "estimate"})
            cells = [escape_latex(number(100 * float(value), digits=1)) for value in (*own["own"].values, own["mean"])]
            lines.append(" & ".join([_named(name), *cells]) + r" \\")
    caption = (
        "Accuracy of each language's own vector on its own unseen pairs, "
        f"{layer_words(protocols)}, in percent; avg: mean over languages. Chance is 50 percent."
    )
    latex = environment(lines, "l" + "r" * len(heads), escape_latex(caption), "recognition")
    return PaperTable(6, "table6-recognition", caption, latex, data)


def _named(name: str) -> str:
    """A model's name, cut where it would take the room of the numbers."""
    return escape_latex(name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…")


def _correlation(cell: xr.Dataset, form: str) -> str:
    """`0.31 (5)`; without the count where the form is not the one that is tested."""
    r = float(cell["r"])
    return escape_latex(f"{number(r)} ({int(cell['certain'])})" if np.isfinite(r) and form == "direct" else number(r))


def _steps(found: xr.Dataset, targets: Sequence[Language]) -> np.ndarray:
    """`[step, target, interval]` of one experiment, over the targets of all."""
    rate = found["rate"].sel({QUANTITY: "behaviour"})
    change = found["change"].sel({QUANTITY: "behaviour", "variant": "source"})
    steered = np.isfinite(found["kl"])  # without it nothing was steered
    parts = (
        rate.sel({"variant_or_base": "base"}),
        rate.sel({"variant_or_base": "source"}).where(steered),
        change.where(steered),
    )
    return np.stack(
        [
            part.reindex({TARGET: list(targets)}).sel({INTERVAL: list(BOUNDS)}).transpose(TARGET, INTERVAL).values
            for part in parts
        ]
    )


def _mean(found: xr.Dataset) -> np.ndarray:
    return found["mean"].sel({"variant": "source", QUANTITY: "behaviour", INTERVAL: list(BOUNDS)}).values


def _averaged(controls: Mapping[str, xr.Dataset]) -> str:
    """Which targets the mean is over, per model."""
    said = []
    for name, found in controls.items():
        tags = tuple(str(found.attrs.get("averaged", "")).split())
        over = f"over {listed(tags, most=20)}" if tags else "none, since the vector reads no other language"
        said.append(over if len(controls) == 1 else f"{name} {over}")
    return "; ".join(said)


def _own(model: ModelFindings, concepts: Sequence[str], languages: Sequence[Language]) -> np.ndarray:
    """`[concept, target, interval]` over the concepts and languages of all models."""
    chosen = model.findings.recognition["chosen"]
    table = chosen.reindex({CONCEPT: list(concepts), SOURCE: list(languages), TARGET: list(languages)})
    values = table.sel({INTERVAL: list(BOUNDS)}).transpose(CONCEPT, SOURCE, TARGET, INTERVAL).values
    return np.stack([values[:, at, at] for at in range(len(languages))], axis=1)


def _within(model: ModelFindings, concept: str) -> tuple[float, float, float]:
    value = headline(model.findings, "within", concept)
    return value.estimate, value.lower, value.upper
