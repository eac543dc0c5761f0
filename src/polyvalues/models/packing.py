"""Texts packed into one row of tokens, every shared beginning once.

Texts are sorted by their token ids, so texts with a common beginning are neighbours. The tokens of a batch are then
the nodes of a trie: text i adds the tokens behind the longest common prefix with text i-1 and takes the others over.
Position of a token: its place in its own text. Nothing is padding, and no token is computed twice in a batch.

    new(i)  = tokens of text i from lcp(i, i-1) on          path(i) = indices of all tokens of text i, in order

Attention goes from `new(i)` (queries) to `path(i)` (keys); it is the only part of a model that looks at more than one
token. There, rows of like length are put together and padded: attention is a small part of the arithmetic.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Bool, Int

from polyvalues.models.batching import Tokens

PATHS: Final = 4
"""Most tokens on all paths of a batch, in budgets: attention gathers keys and values along them."""

_LIKE: Final = 0.75
_CHUNK: Final = 1024


@dataclass(frozen=True, eq=False)
class Bucket:
    """Texts whose attention is computed together.

    Attributes:
        queries: index of each query token, padded with 0.
        keys: index of each key token, padded with 0.
        allowed: which keys a query sees.
        causal: all paths are new from the start, so that "no key to the right" says it all.
    """

    queries: Int[np.ndarray, "row query"]
    keys: Int[np.ndarray, "row key"]
    allowed: Bool[np.ndarray, "row query key"]
    causal: bool


@dataclass(frozen=True, eq=False)
class Packed:
    """A batch of texts as one row of tokens.

    Attributes:
        ids: token ids.
        positions: place of each token in its text.
        paths: indices of the tokens of each text, padded with 0.
        lengths: number of tokens of each text.
        buckets: who attends to whom.
        origin: for each token, its place among the queries of all buckets, laid end to end.
    """

    ids: Int[np.ndarray, " token"]
    positions: Int[np.ndarray, " token"]
    paths: Int[np.ndarray, "text place"]
    lengths: Int[np.ndarray, " text"]
    buckets: tuple[Bucket, ...]
    origin: Int[np.ndarray, " token"]


def neighbours(tokens: Tokens) -> tuple[Int[np.ndarray, " text"], Int[np.ndarray, " text"]]:
    """Texts in the order of their token ids, and how many tokens each shares with the one before it."""
    ids = tokens.ids.astype(">u4")  # big-endian bytes compare as the numbers do
    starts = tokens.starts.tolist()
    keys = [ids[start:end].tobytes() for start, end in pairwise(starts)]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
    shared = np.zeros(len(order), dtype=np.int64)
    for first in range(1, len(order), _CHUNK):
        rows = order[first - 1 : first + _CHUNK]
        shared[first : first + _CHUNK] = _common(*_block(tokens, rows))
    return order, shared


def next_pack(tokens: Tokens, order: Int[np.ndarray, " text"], shared: Int[np.ndarray, " text"], budget: int) -> int:
    """How many of these texts, which are neighbours, make the next batch: at least 1, at most `budget` new tokens."""
    ahead = order[: max(1, budget)]
    lengths = tokens.lengths(ahead)
    new = lengths - shared[: len(ahead)]
    new[0] = lengths[0]
    # A text that brings nothing new still has a path to gather.
    fit = (np.cumsum(new) <= budget) & (np.cumsum(lengths) <= PATHS * budget)
    return max(1, int(np.argmin(fit)) if not fit.all() else len(ahead))


def pack(tokens: Tokens, rows: Int[np.ndarray, " text"]) -> Packed:
    """Pack texts that are neighbours in the order of `neighbours`."""
    block, lengths = _block(tokens, rows)
    places = np.arange(block.shape[1])
    shared = np.concatenate([[0], _common(block, lengths)])
    fresh = (places >= shared[:, None]) & (places < lengths[:, None])
    index = np.cumsum(fresh.ravel()).reshape(fresh.shape) - 1
    # A text takes its shared tokens over from the text before it, which may have taken them over in its turn.
    paths = np.maximum.accumulate(np.where(fresh, index, 0), axis=0)
    paths[places >= lengths[:, None]] = 0
    buckets, origin = _buckets(paths, shared, lengths, int(fresh.sum()))
    return Packed(block[fresh], np.nonzero(fresh)[1], paths, lengths, buckets, origin)


def visible(
    shared: Int[np.ndarray, " row"], lengths: Int[np.ndarray, " row"], queries: int, keys: int
) -> Bool[np.ndarray, "row query key"]:
    """Query q of a row stands at place `shared + q` of its text and sees that place and those before it."""
    at = shared[:, None] + np.arange(queries)
    key = np.arange(keys)
    return (key <= at[:, :, None]) & (key < lengths[:, None, None])


def _buckets(
    paths: Int[np.ndarray, "text place"],
    shared: Int[np.ndarray, " text"],
    lengths: Int[np.ndarray, " text"],
    count: int,
) -> tuple[tuple[Bucket, ...], Int[np.ndarray, " token"]]:
    """Texts of like length together, longest first; texts that bring nothing new ask nothing."""
    asking = np.flatnonzero(lengths > shared)
    asking = asking[np.lexsort((-(lengths - shared)[asking], -lengths[asking]))]
    buckets, origin, done = [], np.zeros(count, dtype=np.int64), 0
    while len(asking):
        like = lengths[asking] >= _LIKE * lengths[asking[0]]
        own, asking = asking[like], asking[~like]
        news = lengths[own] - shared[own]
        width, depth = int(news.max()), int(lengths[own].max())
        at = np.arange(width)
        real = at < news[:, None]
        queries = np.take_along_axis(paths[own], np.minimum(shared[own][:, None] + at, depth - 1), axis=1)
        queries[~real] = 0
        allowed = visible(shared[own], lengths[own], width, depth)
        buckets.append(Bucket(queries, paths[own, :depth], allowed, causal=not shared[own].any()))
        origin[queries[real]] = done + np.flatnonzero(real)
        done += real.size
    return tuple(buckets), origin


def _block(tokens: Tokens, rows: Int[np.ndarray, " text"]) -> tuple[Int[np.ndarray, "text place"], np.ndarray]:
    return tokens.padded(rows, -1)


def _common(block: Int[np.ndarray, "text place"], lengths: Int[np.ndarray, " text"]) -> Int[np.ndarray, " pair"]:
    """Tokens that each text but the first shares with the one before it."""
    same = np.cumprod(block[1:] == block[:-1], axis=1).sum(axis=1)
    return np.minimum(same, np.minimum(lengths[1:], lengths[:-1]))
