"""What is planted: sizes, directions, and the law of the noise of `polyvalues.simulation.planted_states`."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from polyvalues.errors import SpecError


@dataclass(frozen=True)
class PlantedSpec:
    """What is planted.

    Attributes:
        languages: at least one, distinct.
        concepts: at least one, distinct.
        pairs: pairs per concept and language.
        layers: number of layers.
        hidden: dimensions of a hidden state.
        cosine: between the directions of any two languages, or a symmetric matrix of them with unit diagonal.
        strength: length of the true mean difference, one for all languages or one each.
        noise: standard deviation of a pair difference per coordinate, one for all languages or one each.
        layer_profile: factor on the strength per layer; None: 1 everywhere.
        massive: number of massive dimensions.
        massive_scale: their standard deviation relative to the others.
        topic: standard deviation per coordinate of what both sides of a pair share.
        group_size: pairs per group.
        group_share: share of the noise variance that a group has in common, 0 to 1.
        group_sizes: pairs of the first, second, ... group, over and over; empty: `group_size` each.
        language_share: share of the noise variance that all languages' versions of an item have in common, 0 to 1.
        tails: degrees of freedom of heavy-tailed noise, above 2; None: normal noise.
        skew: 1: noise along the direction has its long tail upwards; -1: downwards; 0: symmetric.
        missing: share of the items that a language lacks, one for all languages or one each, below 1.
        folds: number of folds.
        split: whether pairs are split 70/10/20 into fit, select and test (by position), or all are `cross`.
        seed: seed of everything.

    Raises:
        SpecError: values that contradict each other, or cosines no set of directions can have.
    """

    languages: tuple[str, ...] = ("en", "es", "sw")
    concepts: tuple[str, ...] = ("morality",)
    pairs: int = 400
    layers: int = 3
    hidden: int = 64
    cosine: float | tuple[tuple[float, ...], ...] = 0.5
    strength: float | tuple[float, ...] = 1.0
    noise: float | tuple[float, ...] = 1.0
    layer_profile: tuple[float, ...] | None = None
    massive: int = 0
    massive_scale: float = 1.0
    topic: float = 1.0
    group_size: int = 1
    group_share: float = 0.0
    folds: int = 10
    split: bool = False
    seed: int = 0
    group_sizes: tuple[int, ...] = ()
    language_share: float = 0.0
    tails: float | None = None
    skew: int = 0
    missing: float | tuple[float, ...] = 0.0

    def __post_init__(self) -> None:
        for name, labels in (("languages", self.languages), ("concepts", self.concepts)):
            if not labels or len(set(labels)) != len(labels):
                raise SpecError(f"planted {name} {labels}: expected at least one, all distinct")
        for name in ("pairs", "layers", "hidden", "group_size", "folds"):
            if getattr(self, name) < 1:
                raise SpecError(f"planted {name} = {getattr(self, name)}: expected at least 1")
        for name in ("strength", "noise"):
            if min(each(self, name)) < 0:
                raise SpecError(f"planted {name} = {getattr(self, name)}: expected numbers that are not negative")
        if self.layer_profile is not None and len(self.layer_profile) != self.layers:
            raise SpecError(f"planted layer_profile has {len(self.layer_profile)} numbers for {self.layers} layers")
        if not 0 <= self.group_share <= 1 or not 0 <= self.massive <= self.hidden or self.massive_scale <= 0:
            raise SpecError(
                f"planted group_share = {self.group_share} (0 to 1), massive = {self.massive} (0 to {self.hidden}), "
                f"massive_scale = {self.massive_scale} (above 0): out of range"
            )
        self._check_noise()
        factor(self)

    def _check_noise(self) -> None:
        missing = each(self, "missing")
        for name, fine, expected in (
            ("language_share", 0 <= self.language_share <= 1, "0 to 1"),
            ("tails", self.tails is None or self.tails > 2, "above 2, so that the noise has a variance, or None"),
            ("skew", self.skew in (-1, 0, 1), "-1, 0 or 1"),
            ("missing", min(missing) >= 0 and max(missing) < 1, "0 to below 1"),
            ("group_sizes", min(self.group_sizes, default=1) >= 1, "numbers of at least 1"),
            ("group_sizes", not self.group_sizes or self.group_size == 1, "none of them, or a group_size of 1"),
        ):
            if not fine:
                raise SpecError(f"planted {name} = {getattr(self, name)}: expected {expected}")


def factor(spec: PlantedSpec) -> Float64[np.ndarray, "language rank"]:
    """Rows whose products are the cosines asked for; a symmetric root, since a cosine of 1 has no Cholesky factor."""
    count = len(spec.languages)
    if isinstance(spec.cosine, tuple):
        wanted = np.array(spec.cosine, dtype=np.float64)
    else:
        wanted = np.where(np.eye(count, dtype=bool), 1.0, float(spec.cosine))
    if wanted.shape != (count, count) or not np.allclose(wanted, wanted.T) or not np.allclose(np.diag(wanted), 1.0):
        raise SpecError(f"planted cosine: expected a symmetric {count} x {count} matrix with ones on its diagonal")
    values, vectors = np.linalg.eigh(wanted)
    if values[0] < -1e-9:
        raise SpecError(
            f"planted cosine: no {count} directions have these cosines (smallest eigenvalue {values[0]:.3g}); "
            "with one cosine for all it can be no lower than -1 / (languages - 1)"
        )
    kept = values > 1e-12
    if kept.sum() > spec.hidden:
        raise SpecError(f"planted cosine: {kept.sum()} independent directions do not fit into {spec.hidden} dimensions")
    return vectors[:, kept] * np.sqrt(values[kept])


def each(spec: PlantedSpec, name: str) -> tuple[float, ...]:
    """`strength`, `noise` or `missing`, one number per language."""
    value = getattr(spec, name)
    if not isinstance(value, tuple):
        return (float(value),) * len(spec.languages)
    if len(value) != len(spec.languages):
        raise SpecError(f"planted {name} has {len(value)} numbers for {len(spec.languages)} languages")
    return tuple(float(number) for number in value)
