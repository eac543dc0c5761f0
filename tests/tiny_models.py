"""Tiny random models and a byte-level tokenizer, built here: nothing is downloaded.

Weights are drawn large enough that every block changes its input visibly; with the usual 0.02 a test could not tell
one layer from the next.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 320
_SENTENCES = (
    "It is fair to share the bread with everybody at the table.",
    "She told her neighbour the truth about the broken window.",
    "Es justo compartir el pan. Il est juste de partager le pain. Ni haki kugawana mkate.",
    "公平地分享面包是正确的。",
)

_ROTARY = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 96,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
}
_GEMMA = {**_ROTARY, "head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 6, "pad_token_id": 0}
_WIDE = {**_ROTARY, "num_key_value_heads": None}

ARCHITECTURES: dict[str, Callable[[], Any]] = {
    "llama": lambda: transformers.LlamaConfig(**_ROTARY),
    "mistral": lambda: transformers.MistralConfig(**_ROTARY, sliding_window=6),
    "qwen2": lambda: transformers.Qwen2Config(**_ROTARY),
    "qwen3": lambda: transformers.Qwen3Config(**_ROTARY, head_dim=8),
    "gemma2": lambda: transformers.Gemma2Config(**_GEMMA),
    "gemma3": lambda: transformers.Gemma3TextConfig(
        **_GEMMA, layer_types=["sliding_attention", "full_attention", "sliding_attention"]
    ),
    "phi3": lambda: transformers.Phi3Config(**{**_ROTARY, "pad_token_id": 0}),
    "gpt2": lambda: transformers.GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=3, n_head=4, n_positions=96, bos_token_id=0, eos_token_id=1
    ),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(**{k: v for k, v in _ROTARY.items() if "key_value" not in k}),
    "opt": lambda: transformers.OPTConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        ffn_dim=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=96,
        word_embed_proj_dim=32,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=0,
    ),
    "bloom": lambda: transformers.BloomConfig(
        vocab_size=VOCABULARY, hidden_size=32, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=1, pad_token_id=0
    ),
    "falcon": lambda: transformers.FalconConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=96,
        alibi=False,
        bos_token_id=0,
        eos_token_id=1,
    ),
    "falcon_alibi": lambda: transformers.FalconConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        alibi=True,
        new_decoder_architecture=False,
        bos_token_id=0,
        eos_token_id=1,
    ),
    # As many experts as layers, so that their lists have the same length as the list of blocks.
    "mixtral": lambda: transformers.MixtralConfig(**_ROTARY, num_local_experts=3, num_experts_per_tok=2),
    "bert": lambda: transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=96,
        pad_token_id=0,
    ),
    "roberta": lambda: transformers.RobertaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=99,
        pad_token_id=2,
        bos_token_id=0,
        eos_token_id=1,
    ),
}
"""Config of each tiny model: 3 blocks, hidden size 32, at most 96 tokens (BLOOM and falcon_alibi: no limit)."""

ENCODERS = ("bert", "roberta")


def tiny_tokenizer(kind: str = "plain", *, chat_template: str | None = None) -> PreTrainedTokenizerFast:
    """Byte-level BPE that knows every byte.

    Args:
        kind: special tokens it adds: `plain` none, `bos` in front, `eos` behind, `both`.
        chat_template: a Jinja chat template.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<s>", "</s>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_SENTENCES, trainer)
    pattern = {"plain": "$A", "bos": "<s> $A", "eos": "$A </s>", "both": "<s> $A </s>"}[kind]
    if kind != "plain":
        tokenizer.post_processor = processors.TemplateProcessing(
            single=pattern, special_tokens=[("<s>", 0), ("</s>", 1)]
        )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    if chat_template is not None:
        fast.chat_template = chat_template
    return fast


def draw_weights(model: Any, seed: int, scale: Callable[[str], float] = lambda _: 0.8) -> None:
    """Draw all parameters: matrices with `scale` of their names over the root of their width, vectors shifted a bit."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() >= 2:
                parameter.copy_(scale(name) * noise / parameter.shape[-1] ** 0.5)
            else:
                parameter.add_(0.1 * noise)


def tiny_model(architecture: str, *, seed: int = 0) -> Any:
    """The model with its head, in eval mode, weights drawn from `seed`."""
    config = ARCHITECTURES[architecture]()
    encoder = architecture in ENCODERS
    kind: Any = transformers.AutoModelForMaskedLM if encoder else transformers.AutoModelForCausalLM
    model = kind.from_config(config)
    draw_weights(model, seed)
    return model.eval()


def write_tiny_model(
    folder: Path, architecture: str = "llama", *, seed: int = 0, tokenizer: PreTrainedTokenizerFast | None = None
) -> Path:
    """A model folder as a user would have it: config, safetensors, tokenizer."""
    tiny_model(architecture, seed=seed).save_pretrained(folder)
    (tokenizer or tiny_tokenizer("bos")).save_pretrained(folder)
    return folder


def edit_config(folder: Path, **values: Any) -> None:
    """Change keys of a folder's config.json; None removes a key."""
    path = folder / "config.json"
    content = {**json.loads(path.read_text(encoding="utf-8")), **values}
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}), encoding="utf-8")
