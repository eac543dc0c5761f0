"""How the traits of several models go with their training mixtures.

Mixture of a model, from the training shares w_l (percent) of the languages that are known:

    dominance   max_l w_l                                    percent of the largest language
    entropy     - sum_l p_l log2 p_l,  p_l = w_l / sum w     bits; 0: one language, log2(n): n equal ones
    over_one    number of languages with w_l > 1

Across models: Spearman's rho of each trait with each of the three, p by permuting models (all orders with up to 7
models, else draws, (1 + b) / (1 + n)), q over the whole table (Benjamini-Hochberg). The models are the sample: with n
of them the smallest two-sided p is 2 / n! (more with ties), so three models can never show anything at 5 %, and four
only just miss it; it stands with every p.

Within a model: Spearman's rho of a language's own recognition with its log share, p by permuting languages.

Positive: more of the one goes with more of the other. Observational: models differ in much besides their mixture.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr
from jaxtyping import Float64

from polyvalues.analysis.statistics.attainable_p import power_seen
from polyvalues.analysis.statistics.formulas import ordered_mean
from polyvalues.analysis.statistics.rank_correlation import rank_smallest, rank_test
from polyvalues.analysis.statistics.sign_flip_test import benjamini_hochberg
from polyvalues.artifacts import ModelFindings
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONCEPT, INTERVAL, QUANTITY, SOURCE, TARGET
from polyvalues.errors import MeasureError

STUDY: Final = "study"
TRAIT: Final = "trait"
MIXTURE: Final = "mixture"

TRAITS: Final = ("within", "cross", "transfer", "cosine", "disattenuated", "reliability", "slope", "high_minus_low")
"""Traits of a model: the overview's quantities, and the direction of transfer
(`analysis.hypothesis_tests.transfer_direction`)."""
MIXTURES: Final = ("dominance", "entropy", "over_one")


def multilinguality(studies: Sequence[ModelFindings], seed: int = 0) -> xr.Dataset:
    """Traits, mixtures and their correlations.

    Args:
        studies: one per model, with distinct names.
        seed: of the permutations that are drawn.

    Returns:
        `trait_value` `[study, trait, interval]`, over other items in these languages, `trait_both`, over other items in
        other languages (NaN for the direction of transfer), `mixture_value` `[study, mixture]`, `rho`, `p`, `q`, `n`,
        `p_smallest`, `power` `[trait, mixture]` (rho NaN with fewer than 3 models); `own` `[study, target, interval]` a
        language's own recognition, mean over concepts (interval NaN: it is a mean of estimates), `share`
        `[study, target]`, `own_rho`, `own_p`, `own_n`, `own_p_smallest` `[study]`. NaN where shares or traits are not
        known.

    Raises:
        MeasureError: no study, or two of one name.
    """
    names = [study.name for study in studies]
    if not names or len(set(names)) != len(names):
        raise MeasureError(f"studies {', '.join(names) or '(none)'}: expected at least one, with distinct names")
    values, both = (np.stack([_traits(study, over) for study in studies]) for over in ("value", "both"))
    mixtures = np.stack([mixture(study.shares) for study in studies])
    rho, p, n, smallest = _correlations(values[..., 0], mixtures, seed)
    targets = list(
        dict.fromkeys(tag for study in studies for tag in map(str, study.findings.recognition[TARGET].values))
    )
    own = np.stack([_own(study, targets) for study in studies])
    share = np.array([[study.shares.get(tag, np.nan) for tag in targets] for study in studies], dtype=np.float64)
    inside = [_ranked(own[at], _log(share[at]), names[at], seed) for at in range(len(names))]
    return xr.Dataset(
        {
            "trait_value": ((STUDY, TRAIT, INTERVAL), values),
            "trait_both": ((STUDY, TRAIT, INTERVAL), both),
            "mixture_value": ((STUDY, MIXTURE), mixtures),
            **{
                name: ((TRAIT, MIXTURE), found)
                for name, found in (("rho", rho), ("p", p), ("n", n), ("p_smallest", smallest))
            },
            "q": ((TRAIT, MIXTURE), benjamini_hochberg(p)),
            "power": ((TRAIT, MIXTURE), power_seen(p, smallest)),
            "own": ((STUDY, TARGET), own),
            "share": ((STUDY, TARGET), share),
            **{
                name: ((STUDY,), np.array(column))
                for name, column in zip(_INSIDE, zip(*inside, strict=True), strict=True)
            },
        },
        coords={
            STUDY: names,
            TRAIT: list(TRAITS),
            MIXTURE: list(MIXTURES),
            TARGET: targets,
            INTERVAL: list(BOUNDS),
        },
        attrs={"test": "permutation of models (of languages: own_p), two-sided", "correction": "Benjamini-Hochberg"},
    )


_INSIDE: Final = ("own_rho", "own_p", "own_n", "own_p_smallest")


def mixture(shares: Mapping[str, float]) -> Float64[np.ndarray, " mixture"]:
    """Dominance, entropy and number of languages over 1 percent; NaN without shares."""
    weights = np.array([share for _, share in sorted(shares.items()) if share > 0], dtype=np.float64)
    if not len(weights):
        return np.full(len(MIXTURES), np.nan)
    p = weights / weights.sum()
    return np.array([weights.max(), float(-(p * np.log2(p)).sum()) + 0.0, float((weights > 1).sum())])


def _correlations(
    traits: Float64[np.ndarray, "study trait"], mixtures: Float64[np.ndarray, "study mixture"], seed: int
) -> Float64[np.ndarray, "four trait mixture"]:
    """Rho, p, number of models and smallest possible p of every trait with every description of the mixture."""
    cells = [
        [_ranked(trait, kind, f"{TRAITS[row]} {MIXTURES[column]}", seed) for column, kind in enumerate(mixtures.T)]
        for row, trait in enumerate(traits.T)
    ]
    return np.array(cells).transpose(2, 0, 1)


def _ranked(first: np.ndarray, second: np.ndarray, key: str, seed: int) -> tuple[float, float, int, float]:
    """Rho, p, number of units, smallest possible p."""
    return (*rank_test(first, second, key, seed), rank_smallest(first, second, key, seed))


def _traits(study: ModelFindings, over: str) -> Float64[np.ndarray, "trait interval"]:
    if over not in study.findings.overview:
        return np.full((len(TRAITS), len(BOUNDS)), np.nan)
    overview = study.findings.overview[over]
    names = [str(name) for name in overview[CONCEPT].values]
    row = ALL_CONCEPTS if ALL_CONCEPTS in names else names[0]
    found = np.full((len(TRAITS), len(BOUNDS)), np.nan)
    for at, trait in enumerate(TRAITS):
        if trait in overview[QUANTITY].values:
            found[at] = overview.sel({CONCEPT: row, QUANTITY: trait, INTERVAL: list(BOUNDS)}).values
        elif over == "value" and trait in study.claims.direction:
            found[at] = study.claims.direction[trait].sel({CONCEPT: ALL_CONCEPTS, INTERVAL: list(BOUNDS)}).values
    return found


def _own(study: ModelFindings, targets: Sequence[str]) -> Float64[np.ndarray, " target"]:
    """Own recognition by language, mean over the concepts that have it."""
    chosen = study.findings.recognition["chosen"].sel({INTERVAL: "estimate"})
    here = {str(tag) for tag in chosen[TARGET].values} & {str(tag) for tag in chosen[SOURCE].values}
    return np.array(
        [
            float(ordered_mean(chosen.sel({SOURCE: tag, TARGET: tag}).values[:, None])[0]) if tag in here else np.nan
            for tag in targets
        ]
    )


def _log(values: Float64[np.ndarray, " unit"]) -> Float64[np.ndarray, " unit"]:
    return np.log10(np.where(values > 0, values, np.nan))
