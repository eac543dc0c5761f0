"""Does steering slow generation down? Steered against unsteered `generate`, interleaved, same prompts, same tokens.

    python benchmarks/generating.py

Prints, per model, the median over rounds of steered / unsteered wall time: one vector at one layer for all rows, and a
grid (each row its own vector and strength, at four layers). No end token, so both sides make the same number of tokens.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import polyvalues as pv

ROUNDS, ROWS, TOKENS = 15, 16, 32


def build(folder: Path, hidden: int, layers: int) -> Any:
    """A random Llama with babel's tokenizer."""
    babel = pv.load_model(pv.ModelSpec(id="babel"), head=True)
    tokenizer: Any = babel.tokenizer
    config = LlamaConfig(
        vocab_size=4096, hidden_size=hidden, intermediate_size=4 * hidden, num_hidden_layers=layers,
        num_attention_heads=hidden // 64, max_position_embeddings=512, eos_token_id=None, bos_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    tokenizer.save_pretrained(folder)
    return pv.load_model(pv.ModelSpec(id=str(folder), dtype="float32"), head=True)


def plans(handle: Any) -> dict[str, pv.Plan]:
    generator = torch.Generator().manual_seed(0)

    def unit(rows: int) -> torch.Tensor:
        drawn = torch.randn(rows, handle.hidden, generator=generator)
        return torch.nn.functional.normalize(drawn, dim=-1)

    places = [int(at * (handle.n_layers - 1) / 3) for at in range(4)]
    grid = tuple(pv.Intervention(layer, unit(ROWS), torch.rand(ROWS, generator=generator) + 0.1) for layer in places)
    return {"one vector": pv.Plan((pv.Intervention(places[2], unit(1), torch.ones(1)),)), "grid": pv.Plan(grid)}


def main() -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    prompts = [f"Please tell me about number {at} and why it is so." for at in range(ROWS)]
    spec = pv.GenerationSpec(max_new_tokens=TOKENS, batch_rows=ROWS, template="raw")
    for hidden, layers in ((256, 8), (768, 12)):
        with tempfile.TemporaryDirectory() as name, torch.random.fork_rng():
            torch.manual_seed(0)
            handle = build(Path(name), hidden, layers)
            handle.causal.generation_config.eos_token_id = None
            handle.tokenizer.eos_token = None
            size = sum(parameter.numel() for parameter in handle.causal.parameters()) / 1e6
            for label, plan in plans(handle).items():
                ratios = []
                for _ in range(ROUNDS):
                    times = []
                    for own in (None, plan):
                        start = time.perf_counter()
                        pv.generate(handle, prompts, spec, plan=own)
                        times.append(time.perf_counter() - start)
                    ratios.append(times[1] / times[0])
                print(f"{size:.0f} M parameters, {label}: {statistics.median(ratios):.3f} of unsteered wall time")


if __name__ == "__main__":
    main()
