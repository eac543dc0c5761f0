"""Several made-up models side by side, and control experiments with known rates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from report_examples import PAPER, build

from polyvalues.analysis.across_models.concept_means import concept_means
from polyvalues.analysis.followups.steering_effects import QUANTITIES, VARIANTS
from polyvalues.artifacts import Claims, ModelFindings
from polyvalues.dimensions import BOUNDS
from polyvalues.study.hypothesis_tests import no_claims

KINDS = ("genetic", "geographic", "syntactic", "phonological", "inventory", "featural")


def kinship(concepts: Sequence[str]) -> xr.Dataset:
    """Correlations that tell where they are: concept, kind and form in the decimals; q certain for even concepts."""
    shape = (3, len(concepts), 2, len(KINDS), 2, 4)
    at = np.indices(shape)
    r = 0.1 * at[1] + 0.05 * at[3] + 0.01 * at[5] + 0.3 * at[0] * 0 - 0.2 * at[2] - 0.1 * at[4]
    q = np.where(at[1] % 2 == 0, 0.01, 0.5)
    dims = ("table", "concept", "of", "kind", "coefficient", "form")
    return xr.Dataset(
        {"items": ((*dims, "interval"), np.stack([r, r - 0.1, r + 0.1], axis=-1)), "q": (dims, q)},
        coords={
            "table": ["computed", "paper", "paper-known"], "concept": list(concepts),
            "of": ["cosine", "disattenuated"], "kind": list(KINDS), "coefficient": ["pearson", "spearman"],
            "form": ["direct", "split", "partial", "beyond"], "interval": list(BOUNDS),
        },
        attrs={"test": "Mantel", "test_beyond": "simulated languages"},
    )  # fmt: skip


def model(
    name: str,
    tags: Sequence[str] = ("en", "zh", "ta", "sw"),
    concepts: Sequence[str] = ("fairness", "morality"),
    shares: Mapping[str, float] | None = None,
    *,
    holes: bool = False,
    protocol: str = "strict",
) -> ModelFindings:
    """Findings of one model; kinship is tested with four languages or more."""
    made = build(tuple(concepts), tuple(tags), 6, holes=holes, protocol=protocol)
    claims: Claims = no_claims()
    if len(tags) > 3:
        claims = replace(claims, kinship=kinship(concepts))
    return ModelFindings(name, made.findings, claims, dict(shares or {}))


def means_of(*models: ModelFindings) -> xr.Dataset:
    """As the commands make them."""
    tags = {str(tag) for one in models for tag in one.findings.recognition["target"].values}
    known = [tag for tag, _, _ in PAPER if tag in tags]
    return concept_means(models, [*known, *sorted(tags - set(known))])


def control(
    rates: Mapping[str, tuple[float, float]],
    alone: Sequence[str] = (),
    source: str = "en",
    concept: str = "harmfulness",
) -> xr.Dataset:
    """Findings of a control experiment: by target, the rate unsteered and steered."""
    targets = list(rates)
    variants, quantities = list(VARIANTS), list(QUANTITIES)
    rate = np.full((len(variants) + 1, len(quantities), len(targets), 3), 0.4)
    for column, (base, steered) in enumerate(rates.values()):
        rate[0, 0, column], rate[1 + variants.index("source"), 0, column] = base, steered
    change = rate[1:] - rate[:1]
    moved = [column for column, target in enumerate(targets) if target not in (*alone, source)]
    mean = np.full((len(variants), len(quantities), 3), np.nan)
    if moved:
        mean[:] = change[:, :, moved].mean(axis=2)
    return xr.Dataset(
        {
            "rate": (("variant_or_base", "quantity", "target", "interval"), rate),
            "change": (("variant", "quantity", "target", "interval"), change),
            "mean": (("variant", "quantity", "interval"), mean),
            "kl": ("target", [np.nan if target in alone else 0.1 for target in targets]),
            "reading": (("target", "interval"), np.full((len(targets), 3), 0.9)),
        },
        coords={
            "variant_or_base": ["base", *variants], "variant": variants, "quantity": quantities, "target": targets,
            "interval": list(BOUNDS),
        },
        attrs={
            "concept": concept, "behaviour": "refusal", "steered_by": source,
            "averaged": " ".join(targets[column] for column in moved),
        },
    )  # fmt: skip
