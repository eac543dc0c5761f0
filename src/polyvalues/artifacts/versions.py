"""Versions of every kind of artefact: how it is computed and what it holds, apart from settings and inputs.

The number is part of the artefact's key, and the key is part of the keys of all that is made from it. **Raise it
whenever the same settings and inputs would give another artefact than before**, in values or in layout; what an older
release left in a study's folder is then made again, with everything that follows from it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

VERSIONS: Final[Mapping[str, int]] = MappingProxyType(
    {
        # what the model reads
        "pairs": 1,
        "related": 1,
        "moments": 5,
        "activations": 4,
        "vectors": 2,
        "replicates": 3,
        "scores": 3,
        "norms": 3,
        "damaged scores": 4,
        "rounding": 5,
        # what is measured and tested
        "findings": 7,
        "chance": 3,
        "precision": 2,
        "stability": 1,
        "differences": 4,
        "agreement": 2,
        "companions": 2,
        "kinship": 5,
        "direction": 4,
        "predictors": 3,
        "report": 7,
        # what is asked afterwards
        "noise": 4,
        "divergence": 1,
        "quality": 4,
        "control answers": 4,
        "control findings": 4,
        "verdicts": 1,
        "translations": 2,
    }
)
"""One line per kind; claims have their own names."""
