"""Dimension names, closed vocabularies and shape aliases shared by every layer.

Labelled arrays use exactly these dimension names. A new dimension is always appended last. Every measured
quantity ends in the dimension `interval` with the labels `estimate`, `lower`, `upper`.
"""

from typing import Final, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

MODEL: Final = "model"
CONCEPT: Final = "concept"
SOURCE: Final = "source"
TARGET: Final = "target"
LANGUAGE: Final = "language"
LAYER: Final = "layer"
SIDE: Final = "side"
PAIR: Final = "pair"
FOLD: Final = "fold"
HIDDEN: Final = "hidden"
TEXT: Final = "text"
DRAW: Final = "draw"
CONTROL: Final = "control_kind"
QUANTITY: Final = "quantity"
INTERVAL: Final = "interval"

SIDES: Final = ("positive", "negative")
"""Order of the `side` dimension: index 0 upholds the value, index 1 violates it."""

BOUNDS: Final = ("estimate", "lower", "upper")
"""Order of the `interval` dimension."""

MEAN_TOKENS: Final = "its own tokens, whole up to 3 median lengths and not at all from 6"
"""What position `mean` averages (`polyvalues.models.attention_sinks`); part of the keys of what is read so."""

CONTROLS: Final = ("random", "permuted")
"""Order of the `control_kind` dimension: an isotropic random direction; the estimator on randomly swapped sides."""

ALL_CONCEPTS: Final = "all"
"""Label used on the `concept` dimension for the mean over concepts (overview only)."""

DamageKind = Literal["drop", "swap", "replace", "characters"]
DAMAGE_KINDS: Final[tuple[DamageKind, ...]] = ("drop", "swap", "replace", "characters")
"""Ways to damage a text (`polyvalues.data.perturbations`)."""
InterventionKind = Literal["add", "piecewise", "ablate", "clamp"]
INTERVENTIONS: Final[tuple[InterventionKind, ...]] = ("add", "piecewise", "ablate", "clamp")
"""What steering does to a hidden state (`polyvalues.steering.interventions`)."""

VECTOR_FORMATS: Final = ("gguf", "easysteer", "lm-eval", "svec-ibm", "svec-aisteer", "saklas", "easyedit", "hub")
"""Formats of other tools that vectors are exported to and imported from (`polyvalues.steering.formats.registry`)."""

STEERED_BY: Final = ("base", "prompt", "source", "own", "random")
"""What answers were made with: nothing; a request to refuse; the source's vector; the target's; a random direction."""

VERDICTS: Final = ("consistent", "inconsistent", "cannot tell")
"""What can be said of two languages' directions (`polyvalues.analysis.hypothesis_tests.consistency_verdicts`)."""

Concept = str
"""A value concept, e.g. `"morality"`: lower case letters, digits and hyphens."""

Language = str
"""A BCP-47 tag, e.g. `"en"`, `"zh"`, `"sr-Latn"`."""

Side = Literal["positive", "negative"]
Position = Literal["last", "mean"]
Protocol = Literal["strict", "paper"]
Split = Literal["fit", "select", "test"]

States = Float[np.ndarray, "layer text hidden"]
"""Hidden states as read: float32, residual stream at the block's output."""

Directions = Float[np.ndarray, "source layer hidden"]
Subsets = Bool[np.ndarray, "subset fold"]
PairSides = Int[np.ndarray, "pair side"]
"""For each pair, the row of its positive and of its negative text in a table of unique texts."""
