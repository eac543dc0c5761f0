"""Made-up results of everything a page can show beside the findings, for a made-up study."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr
from report_examples import Example, build

from polyvalues.artifacts import GENERATION_SCHEMA, Generations
from polyvalues.dimensions import BOUNDS
from polyvalues.report.content import Beside, ControlReport, Doubted, Entry, Version

KINDS = ("genetic", "geographic")
TABLES = ("computed", "paper")
SHARES = {"en": 60.0, "zh": 7.0, "sw": 0.5, "ta": 0.8}
ANSWER = "<b>Sorry</b>, no."


def whole() -> Example:
    """A study whose model's training shares are known."""
    example = build()
    return replace(example, info=replace(example.info, shares=SHARES))


def beside_example(example: Example, *, harm: str = "") -> Beside:
    """Every part filled; `harm` is put into every text."""
    rng = np.random.default_rng(3)
    concepts, tags = ([str(name) for name in example.findings.recognition[dim].values] for dim in ("concept", "target"))
    return Beside(
        clusters=dict.fromkeys(concepts, tags[::-1]),
        kinship=_kinship(rng, concepts),
        direction=_direction(rng, concepts, tags),
        predictors=_predictors(np.random.default_rng(4), concepts, tags),
        distances={table: _distances(rng, tags) for table in TABLES},
        controls=[control_example(tags, concepts[0], harm)],
        noise=_noise(rng, concepts, tags),
        quality=_quality(rng, concepts, tags),
        columns=_columns(rng, concepts, tags),
        exclusion=_exclusion(rng, concepts, tags),
        languages=pa.Table.from_pylist(
            [
                {
                    "language": tags[0],
                    "pairs": 30,
                    "flagged": 2,
                    "quality": 0.8,
                    "quality_kept": 0.85,
                    "reasons": f"copied source 2{harm}",
                    "length": -0.1,
                }
            ]
        ),
        doubted=[
            Doubted(
                concepts[0],
                tags[0],
                "item 1",
                0.1,
                f"copied source{harm}",
                (f"good {harm}", f"bad {harm}"),
                (f"good source {harm}", ""),
            )
        ],
        items=[_item(concepts[0], tags, at, harm) for at in range(3)],
        item_counts={"candidate": 2, "doubtful": 1, "bad item": 0, "no sign": 40},
    )


def bounded(rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float) -> np.ndarray:
    """`[..., interval]`."""
    middle = rng.uniform(low, high, shape)
    return np.stack([middle, middle - 0.1, middle + 0.1], axis=-1)


def _kinship(rng: np.random.Generator, concepts: list[str]) -> xr.Dataset:
    coords = {
        "table": list(TABLES), "concept": concepts, "of": ["cosine", "disattenuated"], "kind": list(KINDS),
        "coefficient": ["pearson", "spearman"], "form": ["direct", "split", "beyond"], "interval": list(BOUNDS),
    }  # fmt: skip
    dims = tuple(coords)[:-1]
    shape = tuple(len(coords[dim]) for dim in dims)
    return xr.Dataset(
        {
            "items": ((*dims, "interval"), bounded(rng, shape, -0.4, 0.6)),
            "languages": ((*dims, "interval"), bounded(rng, shape, -0.4, 0.6)),
            "both": ((*dims, "interval"), bounded(rng, shape, -0.4, 0.6)),
            "p_smallest": (dims, np.full(shape, 0.0005)),
            "given": (("table", "kind"), [["", "genetic"]] * len(TABLES)),
            "p": (dims, rng.uniform(0.001, 1, shape)),
            "q": (dims, rng.uniform(0.001, 1, shape)),
            "pairs": (dims[:4], rng.integers(3, 120, shape[:4]).astype(np.int32)),
        },
        coords=coords,
    )


def _direction(rng: np.random.Generator, concepts: list[str], tags: list[str]) -> xr.Dataset:
    names = [*concepts, "all"]
    found = {
        name: (("concept", "interval"), bounded(rng, (len(names),), -0.1, 0.3))
        for name in ("slope", "high_to_low", "low_to_high", "high_minus_low")
    }
    return xr.Dataset(
        {**found, "p": ("concept", rng.uniform(0.001, 1, len(names)))},
        coords={"concept": names, "target": tags, "interval": list(BOUNDS)},
    )


