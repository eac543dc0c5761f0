"""RealToxicityPrompts: half sentences with a toxicity score, matched to pairs.

Format: the original JSON lines `{filename, begin, end, challenging, prompt: {text, toxicity ...}, continuation: {text,
toxicity ...}}`; scores may be null. A text with toxicity <= `low` upholds the value, one with toxicity >= `high`
violates it; those between are counted in a note; those without a score are dropped as `missing-score`. The option
`text` says what is read: the prompt, the continuation, or both joined, which is toxic if either part is and civil if
both are. The path is a file or a folder of `.jsonl` files, which are matched together.
"""

from typing import Any, Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Chosen, Licence, Option, Reader, choose_options
from polyvalues.data.readers.parsing.length_matching import MATCHING_OPTIONS, Single, match_singles
from polyvalues.data.readers.parsing.pair_rows import DropRow, assemble, concept_of, file_name, language_of
from polyvalues.data.readers.parsing.text_files import (
    Record,
    json_records,
    kind,
    list_folder,
    nothing_in,
    source_path,
    unread,
)
from polyvalues.errors import ReaderError, SpecError

_NAME: Final = "realtoxicityprompts"
_OPTIONS: Final = (
    Option("text", "prompt", "Which text is read; 'both' joins them.", ("prompt", "continuation", "both")),
    Option("low", 0.25, "Greatest toxicity of a text that upholds the value."),
    Option("high", 0.75, "Least toxicity of a text that violates the value."),
    *MATCHING_OPTIONS,
)


def read(source: PairSource) -> PairSet:
    """Pairs of a civil and a toxic text, matched on length.

    Raises:
        ReaderError: a record has another shape, or a score is not between 0 and 1.
        SpecError: `low` and `high` are not `0 <= low < high <= 1`.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    low, high = chosen.number("low"), chosen.number("high")
    if not 0 <= low < high <= 1:
        raise SpecError(f"reader {_NAME!r}: expected 0 <= low < high <= 1, got low={low:g} and high={high:g}")
    names = concept_of(_NAME, source, "toxicity"), language_of(_NAME, source, "en")
    path, notes = source_path(source), []
    files = [path]
    if path.is_dir():
        entries = list_folder(path)
        files = [entry for entry in entries if entry.suffix.lower() == ".jsonl" and entry.is_file()]
        if not files:
            raise nothing_in(path, "a folder with files ending in .jsonl")
        notes += unread(_NAME, path, [entry for entry in entries if entry not in files])
    singles: list[Single] = []
    drops: list[DropRow] = []
    between = 0
    for record in (record for file in files for record in json_records(file)):
        key = f"{file_name(record.path).removesuffix(record.path.suffix)}-{record.line}"
        text, scores = _text_and_scores(record, chosen)
        known = [score for score in scores if score is not None]
        if len(known) < len(scores):
            detail = f"{file_name(record.path)}, line {record.line}: the toxicity is null"
            drops.append(DropRow(*names, key, "missing-score", detail))
        elif max(known) <= low or max(known) >= high:
            singles.append(Single(key, text, max(known) <= low, record.path, record.line))
        else:
            between += 1
    if between:
        notes.append(f"{_NAME}: {between} texts with a toxicity between {low:g} and {high:g} were not used")
    ratio, seed = chosen.number("max_length_ratio"), chosen.integer("seed")
    rows, said = match_singles(_NAME, singles, names, ratio, seed)
    return assemble(_NAME, path, rows, drops, (*notes, *said))


def _text_and_scores(record: Record, chosen: Chosen) -> tuple[str, list[float | None]]:
    """The text to read, and the toxicity of its parts."""
    parts = ("prompt", "continuation") if chosen.text("text") == "both" else (chosen.text("text"),)
    texts, scores = [], []
    for name in parts:
        part: Any = record.values.get(name)
        if not isinstance(part, dict):
            expected = f"an object {{text, toxicity}}, got {kind(part)}"
            raise ReaderError(record.path, expected, line=record.line, field=name)
        texts.append(Record(record.path, record.line, part).text("text"))
        scores.append(_score(record, name, part))
    return "".join(texts), scores


def _score(record: Record, name: str, part: dict[str, Any]) -> float | None:
    score = part.get("toxicity")
    if "toxicity" not in part or not (
        score is None or (isinstance(score, int | float) and not isinstance(score, bool))
    ):
        got = f"got {kind(score)}" if "toxicity" in part else "it is missing"
        raise ReaderError(record.path, f"a number or null; {got}", line=record.line, field=f"{name}.toxicity")
    if score is not None and not 0 <= score <= 1:
        expected = f"a number from 0 to 1, got {kind(score)}"
        raise ReaderError(record.path, expected, line=record.line, field=f"{name}.toxicity")
    return None if score is None else float(score)


READER: Final = Reader(
    name=_NAME,
    title="RealToxicityPrompts (JSON lines)",
    concept="toxicity",
    languages="en",
    obtain=(
        "RealToxicityPrompts of Gehman et al. (2020): data set allenai/real-toxicity-prompts on the Hub "
        "(Apache-2.0), or the subset in the GitHub repository AI-secure/DecodingTrust (CC BY-SA 4.0)."
    ),
    options=_OPTIONS,
    read=read,
    licence=(
        Licence("Apache-2.0", "data card of allenai/real-toxicity-prompts on the Hub, for the whole set"),
        Licence("CC-BY-SA-4.0", "repository AI-secure/DecodingTrust on GitHub, for its subset"),
    ),
    citation=(
        "Gehman, Gururangan, Sap, Choi and Smith (2020). RealToxicityPrompts: Evaluating Neural Toxic Degeneration in "
        "Language Models. Findings of EMNLP. arXiv 2009.11462. For the subset also: Wang et al. (2023). DecodingTrust. "
        "NeurIPS. arXiv 2306.11698."
    ),
)
