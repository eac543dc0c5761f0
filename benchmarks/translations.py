"""How much planted damage do the quality measures find? `python -m benchmarks.translations`; docs/translation.md has
its table.

Mosaic's translations count as sound. The texts alone are asked for every kind of damage. Its back-translations, which
are there for a tenth of the pairs, are asked which side they belong to: as they are, and with the two sides
exchanged.
"""

import csv
import io
import re
import sys
from pathlib import Path

import numpy as np

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.pairs import read_pairs
from polyvalues.translation.quality.calibration import PLANTED, calibrate_quality
from polyvalues.translation.quality.ngram_overlap import chrf
from polyvalues.translation.quality.side_contrast import text_contrast

BACK = Path(__file__).parents[1] / "tests" / "fixtures" / "mosaic" / "back"
SHARE = 0.05


def rates(pairs: PairSet) -> list[str]:
    """One line per kind of damage: flagged texts over all languages, the range of languages, mean AUROC."""
    rows = calibrate_quality(pairs, share=SHARE).to_pylist()
    lines = ["| damage | texts | flagged | by language | AUROC of the quality |", "|---|--:|--:|--:|--:|"]
    for kind in ("none", *PLANTED):
        own = [row for row in rows if row["damage"] == kind]
        if not own:
            continue
        shares = [row["flagged"] / row["texts"] for row in own]
        texts = sum(row["texts"] for row in own)
        auroc = "" if kind == "none" else f"{np.mean([row['auroc'] for row in own]):.2f}"
        name = "none (false alarms)" if kind == "none" else kind
        flagged = f"{sum(row['flagged'] for row in own) / texts:.1%}"
        lines.append(f"| {name} | {texts} | {flagged} | {min(shares):.1%} to {max(shares):.1%} | {auroc} |")
    return lines


def round_trips(pairs: PairSet) -> str:
    """Contrast of the sides by back-translation: below 0 as it is, and after an exchange."""
    english = {row["item"]: row for row in pairs.table.to_pylist() if row["language"] == "en"}
    contrasts, closeness = [], []
    for path in sorted(BACK.glob("*.csv")):
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
            source = {
                side: english[row["item"]]["prefix"] + english[row["item"]][side] for side in ("positive", "negative")
            }
            whole = {side: _side(row["back"], at) for at, side in enumerate(("positive", "negative"))}
            contrasts.append(text_contrast(whole, source))
            closeness.append(np.mean([chrf(whole[side], source[side]) for side in source]))
    found = np.array(contrasts)
    return (
        f"Back-translations of {len(found)} pairs: mean chrF {np.mean(closeness):.2f}; contrast of the sides below 0 "
        f"in {np.mean(found < 0):.1%} as they are, in {np.mean(-found < 0):.1%} with the sides exchanged"
    )


def _side(text: str, at: int) -> str:
    """One side of a back-translation such as `(Prefix.) You {kept|broke} it.`"""
    bare = re.sub(r"^\((.*?)\) ", r"\1 ", text)
    return re.sub(r"\{([^{}|]*)\|([^{}|]*)\}", lambda match: match[at + 1], bare)


if __name__ == "__main__":
    mosaic = read_pairs([PairSource(reader="mosaic")])
    sys.stdout.write("\n".join([*rates(mosaic), "", round_trips(mosaic)]) + "\n")
