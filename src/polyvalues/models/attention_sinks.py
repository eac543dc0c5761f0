"""Which tokens of a text a mean is taken over, and how much each of them counts: attention sinks are left out.

Many models park attention on tokens that mean nothing: the first token of a text, a delimiter, `[SEP]`. Their hidden
states are up to hundreds of times as long as all others and alike in every text (massive activations: Sun et al. 2024,
arXiv 2402.17762; attention sinks: Xiao et al. 2023, arXiv 2309.17453). A mean over n tokens that holds one is
`sink / n` and little else, so that every projection of it says how long the text is. Hence, by definition and by
length:

    own tokens   those of the text itself: without what tokenizer and template put around it, and, in a causal model,
                 without the first token of all, which can attend to nothing but itself
    weight       1 up to 3 times the median length of the text's own tokens at that layer, 0 from 6 times on, a straight
                 line between them (Hampel's redescending weights)

Median and weights come from the text and the layer alone, so that neither depends on what else is in the batch; and
weights have no jumps, so that rounding cannot let a token in or out. Ordinary tokens lie below 2 medians. A text that
has no token of its own, or only the first one, is averaged over all it has.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from polyvalues.models.prompt_templates import Template

WHOLE: Final = 3.0
"""Median lengths up to which a token counts whole."""

NOTHING: Final = 6.0
"""Median lengths from which on it counts nothing."""

_PROBES: Final = ("a", "7", "公", "?", "Ж", "ম")
"""Texts that have nothing in common, so that what their token ids begin and end with was put around them."""


def own_spans(
    prompts: Sequence[Sequence[int]], templates: Sequence[Template], *, causal: bool
) -> Int[np.ndarray, "text 2"]:
    """First token of each text that is its own, and the one after its last.

    Args:
        prompts: token ids of the texts, with what was put around them.
        templates: what may have been put around them; of several, that counts which explains most.
        causal: the model attends to the left alone.
    """
    around = [(surroundings(template), _special(template)) for template in templates]
    spans = np.empty((len(prompts), 2), dtype=np.int64)
    for text, ids in enumerate(prompts):
        found = [_inside(ids, *put) for put in around]
        first, end = min(found, key=lambda span: span[1] - span[0])
        if causal:
            first = max(first, 1)
        spans[text] = (first, end) if first < end else (0, len(ids))
    return spans


def _inside(
    ids: Sequence[int], around: tuple[tuple[int, ...], tuple[int, ...]], special: frozenset[int]
) -> tuple[int, int]:
    head, tail = around
    first = _common([ids, head])
    end = len(ids) - _common([ids[first:][::-1], tail[::-1]])
    while first < end and ids[first] in special:
        first += 1
    while first < end and ids[end - 1] in special:
        end -= 1
    return first, end


def surroundings(template: Template) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Token ids that stand in front of every text, and behind it."""
    tokenizer: Any = template.tokenizer
    rows = template.encode([("", probe) for probe in _PROBES])
    # A tokenizer with a closed vocabulary may know none of the probes: what it gives instead is not put around them.
    unknown = tokenizer.unk_token_id
    rows = [[-place if token == unknown else token for token in row] for place, row in enumerate(rows, 1)]
    head = _common(rows)
    tail = _common([row[head:][::-1] for row in rows])
    return tuple(rows[0][:head]), tuple(rows[0][len(rows[0]) - tail :])


def own_tokens(spans: Int[np.ndarray, "text 2"], width: int) -> Bool[np.ndarray, "text token"]:
    """Which places of a batch are tokens of the texts' own."""
    places = np.arange(width)
    return (places >= spans[:, :1]) & (places < spans[:, 1:])


def token_weights(
    states: Float[Tensor, "text token hidden"], own: Bool[Tensor, "text token"]
) -> Float[Tensor, "text token"]:
    """How much each token counts in a mean, float32 between 0 and 1; not all of a text are 0.

    Args:
        states: one layer's hidden states.
        own: the texts' own tokens, at least one of each.
    """
    lengths = states.float().norm(dim=-1)
    median = lengths.masked_fill(~own, float("nan")).nanmedian(dim=-1, keepdim=True).values
    ratio = lengths / median.clamp(min=torch.finfo(torch.float32).tiny)
    weights = ((NOTHING - ratio) / (NOTHING - WHOLE)).clamp(0.0, 1.0)
    return weights.masked_fill(~own, 0.0)


def weighted_mean(
    states: Float[Tensor, "text token hidden"], own: Bool[Tensor, "text token"], weights: Float[Tensor, "text token"]
) -> Float[Tensor, "text hidden"]:
    """Mean over the texts' own tokens, summed in float32; not finite where a state of an own token is not."""
    # masked_fill, not a product alone: a pad token's inf times 0 would be nan.
    wide = states.float().masked_fill(~own[..., None], 0.0)
    return (wide * weights[..., None]).sum(dim=1) / weights.sum(dim=1, keepdim=True)


def _special(template: Template) -> frozenset[int]:
    tokenizer: Any = template.tokenizer
    return frozenset(tokenizer.all_special_ids) - {tokenizer.unk_token_id}


def _common(rows: Sequence[Sequence[int]]) -> int:
    """How many entries all rows begin with."""
    length = 0
    while all(len(row) > length and row[length] == rows[0][length] for row in rows):
        length += 1
    return length
