"""Answers to many prompts in full batches, steered row by row.

Prompts are wrapped, sorted by length and padded on the left; each batch goes through the model's own `generate` with
its rows of the plan. Decoding is greedy at temperature 0. Above it a token is drawn by the Gumbel trick,

    argmax_i  log p_i + g_i,     g_i = -log(-log u_i)

which is a draw from p exactly (Gumbel 1954), with the u of a row from a generator of its own: an answer depends on its
prompt, plan and seed, not on what else is in the batch. Settings of the model's generation config that change what is
drawn (temperature, penalties ...) are not used; its end tokens are.

A model that another library runs (`ModelHandle.runtime`) is given all prompts; it batches and draws by itself.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, TopPLogitsWarper

from polyvalues.config import GenerationSpec
from polyvalues.errors import ReadingError, SteeringError
from polyvalues.models.batching import Tokens, shown, tokenise
from polyvalues.models.language_model import ModelHandle
from polyvalues.models.loading import quiet_transformers
from polyvalues.models.pass_failures import out_of_memory
from polyvalues.models.prompt_fingerprint import prompt_name
from polyvalues.models.prompt_templates import Template, make_template
from polyvalues.models.runtime import Decoding, portions
from polyvalues.steering.hooks import apply_plan
from polyvalues.steering.plan import Plan, plan_for
from polyvalues.steering.runtime_hooks import steered_tokens

logger = logging.getLogger("polyvalues")


@dataclass(frozen=True)
class Answer:
    """What the model wrote.

    Attributes:
        text: without special tokens.
        tokens: how many, its end token included.
    """

    text: str
    tokens: int


def generate(
    handle: ModelHandle,
    prompts: Sequence[str],
    spec: GenerationSpec,
    *,
    plan: Plan | None = None,
    seeds: Sequence[int] | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[Answer, ...]:
    """Answer prompts.

    Args:
        handle: a model loaded with its head.
        prompts: before any template.
        spec: how.
        plan: for one row or one per prompt; None: unsteered.
        seeds: one per prompt, used above temperature 0; None: `spec.seed` for all.
        advance: told after each batch how many rows it had.

    Returns:
        One answer per prompt, in order.

    Raises:
        SteeringError: the model has no head, or the plan does not fit.
        ReadingError: a prompt has no tokens, or leaves no room for an answer.
    """
    _causal(handle)
    if plan is not None and plan.rows not in (1, len(prompts)):
        raise SteeringError(f"the plan is for {plan.rows} rows, there are {len(prompts)} prompts")
    room = None if handle.token_limit is None else handle.token_limit - spec.max_new_tokens
    if room is not None and room < 1:
        raise ReadingError(f"max_new_tokens = {spec.max_new_tokens} leaves no room in {handle.token_limit} positions")
    tokens = tokenise([("", prompt) for prompt in prompts], chat_template(handle, spec), room)
    config = _config(handle, spec)
    drawn = [_row_seed(spec.seed if seeds is None else seeds[row], text) for row, text in enumerate(prompts)]
    if handle.runtime is not None:
        return _elsewhere(handle, tokens, (spec, config, drawn), plan, advance)
    found: dict[int, Answer] = {}
    size = spec.batch_rows
    for batch in handle.trials.batches(tokens.lengths(np.arange(len(prompts))), size, new=spec.max_new_tokens):
        ahead = batch
        while ahead:
            own = ahead[:size]
            written = _written(handle, tokens, own, (spec, config, [drawn[row] for row in own]), plan)
            if written is None:
                size = _smaller(len(own), prompts[own[0]])
                continue
            found |= {row: _answer(handle, config, ids) for row, ids in zip(own, written, strict=True)}
            ahead = ahead[len(own) :]
            advance(len(own))
    return tuple(found[row] for row in range(len(prompts)))


def _written(
    handle: ModelHandle,
    tokens: Tokens,
    rows: Sequence[int],
    how: tuple[GenerationSpec, GenerationConfig, Sequence[int]],
    plan: Plan | None,
) -> list[list[int]] | None:
    """What the model writes behind one batch of prompts; None where memory does not suffice."""
    spec, config, seeds = how
    ids, lengths = tokens.padded(np.array(rows), handle.pad)
    chosen, causal = plan_for(plan, rows), _causal(handle)
    handle.trials.refresh()
    steered = nullcontext() if chosen is None else apply_plan(handle, chosen)
    try:
        with torch.inference_mode(), quiet_transformers(), _settings_only(causal, config), steered:
            out = causal.generate(
                **_left(ids, lengths, handle),
                generation_config=config,
                logits_processor=_processors(spec, seeds, handle.device),
            )
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return None
    return out[:, ids.shape[1] :].tolist()


def _elsewhere(
    handle: ModelHandle,
    tokens: Tokens,
    how: tuple[GenerationSpec, GenerationConfig, Sequence[int]],
    plan: Plan | None,
    advance: Callable[[int], None],
) -> tuple[Answer, ...]:
    """Answers of a model that another library runs; it batches them itself."""
    spec, config, seeds = how
    found: list[Answer] = []
    for rows in portions(len(tokens.order)):
        own = tuple(seeds[row] for row in rows)
        decoding = Decoding(spec.max_new_tokens, spec.temperature, spec.top_p, _ends(config), own)
        written = steered_tokens(handle, tokens.listed(np.array(rows)), decoding, plan_for(plan, rows))
        found += [_answer(handle, config, ids) for ids in written]
        advance(len(rows))
    return tuple(found)


def _smaller(rows: int, prompt: str) -> int:
    """Half a batch that did not fit into memory.

    Raises:
        ReadingError: it was a single prompt.
    """
    if rows == 1:
        raise ReadingError(
            f"out of memory on the single prompt {shown(prompt)}; load the model in a smaller dtype, quantised or with "
            "device_map, or lower max_new_tokens"
        )
    logger.warning("Out of memory on a batch of %d prompts: going on with at most %d (batch_rows)", rows, rows // 2)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return rows // 2


def chat_template(handle: ModelHandle, spec: GenerationSpec) -> Template:
    """How prompts are wrapped: as the spec says, else as a chat if the tokenizer has a template, else as texts are."""
    day = handle.template.day
    if spec.template is not None:
        return make_template(spec.template, handle.tokenizer, front=handle.front, day=day)
    has_chat = bool(getattr(handle.tokenizer, "chat_template", None))
    return make_template("chat", handle.tokenizer, day=day) if has_chat else handle.template


def answering(handle: ModelHandle, spec: GenerationSpec) -> dict[str, Any]:
    """What answers depend on besides the weights and `spec`, as JSON-ready values: the prompt, and where they end."""
    config = _config(handle, spec)
    return {"prompt": prompt_name(chat_template(handle, spec)), "ends": _ends(config), "begins": config.bos_token_id}


def _row_seed(seed: int, prompt: str) -> int:
    """The same whatever steers the row, so that steered and unsteered answers share their chances."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{prompt}".encode("utf-8", "surrogatepass")).digest()[:8], "big")


