"""In which topics do divergence candidates gather? An exact test per category.

Fisher's exact test, one-sided, for concept c, target t and category k:

    p = P(X >= a),  X hypergeometric:  a candidates among the n_k items of the category, m among all n items of the cell

The smallest possible p, given both numbers, is that of all candidates in the category (or all of the category
candidates).

Items set apart as doubtful or bad are left out of n. All tests are adjusted together (Benjamini-Hochberg). Categories
are topics an author gave; items without one count in n and are not tested.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
from scipy import stats

from polyvalues.measure.signflip import benjamini_hochberg

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
        divergence: rows as `polyvalues.measure.divergence.divergence` gives them.
        categories: category by concept and item.

    Returns:
        Rows as in `ENRICHMENT_SCHEMA`, by concept and target in the order of `divergence`, then by p and category.
    """
    cells: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for row in divergence.to_pylist():
        if row["status"] in ("candidate", "no sign"):
            category = categories.get((row["concept"], row["item"]), "")
            cells.setdefault((row["concept"], row["target"]), []).append((category, row["status"] == "candidate"))
    rows: list[tuple[str, str, str, int, int, int, int, float, float]] = []
    for (concept, target), items in cells.items():
        found = sum(candidate for _, candidate in items)
        tested = []
        for category in sorted({name for name, candidate in items if candidate and name}):
            inside = [candidate for name, candidate in items if name == category]
            p, least = (
                min(1.0, float(stats.hypergeom.sf(count - 1, len(items), found, len(inside))))
                for count in (sum(inside), min(found, len(inside)))
            )
            tested.append((concept, target, category, sum(inside), len(inside), found, len(items), p, least))
        rows += sorted(tested, key=lambda row: (row[-2], row[2]))
    if not rows:
        return ENRICHMENT_SCHEMA.empty_table()
    q = benjamini_hochberg(np.array([row[-2] for row in rows])).tolist()
    columns = [*zip(*rows, strict=True), tuple(q)]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, ENRICHMENT_SCHEMA, strict=True)]
    return pa.table(arrays, schema=ENRICHMENT_SCHEMA)