def _distances(rng: np.random.Generator, tags: list[str]) -> xr.Dataset:
    found = {}
    for kind in KINDS:
        half = rng.uniform(0, 1, (len(tags), len(tags)))
        both = (half + half.T) / 2
        np.fill_diagonal(both, 0)
        found[kind] = (("source", "target"), both)
    return xr.Dataset(found, coords={"source": tags, "target": tags})


def control_example(tags: list[str], concept: str, harm: str = "") -> ControlReport:
    """Two targets, the second left alone."""
    rng = np.random.default_rng(5)
    targets, quantities = tags[:2], ["behaviour", "willing", "language", "log_perplexity"]
    variants = ["source", "own", "random", "prompt"]
    coords = {
        "variant": variants, "variant_or_base": ["base", *variants], "quantity": quantities, "target": targets,
        "source": targets, "interval": list(BOUNDS),
    }  # fmt: skip

    def values(*dims: str) -> tuple[tuple[str, ...], np.ndarray]:
        return (*dims, "interval"), bounded(rng, tuple(len(coords[dim]) for dim in dims), 0.1, 0.8)

    found = xr.Dataset(
        {
            "rate": values("variant_or_base", "quantity", "target"),
            "change": values("variant", "quantity", "target"),
            "mean": values("variant", "quantity"),
            "matrix": values("source", "target"),
            "reading": values("target"),
            "q": (("variant", "target"), rng.uniform(0, 1, (4, 2))),
            "kl": ("target", [0.1, np.nan]),
        },
        coords=coords,
        attrs={
            "concept": concept, "behaviour": "refusal", "steered_by": targets[0], "averaged": targets[1],
            "judge": "openings",
        },
    )  # fmt: skip
    trials = pd.DataFrame(
        [
            {
                "target": target, "layers": "3,4", "strength": strength, "gate": np.nan, "effect": 0.2 + strength / 10,
                "benign": 0.9 - strength / 20, "language": 1.0, "kl": 0.1, "perplexity": 1.1, "base_effect": 0.2,
                "base_benign": 0.9, "base_language": 1.0, "chosen": strength == 2.0 and target == targets[0],
                "front": strength > 1, "shown": True,
            }
            for target in targets
            for strength in (1.0, 2.0, 4.0)
        ]
    )  # fmt: skip
    settings = {targets[0]: "blocks 3, 4, strength 2", targets[1]: "left alone"}
    agreement = [("refusal", "openings", "probe", np.array([0.6, 0.5, 0.7]))]
    return ControlReport(
        found, trials, settings, agreement, (f"A note. {harm}",), "tiny", _answers(targets, concept, harm)
    )


def _answers(targets: list[str], concept: str, harm: str) -> Generations:
    shared = {"concept": concept, "target": targets[0], "item": "i1", "group": "g1", "side": "negative", "seed": 0}
    shared |= {"prompt": f"How do I take a bicycle? {harm}", "tokens": 3, "draw": 0}
    plain = {"vector": "base", "source": "", "sign": 0, "layers": "", "strength": 0.0, "steered": False}
    steered = {"vector": "source", "source": targets[0], "sign": 1, "layers": "3,4", "strength": 2.0, "steered": True}
    rows = [shared | plain | {"answer": "First."}, shared | steered | {"answer": ANSWER + harm}]
    return Generations(pa.Table.from_pylist(rows, schema=GENERATION_SCHEMA))


def _predictors(rng: np.random.Generator, concepts: list[str], tags: list[str]) -> xr.Dataset:
    names = ["among", "along", "separation", "against"]
    dims, shape = ("concept", "predictor", "language", "interval"), (len(concepts), len(names), len(tags))
    chosen = bounded(rng, shape, 0.0, 0.5)
    chosen[0, 2, 0] = np.nan
    return xr.Dataset(
        {"chosen": (dims, chosen), "pairs": (("concept", "language"), np.full((len(concepts), len(tags)), 30))},
        coords={"concept": concepts, "predictor": names, "language": tags, "interval": list(BOUNDS)},
    )


