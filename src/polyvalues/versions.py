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
        "moments": 3,
        "activations": 2,
        "vectors": 2,
        "replicates": 3,
        "scores": 2,
        "norms": 2,
        "damaged scores": 3,
        "rounding": 3,
        # what is measured and tested
        "findings": 5,
        "precision": 1,
        "chance": 2,
        "stability": 1,
        "differences": 2,
        "agreement": 2,
        "companions": 2,
        "kinship": 3,
        "direction": 2,
        "predictors": 1,
        "report": 5,
        # what is asked afterwards
        "noise": 2,
        "divergence": 1,
        "quality": 2,
        "control answers": 3,
        "control findings": 2,
        "verdicts": 1,
        "translations": 1,
    }
)
"""One line per kind; claims have their own names."""
