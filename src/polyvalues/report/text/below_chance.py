"""Recognition that is certainly below chance, said first and with its likely cause.

A vector cannot be worse than a coin on pairs that have nothing to do with those it was fitted on. So what is certainly
below one half has a cause in the data:

    own vector       items that mirror each other lie in different folds, or items balance each other as a whole: what
                     is learned from some is wrong about the rest
    foreign vector   where both languages recognise the value by their own vectors, the sides of one are exchanged
"""

from collections import Counter
from typing import Final

import numpy as np
import pyarrow as pa
import xarray as xr

from polyvalues.artifacts import Claims, Findings
from polyvalues.dimensions import CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.report.formatting import Interval, interval_text, listed
from polyvalues.report.text.findings_text import BELOW, Sentence
from polyvalues.report.text.hypothesis_results import LEVEL


def below_chance(findings: Findings, claims: Claims, related: pa.Table | None) -> tuple[Sentence, ...]:
    """Sentences on cells that are certainly below one half (q at most 0.05 over all cells); none if there are none.

    Args:
        findings: the numbers.
        claims: what was tested.
        related: related pairs of items as in `related.RELATED_SCHEMA`; None: they were not looked for.
    """
    if not claims.chance:
        return ()
    chosen = findings.recognition["chosen"].sel({axis: claims.chance[axis] for axis in (CONCEPT, SOURCE, TARGET)})
    estimate = chosen.sel({INTERVAL: "estimate"}).transpose(CONCEPT, SOURCE, TARGET).values
    certain = claims.chance["q"].values <= LEVEL
    own = claims.chance[SOURCE].values[:, None] == claims.chance[TARGET].values[None]
    low = certain & (estimate < 0.5)
    above = certain & (estimate > 0.5)
    said = []
    for at, concept in enumerate(map(str, claims.chance[CONCEPT].values)):
        if (low[at] & own).any():
            text = f"Recognition of {concept} is certainly below chance by the language's own vector: "
            said.append(f"{text}{_cells(chosen, concept, low[at] & own)}. {_own_cause(concept, related)}")
        if (low[at] & ~own).any():
            text = f"Recognition of {concept} is certainly below chance by another language's vector: "
            both = np.array([[above[at, s, s] and above[at, t, t] for t in range(len(own))] for s in range(len(own))])
            cause = (
                "Each of the two recognises the value by its own vector, so the sides of one are likely exchanged."
                if own.shape[0] == own.shape[1] and both[low[at] & ~own].all()
                else _own_cause(concept, related)
            )
            said.append(f"{text}{_cells(chosen, concept, low[at] & ~own)}. {cause}")
    return tuple(Sentence(text, "accuracy", BELOW) for text in said)


_BALANCE: Final = (
    "words that mark the positive side of some items may mark the negative side of others, or the sides of some items "
    "are exchanged"
)


def _own_cause(concept: str, related: pa.Table | None) -> str:
    if related is None:
        return (
            "Likely cause: items that mirror each other, fitted on and tested apart; they were not looked for "
            "(split.related is off)."
        )
    rows = [row for row in related.to_pylist() if row["concept"] == concept]
    apart = Counter(row["kind"] for row in rows if not row["together"])
    if apart["mirrored"]:
        return (
            f"Likely cause: {apart['mirrored']} pairs of items mirror each other and lie in different folds, since no "
            "fold had room for them; fewer folds have."
        )
    kept = f"{len(rows)} related pairs of items share folds" if rows else "no items were found that mirror each other"
    return f"The cause is another one: {kept}; {_BALANCE}."


def _cells(chosen: xr.DataArray, concept: str, mask: np.ndarray) -> str:
    words = []
    for source, target in zip(*np.nonzero(mask), strict=True):
        cell = chosen.sel({CONCEPT: concept}).isel({SOURCE: int(source), TARGET: int(target)})
        here, there = str(cell[SOURCE].item()), str(cell[TARGET].item())
        where = here if here == there else f"{here} on {there}"
        words.append(f"{where} {interval_text(Interval.of(cell), reference=0.5)}")
    return listed(tuple(words), most=6)
