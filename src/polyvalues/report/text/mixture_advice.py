"""Suggestions on the language mixture of pre-training data, each tied to its number, its interval and its caveat.

A suggestion is made only where a test and its interval agree (as `report.text.hypothesis_results`); where they do
not, the sentence says
that the data support no advice on that matter, with the same numbers. Everything here is observational: languages and
models differ in much besides their shares.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.artifacts import ModelFindings
from polyvalues.dimensions import ALL_CONCEPTS, CONCEPT, INTERVAL, SOURCE, TARGET
from polyvalues.report.formatting import Interval, interval_text, listed, number
from polyvalues.report.text.hypothesis_results import p_text
from polyvalues.report.text.smallest_p import LEVEL, smallest_p

NOTHING: Final = "The data support no advice on the mixture of languages."
_MOST: Final = 16


@dataclass(frozen=True)
class Advice:
    """One sentence of advice, or of its absence.

    Attributes:
        text: what is suggested and from which number, plain text.
        supported: whether the data support it; False: the text says that they do not.
        caveat: what stands against it.
    """

    text: str
    supported: bool
    caveat: str


def advise(studies: Sequence[ModelFindings], table: xr.Dataset) -> tuple[Advice, ...]:
    """Advice from one or several studies.

    Args:
        studies: one per model.
        table: of `analysis.across_models.training_mixture`, of the same studies.

    Returns:
        Sentences per model, then across models; the last one is `NOTHING` when none is supported.
    """
    models = len(studies)
    caveat = (
        f"observational: n = {models} model{'' if models == 1 else 's'}, and languages and models differ in more than "
        "their training shares"
    )
    found = [Advice(text, supported, caveat) for study in studies for supported, text in _one(study, table)]
    found += [Advice(text, supported, caveat) for supported, text in _across(table, models)]
    if not any(advice.supported for advice in found):
        found.append(Advice(NOTHING, supported=False, caveat=caveat))
    return tuple(found)


def _one(study: ModelFindings, table: xr.Dataset) -> Iterator[tuple[bool, str]]:
    if not study.shares:
        yield False, f"{study.name}: its training shares are not known, so nothing can be said of its mixture."
        return
    yield from _direction(study)
    yield from _gains(study)
    yield from _threshold(study, table)


def _direction(study: ModelFindings) -> Iterator[tuple[bool, str]]:
    data = study.claims.direction
    if not data:
        return
    cell = data.sel({CONCEPT: ALL_CONCEPTS})
    slope, p = Interval.of(cell["slope"]), float(cell["p"])
    by = f"{interval_text(slope, signed=True, reference=0.0)} per factor of ten in training share ({p_text(p)})"
    if slope.above(0.0) and p <= LEVEL:
        yield (
            True,
            (
                f"{study.name}: the better-resourced languages give more to the others than they get back "
                f"(asymmetry {by}). A mixture that "
                "a few languages dominate leaves the rest leaning on them: where small languages should carry "
                "values of their own, "
                "flatten the mixture."
            ),
        )
    elif slope.below(0.0) and p <= LEVEL:
        yield (
            True,
            (
                f"{study.name}: the poorer-resourced languages give more to the others than they get back "
                f"(asymmetry {by}); dominance "
                "is not what transfer feeds on here, and more of the dominant languages is not suggested."
            ),
        )
    elif (least := float(smallest_p(cell))) > LEVEL:
        yield (
            False,
            f"{study.name}: whether transfer follows training shares cannot be tested with so few languages (smallest "
            f"possible p {least:.2g}); no advice on dominance.",
        )
    else:
        yield (
            False,
            f"{study.name}: no sign that transfer follows training shares (asymmetry {by}); no advice on dominance.",
        )


def _gains(study: ModelFindings) -> Iterator[tuple[bool, str]]:
    data = study.claims.direction
    if not data:
        return
    cell = data.sel({CONCEPT: ALL_CONCEPTS})
    rows = [
        (str(tag), str(cell["donor"].sel({TARGET: tag}).item()), Interval.of(cell["gain"].sel({TARGET: tag})))
        for tag in cell[TARGET].values
        if str(cell["gain_word"].sel({TARGET: tag}).item()) == "gains"
    ]
    if not rows:
        yield (
            False,
            f"{study.name}: no language is certainly better served by another's vector; no advice on single languages.",
        )
        return
    told = tuple(
        f"{tag} ({number(study.shares[tag])} %, {interval_text(gain, signed=True, reference=0.0)} from {donor})"
        for tag, donor, gain in rows
    )
    yield (
        True,
        (
            f"{study.name}: served better by a foreign vector than by their own: {listed(told, most=_MOST)}. "
            "Their own text did not give "
            "a direction as good as the borrowed one; more text in these languages is the candidate."
        ),
    )


def _threshold(study: ModelFindings, table: xr.Dataset) -> Iterator[tuple[bool, str]]:
    """Which languages are recognised in most concepts, and whether their shares tell them apart from the others."""
    q = study.claims.chance["q"] if study.claims.chance else None
    if q is None:
        return
    chosen = study.findings.recognition["chosen"].sel({INTERVAL: "estimate"})
    known, unknown = {}, {}
    for tag in map(str, chosen[TARGET].values):
        if tag not in chosen[SOURCE].values or not study.shares.get(tag, 0) > 0:
            continue
        cells, values = (part.sel({SOURCE: tag, TARGET: tag}).values for part in (q, chosen))
        tested = ~np.isnan(cells)
        certain = (cells[tested] <= LEVEL) & (values[tested] > 0.5)
        (known if certain.sum() > tested.sum() / 2 else unknown)[tag] = study.shares[tag]
    row = table.sel({"study": study.name})
    rho, p, n = (float(row[name]) for name in ("own_rho", "own_p", "own_n"))
    if math.isnan(rho):
        return
    of = f"recognition and share over {n:.0f} languages: rho {number(rho, signed=True)}, {p_text(p)}"
    if rho > 0 and p <= LEVEL and known and unknown:
        least, most = min(known.values()), max(unknown.values())
        told = (
            f"every language from {number(least)} % up is recognised above chance in most concepts, and none "
            f"at {number(most)} % or less"
            if least > most
            else (
                f"recognised above chance in most concepts: {listed(tuple(known), most=_MOST)}; not: "
                f"{listed(tuple(unknown), most=_MOST)}"
            )
        )
        yield True, f"{study.name}: {told} ({of}). A language that matters needs a share on the upper side of that."
    elif rho > 0 and p <= LEVEL:
        yield (
            True,
            f"{study.name}: the larger a language's share the better it is recognised ({of}); raise the shares "
            "that matter.",
        )
    elif (least := float(smallest_p(row, "own_p"))) > LEVEL:
        yield (
            False,
            f"{study.name}: whether recognition goes with a language's share cannot be tested with {n:.0f} languages "
            f"(smallest possible p {least:.2g}); no advice on how much is enough.",
        )
    else:
        yield (
            False,
            f"{study.name}: no sign that recognition goes with a language's share ({of}); no advice on how "
            "much is enough.",
        )


def _across(table: xr.Dataset, models: int) -> Iterator[tuple[bool, str]]:
    if models == 1:
        return
    if models < 4:
        yield (
            False,
            (
                f"Across models: {models} are too few; the smallest p that permuting {models} models can give is "
                f"{min(1.0, 2 / math.factorial(models)):.2g}."
            ),
        )
        return
    supported = False
    for trait in map(str, table["trait"].values):
        for kind in map(str, table["mixture"].values):
            cell = table.sel(trait=trait, mixture=kind)
            rho, p, q, n = (float(cell[name]) for name in ("rho", "p", "q", "n"))
            if q <= LEVEL:
                supported = True
                way = "more" if rho > 0 else "less"
                yield (
                    True,
                    (
                        f"Across {n:.0f} models: the higher {_SAID[kind]}, the {way} {_TRAIT[trait]} (rho "
                        f"{number(rho, signed=True)}, "
                        f"{p_text(p)}, q = {q:.2g}); choose the mixture with that in mind."
                    ),
                )
    reach = smallest_p(table).values
    tested = reach[np.isfinite(reach)]
    if len(tested) and tested.min() > LEVEL:
        yield (
            False,
            f"Across models: {models} are too few to test anything (smallest possible p {tested.min():.2g}).",
        )
    elif not supported:
        yield (
            False,
            f"Across {models} models: no trait goes with dominance, entropy or the number of languages over 1 "
            f"% at q ≤ {LEVEL:g}.",
        )


_SAID: Final = {
    "dominance": "the share of the largest language",
    "entropy": "the entropy of the mixture",
    "over_one": "the number of languages over 1 %",
}
_TRAIT: Final = {
    "within": "recognition within languages",
    "cross": "recognition across languages",
    "transfer": "transfer",
    "cosine": "agreement of directions",
    "disattenuated": "agreement of directions less their noise",
    "reliability": "reliability of vectors",
    "slope": "one-way transfer",
    "high_minus_low": "transfer from large to small languages",
}
