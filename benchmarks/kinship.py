"""Compares the distance tables of the package: one row per kind, as in `docs/kinship.md`."""

import numpy as np

from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.languages.distances import KINDS, distances


def main() -> None:
    computed, paper, known = (distances(MOSAIC_LANGUAGES, table) for table in ("computed", "paper", "paper-known"))
    upper = np.triu_indices(len(MOSAIC_LANGUAGES), 1)
    for kind in KINDS:
        ours = computed[kind].values[upper]
        cells = []
        for table in (paper, known):
            theirs = table[kind].values[upper]
            both = ~(np.isnan(ours) | np.isnan(theirs))
            cells.append(f"{np.corrcoef(ours[both], theirs[both])[0, 1]:.2f} ({both.sum()})")
        print(f"| {kind} | {cells[0]} | {cells[1]} | {int(np.isnan(ours).sum())} of {len(ours)} |")


if __name__ == "__main__":
    main()