def _causal(handle: ModelHandle) -> Any:
    if handle.causal is None:
        raise SteeringError("this model was loaded for reading; load it with head=True to generate text")
    return handle.causal


def _config(handle: ModelHandle, spec: GenerationSpec) -> GenerationConfig:
    own: Any = _causal(handle).generation_config
    ends = own.eos_token_id if own.eos_token_id is not None else handle.tokenizer.eos_token_id
    return GenerationConfig(
        max_new_tokens=spec.max_new_tokens,
        do_sample=False,
        num_beams=1,
        eos_token_id=ends,
        bos_token_id=own.bos_token_id,
        pad_token_id=handle.pad,
        use_cache=True,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
    )


@contextmanager
def _settings_only(causal: Any, config: GenerationConfig) -> Iterator[None]:
    """The model's own generation config set aside: releases fill in from it, each in its own way, what is not given."""
    own = causal.generation_config
    causal.generation_config = config
    try:
        yield
    finally:
        causal.generation_config = own


def _left(ids: np.ndarray, lengths: np.ndarray, handle: ModelHandle) -> dict[str, Tensor]:
    """Right-padded ids, padded on the left instead, with their mask."""
    width = ids.shape[1]
    moved = np.stack([np.roll(row, width - length) for row, length in zip(ids, lengths, strict=True)])
    mask = (np.arange(width)[None, :] >= width - lengths[:, None]).astype(np.int64)
    return {
        "input_ids": torch.from_numpy(moved).to(handle.device),
        "attention_mask": torch.from_numpy(mask).to(handle.device),
    }


def _ends(config: GenerationConfig) -> tuple[int, ...]:
    ends = config.eos_token_id
    return () if ends is None else (ends,) if isinstance(ends, int) else tuple(ends)


def _answer(handle: ModelHandle, config: GenerationConfig, written: list[int]) -> Answer:
    stops = _ends(config)
    length = next((at + 1 for at, token in enumerate(written) if token in stops), len(written))
    text: Any = handle.tokenizer.decode(written[:length], skip_special_tokens=True)
    return Answer(str(text).strip(), length)


def _processors(spec: GenerationSpec, seeds: Sequence[int], device: torch.device) -> LogitsProcessorList:
    if spec.temperature == 0:
        return LogitsProcessorList()
    return LogitsProcessorList([_Gumbel(spec, seeds, device)])


class _Gumbel(LogitsProcessor):
    """Scores at a temperature, cut to the most probable, plus Gumbel noise from each row's own generator."""

    def __init__(self, spec: GenerationSpec, seeds: Sequence[int], device: torch.device):
        self.temperature = spec.temperature
        self.cut = TopPLogitsWarper(spec.top_p) if spec.top_p < 1 else None
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        scores = scores.float() / self.temperature
        if self.cut is not None:
            scores = self.cut(input_ids, scores)
        tiny = torch.finfo(torch.float32).tiny
        for row, generator in enumerate(self.generators):
            u = torch.rand(scores.shape[1], generator=generator, device=scores.device).clamp_(min=tiny)
            scores[row] -= torch.log(-torch.log(u))
        return scores
