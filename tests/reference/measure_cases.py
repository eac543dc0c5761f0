"""Small scores and cosines made by hand, for the tests of the measure stage."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from polyvalues.analysis.statistics.bootstrap import group_weights
from polyvalues.artifacts import LayerChoice, Replicates, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.dimensions import CONTROL, CONTROLS, SIDES
from reference import measure_oracle as oracle


def make_scores(
    projection: np.ndarray,
    *,
    concept: str = "honesty",
    target: str = "en",
    sources: Sequence[str] = ("en", "fr"),
    group: Sequence[str] | None = None,
    split: Sequence[str] | str = "test",
    fold: Sequence[int] | np.ndarray | None = None,
    control: np.ndarray | None = None,
    selection: np.ndarray | None = None,
    layers: Sequence[int] | None = None,
    numbering: str = "block",
) -> Scores:
    """`projection` is `[pair, side, layer, source]`; everything else has a plain default."""
    pairs, _, n_layers, _ = projection.shape
    items = np.array([f"i{row:04d}" for row in range(pairs)])
    control = np.ones((pairs, n_layers, 2, 2)) if control is None else control
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "projection": (("pair", "side", "layer", "source"), projection.astype(np.float32)),
        "control": (("pair", "layer", CONTROL, "draw"), np.sign(control).astype(np.int8)),
    }
    if selection is not None:
        variables["selection"] = (("pair", "fold", "layer"), selection.astype(np.float32))
    return Scores(
        xr.Dataset(
            variables,
            coords={
                "side": list(SIDES),
                "layer": np.array(range(n_layers) if layers is None else layers, np.int32),
                "source": list(sources),
                CONTROL: list(CONTROLS),
                "item": ("pair", items),
                "group": ("pair", items if group is None else np.array(group)),
                "split": ("pair", np.array([split] * pairs if isinstance(split, str) else split)),
                "fold": ("pair", np.array([-1] * pairs if fold is None else fold, np.int32)),
            },
            attrs={
                "concept": concept,
                "target": target,
                "protocol": "paper" if numbering == "paper" else "strict",
                "layer_numbering": numbering,
            },
        )
    )


def random_scores(
    rng: np.random.Generator,
    *,
    concept: str = "honesty",
    languages: Sequence[str] = ("en", "fr", "sw"),
    pairs: int = 40,
    layers: int = 3,
    ties: bool = True,
    numbering: str = "block",
) -> dict[str, Scores]:
    """Every language as target: a third of the pairs `select`, groups of one to three pairs, coarse values (ties)."""
    group = [f"g{row}" for row in np.sort(rng.integers(0, pairs // 2, size=pairs))]
    split = ["select" if int(name[1:]) % 3 == 0 else "test" for name in group]
    scores = {}
    for target in languages:
        values = rng.normal(size=(pairs, 2, layers, len(languages)))
        values[:, 0] += 0.7
        control = rng.normal(size=(pairs, layers, 2, 3))
        if ties:
            values, control = np.round(values), np.round(control)
        kept = np.sort(rng.permutation(pairs)[: pairs - 3])
        scores[target] = make_scores(
            values[kept],
            concept=concept,
            target=target,
            sources=languages,
            group=[group[row] for row in kept],
            split=[split[row] for row in kept],
            control=control[kept],
            numbering=numbering,
            layers=range(1, layers + 1) if numbering == "paper" else None,
        )
    return scores


def random_replicates(
    rng: np.random.Generator,
    *,
    concept: str = "honesty",
    languages: Sequence[str] = ("en", "fr", "sw"),
    layers: int = 3,
    folds: int = 5,
    reliability: float = 0.8,
) -> Replicates:
    """Cosines around 0.5 and reliabilities around `reliability`, with replicates without two folds."""
    n, count = len(languages), 1 + folds + folds * (folds - 1) // 2
    cosine = 0.5 + 0.05 * rng.normal(size=(n, n, layers, count))
    cosine = (cosine + np.swapaxes(cosine, 0, 1)) / 2
    control = 0.1 * rng.normal(size=(n, n, layers, 2, 4))
    control = (control + np.swapaxes(control, 0, 1)) / 2
    control[np.arange(n), np.arange(n)] = 1
    reliabilities = reliability + 0.05 * rng.normal(size=(n, layers, count))
    return make_replicates(cosine, reliabilities, control, concept=concept, languages=languages, folds=folds)


def make_replicates(
    cosine: np.ndarray,
    reliability: np.ndarray,
    control: np.ndarray | None = None,
    *,
    concept: str = "honesty",
    languages: Sequence[str] = ("en", "fr"),
    folds: int | None = None,
) -> Replicates:
    """`cosine` `[s, t, layer, replicate]`, `reliability` `[s, layer, replicate]`; squares are 1, controls zero."""
    n, _, layers, count = cosine.shape
    control = np.zeros((n, n, layers, 2, 2)) if control is None else control
    product, plain = cosine.copy(), cosine.copy()
    product[np.arange(n), np.arange(n)] = reliability
    plain[np.arange(n), np.arange(n)] = 1
    return Replicates(
        xr.Dataset(
            {
                "product": (("source", "target", "layer", "replicate"), product),
                "square": (("source", "layer", "replicate"), np.ones((n, layers, count))),
                "plain": (("source", "target", "layer", "replicate"), plain),
                "control": (("source", "target", "layer", CONTROL, "draw"), control),
            },
            coords={
                "source": list(languages),
                "target": list(languages),
                "layer": np.arange(layers, dtype=np.int32),
                CONTROL: list(CONTROLS),
            },
            attrs={"concept": concept, "estimator": "mean-difference", "folds": count - 1 if folds is None else folds},
        )
    )


def make_choice(layer: int, *, layers: int = 3, concept: str = "honesty", folds: Sequence[int] = ()) -> LayerChoice:
    """A choice made elsewhere."""
    accuracy = np.zeros(layers)
    accuracy[layer] = 1
    return LayerChoice(concept, layer, np.array(folds, np.int32), accuracy, np.arange(layers, dtype=np.int32))


def reordered(scores: dict[str, Scores], order: Sequence[str]) -> dict[str, Scores]:
    """The same scores with the languages in another order, on both axes."""
    return {name: Scores(scores[name].data.sel(source=list(order))) for name in order}


def weightings(scores: Mapping[str, Scores], spec: StatisticsSpec, concept: str = "honesty") -> list[dict[str, int]]:
    """How often each group of the tested pairs counts: once in the first, then in each draw of the concept."""
    groups = sorted(
        {str(item.data["group"].values[row]) for item in scores.values() for row in oracle.tested_rows(item.data)}
    )
    return oracle.weightings(groups, group_weights(concept, len(groups), spec.draws, spec.seed))