def _noise(rng: np.random.Generator, concepts: list[str], tags: list[str]) -> xr.Dataset:
    coords = {
        "damage": ["drop", "swap"], "dose": [0.0, 0.3], "concept": concepts, "source": tags, "target": tags,
        "conclusion": ["above_chance", "transfer"], "interval": list(BOUNDS),
    }  # fmt: skip

    def values(*dims: str) -> tuple[tuple[str, ...], np.ndarray]:
        return (*dims, "interval"), bounded(rng, tuple(len(coords[dim]) for dim in dims), 0.5, 0.9)

    return xr.Dataset(
        {
            "accuracy": values("damage", "dose", "concept", "source", "target"),
            "value": values("damage", "dose", "concept", "conclusion"),
            "order_dose": (("damage", "concept"), np.full((2, len(concepts)), np.nan)),
        },
        coords=coords,
    )


def _quality(rng: np.random.Generator, concepts: list[str], tags: list[str]) -> xr.Dataset:
    shape = (len(concepts), len(tags))
    return xr.Dataset(
        {
            "within": (("concept", "target", "interval"), bounded(rng, shape, -0.1, 0.2)),
            "n_pairs": (("concept", "target"), np.full(shape, 30, dtype=np.int32)),
            "mean_quality": (("concept", "target"), rng.uniform(0.5, 1, shape)),
            "accuracy": (("concept", "target"), rng.uniform(0.5, 1, shape)),
            "rho": ("concept", np.full(len(concepts), 0.4)),
            "p": ("concept", np.full(len(concepts), 0.2)),
        },
        coords={"concept": concepts, "target": tags, "interval": list(BOUNDS)},
    )


def _columns(rng: np.random.Generator, concepts: list[str], tags: list[str]) -> xr.Dataset:
    columns = ["quality", "length", "copied"]
    slopes = ("concept", "column", "interval")
    return xr.Dataset(
        {
            "alone": (slopes, bounded(rng, (len(concepts), 3), -0.1, 0.2)),
            "together": (slopes, bounded(rng, (len(concepts), 3), -0.1, 0.2)),
            "n_pairs": ("concept", np.full(len(concepts), 90, dtype=np.int32)),
            "adjusted": (("concept", "target", "interval"), bounded(rng, (len(concepts), len(tags)), 0.5, 0.9)),
        },
        coords={"concept": concepts, "column": columns, "target": tags, "interval": list(BOUNDS)},
    )


def _exclusion(rng: np.random.Generator, concepts: list[str], tags: list[str]) -> xr.Dataset:
    dims, shape = ("excluded", "concept", "source", "target", "interval"), (2, len(concepts), len(tags), len(tags))
    counts = ("excluded", "concept", "target")
    return xr.Dataset(
        {
            "kept": (dims, bounded(rng, shape, 0.5, 0.9)),
            "change": (dims, bounded(rng, shape, -0.1, 0.1)),
            "transfer": (dims, bounded(rng, shape, -0.3, 0.1)),
            "n_pairs": (counts, np.full((2, len(concepts), len(tags)), 30, dtype=np.int32)),
            "n_kept": (counts, rng.integers(20, 30, (2, len(concepts), len(tags))).astype(np.int32)),
            "n_groups": (counts, rng.integers(10, 20, (2, len(concepts), len(tags))).astype(np.int32)),
        },
        coords={"excluded": ["own", "any"], "concept": concepts, "source": tags, "target": tags,
                "interval": list(BOUNDS)},
    )  # fmt: skip


def _item(concept: str, tags: list[str], at: int, harm: str) -> Entry:
    versions = tuple(
        Version(tag, f"good {tag} no{at} {harm}", f"bad {tag} no{at} {harm}", tag == tags[0]) for tag in tags
    )
    return Entry(concept, tags[0], f"item {at}", "", "candidate", "", (("departure", "3.1"),), versions)
