"""The findings in plain sentences, each with its number and interval and none saying more than the interval allows.

Rules. A number is called above another only if their intervals do not touch; otherwise the sentence says that the two
cannot be told apart. The highest or lowest of many estimates is named as just that, with how many there were, because
the extreme of many is partly luck. What was not measured is said to be so.

An interval is about other items in these languages; what stands in parentheses after a mean is about other items in
other languages, of which these are a sample.

Under the paper protocol the numbers are told but nothing is claimed from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import xarray as xr

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.dimensions import ALL_CONCEPTS, CONCEPT, CONTROLS, SOURCE, TARGET
from polyvalues.report.formatting import Interval, interval_text, intervals, listed, number
from polyvalues.report.text.rounding import precision_words
from polyvalues.report.views import LanguageView, arrange, chosen_layers, concepts_of, headline, own

_FEW = 30
"""With fewer test pairs than this an interval is too wide to say much, and the report says so."""
_MANY = 20
"""Among more intervals than this (at 95 %) one that leaves out the truth is to be expected."""


CANNOT: Final = "What cannot be said, and why"
"""Heading of the sentences on what stays open."""
BELOW: Final = "Below chance"
"""Heading of what a reader must know before all else: recognition that is certainly worse than a coin."""
_DATA: Final = "Data"


@dataclass(frozen=True)
class Sentence:
    """A finding in words.

    Attributes:
        text: plain text.
        figure: name of the figure that shows it, None if none does.
        topic: heading it belongs under.
    """

    text: str
    figure: str | None = None
    topic: str = _DATA


_TOPICS = {
    "accuracy": "Recognition",
    "transfer": "Across languages",
    "cosine": "Across languages",
    "reliability": "Vectors",
    "layers": "Vectors",
}


@dataclass(frozen=True)
class _Cell:
    """One measured cell: where it is, in words, and its number."""

    where: str
    value: Interval


def describe(findings: Findings, info: StudyInfo, languages: Sequence[LanguageView]) -> tuple[Sentence, ...]:
    """The findings in words, from the general to the particular.

    Raises:
        MeasureError: the findings have a language that `languages` does not describe.
    """
    tags = tuple(language.tag for language in arrange(findings, languages))
    parts = [_protocol(info), _headline(findings, tags), _baseline(findings), *_by_concept(findings, tags)]
    parts += _across(findings, tags) if len(tags) > 1 else [_alone(tags)]
    parts += [_reliability(findings, tags), _layers(findings, tags), _few(findings), _left_out(findings, info)]
    parts.append(_rounding(info))
    return tuple(
        replace(part, topic=_TOPICS[part.figure]) if part.figure and part.topic == _DATA else part
        for part in parts
        if part
    )


def _protocol(info: StudyInfo) -> Sentence | None:
    if info.protocol != "paper":
        return None
    return Sentence(
        "These numbers follow the paper's choices: layers are chosen on the test pairs, so recognition is too high by "
        "an unknown amount. They are for comparison with published figures only.",
        topic="Recognition",
    )


def _rounding(info: StudyInfo) -> Sentence | None:
    text = precision_words(info.precision, info.model.get("dtype", "its dtype"))
    return Sentence(text, topic="Numerical precision") if text else None


def _headline(findings: Findings, tags: Sequence[str]) -> Sentence:
    concepts = concepts_of(findings)
    within = headline(findings, "within")
    what = (
        f"Recognition of {concepts[0]} in {tags[0]}" if len(concepts) == len(tags) == 1 else "Own-language recognition"
    )
    if not within.measured:
        return Sentence(f"{what} was not measured.", "accuracy")
    single = len(concepts) == len(tags) == 1
    verb = " is" if single else " averages"
    scope = "" if single else f" over {_count(concepts, 'concept')} and {_count(tags, 'language')}"
    elsewhere = "" if single else _elsewhere(findings, "within")
    return Sentence(f"{what}{verb} {interval_text(within, reference=0.5)}{scope}{elsewhere}.", "accuracy")


def _elsewhere(findings: Findings, quantity: str, *, signed: bool = False) -> str:
    """The interval that takes the languages as a sample, in parentheses; nothing where there is none."""
    both = headline(findings, quantity, over="both")
    if not both.bounded or not _claimable(findings):
        return ""
    lower, upper = (number(bound, signed=signed) for bound in (both.lower, both.upper))
    return f" (in other languages like these: {lower} to {upper})"


def _claimable(findings: Findings) -> bool:
    """Whether intervals support claims: the paper protocol's do not cover its choosing layers on the test pairs."""
    return findings.recognition.attrs.get("protocol") != "paper"


