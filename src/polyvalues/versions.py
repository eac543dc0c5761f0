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
        "moments": 2,
        "activations": 2,
        "vectors": 1,
        "replicates": 2,
        "scores": 1,
        "norms": 2,
        "rounding": 1,
        "damaged scores": 1,
        # what is measured and tested
        "findings": 4,
        "chance": 1,
        "stability": 1,
        "differences": 1,
        "agreement": 2,
        "companions": 2,
        "kinship": 3,
        "direction": 1,
        "predictors": 1,
        "report": 5,
        # what is asked afterwards
        "noise": 1,
        "divergence": 1,
        "quality": 1,
        "control answers": 2,
        "control findings": 1,
        "verdicts": 1,
        "translations": 1,
    }
)
"""One line per kind; claims have their own names."""
