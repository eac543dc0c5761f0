"""In which topics do divergence candidates gather? An exact test per category.

Fisher's exact test, one-sided, for concept c, target t and category k:

    p = P(X >= a),  X hypergeometric:  a candidates among the n_k items of the category, m among all n items of the cell

    p_smallest = P(X = min(m, n_k)): no p of the category can be smaller, however the candidates fall

Items set apart as doubtful or bad are left out of n. All categories of all cells with a candidate are tested and
adjusted together (Benjamini-Hochberg), those without a candidate too (p = 1): otherwise a single candidate, which must
fall into some category, would be adjusted for that one alone. Categories are topics an author gave; items without one
count in n and are not tested. Items count as independent of each other.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
from scipy import stats

from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg

ENRICHMENT_SCHEMA: Final = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("concept", "target", "category")),
        *(
            pa.field(name, pa.int64(), nullable=False)
            for name in ("candidates", "items", "all_candidates", "all_items")
        ),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("p", "p_smallest", "q")),
    ]
)
"""One row per concept, target and category that has a candidate."""


def enrichment(divergence: pa.Table, categories: Mapping[tuple[str, str], str]) -> pa.Table:
    """Test whether candidates gather in some categories.

    Args:
        divergence: rows as `polyvalues.analysis.followups.item_divergence.divergence` gives them.
        categories: category by concept and item.

    Returns:
        Rows as in `ENRICHMENT_SCHEMA`, by concept and target in the order of `divergence`, then by p and category.
    """
    cells: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for row in divergence.to_pylist():
        if row["status"] in ("candidate", "no sign", "cannot tell"):
            category = categories.get((row["concept"], row["item"]), "")
            cells.setdefault((row["concept"], row["target"]), []).append((category, row["status"] == "candidate"))
    rows: list[tuple[str, str, str, int, int, int, int, float, float]] = []
    for (concept, target), items in cells.items():
        found = sum(candidate for _, candidate in items)
        tested = []
        for category in sorted({name for name, _ in items if name}) if found else ():
            inside = [candidate for name, candidate in items if name == category]
            reached = np.array([sum(inside), min(found, len(inside))])
            p, least = stats.hypergeom.sf(reached - 1, len(items), found, len(inside)).tolist()
            head = (concept, target, category, sum(inside), len(inside), found, len(items))
            tested.append((*head, min(1.0, p), least))
        rows += sorted(tested, key=lambda row: (row[-2], row[2]))
    if not rows:
        return ENRICHMENT_SCHEMA.empty_table()
    q = benjamini_hochberg(np.array([row[-2] for row in rows])).tolist()
    shown = [(*row, adjusted) for row, adjusted in zip(rows, q, strict=True) if row[3]]
    if not shown:
        return ENRICHMENT_SCHEMA.empty_table()
    columns = list(zip(*shown, strict=True))
    arrays = [pa.array(column, field.type) for column, field in zip(columns, ENRICHMENT_SCHEMA, strict=True)]
    return pa.table(arrays, schema=ENRICHMENT_SCHEMA)
