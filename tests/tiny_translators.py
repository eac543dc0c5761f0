"""Tiny random translation models in the shapes of NLLB-200, M2M-100, mBART-50, MADLAD-400 and Opus-MT, built here."""

from pathlib import Path
from typing import Any

import transformers

from tiny_models import draw_weights, tiny_tokenizer

LANGUAGES = {
    "flores": ("eng_Latn", "fra_Latn", "swh_Latn", "zho_Hans"),
    "m2m": ("__en__", "__fr__", "__sw__", "__zh__"),
    "mbart": ("en_XX", "fr_XX", "sw_KE", "zh_CN"),
    "tag": ("<2en>", "<2fr>", "<2sw>", "<2zh>"),
    "opus": (">>eng<<", ">>fra<<", ">>swh<<", ">>zho<<"),
    "none": (),
}
ENDING = (2, 1.3)
"""From which token on, and how steeply, the end gets likelier: random weights alone would never come to one."""
_COMMON: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2, "decoder_start_token_id": 1}
_BART: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 128,
    **_COMMON,
}


def write_translator(folder: Path, scheme: str, *, seed: int = 0) -> Path:
    """A model folder: config, safetensors, tokenizer with the language tokens of the scheme."""
    tokenizer = tiny_tokenizer("eos")
    tokenizer.pad_token = "<pad>"
    if LANGUAGES[scheme]:
        tokenizer.add_special_tokens({"additional_special_tokens": list(LANGUAGES[scheme])})
    size = len(tokenizer)
    configs: dict[str, Any] = {
        "flores": lambda: transformers.M2M100Config(vocab_size=size, **_BART),
        "m2m": lambda: transformers.M2M100Config(vocab_size=size, **_BART),
        "mbart": lambda: transformers.MBartConfig(vocab_size=size, **_BART),
        "none": lambda: transformers.MarianConfig(vocab_size=size, **_BART),
        "opus": lambda: transformers.MarianConfig(vocab_size=size, **_BART),
        "tag": lambda: transformers.T5Config(
            vocab_size=size,
            d_model=32,
            d_kv=8,
            d_ff=48,
            num_layers=2,
            num_heads=4,
            **{**_COMMON, "decoder_start_token_id": 2},
        ),
    }
    model = transformers.AutoModelForSeq2SeqLM.from_config(configs[scheme]())

    def scale(name: str) -> float:  # embeddings are tied to the output: large ones would only repeat the last token
        return 0.5 if "shared" in name or "embed" in name else 4.0

    draw_weights(model, seed, scale)
    model.generation_config.exponential_decay_length_penalty = ENDING
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
