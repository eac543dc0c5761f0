"""Where a stream of texts is cut into batches."""

import numpy as np
from jaxtyping import Int

from polyvalues.models.batching import Tokens, next_batch
from polyvalues.models.batching_trial import Way
from polyvalues.models.packing import PATHS, neighbours, next_pack


class Cuts:
    """The order in which texts are read, and where it is cut into batches of `budget` tokens and `most` texts."""

    def __init__(self, tokens: Tokens, way: Way, budget: int):
        packs = way == "packed"
        self._tokens, self._packs, self._way = tokens, packs, way
        self.budget, self.most = budget, len(tokens.order)
        self._order, self._shared = neighbours(tokens) if packs else (tokens.order, tokens.order)
        if packs and len(tokens.order):
            # Even shares: a small last batch would run at a worse rate than the others.
            total = int(tokens.starts[-1] - self._shared.sum())
            longest = int(tokens.lengths(tokens.order[:1])[0])
            self.budget = min(budget, -(-total // -(-total // budget)) + longest)

    def batch(self, first: int) -> Int[np.ndarray, " text"]:
        """The texts of the batch that begins at place `first`."""
        if self._way == "alone":
            return self._order[first : first + 1]
        if not self._packs:
            rows = next_batch(self._tokens, first, self.budget)
            lengths = self._tokens.lengths(rows)
            return rows if self._way == "padded" else rows[lengths == lengths[0]]
        count = next_pack(self._tokens, self._order[first:], self._shared[first:], self.budget)
        return self._order[first : first + min(count, self.most)]

    def halve(self, first: int, count: int) -> None:
        """Half of a batch that did not fit: from now on no batch is larger."""
        self.most = max(1, count // 2)
        rows = self._order[first : first + self.most]
        lengths = self._tokens.lengths(rows)
        self.budget = len(rows) * int(lengths.max())
        if self._packs:
            new = lengths - self._shared[first : first + len(rows)]
            new[0] = lengths[0]
            self.budget = int(max(new.sum(), -(-lengths.sum() // PATHS)))
