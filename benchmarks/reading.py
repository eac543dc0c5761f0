"""Texts per second of `record` against the plain loop, on the same model and texts, interleaved in one run.

The plain loop is what published code does: the model with its LM head, `output_hidden_states=True`, batches of 8 in
the order given, padded on the left, the last token of every layer taken afterwards. Both sides read the same states
(checked). Wall and CPU seconds are medians over the repetitions; the order of the two sides alternates.

    python benchmarks/reading.py
    python benchmarks/reading.py --model PATH_OR_HUB_ID --texts 500 --repetitions 7
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.models.extraction import record
from polyvalues.models.model_handle import ModelHandle, load_model

WORDS = 16_000
PLAIN_BATCH = 8


def synthetic_texts(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts of 4 to about 150 words, most of them short (log-normal), as in data of questions and answers."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.lognormal(3.2, 0.7, count).astype(int), 4, 150)
    return [("", " ".join(f"w{word}" for word in rng.integers(3, WORDS, length))) for length in lengths]


def random_llama(folder: Path, seed: int) -> None:
    """About 20 million parameters, six million of them in each of embeddings and head."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=5,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    words = {"<s>": 0, "</s>": 1, "<unk>": 2, **{f"w{i}": i for i in range(3, WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>").save_pretrained(folder)


def plain_loop(model: Any, handle: ModelHandle, texts: list[tuple[str, str]]) -> np.ndarray:
    """States `[layer, text, hidden]`; the last layer is after the final norm."""
    parts = []
    for first in range(0, len(texts), PLAIN_BATCH):
        rows = [handle.tokenizer(prefix + side)["input_ids"] for prefix, side in texts[first : first + PLAIN_BATCH]]
        longest = max(map(len, rows))
        ids = torch.tensor([[handle.pad] * (longest - len(row)) + list(row) for row in rows])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
        if handle.token_limit is None:
            del inputs["position_ids"]  # ALiBi models compute them from the mask
        with torch.no_grad():
            output = model(**{k: v.to(handle.device) for k, v in inputs.items()}, output_hidden_states=True)
        parts.append(torch.stack([layer[:, -1].float() for layer in output.hidden_states[1:]]).cpu().numpy())
    return np.concatenate(parts, axis=1)


def stream(handle: ModelHandle, texts: list[tuple[str, str]], batch_tokens: int) -> np.ndarray:
    """The same states by `record`."""
    out = np.empty((handle.n_layers, len(texts), handle.hidden), dtype=np.float32)
    for reading in record(handle, texts, ReadingSpec(batch_tokens=batch_tokens), post_norm=True):
        out[:, reading.index] = reading.states
    return out


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def compare(options: argparse.Namespace, source: str) -> None:
    texts = synthetic_texts(options.texts, options.seed)
    handle = load_model(ModelSpec(id=source, template="raw"))
    model: Any = AutoModelForCausalLM.from_pretrained(source, dtype="auto", use_safetensors=True)
    model.to(handle.device).eval()
    sides: dict[str, Callable[[], np.ndarray]] = {
        "plain loop": lambda: plain_loop(model, handle, texts),
        "record": lambda: stream(handle, texts, options.batch_tokens),
    }
    tokens = sum(len(handle.tokenizer(prefix + side)["input_ids"]) for prefix, side in texts)
    for work in sides.values():  # the first call pays for caches and threads
        work()
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    results: dict[str, np.ndarray] = {}
    for repetition in range(options.repetitions):
        for name in list(sides)[:: 1 if repetition % 2 == 0 else -1]:
            results[name], wall, cpu = timed(sides[name])
            seconds[name].append((wall, cpu))
    difference = np.abs(results["plain loop"] - results["record"]).max() / np.abs(results["plain loop"]).max()
    print(f"{handle.description['architecture']}, {handle.description['parameters']} parameters without head,")
    print(f"{handle.description['dtype']} on {handle.device}, {torch.get_num_threads()} threads; {len(texts)} texts,")
    print(f"{tokens} tokens; {options.repetitions} repetitions; largest relative difference {difference:.1e}\n")
    print(f"{'':12}{'wall s':>10}{'CPU s':>10}{'texts/s':>10}{'tokens/s':>12}")
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in seconds.items()
    }
    for name, (wall, cpu) in medians.items():
        print(f"{name:12}{wall:>10.2f}{cpu:>10.2f}{len(texts) / wall:>10.1f}{tokens / wall:>12.0f}")
    ratios = [plain / own for plain, own in zip(medians["plain loop"], medians["record"], strict=True)]
    print(f"{'ratio':12}{ratios[0]:>10.2f}{ratios[1]:>10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder or Hub id; default: a random Llama of 20 million parameters")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--batch-tokens", type=int, default=ReadingSpec().batch_tokens)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    transformers_logging.disable_progress_bar()
    if options.texts < 1 or options.repetitions < 1:
        parser.error("--texts and --repetitions must be at least 1")
    if options.model is not None:
        compare(options, options.model)
        return
    with tempfile.TemporaryDirectory() as folder:
        random_llama(Path(folder), options.seed)
        compare(options, folder)


if __name__ == "__main__":
    main()
