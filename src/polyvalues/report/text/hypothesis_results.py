"""Tested claims in words and as CSV, from finished numbers.

A sentence says that something is so only where its test and its interval agree; else it says that there is no sign of
it, with the same numbers, or, where the smallest possible p is above the level, that it cannot be tested. q-values and
their level (0.05) are named, and so is what an interval is about.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import xarray as xr

from polyvalues.artifacts import Claims
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONCEPT, INTERVAL, SOURCE, TARGET, VERDICTS
from polyvalues.report.formatting import Interval, interval_text, listed, number
from polyvalues.report.html.predictors_section import predictors_words
from polyvalues.report.tables.csv_tables import columns_csv
from polyvalues.report.text.findings_text import CANNOT, Sentence
from polyvalues.report.text.smallest_p import LEVEL, beyond_reach, smallest_p, untested_words

_TOPIC: Final = "Tested"
_COMPANIONS: Final = {
    "centred": "cosine centred per language",
    "whitened": "whitened cosine",
    "subspace": "overlap of leading subspaces",
    "cka": "CKA of pair differences",
}
_NEEDS: Final = {
    "differences": "two languages",
    "agreement": "two languages",
    "kinship": "four languages",
    "direction": "three languages whose training shares are known",
}


def describe_claims(claims: Claims) -> tuple[Sentence, ...]:
    """The tested claims in words, then what was not tested and what it needs; nothing when nothing was tested."""
    said = {
        "recognition": [_chance(claims.chance)],
        "layers": [_stability(claims.stability)],
        "accuracy": [_differences(claims.differences), predictors_words(claims.predictors)],
        "disattenuated": [_agreement(claims.agreement)],
        "cosine": [_companions(claims.companions)],
        "kinship": _kinship(claims.kinship),
        "direction": _direction(claims.direction),
    }
    sentences = [Sentence(text, figure, _TOPIC) for figure, texts in said.items() for text in texts if text]
    if sentences:
        lacking = [f"{name} (it needs {needs})" for name, needs in _NEEDS.items() if not getattr(claims, name)]
        sentences += [Sentence(f"Not tested: {listed(tuple(lacking))}.", topic=CANNOT)] if lacking else []
    return tuple(sentences)


def claims_csv(claims: Claims) -> Mapping[str, str]:
    """File name to content: one row per number, labels first.

    A file per analysis, and one more for each smaller set of labels, named by them (`direction_concept.csv`).
    """
    files: dict[str, str] = {}
    for name in ("chance", "stability", "differences", "agreement", "companions", "kinship", "direction", "predictors"):
        files |= dataset_csv(name, getattr(claims, name))
    return files


def dataset_csv(name: str, data: xr.Dataset) -> dict[str, str]:
    """File name to content of one labelled data set: a file per set of labels, the fullest called `name.csv`."""
    frames: dict[tuple[str, ...], dict[str, np.ndarray]] = {}
    for variable in map(str, data.data_vars):
        keys = tuple(str(dim) for dim in data[variable].dims if dim != INTERVAL)
        if keys not in frames:
            places = np.indices([data.sizes[key] for key in keys])
            frames[keys] = {key: data[key].values[at.ravel()] for key, at in zip(keys, places, strict=True)}
        frames[keys] |= _columns(data[variable], variable)
    files = {}
    for at, (keys, columns) in enumerate(sorted(frames.items(), key=lambda frame: (-len(frame[0]), frame[0]))):
        suffix = "" if at == 0 else "_" + "_".join(keys)
        files[f"{name}{suffix}.csv"] = columns_csv(columns)
    return files


def p_text(p: float) -> str:
    """As `p = 0.03`; very small ones as `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _columns(values: xr.DataArray, name: str) -> dict[str, np.ndarray]:
    if INTERVAL not in values.dims:
        return {name: values.values.ravel()}
    cells = values.sel({INTERVAL: list(BOUNDS)}).transpose(..., INTERVAL).values.reshape(-1, len(BOUNDS))
    return {f"{name}_{bound}": cells[:, at] for at, bound in enumerate(BOUNDS)}


def _chance(data: xr.Dataset) -> str:
    if not data:
        return ""
    own = np.array([[s == t for t in data[TARGET].values] for s in data[SOURCE].values])
    out, least = beyond_reach(data), smallest_p(data).values
    words = []
    for label, mask in (("by its own vector", own), ("by a vector from another language", ~own)):
        q = data["q"].values[:, mask]
        tested = ~np.isnan(q) & ~out[:, mask]
        if tested.any():
            words.append(f"{int((q[tested] <= LEVEL).sum())} of {int(tested.sum())} {label}")
    rest = untested_words(int(out.sum()), float(least[out].max(initial=0.0)))
    if not words:
        return f"Whether recognition differs from one half{rest.removeprefix(f'; {int(out.sum())}')}." if rest else ""
    return (
        f"Recognition differs from one half at q ≤ {LEVEL:g} in {' and '.join(words)} "
        f"({data.attrs['correction']}){rest}."
    )


def _stability(data: xr.Dataset) -> str:
    if not data:
        return ""
    low, high = data["same"].isel({CONCEPT: int(np.argmin(data["same"].values))}), float(data["same"].max())
    if data.sizes[CONCEPT] == 1:
        return f"The layer chosen is chosen again in {float(low):.0%} of resamples."
    return (
        f"The layer chosen is chosen again in {float(low):.0%} ({low[CONCEPT].item()}) to {high:.0%} of resamples, "
        f"and within one layer of it in {float(data['near'].min()):.0%} or more."
    )


def _differences(data: xr.Dataset) -> str:
    if not data:
        return ""
    upper = np.triu(np.ones(data["q"].shape[1:], dtype=bool), 1)
    out = beyond_reach(data) & upper
    q = np.where(upper & ~out, data["q"].values, np.nan)
    tested = int((~np.isnan(q)).sum())
    certain = int((q <= LEVEL).sum())
    rest = untested_words(int(out.sum()), float(smallest_p(data).values[out].max(initial=0.0)))
    text = f"Between two languages' own recognition {certain} of {tested} differences are certain at q ≤ {LEVEL:g}"
    text += rest
    if not certain:
        return text + "."
    size = np.where(q <= LEVEL, np.abs(data["difference"].sel({INTERVAL: "estimate"}).values), -1.0)
    concept, first, second = np.unravel_index(int(size.argmax()), size.shape)
    cell = data["difference"].isel({CONCEPT: int(concept), TARGET: int(first), "other": int(second)})
    where = f"{cell[TARGET].item()} less {cell['other'].item()} for {cell[CONCEPT].item()}"
    return f"{text}; the largest is {where}, {interval_text(Interval.of(cell), signed=True, reference=0.0)}."


def _agreement(data: xr.Dataset) -> str:
    """How many pairs of languages share a direction, over all concepts and where most do."""
    if not data:
        return ""
    upper = np.triu(np.ones(data["verdict"].shape[1:], dtype=bool), 1)
    words = data["verdict"].values[:, upper]
    alike, apart, open_ = ((words == word).sum(axis=1) for word in VERDICTS)
    total, concepts = int((words != "").sum()), data[CONCEPT].values
    text = (
        f"Of {total} pairs of languages{f' in {len(concepts)} concepts' if len(concepts) > 1 else ''} {alike.sum()} "
        f"share a direction within the noise of their vectors, {apart.sum()} do not, and of {open_.sum()} it cannot "
        "be told"
    )
    if len(concepts) > 1 and alike.any():
        text += f"; most share one for {concepts[alike.argmax()]} ({alike.max()} of {words.shape[1]})"
    return text + "."


def _companions(data: xr.Dataset) -> str:
    if not data:
        return ""
    words = []
    means = data["mean"].sel({INTERVAL: "estimate"})
    for name in map(str, data["companion"].values):
        values = means.sel({"companion": name}).values
        known = values[~np.isnan(values)]
        if len(known):
            words.append(f"{_COMPANIONS[name]} {number(known.min())} to {number(known.max())}")
    if not words:
        return ""
    return (
        f"Beside the cosine, by concept and on average over pairs of languages: {'; '.join(words)} "
        f"(chance of the subspaces {data.attrs['subspace_chance']:.2f}, of the others 0)."
    )


def _kinship(data: xr.Dataset) -> Iterator[str]:
    """Which kinds of similarity go with cosines: the genetic one by itself, each other one beyond it."""
    if not data:
        return
    cells = data.sel({"table": "computed", "of": "cosine", "coefficient": "pearson", "form": "beyond"})
    found, none, cannot = [], [], []
    for kind in map(str, cells["kind"].values):
        cell = cells.sel({"kind": kind})
        q, least = cell["q"].values, cell["p_smallest"].values
        testable = ~np.isnan(q) & (least <= LEVEL)
        words = f"{kind}{_beyond(str(cell['given'].item()))}"
        if not testable.any():
            known = least[~np.isnan(least)]
            cannot.append(f"{words} ({f'p cannot be below {known.min():.2g}' if len(known) else 'too few pairs'})")
        elif certain := int((q[testable] <= LEVEL).sum()):
            found.append(f"{words} (in {certain} of {int(testable.sum())} concepts)")
        else:
            none.append(words)
    level = f"{LEVEL:g}; genetic: by permuting languages, the others: against simulated languages"
    if found:
        rest = f"; no sign of it for {listed(tuple(none))}" if none else ""
        yield f"Cosines of two languages go with linguistic similarity (q ≤ {level}): {listed(tuple(found))}{rest}."
    elif none:
        yield f"There is no sign that cosines go with linguistic similarity (q > {level}): {listed(tuple(none))}."
    if cannot:
        yield f"Whether cosines go with similarity of these kinds cannot be tested: {listed(tuple(cannot))}."


def _beyond(given: str) -> str:
    return f" beyond {given.replace('genetic', 'genealogy').replace('geographic', 'geography')}" if given else ""


def _direction(data: xr.Dataset) -> Iterator[str]:
    if not data:
        return
    cell = data.sel({CONCEPT: ALL_CONCEPTS})
    slope, p = Interval.of(cell["slope"]), float(cell["p"])
    by = interval_text(slope, signed=True, reference=0.0)
    number = f"{by} per factor of ten in training share ({p_text(p)} by permuting languages)"
    if slope.above(0.0) and p <= LEVEL:
        yield f"Transfer runs from better- to poorer-resourced languages: its asymmetry rises by {number}."
    elif slope.below(0.0) and p <= LEVEL:
        yield f"Transfer runs from poorer- to better-resourced languages: its asymmetry changes by {number}."
    elif (least := float(smallest_p(cell))) > LEVEL:
        yield (
            f"Whether transfer runs one way cannot be tested with so few languages (smallest possible p {least:.2g}); "
            f"over these items and languages its asymmetry changes by {by} per factor of ten in training share."
        )
    else:
        yield f"There is no sign that transfer runs one way: its asymmetry changes by {number}."
    words = cell["gain_word"]
    gaining = tuple(str(tag) for tag in words[TARGET].values if str(words.sel({TARGET: tag}).item()) == "gains")
    losing = tuple(str(tag) for tag in words[TARGET].values if str(words.sel({TARGET: tag}).item()) == "loses")
    said = [
        f"{verb} {listed(tags, most=16)}" for verb, tags in (("better for", gaining), ("worse for", losing)) if tags
    ]
    if said:
        yield (
            "On average over concepts, the vector of the best-resourced other language is "
            f"{', '.join(said)} than the own one."
        )
