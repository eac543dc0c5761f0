"""Pairs in the form of MVALUE: `data/{concept}/{concept}_{language}.json`, as the reader `mvalue` reads it.

Format: `{group: {item: {"pos", "neg", "scenario"? or "question"?}}}`. The text of a side is the same after reading: a
prefix `Question: ... Answer: ` becomes a question, one that ends with a space a scenario without it, and any other
stands in front of both sides. Items become `group|item`; categories and sources are not kept.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from polyvalues.artifacts import PAIR_SCHEMA, PairSet

_QUESTION: Final = re.compile(r"Question: (.*) Answer: ", re.DOTALL)


def mvalue_files(pairs: PairSet) -> dict[str, str]:
    """Content of every file, by name."""
    documents: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for row in pairs.table.select(PAIR_SCHEMA.names).to_pylist():
        name = f"data/{row['concept']}/{row['concept']}_{row['language']}.json"
        documents.setdefault(name, {}).setdefault(row["group"], {})[row["item"]] = _entry(row)
    return {name: json.dumps(found, ensure_ascii=False, indent=1) + "\n" for name, found in documents.items()}


def _entry(row: Mapping[str, str]) -> dict[str, str]:
    prefix, sides = row["prefix"], {"pos": row["positive"], "neg": row["negative"]}
    if match := _QUESTION.fullmatch(prefix):
        return {"question": match[1]} | sides
    if prefix.endswith(" "):
        return {"scenario": prefix[:-1]} | sides
    return {side: prefix + text for side, text in sides.items()}
