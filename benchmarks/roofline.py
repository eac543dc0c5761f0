"""How near reading comes to the machine's limit: its own matrix-product rate over the arithmetic that cannot be saved.

    limit [unique real tokens / s] = rate of x @ W at the model's own shapes / (2 x parameters of the blocks)

A token is unique if no other text of the unit begins with the same tokens up to it: what two texts begin with needs
computing once. The rate is measured by the same matrices, one product after the other, in the same run, before
and after each reading. Three kinds of text: alone (nothing shared), pairs (a question and two answers), and pairs in a
chat template. Sides: `record` packed, `record` padded (`packing = off`).

    python benchmarks/roofline.py
    python benchmarks/roofline.py --device cuda --dtype bfloat16 --size 7b --batch-tokens 16384 --texts 2000
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging as transformers_logging

from benchmarks.words import WORDS, word_tokenizer
from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.models.batching import tokenise
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle, load_model
from polyvalues.models.packing import neighbours
from polyvalues.models.prompt_templates import make_template

SIZES: dict[str, dict[str, Any]] = {
    "300m": {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 24, "num_attention_heads": 16},
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32},
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4},
}
TEMPLATE = "w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 {input} w17 w18 w19"


def write_llama(folder: Path, shape: dict[str, Any], dtype: torch.dtype, device: str, seed: int = 0) -> None:
    """Random weights in the shapes of a Llama, with a small vocabulary: the head is not read."""
    torch.manual_seed(seed)
    config = LlamaConfig(vocab_size=WORDS, max_position_embeddings=2048, bos_token_id=0, eos_token_id=1, **shape)
    previous = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(previous)
    model.save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)


def texts_of(kind: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Texts of log-normal length; `pairs`: each prefix with two short sides."""
    rng = np.random.default_rng(seed)

    def words(mean: float) -> str:
        length = int(np.clip(rng.lognormal(np.log(mean), 0.6), 3, 400))
        return " ".join(f"w{word}" for word in rng.integers(20, WORDS, length))

    if kind == "alone":
        return [("", words(32)) for _ in range(count)]
    made = []
    for _ in range(count // 2):
        prefix = words(24) + " "
        made += [(prefix, words(10)), (prefix, words(10))]
    return made


def matrix_rate(handle: ModelHandle, tokens: int, seconds: float) -> float:
    """FLOP/s of the products of all linear layers of one block, over and over."""
    weights = [m.weight for m in handle.blocks[0].modules() if isinstance(m, torch.nn.Linear)]
    inputs = {w.shape[1]: torch.randn(tokens, w.shape[1], dtype=w.dtype, device=w.device) for w in weights}
    work = 2 * tokens * sum(w.numel() for w in weights)
    with torch.inference_mode():
        rounds, start = 0, clock(handle)
        while rounds < 3 or clock(handle) - start < seconds:
            for weight in weights:
                torch.nn.functional.linear(inputs[weight.shape[1]], weight)
            rounds += 1
        return work * rounds / (clock(handle) - start)


def clock(handle: ModelHandle) -> float:
    if handle.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def share(handle: ModelHandle, texts: list[tuple[str, str]], spec: ReadingSpec, options: Any) -> dict[str, float]:
    """Medians over repetitions, each between two measurements of the rate."""
    tokens = tokenise(texts, handle.template, None)
    _, shared = neighbours(tokens)
    real, unique = int(tokens.starts[-1]), int(tokens.starts[-1] - shared.sum())
    parameters = sum(p.numel() for block in handle.blocks for p in block.parameters())
    rows = []
    for repetition in range(options.repetitions + 1):
        before = matrix_rate(handle, spec.batch_tokens, options.rate_seconds)
        cpu, start = time.process_time(), clock(handle)
        for _ in record(handle, texts, spec):
            pass
        wall, cpu = clock(handle) - start, time.process_time() - cpu
        after = matrix_rate(handle, spec.batch_tokens, options.rate_seconds)
        rate = (before + after) / 2
        if repetition:  # the first pays for caches
            rows.append((unique / wall / (rate / (2 * parameters)), rate, wall, cpu))
    columns = [statistics.median(column) for column in zip(*rows, strict=True)]
    return {"real": real, "unique": unique, **dict(zip(("share", "rate", "wall", "cpu"), columns, strict=True))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="300m")
    parser.add_argument("--model", help="a folder with a model of words, instead of writing one")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--texts", type=int, default=160)
    parser.add_argument("--batch-tokens", type=int, default=ReadingSpec().batch_tokens)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--rate-seconds", type=float, default=2.0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--kinds", nargs="+", default=["alone", "pairs", "template"])
    parser.add_argument("--packing", nargs="+", default=["auto", "off"])
    options = parser.parse_args()
    transformers_logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None:
            write_llama(Path(folder), SIZES[options.size], getattr(torch, options.dtype), options.device)
        folder = options.model or folder
        print(f"{'texts':10}{'packing':>8}{'real':>8}{'unique':>8}{'TFLOP/s':>9}{'wall s':>8}{'CPU s':>8}{'share':>8}")
        where = {"device": options.device, "dtype": options.dtype, "compile": options.compile}
        loaded = load_model(ModelSpec(id=folder, template="raw", **where))
        assert loaded.trials.way(16) == "packed"
        for kind in options.kinds:
            handle = replace(
                loaded, template=make_template(TEMPLATE if kind == "template" else "raw", loaded.tokenizer)
            )
            for packing in options.packing:
                reading = ReadingSpec(batch_tokens=options.batch_tokens, packing=packing)
                row = share(handle, texts_of(kind, options.texts, seed=1), reading, options)
                print(
                    f"{kind:10}{packing:>8}{row['real']:>8}{row['unique']:>8}{row['rate'] / 1e12:>9.3f}"
                    f"{row['wall']:>8.2f}{row['cpu']:>8.2f}{row['share']:>8.1%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
