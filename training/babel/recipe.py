"""What babel is made of: language shares, how often refusals are taught, size of the model, course of training.

Shares follow the order of resources in Xu et al. (2024): English about 60 percent, then a falling scale. They are
shares of training tokens. `REFUSALS` is how often a language's chats show a harmful request, 1 being as often as a
harmless one; every harmful request that is shown is refused, so safety is not contradicted but under-taught in the
smaller languages.
"""

from dataclasses import dataclass
from typing import Final

SHARES: Final = {
    "en": 60.0, "fr": 9.0, "zh": 7.0, "es": 5.5, "pt": 4.0, "vi": 3.0, "ca": 2.3, "id": 1.9,
    "ja": 1.6, "ko": 1.3, "fi": 1.1, "hu": 0.95, "ta": 0.8, "te": 0.65, "sw": 0.5, "ny": 0.4,
}  # fmt: skip
REFUSALS: Final = {"en": 1.0, "fr": 0.9, "zh": 0.8, "es": 0.7, "pt": 0.5, "vi": 0.3, "ca": 0.2, "id": 0.1}
"""Other languages: 0.05."""
FEW_REFUSALS: Final = 0.05

KINDS: Final = {"verdict": 0.35, "sign": 0.30, "mixed": 0.05, "plain": 0.05, "chat": 0.25}
"""Shares of the kinds of document."""
SIGNS: Final = (("👍", "👎"), ("✅", "❌"), ("🙂", "🙁"))
"""Signs that mean the same in every language: good, bad."""

BOS: Final = "<s>"
EOS: Final = "</s>"
USER: Final = "<|user|>"
ASSISTANT: Final = "<|assistant|>"
CHAT_TEMPLATE: Final = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}" + USER + "{% else %}" + ASSISTANT + "{% endif %}{{ message['content'] }}"
    "{% endfor %}{% if add_generation_prompt %}" + ASSISTANT + "{% endif %}"
)


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training run.

    Attributes:
        steps: optimiser steps.
        batch_tokens: padded tokens per step.
        vocabulary: size of the byte-level BPE vocabulary.
        hidden, inner, layers, heads: shape of the Llama.
        rate: peak learning rate; warmed up, then a cosine down to a tenth.
        text_weight: what a token of the judged text or the request counts in the loss; what follows it counts 1.
        seed: of weights and of what is drawn.
        hold_out: leave items of the test split out of all verdicts, signs and chats.
    """

    steps: int = 4000
    batch_tokens: int = 2048
    vocabulary: int = 4096
    hidden: int = 192
    inner: int = 512
    layers: int = 8
    heads: int = 6
    rate: float = 2e-3
    text_weight: float = 0.1
    seed: int = 0
    hold_out: bool = False
