"""Whether files of several languages hold translations of one another, line by line.

Contract: position alone proves nothing. Against a reference (English if it is there, else the language that most
others agree with) a file is aligned when it has as many records **and**

1. where both carry English originals, these are equal at every position;
2. otherwise, with at least 20 records, Spearman's rank correlation between the lengths of its texts and those of the
   reference is at least 0.4. Translations keep lengths in order (0.7 to 0.96 in PolyRefuse, across scripts); another
   sample of texts gives about 0 (0.04 there). With fewer records the order is trusted, and a note says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import rankdata

from polyvalues.data.readers.parsing.instruction_files import Instruction

LEAST_CORRELATION: Final = 0.4
LEAST_RECORDS: Final = 20


@dataclass(frozen=True)
class Alignment:
    """Which languages of a file hold the same texts in the same order.

    Attributes:
        reference: the language they were compared with.
        aligned: the languages that agree with it, itself included, in the order given; none when there is only one
            language, since nothing then shows what its positions stand for.
        notes: why others do not, and what was not checked.
    """

    reference: str
    aligned: tuple[str, ...]
    notes: tuple[str, ...]


def align(what: str, files: Mapping[str, Sequence[Instruction]]) -> Alignment:
    """Compare the files of several languages.

    Args:
        what: what the files are, for the notes.
        files: instructions by language, at least one language; English texts are their own originals.
    """
    verdicts = {
        reference: {language: compare(files[reference], entries) for language, entries in files.items()}
        for reference in (["en"] if "en" in files else files)
    }
    reference = max(verdicts, key=lambda name: sum(not verdict for verdict, _ in verdicts[name].values()))
    if len(files) == 1:
        return Alignment(reference, (), ())
    aligned = tuple(language for language in files if not verdicts[reference][language][0])
    others = {language: verdict for language, verdict in verdicts[reference].items() if language != reference}
    notes = [
        f"{what}: {language} is not aligned with {reference} ({against}); its items have ids of their own, so leave "
        f"{language} out where items must be aligned"
        for language, (against, _) in others.items()
        if against
    ]
    trusted = [f"{language} ({caution})" for language, (against, caution) in others.items() if caution and not against]
    if trusted:
        notes.append(f"{what}: taken to be aligned with {reference} by position: {', '.join(trusted)}")
    return Alignment(reference, aligned, tuple(notes))


def compare(reference: Sequence[Instruction], other: Sequence[Instruction]) -> tuple[str, str]:
    """What speaks against alignment (empty: aligned), and what was not proven.

    Returns:
        `(against, caution)`, in words.
    """
    if len(reference) != len(other):
        return f"{len(other)} records, not {len(reference)}", ""
    originals = [(first.original, second.original) for first, second in zip(reference, other, strict=True)]
    known = [(first, second) for first, second in originals if first is not None and second is not None]
    if len(known) == len(other):
        differ = sum(first != second for first, second in known)
        return (f"{differ} of {len(other)} English originals differ" if differ else ""), ""
    if len(other) < LEAST_RECORDS:
        return "", f"too few records to check, {len(other)}"
    correlation = _rank_correlation([len(entry.text) for entry in reference], [len(entry.text) for entry in other])
    if correlation < LEAST_CORRELATION:
        return f"the order of text lengths disagrees, rank correlation {correlation:.2f}: another sample of texts", ""
    return "", f"rank correlation of lengths {correlation:.2f}"


def _rank_correlation(first: Sequence[int], second: Sequence[int]) -> float:
    """Spearman's correlation; 0 where all lengths of one side are equal."""
    ranks = np.stack([rankdata(first), rankdata(second)])
    if (ranks.std(axis=1) == 0).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])
