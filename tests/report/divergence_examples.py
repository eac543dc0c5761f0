"""A divergence page with items to search: two concepts, three languages, and texts out to do harm."""

import pyarrow as pa

from polyvalues.analysis.followups.item_divergence import DIVERGENCE_SCHEMA
from polyvalues.analysis.followups.topic_enrichment import ENRICHMENT_SCHEMA
from polyvalues.artifacts import PAIR_SCHEMA, PairSet
from polyvalues.report.html.divergence_page import divergence_page

HARM = "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'> \u202eevil\u202c {{ 7*7 }}"
TEXTS = {
    "en": ("She shared the bread", "She hid the bread"),
    "sw": ("Aligawana mkate", "Alificha mkate"),
    "ar": ("شاركت الخبز", "أخفت الخبز"),
}
ITEMS = [("fairness", "bread", "sw", "candidate"), ("fairness", "seat", "ar", "candidate")]
ITEMS += [
    ("harm", "storm", "ar", "doubtful"),
    ("harm", "storm", "sw", "bad item"),
    (f"harm {HARM}", HARM, "sw", "candidate"),
]


def divergence_example(*, huge: bool = False) -> str:
    """The page; `huge`: one text of each pair has a million characters."""
    table, pairs = divergence_parts(huge=huge)
    return divergence_page(table, pa.Table.from_pylist([], schema=ENRICHMENT_SCHEMA), pairs, "tiny")


def divergence_parts(*, huge: bool = False) -> tuple[pa.Table, PairSet]:
    """What the page is made from."""
    pairs = []
    for concept, item in dict.fromkeys((concept, item) for concept, item, _, _ in ITEMS):
        for language, (positive, negative) in TEXTS.items():
            texts = {"positive": f"{positive} {item}", "negative": f"{negative} {item}" + "x" * (10**6 if huge else 0)}
            names = {"concept": concept, "item": item, "group": item, "category": "", "source": "", "prefix": ""}
            pairs.append(names | texts | {"language": language})
    numbers = dict.fromkeys(
        [name for name in DIVERGENCE_SCHEMA.names if name.startswith(("score", "dis", "dep", "p_", "q_"))], 1.5
    )
    rows = [
        {"concept": concept, "item": item, "target": target, "source": "en", "doubts": "", "status": status} | numbers
        for concept, item, target, status in ITEMS
    ]
    return (
        pa.Table.from_pylist(rows, schema=DIVERGENCE_SCHEMA),
        PairSet(pa.Table.from_pylist(pairs, schema=PAIR_SCHEMA)),
    )
