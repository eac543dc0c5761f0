"""Whether conclusions change with dtype, batch size and packing: one small study, read in every way.

The same pairs are read in each dtype, packed and padded in batches of 4096 tokens, and one text at a time. Each reading
is compared with float32 one text at a time: scores of own vectors at its layer, the layer chosen, accuracy and cosines
at the chosen layers, and the tested claims.

    python -m benchmarks.precision
    python -m benchmarks.precision --model FOLDER --languages en es --items 24 --position mean
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import xarray as xr

from benchmarks.table import machine, show
from polyvalues.analysis.findings import measure
from polyvalues.analysis.scoring.layer_selection import choose_layers
from polyvalues.artifacts import PairSet, Scores
from polyvalues.config import CheckSpec, ModelSpec, ReadingSpec, StudySpec
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.storage.store import Provenance, Store
from polyvalues.study.hypothesis_tests import Measured, make_claims
from polyvalues.study.pipeline import Line
from polyvalues.study.run import prepare_pairs

WAYS: dict[str, tuple[int, Literal["auto", "off"]]] = {
    "alone": (1, "off"),
    "padded": (4096, "off"),
    "packed": (4096, "auto"),
}
"""Tokens per batch, and packing."""

HEADS = [
    "dtype", "batches", "score error", "signs changed", "layers changed", "folds' layers", "accuracy", "cosine",
    "verdicts changed", "q across 0.05",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one reading came to.

    Attributes:
        scores: by concept and language.
        layer: chosen, by concept.
        folds: the layer of each concept's folds, chosen without them.
        accuracy: own vectors at the chosen layer, `[concept, language]`.
        cosine: at the chosen layer, `[concept, source, target]`.
        verdicts: of agreement, in order.
        significant: whether each q of `chance` is below 0.05.
    """

    scores: dict[tuple[str, str], Scores]
    layer: dict[str, int]
    folds: np.ndarray
    accuracy: np.ndarray
    cosine: np.ndarray
    verdicts: tuple[str, ...]
    significant: np.ndarray


def outcome(spec: StudySpec, handle: ModelHandle, pairs: PairSet, folder: Path) -> Outcome:
    """Read, fit, score and test, without a page."""
    store = Store(folder, {})
    with store.locked():
        line = Line(spec, store, handle, pairs)
        runs = [line.run(concept) for concept in line.concepts]
        choices = [choose_layers(run.scores) for run in runs]
        scores = {(run.concept, tag): unit for run in runs for tag, unit in run.scores.items()}
        replicates = [run.replicates for run in runs]
        found = measure(list(scores.values()), replicates, choices, spec.statistics, spec.protocol)
        given = Measured(list(scores.values()), replicates, choices, {}, (), {})
        claims = make_claims(given, spec.statistics, store, Provenance("findings", {}, {}))
    return Outcome(
        scores,
        {choice.concept: choice.layer for choice in choices},
        np.concatenate([choice.fold_layer for choice in choices]),
        _estimates(found.recognition["chosen"]),
        _estimates(found.consistency["chosen"]),
        tuple(map(str, claims.agreement["verdict"].values.ravel())) if claims.agreement else (),
        np.asarray(claims.chance["q"].values < 0.05),
    )


def _estimates(values: xr.DataArray) -> np.ndarray:
    return np.asarray(values.sel(interval="estimate").values)


def row(found: Outcome, base: Outcome) -> list[str]:
    """Cells of one reading against another."""
    errors, signs, pairs = [], 0, 0
    for (concept, tag), unit in base.scores.items():
        ours, theirs = (_own(part, tag, base.layer[concept]) for part in (unit, found.scores[concept, tag]))
        errors.append(float(np.sqrt(np.mean((theirs - ours) ** 2)) / np.std(ours)))
        signs += int((np.sign(ours) != np.sign(theirs)).sum())
        pairs += len(ours)
    layers = sum(layer != found.layer[concept] for concept, layer in base.layer.items())
    verdicts = sum(a != b for a, b in zip(base.verdicts, found.verdicts, strict=True))
    crossed = int((base.significant != found.significant).sum())
    return [
        f"{max(errors):.1e}",
        f"{signs} of {pairs}",
        f"{layers} of {len(base.layer)}",
        f"{int((base.folds != found.folds).sum())} of {base.folds.size}",
        _largest(found.accuracy, base.accuracy),
        _largest(found.cosine, base.cosine),
        f"{verdicts} of {len(base.verdicts)}",
        f"{crossed} of {base.significant.size}",
    ]


def _own(unit: Scores, tag: str, layer: int) -> np.ndarray:
    own = unit.data["projection"].sel(source=tag, layer=layer)
    return (own.sel(side="positive") - own.sel(side="negative")).values.astype(np.float64)


def _largest(a: np.ndarray, b: np.ndarray) -> str:
    known = np.isfinite(a) & np.isfinite(b)
    return f"{np.abs(a - b)[known].max():.4f}" if known.any() else "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="babel", help="folder or Hub id")
    parser.add_argument("--languages", nargs="+", default=["en", "fr", "es"])
    parser.add_argument("--concepts", nargs="+", default=["morality", "truthfulness"])
    parser.add_argument("--items", type=int, default=60)
    parser.add_argument("--position", choices=("last", "mean"), default="last")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16", "float16"])
    options = parser.parse_args()
    check = CheckSpec(languages=tuple(options.languages), concepts=tuple(options.concepts), limit=options.items)
    base: Outcome | None = None
    rows = [HEADS]
    print(machine(torch.get_num_threads(), ("polyvalues", "torch", "transformers")))
    with tempfile.TemporaryDirectory() as folder:
        pairs: PairSet | None = None
        for dtype in options.dtypes:
            handle = load_model(ModelSpec(id=options.model, dtype=dtype, device="cpu"))
            for name, (tokens, packing) in WAYS.items():
                reading = ReadingSpec(position=options.position, batch_tokens=tokens, packing=packing)
                model = ModelSpec(id=options.model, dtype=dtype, device="cpu")
                spec = StudySpec(model=model, check=check, reading=reading, out=f"{folder}/{dtype}-{name}")
                pairs = pairs or prepare_pairs(spec)
                found = outcome(spec, handle, pairs, Path(spec.out))
                base = base or found
                rows.append([dtype, name, *row(found, base)])
                print(*rows[-1], flush=True)
    print(f"\nlayers of {rows[1][0]}, {rows[1][1]}: {base.layer if base else {}}\n")
    show(rows)


if __name__ == "__main__":
    main()
