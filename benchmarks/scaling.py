"""How much faster two Ray workers of one thread read than one: the same units, the same cluster, interleaved.

Each side starts its workers anew; loading the model is not counted (a first unit per worker warms them up).

    OMP_NUM_THREADS=1 python -m benchmarks.scaling
"""

import argparse
import logging
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import ray
import torch
from transformers.utils import logging as transformers_logging

from benchmarks.roofline import texts_of, write_llama
from polyvalues.artifacts import TextTable
from polyvalues.config import EngineSpec, ModelSpec, ReadingSpec
from polyvalues.models.model_handle import load_model
from polyvalues.study.ray_workers import ray_workers
from polyvalues.study.work_units import Unit, read_unit

SHAPE = {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8, "num_attention_heads": 8}


def unit_of(texts: int, seed: int) -> Unit:
    pairs = texts // 2
    names = np.arange(pairs).astype(str)
    made = tuple(texts_of("pairs", texts, seed))
    index = np.arange(2 * pairs).reshape(pairs, 2)
    fold = (np.arange(pairs) % 5).astype(np.int32)
    split = np.full(pairs, "fit")
    table = TextTable("benchmark", "en", made, index, names, names, split, fold)
    reading = ReadingSpec(batch_tokens=1024)
    return Unit("moments", table, reading, "strict", tuple(range(8)), folds=5, draws=4, seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=16)
    parser.add_argument("--texts", type=int, default=48)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    transformers_logging.disable_progress_bar()
    torch.set_num_threads(1)
    ray.init(address="local", num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        write_llama(Path(folder), SHAPE, torch.float32, "cpu")
        spec = ModelSpec(id=folder, template="raw", device="cpu")
        handle = load_model(spec)
        units = [(seed, unit_of(options.texts, seed)) for seed in range(options.units)]
        here = {key: read_unit(handle, unit, lambda _: None) for key, unit in units}
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for repetition in range(options.repetitions):
            for workers in (1, 2) if repetition % 2 == 0 else (2, 1):
                engine = EngineSpec(name="ray", workers=workers)
                with ray_workers(spec, handle.fingerprint, engine) as read:
                    list(read(iter(units[:workers])))
                    start = time.perf_counter()
                    there = dict(read(iter(units)))
                    seconds[workers].append(time.perf_counter() - start)
                same = all(there[key].data.identical(here[key].data) for key in here)
                print(f"{workers} worker(s): {seconds[workers][-1]:.2f} s, same bits as here: {same}", flush=True)
        one, two = (statistics.median(seconds[workers]) for workers in (1, 2))
        print(f"one worker {one:.2f} s, two workers {two:.2f} s, ratio {one / two:.2f}")


if __name__ == "__main__":
    main()
