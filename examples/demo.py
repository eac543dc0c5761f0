"""The demo: the whole line, offline, on a tiny model that is built here and on `pairs.jsonl` beside this file.

The model is a tiny Llama with random weights: it has learned nothing, so its recognition is what the
surface of the texts allows. The demo shows what polyvalues does, not what a language model knows.

    python examples/demo.py OUT
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from polyvalues.cli import main

HERE = Path(__file__).parent


def build_model(folder: Path) -> None:
    """Write a tiny random Llama and a byte-level tokenizer trained on the example pairs."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((HERE / "pairs.jsonl").read_text(encoding="utf-8").splitlines(), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")  # noqa: S106
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=6,
        num_attention_heads=4,
        max_position_embeddings=256,
        initializer_range=0.1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "out/demo")
    model_folder = out.parent / (out.name + "-model")
    if not (model_folder / "config.json").exists():
        build_model(model_folder)
    print("A tiny model with random weights, on 32 small pairs in three languages: a tour of the line, not a finding.")
    pairs = HERE / "pairs.jsonl"
    sys.argv = ["polyvalues", "run", "--model", str(model_folder), "--pairs", f"table:{pairs}", "--out", str(out)]
    main()
