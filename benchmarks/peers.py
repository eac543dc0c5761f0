"""Concept vectors at all layers from pairs of texts: polyvalues beside published ways and packages, in one run.

Same weights, same texts, same threads, sides in turns. Two kinds of pairs: `shared` (a question with two answers) and
`apart` (two sentences with nothing in common). The mean difference, except where said:

    one text at a time   the model with its head, `output_hidden_states=True`, the last token
    RepE-style batches   the same in batches of 8 in the order given, padded on the left, as RepE's pipeline reads
    steering-vectors     `train_steering_vector`, batch size 1 (its default)
    steering-vectors     the same with the batch size that is fastest here, found before the rounds
    repeng               `ControlVector.train`, batch size 32 (its default), `pca_center`: the first principal component
                         of the pair differences and not their mean
    polyvalues           what a study does: `read_unit` and `fit_vectors`, with sums per fold and permuted controls
    polyvalues, pca      the same component as repeng's, with permuted controls

Ratios of the mean differences are to `polyvalues`, those of the components to `polyvalues, pca`. Every mean difference
must be that of polyvalues (largest difference over largest value, worst layer). Of the components the absolute cosine
is shown (worst layer; repeng calls scikit-learn, which draws random projections at these shapes), and at how many
layers the sign is the other one: polyvalues turns components by the mean difference, repeng by a vote of the pairs.
The last of the hidden states is after the final norm, a block's output is before it, so each side is checked against
its own kind.

    OMP_NUM_THREADS=2 python -m benchmarks.peers [--pairs 40] [--repetitions 3] [--size 45m]
"""

import argparse
import contextlib
import importlib
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from benchmarks.roofline import SIZES, texts_of, write_llama
from benchmarks.table import TIME_HEADS, in_turns, machine, show, time_cells, timed
from polyvalues.artifacts import TextTable
from polyvalues.config import ModelSpec, ReadingSpec, SplitSpec, VectorSpec
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.study.work_units import Unit, read_unit
from polyvalues.vectors.fit import fit_vectors

SHAPES: dict[str, dict[str, Any]] = {
    "45m": {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 14, "num_attention_heads": 8},
    **SIZES,
}
KINDS = {"shared": "pairs", "apart": "alone"}
REPE_BATCH = 8
TRIED_BATCHES = (4, 8, 16, 32)
OURS, OURS_PCA, REPENG = "polyvalues", "polyvalues, pca", "repeng, batches of 32, pca"
PLAIN, REPE = "one text at a time", f"RepE-style batches of {REPE_BATCH}"
MOST = 1e-3
"""Mean differences further apart than this share of their largest value are not the same vectors."""
AFTER_NORM = (PLAIN, REPE, REPENG)
"""Sides whose last layer is the hidden state after the final norm."""


@dataclass(frozen=True, eq=False)
class Bench:
    """What all sides are given.

    Attributes:
        folder: the model.
        handle: the model as polyvalues loads it, without its head.
        model: the same weights as everyone else loads them.
        table: the texts and pairs.
        steering, repeng: the two packages.
    """

    folder: str
    handle: ModelHandle
    model: Any
    table: TextTable
    steering: Any
    repeng: Any

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Whole texts."""
        texts = ["".join(text) for text in self.table.texts]
        return [(texts[first], texts[second]) for first, second in self.table.index]


def packages() -> tuple[Any, Any]:
    """steering-vectors and repeng. repeng 0.4 names a type in its annotations that numpy 2 has dropped."""
    if not hasattr(np, "float_"):
        np.float_ = np.float64  # noqa: NPY201  # pyright: ignore[reportAttributeAccessIssue]
    try:
        return importlib.import_module("steering_vectors"), importlib.import_module("repeng")
    except ImportError as error:
        raise SystemExit(f"{error}; `make bench` makes an environment with the packages compared here") from None


def text_table(kind: str, pairs: int, seed: int) -> TextTable:
    """Pairs of made-up texts of log-normal length, in as many folds as a study has.

    The last word tells the sides apart, so that there is something to find and signs are not a matter of luck.
    """
    names = np.arange(pairs).astype(str)
    fold = (np.arange(pairs) % SplitSpec().folds).astype(np.int32)
    index = np.arange(2 * pairs).reshape(pairs, 2)
    made = texts_of(KINDS[kind], 2 * pairs, seed)
    texts = tuple((prefix, f"{side} w{3 + row % 2}") for row, (prefix, side) in enumerate(made))
    return TextTable("benchmark", "en", texts, index, names, names, np.full(pairs, "fit"), fold)


def tokenizer_of(folder: str, side: str) -> Any:
    """A tokenizer of its own for every side, since the packages change it; padded as RepE and repeng say."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side=side)
    tokenizer.pad_token_id = 0
    tokenizer.model_input_names = ["input_ids", "attention_mask"]  # Llama takes no token types
    return tokenizer


@torch.no_grad()
def last_tokens(bench: Bench, batch: int) -> np.ndarray:
    """The mean difference `[layer, hidden]` from hidden states of the whole model, `batch` texts at a time."""
    tokenizer = tokenizer_of(bench.folder, "left")
    texts = [text for pair in bench.pairs for text in pair]
    rows = []
    for first in range(0, len(texts), batch):
        inputs = tokenizer(texts[first : first + batch], padding=True, return_tensors="pt")
        output = bench.model(**inputs, output_hidden_states=True)
        rows.append(torch.stack([layer[:, -1] for layer in output.hidden_states[1:]]))
    states = torch.cat(rows, dim=1)
    return (states[:, ::2].mean(dim=1) - states[:, 1::2].mean(dim=1)).numpy()