def _baseline(findings: Findings) -> Sentence | None:
    """Say whether directions that mean nothing reach 1/2 on average, as they must: passed, failed, or cannot tell."""
    kinds = {kind: headline(findings, kind) for kind in CONTROLS}
    if "baseline" not in findings.overview or not all(value.measured for value in kinds.values()):
        return None
    words = str(findings.overview["baseline"].sel({CONCEPT: ALL_CONCEPTS}).item())
    random, permuted = (interval_text(value, reference=0.5) for value in kinds.values())
    means = f"random directions average {random}, vectors of pairs whose sides were swapped by coins {permuted}"
    expected = "where 0.50 is expected of directions without meaning"
    if words == "pass":
        return Sentence(f"The baselines pass: {means}, {expected}.", "accuracy")
    if words == "fail":
        reason = (
            "the procedure itself favours some directions over their opposites"
            if _claimable(findings)
            else "layers are chosen on the test pairs"
        )
        return Sentence(f"The baselines fail: {means}, {expected}, because {reason}.", "accuracy")
    if words == "cannot tell":
        need = "more control draws, or more items, are needed"
        return Sentence(
            f"The baselines cannot tell: {means}, {expected}, but too uncertain; {need}.", "accuracy", CANNOT
        )
    return None


def _by_concept(findings: Findings, tags: Sequence[str]) -> list[Sentence]:
    """Highest and lowest language of each concept, and cells that cannot be told from chance."""
    labels = {CONCEPT: concepts_of(findings), TARGET: tags}
    values = intervals(own(findings.recognition["chosen"], tags), labels)
    sentences, doubtful, total = [], [], 0
    for concept in labels[CONCEPT]:
        cells = [_Cell(tag, values[concept, tag]) for tag in tags if values[concept, tag].measured]
        total += len(cells)
        doubtful += [f"{concept} in {cell.where}" for cell in cells if not cell.value.above(0.5)]
        if len(cells) > 1:
            sentences.append(Sentence(_extremes(concept, cells), "accuracy"))
    if doubtful:
        text = "" if total == 1 else f"In {len(doubtful)} of {total} cases "
        text += f"{'Recognition' if total == 1 else 'recognition'} cannot be told from chance"
        sentences.append(Sentence(f"{text}: {listed(tuple(doubtful))}.", "accuracy", CANNOT))
    elif total > 1 and _claimable(findings):
        sentences.append(Sentence(f"In all {total} cases the interval lies above chance.", "accuracy"))
    return sentences


def _extremes(concept: str, cells: Sequence[_Cell]) -> str:
    low, high = _lowest(cells), _highest(cells)
    text = (
        f"For {concept}, recognition is lowest in {low.where}: {interval_text(low.value, reference=0.5)}, and highest "
        f"in {high.where}: {interval_text(high.value, reference=0.5)} (of {len(cells)} estimates)"
    )
    apart = high.value.above(low.value)
    return text + ("." if apart else "; their intervals overlap, so the languages cannot be ranked.")


def _across(findings: Findings, tags: Sequence[str]) -> list[Sentence | None]:
    return [_mean_transfer(findings), *_extreme_transfer(findings, tags), _asymmetry(findings, tags), _cosine(findings)]


def _mean_transfer(findings: Findings) -> Sentence | None:
    change, across = headline(findings, "transfer"), headline(findings, "cross")
    if not change.measured:
        return None
    by = interval_text(change, signed=True, reference=0.0)
    text = f"With a vector from another language, recognition changes by {by}"
    text += f" on average, to {interval_text(across, reference=0.5)}" if across.measured else " on average"
    text += _elsewhere(findings, "transfer", signed=True)
    if not _claimable(findings):
        return Sentence(text + ".", "transfer")
    if change.below(0.0):
        return Sentence(text + ": on average something is lost on the way.", "transfer")
    if change.above(0.0):
        return Sentence(text + ": on average other languages' vectors work better.", "transfer")
    return Sentence(text + "; the interval includes 0, so no loss or gain can be claimed.", "transfer")


def _extreme_transfer(findings: Findings, tags: Sequence[str]) -> list[Sentence]:
    cells = _pairs(findings, findings.transfer["transfer"], tags)
    if not cells:
        return [Sentence("Transfer between languages was not measured.", "transfer")]
    lost = [cell for cell in cells if cell.value.below(0.0)]
    gained = [cell for cell in cells if cell.value.above(0.0)]
    worst, best = _lowest(cells), _highest(cells)
    text = (
        f"The largest loss is {worst.where}: {interval_text(worst.value, signed=True, reference=0.0)}, the largest "
        f"gain {best.where}: {interval_text(best.value, signed=True, reference=0.0)}"
    )
    if best.value.estimate <= 0:
        text = (
            f"The largest loss is {worst.where}: {interval_text(worst.value, signed=True, reference=0.0)}; none gains"
        )
    elif worst.value.estimate >= 0:
        text = f"The largest gain is {best.where}: {interval_text(best.value, signed=True, reference=0.0)}; none loses"
    luck = "; among so many, some would be by luck alone." if len(cells) > _MANY else "."
    count = f"Transfer intervals wholly below 0: {len(lost)} of {len(cells)}; wholly above: {len(gained)}{luck}"
    return [Sentence(f"{text} (of {len(cells)} estimates).", "transfer"), Sentence(count, "transfer")]


