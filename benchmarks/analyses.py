"""Time and peak memory of all analyses at full size, on synthetic scores.

    python benchmarks/analyses.py [--concepts 7] [--languages 16] [--layers 32] [--pairs 1000] [--draws 1000]

Prints one line per analysis and the total. The goal at full size is under 60 s and 4 GB on two cores.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

from polyvalues.analysis.consistency import consistency
from polyvalues.analysis.findings import measure
from polyvalues.analysis.overview import overview
from polyvalues.analysis.recognition import recognition
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.analysis.transfer import transfer
from polyvalues.artifacts import Activations, Replicates, Scores
from polyvalues.config import StatisticsSpec
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.dimensions import CONTROL, CONTROLS, SIDES
from polyvalues.storage.store import Provenance, Store
from polyvalues.study.hypothesis_tests import Measured, analyses, make_claims


def synthetic_scores(concept: str, target: str, sources: list[str], layers: int, pairs: int, rng: np.random.Generator):
    """Scores with some signal; half as many `select` pairs as `test` pairs."""
    total = pairs + pairs // 2
    projection = rng.standard_normal((total, 2, layers, len(sources)), dtype=np.float32)
    projection[:, 0] += 1
    items = np.array([f"{row:06d}" for row in range(total)])
    split = np.where(np.arange(total) < pairs, "test", "select")
    return Scores(
        xr.Dataset(
            {
                "projection": (("pair", "side", "layer", "source"), projection),
                "control": (
                    ("pair", "layer", CONTROL, "draw"),
                    rng.standard_normal((total, layers, 2, 4), dtype=np.float32),
                ),
            },
            coords={
                "side": list(SIDES),
                "layer": np.arange(layers, dtype=np.int32),
                "source": sources,
                CONTROL: list(CONTROLS),
                "item": ("pair", items),
                "group": ("pair", items),
                "split": ("pair", split),
                "fold": ("pair", np.full(total, -1, np.int32)),
            },
            attrs={"concept": concept, "target": target, "protocol": "strict", "layer_numbering": "block"},
        )
    )


def synthetic_replicates(concept: str, languages: list[str], layers: int, rng: np.random.Generator) -> Replicates:
    """Cosines around 0.6, reliabilities around 0.8, of ten folds."""
    n = len(languages)
    cosine = 0.6 + 0.02 * rng.standard_normal((n, n, layers, 56))
    cosine = (cosine + np.swapaxes(cosine, 0, 1)) / 2
    product = cosine.copy()
    product[np.arange(n), np.arange(n)] = 0.8 + 0.05 * rng.standard_normal((n, layers, 56))
    cosine[np.arange(n), np.arange(n)] = 1
    return Replicates(
        xr.Dataset(
            {
                "product": (("source", "target", "layer", "replicate"), product),
                "square": (("source", "layer", "replicate"), np.ones((n, layers, 56))),
                "plain": (("source", "target", "layer", "replicate"), cosine),
                "control": (
                    ("source", "target", "layer", CONTROL, "draw"),
                    0.01 * rng.standard_normal((n, n, layers, 2, 4)),
                ),
            },
            coords={
                "source": languages,
                "target": languages,
                "layer": np.arange(layers, dtype=np.int32),
                CONTROL: list(CONTROLS),
            },
            attrs={"concept": concept, "estimator": "mean-difference", "folds": 10},
        )
    )


def synthetic_inputs(concept: str, language: str, layer: int, pairs: int, hidden: int, rng: np.random.Generator):
    """What vectors are fitted from, at one layer: two texts a pair, 10 folds."""
    items = np.array([f"{row:06d}" for row in range(pairs)])
    return Activations(
        xr.Dataset(
            {
                "states": (
                    ("layer", "text", "hidden"),
                    rng.standard_normal((1, 2 * pairs, hidden), dtype=np.float32),
                ),
                "index": (("pair", "side"), np.arange(2 * pairs).reshape(-1, 2)),
            },
            coords={
                "side": list(SIDES),
                "layer": np.array([layer]),
                "item": ("pair", items),
                "group": ("pair", items),
                "split": ("pair", np.full(pairs, "fit")),
                "fold": ("pair", np.arange(pairs, dtype=np.int32) % 10),
            },
            attrs={"concept": concept, "language": language},
        )
    )


def _peak() -> float:
    """Peak resident memory so far, in GiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (
        ("concepts", 7),
        ("languages", 16),
        ("layers", 32),
        ("pairs", 1000),
        ("draws", 1000),
        ("hidden", 256),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    size = parser.parse_args()
    rng = np.random.default_rng(0)
    concepts = [f"concept-{row}" for row in range(size.concepts)]
    languages = list(MOSAIC_LANGUAGES)[: size.languages]
    scores = [
        synthetic_scores(concept, target, languages, size.layers, size.pairs, rng)
        for concept in concepts
        for target in languages
    ]
    parts = [synthetic_replicates(concept, languages, size.layers, rng) for concept in concepts]
    spec = StatisticsSpec(draws=size.draws)
    print(f"{'inputs ready':<14}{'':>10}   peak {_peak():.2f} GiB")
    start = time.perf_counter()
    choices = [
        choose_layers({item.data.attrs["target"]: item for item in scores if item.data.attrs["concept"] == concept})
        for concept in concepts
    ]
    print(f"{'choose layers':<14}{time.perf_counter() - start:>8.2f} s   peak {_peak():.2f} GiB")
    steps = {
        "recognition": lambda: recognition(scores, choices, spec),
        "consistency": lambda: consistency(parts, choices, spec),
        "transfer": lambda: transfer(scores, choices, spec),
        "overview": lambda: overview(scores, parts, choices, spec),
        "all, together": lambda: measure(scores, parts, choices, spec, "strict"),
    }
    for name, step in steps.items():
        start = time.perf_counter()
        step()
        print(f"{name:<14}{time.perf_counter() - start:>8.2f} s   peak {_peak():.2f} GiB")
    inputs = {
        choice.concept: {
            name: synthetic_inputs(choice.concept, name, choice.layer, size.pairs, size.hidden, rng)
            for name in languages
        }
        for choice in choices
    }
    shares = {name: 60.0 * 0.7**row for row, name in enumerate(languages)}
    measured = Measured(scores, parts, choices, shares, languages[:1], inputs)
    for name, (_, step) in analyses(measured, spec).items():
        start = time.perf_counter()
        step()
        print(f"{name:<14}{time.perf_counter() - start:>8.2f} s   peak {_peak():.2f} GiB")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        make_claims(measured, spec, Store(Path(folder)), Provenance("findings", {}, {}))
        print(f"{'all claims':<14}{time.perf_counter() - start:>8.2f} s   peak {_peak():.2f} GiB")


if __name__ == "__main__":
    main()