def by_steering_vectors(bench: Bench, batch: int) -> np.ndarray:
    """The mean difference by `train_steering_vector`."""
    tokenizer = tokenizer_of(bench.folder, "right")
    trained = bench.steering.train_steering_vector(bench.model, tokenizer, bench.pairs, batch_size=batch)
    return torch.stack([trained.layer_activations[layer] for layer in range(bench.handle.n_layers)]).numpy()


def by_repeng(bench: Bench) -> np.ndarray:
    """The first principal component by `ControlVector.train`, at all layers (its default leaves the first one out)."""
    entries = [bench.repeng.DatasetEntry(positive=first, negative=second) for first, second in bench.pairs]
    layers = range(bench.handle.n_layers)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bars
        trained = bench.repeng.ControlVector.train(
            bench.model,
            tokenizer_of(bench.folder, "right"),
            entries,
            hidden_layers=list(layers),
            method="pca_center",
        )
    return np.stack([trained.directions[layer] for layer in layers])


def by_polyvalues(bench: Bench, estimator: str = "mean-difference", *, after_norm: bool = False) -> np.ndarray:
    """The vectors of a study's unit."""
    spec = VectorSpec.model_validate({"estimator": estimator})
    unit = Unit(
        "moments" if estimator == "mean-difference" else "activations",
        bench.table,
        ReadingSpec(),
        "paper" if after_norm else "strict",
        tuple(range(bench.handle.n_layers)),
        folds=SplitSpec().folds,
        draws=spec.baseline_draws,
        seed=spec.seed,
    )
    made: Any = read_unit(bench.handle, unit, lambda _count: None)
    return fit_vectors({"en": made}, spec).data["vector"].values[0]


def fastest_batch(bench: Bench) -> int:
    """The batch size at which steering-vectors is fastest; also warms it up."""
    walls = {batch: timed(lambda batch=batch: by_steering_vectors(bench, batch))[1][0] for batch in TRIED_BATCHES}
    listed = ", ".join(f"{size}: {wall:.2f}" for size, wall in walls.items())
    print(f"steering-vectors, wall s by batch size: {listed}\n")
    return min(walls, key=lambda batch: walls[batch])


def agreement(vectors: np.ndarray, reference: np.ndarray, *, component: bool) -> str:
    """How far vectors `[layer, hidden]` are from those of polyvalues, at the worst layer, in words.

    Raises:
        SystemExit: mean differences are so far from each other that it was not the same work.
    """
    wanted = reference.astype(np.float64)
    if component:
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(wanted, axis=1)
        cosine = np.sum(vectors * wanted, axis=1) / lengths
        turned = np.count_nonzero(cosine < 0)
        return f"abs. cosine {np.abs(cosine).min():.4f}" + (f", {turned} of {len(cosine)} turned" if turned else "")
    difference = float((np.abs(vectors - wanted).max(axis=1) / np.abs(wanted).max(axis=1)).max())
    if difference > MOST:
        raise SystemExit(f"the mean differences lie {difference:.1e} apart, so this is not the same work")
    return f"{difference:.1e}"


def compare(bench: Bench, rounds: int) -> None:
    """Warm up, time the sides in turns, check their vectors, print the tables."""
    best = fastest_batch(bench)
    normed = {OURS: by_polyvalues(bench, after_norm=True), OURS_PCA: by_polyvalues(bench, "pca", after_norm=True)}
    sides: dict[str, Callable[[], np.ndarray]] = {
        PLAIN: lambda: last_tokens(bench, 1),
        REPE: lambda: last_tokens(bench, REPE_BATCH),
        "steering-vectors, 1 pair (default)": lambda: by_steering_vectors(bench, 1),
        f"steering-vectors, {best} pairs (best)": lambda: by_steering_vectors(bench, best),
        OURS: lambda: by_polyvalues(bench),
        REPENG: lambda: by_repeng(bench),
        OURS_PCA: lambda: by_polyvalues(bench, "pca"),
    }
    results, seconds = in_turns(sides, rounds)
    for ours, what in ((OURS, "mean difference"), (OURS_PCA, "first principal component")):
        rows = [[what, *TIME_HEADS, "pairs/s", "against polyvalues"]]
        for name in (name for name in sides if name.endswith("pca") == (ours == OURS_PCA)):
            rate = len(bench.table.index) / float(np.median(seconds[name][:, 0]))
            reference = normed[ours] if name in AFTER_NORM else results[ours]
            words = agreement(results[name], reference, component=ours == OURS_PCA)
            rows.append([name, *time_cells(seconds[name], seconds[ours]), f"{rate:.1f}", words])
        show(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SHAPES, default="45m")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.pairs < SplitSpec().folds or options.repetitions < 1:
        parser.error(f"--pairs must be at least {SplitSpec().folds}, --repetitions at least 1")
    steering, repeng = packages()
    threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    torch.set_num_threads(threads)
    transformers_logging.disable_progress_bar()
    names = ("torch", "transformers", "numpy", "polyvalues", "steering-vectors", "repeng")
    print(machine(threads, names), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        write_llama(Path(folder), SHAPES[options.size], torch.float32, "cpu", options.seed)
        handle = load_model(ModelSpec(id=folder, template="raw", device="cpu", dtype="float32"))
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        for kind in options.kinds:
            bench = Bench(folder, handle, model, text_table(kind, options.pairs, options.seed), steering, repeng)
            tokens = sum(len(handle.tokenizer(text)["input_ids"]) for pair in bench.pairs for text in pair)
            print(f"{kind}: {options.pairs} pairs, {tokens:,} tokens; Llama of {handle.description['parameters']}")
            print(f"parameters without its head, {handle.n_layers} layers, float32; medians of {options.repetitions}")
            compare(bench, options.repetitions)


if __name__ == "__main__":
    main()