def _asymmetry(findings: Findings, tags: Sequence[str]) -> Sentence | None:
    """The most one-sided pair of languages; each pair counts once, the other direction being its mirror image."""
    cells = [cell for cell in _pairs(findings, findings.transfer["asymmetry"], tags) if cell.value.estimate > 0]
    if not cells:
        return None
    top = _highest(cells)
    by = interval_text(top.value, signed=True, reference=0.0)
    text = f"The most one-sided pair is {top.where}, {by} better than back"
    sure = top.value.above(0.0)
    return Sentence(text + ("." if sure else "; the interval includes 0, so even that may be luck."), "transfer")


def _cosine(findings: Findings) -> Sentence | None:
    raw, corrected = headline(findings, "cosine"), headline(findings, "disattenuated")
    if not raw.measured:
        return None
    text = f"Vectors of two languages have a mean cosine of {interval_text(raw, reference=0.0)}"
    text += _elsewhere(findings, "cosine")
    if corrected.measured:
        text += f", and of {interval_text(corrected, reference=0.0)} once their own noise is taken out"
    if not raw.above(0.0):
        text += "; a shared direction cannot be claimed"
    return Sentence(text + ".", "cosine")


def _alone(tags: Sequence[str]) -> Sentence:
    text = f"Only one language was read ({tags[0]}), so nothing can be said about differences between languages."
    return Sentence(text, topic=CANNOT)


def _reliability(findings: Findings, tags: Sequence[str]) -> Sentence | None:
    found = intervals(findings.consistency["reliability_chosen"], {CONCEPT: concepts_of(findings), SOURCE: tags})
    cells = [_Cell(f"{concept} in {tag}", value) for (concept, tag), value in found.items() if value.measured]
    if not cells:
        return None
    if len(cells) == 1:
        return Sentence(f"The vector's reliability is {interval_text(cells[0].value)}.", "reliability")
    low = _lowest(cells)
    text = f"The least reliable of {len(cells)} vectors is {low.where}: {interval_text(low.value)}"
    return Sentence(text + " (1 would be free of noise).", "reliability")


def _layers(findings: Findings, tags: Sequence[str]) -> Sentence | None:
    recognition = findings.recognition
    paper = recognition.attrs.get("layer_numbering") == "paper"
    counted = "counted from 1, as in the paper" if paper else "counted from 0"
    if "cell_layer" in recognition:
        return Sentence(f"The layer was chosen separately in every cell ({counted}).", "layers")
    layers = chosen_layers(recognition, recognition).sel({SOURCE: tags[0], TARGET: tags[0]})
    chosen = [(str(concept), int(layer)) for concept, layer in zip(layers[CONCEPT].values, layers.values, strict=True)]
    words = tuple(f"{layer} for {concept}" for concept, layer in chosen if layer >= 0)
    if not words:
        return None
    folds = recognition["fold_layer"]
    moved = bool(((folds >= 0) & (folds != recognition["chosen_layer"])).any())
    more = ". Some folds of cross-fitted concepts chose another layer for their own pairs" if moved else ""
    noun = "layers are" if len(words) > 1 else "layer is"
    return Sentence(f"The chosen {noun} {listed(words, most=12)} ({counted}){more}.", "layers")


def _few(findings: Findings) -> Sentence | None:
    counts = findings.recognition["n_pairs"].transpose(CONCEPT, TARGET)
    few = tuple(
        f"{concept} in {target} ({count})"
        for concept, row in zip(concepts_of(findings), counts.values.tolist(), strict=True)
        for target, count in zip(map(str, counts[TARGET].values), row, strict=True)
        if 0 < count < _FEW
    )
    if not few:
        return None
    return Sentence(f"Fewer than {_FEW} test pairs, so read with care: {listed(few)}.", "accuracy", CANNOT)


def _left_out(findings: Findings, info: StudyInfo) -> Sentence | None:
    dropped = sum(info.summary["dropped"].to_pylist())
    empty = int((findings.recognition["n_pairs"] == 0).sum())
    parts = []
    if dropped:
        parts.append(f"{dropped} {'pair was' if dropped == 1 else 'pairs were'} dropped before reading")
    if empty:
        parts.append(f"{empty} concept-language {'case was' if empty == 1 else 'cases were'} not measured")
    if findings.warnings:
        parts.append(
            f"there {'is 1 warning' if len(findings.warnings) == 1 else f'are {len(findings.warnings)} warnings'}"
        )
    if not parts:
        return None
    text = listed(tuple(parts))
    return Sentence(text[0].upper() + text[1:] + "; the section on data says which and why.")


def _pairs(findings: Findings, values: xr.DataArray, tags: Sequence[str]) -> list[_Cell]:
    """All cells from one language to another."""
    concepts = concepts_of(findings)
    several = len(concepts) > 1
    found = intervals(values, {CONCEPT: concepts, SOURCE: tags, TARGET: tags})
    return [
        _Cell(f"{source} → {target}" + (f" for {concept}" if several else ""), value)
        for (concept, source, target), value in found.items()
        if source != target and value.measured
    ]


def _lowest(cells: Sequence[_Cell]) -> _Cell:
    return sorted(cells, key=lambda cell: cell.value.estimate)[0]


def _highest(cells: Sequence[_Cell]) -> _Cell:
    return sorted(cells, key=lambda cell: -cell.value.estimate)[0]


def _count(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")
