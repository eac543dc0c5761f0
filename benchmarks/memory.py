"""Peak memory of reading against the amount of data: ten times the texts must not take more of what matters.

Each size runs in a process of its own. The baseline is the same process with the model loaded and nothing read. What
grows with the data is the texts themselves and their token ids, not their hidden states.

    python -m benchmarks.memory
"""

import argparse
import multiprocessing
import resource
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from benchmarks.roofline import write_llama
from benchmarks.scaling import unit_of
from polyvalues.config import ModelSpec
from polyvalues.models.model_handle import load_model
from polyvalues.study.work_units import read_unit

SHAPE = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 8, "num_attention_heads": 4}


def peak(folder: str, texts: int, answer: Any) -> None:
    transformers_logging.disable_progress_bar()
    handle = load_model(ModelSpec(id=folder, template="raw", device="cpu"))
    unit = unit_of(max(texts, 20), seed=0)
    if texts:
        read_unit(handle, unit, lambda _count: None)
    states = 4 * 8 * SHAPE["hidden_size"] * texts
    answer.put((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, states))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, nargs="+", default=[0, 1_000, 10_000])
    options = parser.parse_args()
    transformers_logging.disable_progress_bar()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        write_llama(Path(folder), SHAPE, torch.float32, "cpu")
        print(f"{'texts':>8}{'peak MiB':>10}{'states of all texts MiB':>26}")
        for texts in options.texts:
            answer = spawn.Queue()
            process = spawn.Process(target=peak, args=(folder, texts, answer))
            process.start()
            memory, states = answer.get()
            process.join()
            print(f"{texts:>8}{memory / 2**20:>10.0f}{states / 2**20:>26.0f}", flush=True)


if __name__ == "__main__":
    main()
