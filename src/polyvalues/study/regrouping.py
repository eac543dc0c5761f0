"""Pairs grouped anew: items whose kept hidden states mirror or repeat each other share a fold as well.

Texts show who mirrors whom before anything is read (`data.mirrored_items`); states show what the model makes of it.
They are
kept in cross-fitted concepts, which are the small ones, where it matters: what an accuracy loses falls with the square
root of the number of items. The texts are not read again for it: kept states are keyed by their texts alone.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from polyvalues.artifacts.related_items import RELATED_SCHEMA
from polyvalues.data.mirrored_items import group_related
from polyvalues.data.seeds import text_seed
from polyvalues.data.splits import split_pairs
from polyvalues.study.pipeline import Line
from polyvalues.vectors.related_pairs import related_by_states


def regroup(line: Line) -> tuple[Line, pa.Table]:
    """Read what is kept of cross-fitted concepts, and give related items one fold.

    Args:
        line: of a study (strict protocol).

    Returns:
        The line with the pairs grouped and split anew; the related pairs of items, as in `RELATED_SCHEMA`.
    """
    spec = line.spec.split
    found = [RELATED_SCHEMA.empty_table()]
    for concept in line.concepts:
        states = line.states(concept)
        items = sorted({str(item) for own in states.values() for item in own.data["item"].values})
        if states:
            found.append(related_by_states(states, np.random.default_rng(text_seed(concept, *items))))
    bare = replace(line.pairs, table=line.pairs.table.drop_columns(["split", "fold"]))
    pairs, related = group_related(bare, pa.concat_tables(found), spec.folds)
    if not related.num_rows:
        return line, related
    pairs = split_pairs(pairs, spec)
    return replace(line, pairs=replace(pairs, notes=tuple(dict.fromkeys(pairs.notes)))), related
