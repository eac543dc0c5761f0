"""AdvBench: harmful instructions, matched to harmless ones from another file.

Format: CSV with `goal,target` (`harmful_behaviors.csv`). Negative is the goal; positive a harmless instruction of
about the same length from the file named by the option `harmless` (formats: `instruction_files`), each used at most
once. `target` is not used. Goals without a partner are dropped as `unmatched`.
"""

from pathlib import Path
from typing import Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Licence, Option, Reader, choose_options
from polyvalues.data.readers.parsing.instruction_files import read_instructions
from polyvalues.data.readers.parsing.length_matching import MATCHING_OPTIONS, Single, match_singles
from polyvalues.data.readers.parsing.pair_rows import DropRow, assemble, concept_of, file_name, language_of
from polyvalues.data.readers.parsing.text_files import csv_records, need_columns, source_path
from polyvalues.errors import ReaderError, SpecError

_NAME: Final = "advbench"
_OPTIONS: Final = (
    Option("harmless", "", "File of harmless instructions: .txt, .json, .jsonl, .csv or .tsv. Required."),
    Option("harmless_column", "instruction", "Its column or key that holds the instruction."),
    *MATCHING_OPTIONS,
)


def read(source: PairSource) -> PairSet:
    """Pairs of a harmless and a harmful instruction.

    Raises:
        ReaderError: one of the two files is not what it should be.
        SpecError: the option `harmless` is missing.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    if not chosen.text("harmless"):
        raise SpecError(
            f"{_NAME}:{source.path}: AdvBench holds harmful instructions only; give a file of harmless ones with the "
            "option 'harmless' (.txt one per line, .json or .jsonl with 'instruction', .csv), e.g. "
            "advbench:FILE?harmless=FILE"
        )
    names = concept_of(_NAME, source, "harmfulness"), language_of(_NAME, source, "en")
    path = source_path(source)
    if path.is_dir():
        raise ReaderError(path, "the file harmful_behaviors.csv")
    columns, records = csv_records(path)
    need_columns(path, columns, ("goal",))
    harmful = [
        Single(f"goal-{number}", record.text("goal"), False, path, record.line)
        for number, record in enumerate(records, start=1)
    ]
    other = Path(chosen.text("harmless")).expanduser()
    harmless = [
        Single(f"harmless-{number}", entry.text, True, other, entry.line)
        for number, entry in enumerate(read_instructions(other, chosen.text("harmless_column")), start=1)
    ]
    ratio, seed = chosen.number("max_length_ratio"), chosen.integer("seed")
    rows, notes = match_singles(_NAME, [*harmless, *harmful], names, ratio, seed)
    used = {row.item.partition("+")[2] for row in rows}
    drops = [
        DropRow(
            *names,
            single.key,
            "unmatched",
            f"{file_name(path)}, line {single.line}: no harmless instruction left of its length",
        )
        for single in harmful
        if single.key not in used
    ]
    return assemble(_NAME, path, rows, drops, notes)


READER: Final = Reader(
    name=_NAME,
    title="AdvBench harmful behaviours (CSV) with a file of harmless instructions",
    concept="harmfulness",
    languages="en",
    obtain=(
        "AdvBench of Zou et al. (2023): repository llm-attacks/llm-attacks on GitHub "
        "(data/advbench/harmful_behaviors.csv). MIT licence. Harmless instructions: for example those of Alpaca or "
        "PolyRefuse."
    ),
    options=_OPTIONS,
    read=read,
    licence=(Licence("MIT", "repository llm-attacks/llm-attacks on GitHub"),),
    citation=(
        "Zou et al. (2023). Universal and Transferable Adversarial Attacks on Aligned Language Models. "
        "arXiv 2307.15043."
    ),
)
