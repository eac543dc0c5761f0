"""What holding the test split out of training does: own-language recognition on its items and on the others.

    python -m training.babel.held_out STUDY STUDY ...

Studies are cross-fitted ones on Mosaic (`polyvalues demo`, `polyvalues run --model FOLDER`). One row per study and set
of items, one column per language, mean over concepts, at the last layer.
"""

import sys
from pathlib import Path

import numpy as np

import polyvalues as pv
from training.babel.text import test_items


def shares(study: pv.Study, test: bool) -> dict[str, float]:
    """Share of pairs ordered right by the language's own vector, among the items of the test split or the others."""
    held = test_items()
    recognition = study.findings.recognition
    found = {}
    for language in map(str, recognition["target"].values):
        per_concept = []
        for concept in map(str, recognition["concept"].values):
            data = study.scores(concept, language).data
            wanted = np.array([((concept, item) in held) == test for item in data["item"].values])
            gap = data["projection"].sel(source=language).isel(layer=-1).diff("side").values[wanted, 0]
            per_concept.append(np.mean(np.where(gap == 0, 0.5, gap < 0)))
        found[language] = float(np.mean(per_concept))
    return found


def main() -> None:
    """Print the table."""
    for folder in map(Path, sys.argv[1:]):
        study = pv.load_study(folder)
        for test, name in ((True, "test split"), (False, "other items")):
            cells = shares(study, test)
            print(f"{folder.name:<12} {name:<12} " + "  ".join(f"{tag} {value:.2f}" for tag, value in cells.items()))


if __name__ == "__main__":
    main()
