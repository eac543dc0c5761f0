"""Whether a BOS that the tokenizer defines and does not add belongs in front of every text.

    the tokenizer adds a special token in front      nothing to decide
    it defines no BOS, or `add_bos_token` is false   none
    `add_bos_token` is true                          it is added: that is what the folder says
    it says nothing                                  the model is asked

The model is asked for the log probabilities of the tokens of twenty short texts behind BOS, behind a line feed and
behind a full stop. A model that was trained with BOS in front gives its texts more behind it than behind the others; a
first token that merely takes up attention helps as well, which is why ordinary tokens are compared and not nothing. BOS
is added if the mean gain over the better of the two is more than three standard errors. `model.bos` decides instead.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float64
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerBase

_TEXTS: Final = (
    "The house stands on a hill near the river.",
    "In the morning the market opens and people buy bread.",
    "She told her neighbour about the broken window.",
    "Trains leave the station every hour until late in the evening.",
    "Most birds can fly, but some of them only swim or run.",
    "He wrote a long letter to his brother in another town.",
    "La maison est au bord de la rivière, près du pont.",
    "El tren sale de la estación cada hora por la mañana.",
    "Die Kinder spielen nach der Schule im Garten.",
    "Il mercato apre la mattina e la gente compra il pane.",
    "今天早上市场开门，人们买面包和水果。",
    "Поезд уходит со станции каждый час.",
    "Is it fair to share the bread with everybody?",
    "Good morning, how are you today?",
    "Water boils when it is hot enough.",
    "The old man reads a book in the garden.",
    "My sister has two cats and a small dog.",
    "Please close the door when you leave.",
    "Les enfants jouent dehors quand il fait beau.",
    "La niña lee un libro en la biblioteca.",
)
_OTHERS: Final = ("\n", ".")
_ERRORS: Final = 3.0


def missing_bos(
    tokenizer: PreTrainedTokenizerBase,
    full: PreTrainedModel,
    setting: str,
    said: bool | None,
    *,
    encoder: bool,
    device: torch.device | None = None,
) -> tuple[int | None, str]:
    """The id of a BOS to put in front, None where there is none, and a remark for the record.

    Args:
        tokenizer: the tokenizer.
        full: the model with its head.
        setting: `auto`, `add` or `leave`.
        said: `add_bos_token` of the tokenizer's settings; None: they do not say.
        encoder: whether it is an encoder, which has no BOS.
        device: where the model is moved before it is asked; None: it is in its place.
    """
    own: Any = tokenizer
    bos: Any = own.bos_token_id
    with_added, plain = (list(own("a", add_special_tokens=added)["input_ids"]) for added in (True, False))
    if encoder or bos is None or (with_added and with_added[0] in own.all_special_ids and with_added != plain):
        return None, ""
    name = str(own.bos_token)
    if setting == "leave":
        return None, f"{name} is not added (model.bos)"
    if setting == "add":
        return int(bos), f"{name} is added (model.bos)"
    if said is not None:
        verb = "added" if said else "not added"
        return (int(bos) if said else None), f"{name} is {verb}: the tokenizer's add_bos_token says so"
    if device is not None:
        nn.Module.to(full, device)
    gain = _gains(own, full, int(bos))
    error = float(gain.std(ddof=1)) / len(gain) ** 0.5
    sure = bool(gain.mean() > _ERRORS * error)
    figure = f"{gain.mean():+.2f} (standard error {error:.2f}) log probability per token against the best of others"
    return (int(bos) if sure else None), f"{name} is {'added' if sure else 'not added'}: tried, {figure}"


@torch.inference_mode()
def _gains(tokenizer: Any, full: PreTrainedModel, bos: int) -> Float64[np.ndarray, " text"]:
    """Gain of BOS over the best of the other beginnings, by text."""
    texts = [list(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in _TEXTS]
    others = [list(tokenizer(other, add_special_tokens=False)["input_ids"])[-1:] for other in _OTHERS]
    fronts = [[bos], *([other for other in others if other] or [texts[0][-1:]])]
    means = np.stack([_likelihoods(full, front, texts) for front in fronts])
    best = 1 + int(means[1:].mean(axis=1).argmax())
    return means[0] - means[best]


def _likelihoods(full: PreTrainedModel, front: list[int], texts: Sequence[list[int]]) -> Float64[np.ndarray, " text"]:
    """Mean log probability of the tokens of each text, behind a beginning of at least one token."""
    device = next((p.device for p in full.parameters() if p.device.type != "meta"), torch.device("cpu"))
    ids = pad_sequence([torch.tensor(front + text, device=device) for text in texts], batch_first=True)
    lengths = torch.tensor([len(front) + len(text) for text in texts], device=device)
    real = torch.arange(ids.shape[1], device=device) < lengths[:, None]
    model: Any = full
    logits = model(input_ids=ids, attention_mask=real.long(), use_cache=False).logits.float().log_softmax(dim=-1)
    own = logits[:, :-1].gather(2, ids[:, 1:, None].to(logits.device))[..., 0].double().cpu()
    counted = real[:, 1:].cpu()
    counted[:, : len(front) - 1] = False
    return (own.masked_fill(~counted, 0.0).sum(dim=1) / counted.sum(dim=1)).numpy()
