"""A tiny model, pairs and settings to run the whole line on."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from polyvalues.config import StudySpec, build

FIXTURES = Path(__file__).parent / "fixtures"
WORDS = {
    "en": ("The {} was kind to the {}.", "The {} was cruel to the {}."),
    "fi": ("{} oli ystävällinen: {}.", "{} oli julma: {}."),
    "ta": ("{} அன்பாக இருந்தது: {}.", "{} கொடூரமாக இருந்தது: {}."),
}
NOUNS = ("cat", "dog", "bird", "fish", "horse", "mouse", "bear", "fox", "wolf", "duck", "goat", "hen")
FINNISH = ("kissa", "koira", "lintu", "kala", "hevonen", "hiiri", "karhu", "kettu", "susi", "ankka", "vuohi", "kana")
TAMIL = ("பூனை", "நாய்", "பறவை", "மீன்", "குதிரை", "எலி", "கரடி", "நரி", "ஓநாய்", "வாத்து", "ஆடு", "கோழி")
GLOSS = {
    "en": dict(zip(NOUNS, NOUNS, strict=True)),
    "fi": dict(zip(NOUNS, FINNISH, strict=True)),
    "ta": dict(zip(NOUNS, TAMIL, strict=True)),
}


def build_model(folder: Path) -> Path:
    """Write a tiny random Llama and a byte-level tokenizer trained on the fixture's pairs into `folder`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((FIXTURES / "pairs.jsonl").read_text(encoding="utf-8").splitlines(), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
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
    return folder


def write_pairs(path: Path, languages: tuple[str, ...] = ("en", "fi", "ta"), concept: str = "morality") -> Path:
    """132 items in every language, all made of the same few words; two items share a group."""
    rows = []
    for language in languages:
        positive, negative = WORDS[language]
        for i, (a, b) in enumerate((a, b) for a in NOUNS for b in NOUNS if a != b):
            names = GLOSS[language][a], GLOSS[language][b]
            sides = {"positive": positive.format(*names), "negative": negative.format(*names)}
            ids = {"concept": concept, "language": language, "item": f"{a}-{b}", "group": f"g{i // 2}"}
            rows.append(json.dumps(ids | sides, ensure_ascii=False))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def settings(model: Path, pairs: Path, out: Path, **changes: Any) -> StudySpec:
    """A small study; `changes` are laid over whole sections."""
    base: dict[str, Any] = {
        "model": {"id": str(model)},
        "pairs": [{"reader": "table", "path": str(pairs)}],
        "out": str(out),
        "split": {"mode": "split", "folds": 4},
        "vectors": {"control_draws": 2, "half_splits": 2},
        "statistics": {"draws": 50},
    }
    return build(StudySpec, base | changes)


NOT_COMPARED = {"run.json", ".lock"}
"""run.json holds seconds and counts, which differ by nature."""


def digests(folder: Path) -> dict[str, str]:
    """Every file of a study with its digest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in NOT_COMPARED
    }
