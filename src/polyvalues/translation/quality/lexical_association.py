"""Do the words of a translation go with the words of its source, as far as the other items tell? No model is needed.

    t(f | e)      IBM model 1 between source units e (and an empty one) and translated units f, six rounds of EM over
    the pair set wording       mean over f of log [ mean over e of t'(f | e) / p'(f) ] t'(f | e)   = (c(f, e) - own(f,
    e) + p'(f)) / (c(e) - own(e) + 1)

`c` are expected counts and `own` those of the item itself, which is left out, so that an item does not vouch for
itself; `p'` is how frequent `f` is in the other items. Units are the distinct words of a text cut to five characters,
or the characters and character pairs of languages without spaces; at most 48 per text. Positive: the words of the
source make those of the translation likelier than they are anyway. Compared between a text's own source and the other
side's (`sides.contrast`), it sees exchanged sides where the words that differ recur in other items. Brown et al. 1993
(https://aclanthology.org/J93-2003).

With more texts than four million pairs of units, the model is trained on as many items as that allows, by hash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from polyvalues.data.perturbations import spaced
from polyvalues.data.seeds import text_seed
from polyvalues.data.surface_features import plain

LEAST_ITEMS: Final = 60
"""Fewer items say nothing about words."""

_ROUNDS: Final = 6
_STEM: Final = 5
_MOST_UNITS: Final = 48
_MOST_LINKS: Final = 4_000_000

Sides = tuple[str, str]
"""The two texts of a pair: positive, negative."""


def wording(
    translated: Mapping[str, Sides], source: Mapping[str, Sides], language: str, origin: str
) -> dict[str, Float[np.ndarray, "side side"]]:
    """How well the words of each translated side go with those of each source side, by item.

    Args:
        translated: texts in one language, by an id of the item.
        source: their sources, for the same ids.
        language: tag of the translations.
        origin: tag of the sources.

    Returns:
        `[translated side, source side]` in nats per unit; empty with fewer than 60 items.
    """
    items = sorted(translated)
    if len(items) < LEAST_ITEMS:
        return {}
    targets = [tuple(_units(text, language) for text in translated[item]) for item in items]
    sources = [tuple(_units(text, origin) for text in source[item]) for item in items]
    model = _train(targets, sources, _trained_on(items, targets, sources))
    return {item: model.score(at, targets[at], sources[at]) for at, item in enumerate(items)}


@dataclass(frozen=True, eq=False)
class _Model:
    """Expected counts of links, source and target units; links are sorted by `source row * target units + target`."""

    source_row: Mapping[str, int]
    target_row: Mapping[str, int]
    codes: np.ndarray
    counts: np.ndarray
    source_counts: np.ndarray
    target_counts: np.ndarray
    link: np.ndarray
    expected: np.ndarray
    bounds: np.ndarray

    def score(self, item: int, target: Sequence[Sequence[str]], source: Sequence[Sequence[str]]) -> np.ndarray:
        own = slice(self.bounds[item], self.bounds[item + 1])
        links, inverse = np.unique(self.link[own], return_inverse=True)
        mine = np.bincount(inverse, self.expected[own], len(links))
        width = len(self.target_row)
        without_source, without_target = self.source_counts.copy(), self.target_counts.copy()
        np.subtract.at(without_source, self.codes[links] // width, mine)
        np.subtract.at(without_target, self.codes[links] % width, mine)
        frequent = (without_target + 0.1) / (without_target + 0.1).sum()
        found = np.full((2, 2), np.nan)
        for p, own_units in enumerate(target):
            f = np.array([self.target_row[unit] for unit in own_units if unit in self.target_row], dtype=np.int64)
            for q, other_units in enumerate(source):
                rows = [self.source_row[unit] for unit in other_units if unit in self.source_row]
                e = np.array([*rows, len(self.source_row)], dtype=np.int64)
                if len(f):
                    found[p, q] = self._likelihood(f, e, (links, mine), without_source, frequent)
        return found

    def _likelihood(
        self,
        f: np.ndarray,
        e: np.ndarray,
        own: tuple[np.ndarray, np.ndarray],
        source_counts: np.ndarray,
        frequent: np.ndarray,
    ) -> float:
        code = e[None, :] * len(self.target_row) + f[:, None]
        at = np.minimum(np.searchsorted(self.codes, code), len(self.codes) - 1)
        counts = np.where(self.codes[at] == code, self.counts[at], 0.0)
        links, mine = own
        if len(links):
            place = np.minimum(np.searchsorted(links, at), len(links) - 1)
            counts -= np.where((links[place] == at) & (self.codes[at] == code), mine[place], 0.0)
        likely = (np.maximum(counts, 0.0) + frequent[f][:, None]) / (source_counts[e][None, :] + 1.0)
        return float(np.mean(np.log(likely.mean(axis=1) / frequent[f])))


def _train(
    targets: Sequence[Sequence[Sequence[str]]], sources: Sequence[Sequence[Sequence[str]]], trained: Sequence[bool]
) -> _Model:
    source_row = {unit: row for row, unit in enumerate(sorted({u for pair in sources for side in pair for u in side}))}
    target_row = {unit: row for row, unit in enumerate(sorted({u for pair in targets for side in pair for u in side}))}
    codes, places, bounds, place = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [0], 0
    for target, source, learn in zip(targets, sources, trained, strict=True):
        bounds.append(bounds[-1])
        for own, other in zip(target, source, strict=True) if learn else ():
            f = np.array([target_row[unit] for unit in own], dtype=np.int64)
            e = np.array([*(source_row[unit] for unit in other), len(source_row)], dtype=np.int64)
            codes.append((e[None, :] * len(target_row) + f[:, None]).ravel())
            places.append(np.repeat(place + np.arange(len(f)), len(e)))
            place += len(f)
            bounds[-1] += len(f) * len(e)
    unique, link = np.unique(np.concatenate(codes), return_inverse=True)
    where, source_of = np.concatenate(places), unique // max(1, len(target_row))
    chance, expected, counts = np.ones(len(unique)), np.ones(len(link)), np.zeros(len(unique))
    for _ in range(_ROUNDS):
        weight = chance[link]
        expected = weight / np.bincount(where, weight, place)[where]
        counts = np.bincount(link, expected, len(unique))
        chance = counts / np.bincount(source_of, counts, len(source_row) + 1)[source_of]
    return _Model(
        source_row,
        target_row,
        unique,
        counts,
        np.bincount(source_of, counts, len(source_row) + 1),
        np.bincount(unique % max(1, len(target_row)), counts, len(target_row)),
        link,
        expected,
        np.array(bounds),
    )


def _trained_on(
    items: Sequence[str], targets: Sequence[Sequence[Sequence[str]]], sources: Sequence[Sequence[Sequence[str]]]
) -> list[bool]:
    """Which items the model learns from: all, or as many as there is room for."""
    links = [
        sum(len(own) * (len(other) + 1) for own, other in zip(target, source, strict=True))
        for target, source in zip(targets, sources, strict=True)
    ]
    chosen, room = [False] * len(items), _MOST_LINKS
    for at in sorted(range(len(items)), key=lambda at: text_seed("wording", items[at])):
        room -= links[at]
        if room < 0:
            break
        chosen[at] = True
    return chosen


def _units(text: str, language: str) -> list[str]:
    words = plain(text)
    if spaced(language):
        found = [word[:_STEM] for word in words.split()]
    else:
        bare = words.replace(" ", "")
        found = [*bare, *(bare[at : at + 2] for at in range(len(bare) - 1))]
    return list(dict.fromkeys(found))[:_MOST_UNITS]
