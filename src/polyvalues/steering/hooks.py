"""Steering a model while it runs: hooks that are on inside a `with` block and gone after it.

    with apply_plan(handle, plan):
        handle.causal.generate(...)

A hook in front of the base model works out, for every forward pass, which tokens of which rows are steered; hooks
behind the blocks change their outputs in float32, cast back. Positions are absolute: with a cache the tokens of a pass
come after those that are in it, and padding (from the attention mask, on either side) is not counted.

The prompt is what the first pass of a sequence holds (no cache, or an empty one). A pass without cache whose tokens
begin with those of the pass before is the same sequence grown longer (generation without a cache). Where that is not
enough, `prompt_lengths` says it.
"""

import inspect
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn

from polyvalues.errors import ArchitectureError, SteeringError
from polyvalues.models.attention_sinks import own_spans, token_weights, weighted_mean
from polyvalues.models.blocks import block_states, find_blocks
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.prompt_templates import Template, make_template
from polyvalues.steering.interventions import intervene
from polyvalues.steering.plan import Condition, Intervention, Plan

_STEERED: Final[weakref.WeakSet[nn.Module]] = weakref.WeakSet()
_CACHES: Final = ("past_key_values", "layer_past")


@contextmanager
def apply_plan(handle: ModelHandle, plan: Plan, *, prompt_lengths: Sequence[int] | None = None) -> Iterator[None]:
    """Steer `handle`'s model while the block runs, however the model is called.

    A plan for R rows serves batches of R rows, and of R times n rows when each prompt has n rows next to each other
    (beams, several samples). A plan for one row serves any batch.

    Args:
        handle: the model; `handle.model` and `handle.causal` are both steered, being one.
        plan: what to do.
        prompt_lengths: real tokens of each row's prompt (one entry: of all), where they are not what the first pass
            holds.

    Raises:
        SteeringError: the model is being steered already (put everything into one plan), a layer it does not have,
            another hidden size, or, while it runs, a batch that does not fit the plan.
    """
    if handle.model in _STEERED:
        raise SteeringError(
            "this model is being steered already; leave the outer block first, or put both into one plan (a plan takes "
            "several interventions and applies them in order)"
        )
    check_plan(handle, plan)
    stack = _stack(handle)
    run = _Run(handle, stack, plan, prompt_lengths)
    hooks = [stack.register_forward_pre_hook(run.before, with_kwargs=True)]
    _STEERED.add(handle.model)
    try:
        for layer in dict.fromkeys(part.layer for part in plan.interventions):
            here = [part for part in plan.interventions if part.layer == layer]
            hooks.append(handle.blocks[layer].register_forward_hook(run.behind(here)))
        yield
    finally:
        for hook in hooks:
            hook.remove()
        _STEERED.discard(handle.model)


def _stack(handle: ModelHandle) -> nn.Module:
    """The module that is called with token ids and holds the blocks; some models with heads call only that part."""
    if handle.encoder:
        return handle.model
    return handle.model.get_submodule(find_blocks(handle.model).path.rpartition(".")[0])


def check_plan(handle: ModelHandle, plan: Plan) -> None:
    """Whether a plan fits a model.

    Raises:
        SteeringError: a layer it does not have, another hidden size, or positions that make no sense for it.
    """
    parts = (*plan.interventions, *([plan.condition] if plan.condition else []))
    for part in parts:
        if not 0 <= part.layer < handle.n_layers:
            raise SteeringError(f"layer {part.layer} is not in the model, whose blocks are 0 to {handle.n_layers - 1}")
        if part.directions.shape[-1] != handle.hidden:
            raise SteeringError(
                f"the vector at layer {part.layer} has {part.directions.shape[-1]} dimensions, the hidden states of "
                f"{handle.description.get('name', 'the model')} (fingerprint {handle.fingerprint}) have {handle.hidden}"
            )
    if handle.encoder and plan.positions != "all":
        raise SteeringError("an encoder reads its whole text at once: only positions 'all' make sense")


class _Stop(Exception):
    """Ends the pass that reads a condition."""


class _Run:
    """What a steered model remembers between its passes."""

    def __init__(self, handle: ModelHandle, stack: nn.Module, plan: Plan, prompt_lengths: Sequence[int] | None):
        self.handle, self.plan = handle, plan
        self.spans = plan.spans()
        self.relative = any(end == 0 or backwards for _, backwards, end in self.spans)
        self.simple = all(where == (0, False, None) for where in self.spans)  # all tokens but padding
        self.given = prompt_lengths
        self.signature = inspect.signature(stack.forward)
        self.prompt: Tensor | None = None  # token ids of the prompt, to know a longer sequence again
        self.lengths: Tensor | None = None  # real tokens of each prompt
        self.passed: Tensor | None = None  # rows that meet the condition
        self.active: Tensor | None = None  # [row, token], None: every token
        self.spares = not handle.encoder and any(part.spares_first for part in plan.interventions)
        self.first: Tensor | None = None  # [row, token], None: the first token of no text is in this pass
        self.size = 0
        self.reading = False
        self.ready: dict[tuple[int, int, torch.device], tuple[Tensor, Tensor, Tensor | None]] = {}

    # --- in front of the model ----------------------------------------------------------------------------------------

    def before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Work out which tokens of this pass are steered."""
        if self.reading:
            return
        given = self._arguments(args, kwargs)
        ids, embeds = given.get("input_ids"), given.get("inputs_embeds")
        shown = ids if ids is not None else embeds
        if not isinstance(shown, Tensor):
            raise ArchitectureError(f"{type(module).__name__}: called without input_ids or inputs_embeds")
        self.size, tokens = int(shown.shape[0]), int(shown.shape[1])
        mask = self._mask(given)
        past = _past(given, mask, tokens)
        if past == 0 and not self._grown(ids):
            self._begin(module, given, ids, mask, tokens)
        elif past > 0 and self.relative and tokens > 1 and self.given is None:
            raise SteeringError(
                f"a pass with {tokens} tokens after {past} in the cache: whether they belong to the prompt is unknown; "
                "give prompt_lengths, or use positions 'all' or 'from:K'"
            )
        if past > 0 and self.relative and self.lengths is None:
            raise SteeringError("the cache was filled before steering began: give prompt_lengths")
        self.active = self._active(mask, past, tokens, shown.device)
        self.first = None
        if self.spares and (past == 0 or mask is not None):
            real = torch.ones((self.size, past + tokens), device=shown.device) if mask is None else mask
            self.first = ((real.cumsum(dim=1) == 1) & (real == 1))[:, -tokens:]

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        given = dict(self.signature.bind_partial(*args, **kwargs).arguments)
        for name, parameter in self.signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                given |= given.pop(name, {})
        return given

    def _mask(self, given: dict[str, Any]) -> Tensor | None:
        mask = given.get("attention_mask")
        if mask is None:
            return None
        if not isinstance(mask, Tensor) or mask.dim() != 2:
            raise ArchitectureError(
                f"{type(self.handle.model).__name__}: its attention mask is not [text, token], so padding and "
                "positions cannot be told; pass a two-dimensional attention_mask, without a compiled or static cache"
            )
        return mask.bool()

    def _grown(self, ids: Tensor | None) -> bool:
        """Whether these tokens begin with the prompt and go on."""
        if self.prompt is None or ids is None or len(ids) != len(self.prompt) or ids.shape[1] <= self.prompt.shape[1]:
            return False
        return bool((ids[:, : self.prompt.shape[1]] == self.prompt).all())

    def _begin(
        self, module: nn.Module, given: dict[str, Any], ids: Tensor | None, mask: Tensor | None, tokens: int
    ) -> None:
        """A new sequence: its prompt, and whether it meets the condition."""
        device = next((value.device for value in given.values() if isinstance(value, Tensor)), self.handle.device)
        real = torch.ones((self.size, tokens), dtype=torch.bool, device=device) if mask is None else mask
        self.prompt = ids if self.relative or self.plan.condition else None
        self.lengths = real.sum(dim=1)
        if self.given is not None:
            self.lengths = self._rows(torch.as_tensor(list(self.given), device=device))
        condition = self.plan.condition
        if condition is not None:
            if self.given is not None:  # the prompt alone, not the whole text
                real = real & (real.cumsum(dim=1) <= self.lengths[:, None])
            states = self._read(module, given, condition, (ids, real))
            copies = self._copies(condition.rows)
            self.passed = condition.take(torch.arange(condition.rows).repeat_interleave(copies)).passes(states)

    def _read(
        self, module: nn.Module, given: dict[str, Any], condition: Condition, prompt: tuple[Tensor | None, Tensor]
    ) -> Tensor:
        """Output of a block at what a condition reads of the prompt, unsteered; a pass of its own, without cache.

        Args:
            module: what is called.
            given: what it is called with.
            condition: says which block, and which tokens.
            prompt: token ids, and which of them are the prompt's, bool `[row, token]`.
        """
        found: list[Tensor] = []
        ids, real = prompt

        def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
            states = block_states(output)
            if condition.position == "mean":
                own = _own(self.handle, ids, real).to(states.device)
                found.append(weighted_mean(states, own, token_weights(states, own)))
            else:
                last = torch.where(real, torch.arange(real.shape[1], device=real.device), 0).amax(dim=1)
                found.append(states[torch.arange(len(last)), last.to(states.device)].float())
            raise _Stop

        hook = self.handle.blocks[condition.layer].register_forward_hook(keep)
        without = {name: value for name, value in given.items() if name not in _CACHES}
        if not self.handle.encoder:
            without["use_cache"] = False
        self.reading = True
        try:
            module(**without)
        except _Stop:
            pass
        finally:
            self.reading = False
            hook.remove()
        return found[0]

    def _active(self, mask: Tensor | None, past: int, tokens: int, device: torch.device) -> Tensor | None:
        """Which tokens of the pass are steered, bool `[row, token]`; None: all of them."""
        if self.simple and self.passed is None and (mask is None or (past > 0 and tokens == 1)):
            return None
        if mask is None:
            real = torch.ones((self.size, tokens), dtype=torch.bool, device=device)
            place = torch.arange(past, past + tokens, device=device).expand(self.size, tokens)
        else:
            real = mask[:, -tokens:]
            place = mask.cumsum(dim=1)[:, -tokens:] - 1
        active = real
        if not self.simple:
            zero = torch.zeros(self.size, dtype=torch.long, device=device)
            ends = zero if self.lengths is None else self.lengths.to(device)
            first = self._rows(torch.tensor([first for first, _, _ in self.spans], device=device))
            backwards = self._rows(torch.tensor([backwards for _, backwards, _ in self.spans], device=device))
            closed = self._rows(torch.tensor([end == 0 for _, _, end in self.spans], device=device))
            start = torch.where(backwards, ends + first, first)
            active = active & (place >= start[:, None]) & ~(closed[:, None] & (place >= ends[:, None]))
        return active if self.passed is None else active & self.passed.to(device)[:, None]

    # --- behind the blocks --------------------------------------------------------------------------------------------

    def behind(self, parts: Sequence[Intervention]) -> Any:
        """The hook behind one block."""
        idle = not any(bool(part.steered.any()) for part in parts)

        def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            if self.reading or idle:
                return None
            states = block_states(output)
            changed = self._changed(states, parts)
            return (changed, *output[1:]) if isinstance(output, tuple | list) else changed

        return hook

    def _changed(self, states: Tensor, parts: Sequence[Intervention]) -> Tensor:
        changed = states.float()
        for part in parts:
            directions, strengths, rows = self._ready(part, states.device)
            new = intervene(changed, directions, strengths, part.kind, norm=part.keep_norm)
            if part.spares_first and self.first is not None:
                new = torch.where(self.first.to(states.device)[..., None], changed, new)
            changed = new if rows is None else torch.where(rows, new, changed)
        changed = changed.to(states.dtype)
        if self.active is None:
            return changed
        return torch.where(self.active.to(states.device)[..., None], changed, states)

    def _ready(self, part: Intervention, device: torch.device) -> tuple[Tensor, Tensor, Tensor | None]:
        """Directions, strengths and steered rows (None: all) of a part, shaped for this batch; kept between passes."""
        key = (id(part), self.size, device)
        if key not in self.ready:
            rows = None if bool(part.steered.all()) else self._rows(part.steered.to(device))[:, None, None]
            directions = self._rows(part.directions.to(device))[:, None, :]
            strengths = torch.nan_to_num(self._rows(part.strengths.to(device)))[:, None, None]
            self.ready[key] = (directions, strengths, rows)
        return self.ready[key]

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _copies(self, rows: int) -> int:
        """Rows of the batch for each row of the plan."""
        if rows != 1 and self.size % rows:
            raise SteeringError(
                f"the plan is for {rows} rows and the batch has {self.size}; a batch needs as many, or as many for "
                "each prompt when there are beams or several samples"
            )
        return self.size if rows == 1 else self.size // rows

    def _rows(self, values: Tensor) -> Tensor:
        """One entry per row of the batch."""
        copies = self._copies(len(values))
        if len(values) == 1 or copies == 1:
            return values  # broadcast, or as it is
        return values.repeat_interleave(copies, dim=0)


def likely_templates(handle: ModelHandle) -> tuple[Template, ...]:
    """What may stand around a prompt that is steered: the handle's template, or the tokenizer's chat template."""
    chat = bool(getattr(handle.tokenizer, "chat_template", None))
    return (handle.template, *((make_template("chat", handle.tokenizer),) if chat else ()))


def _own(handle: ModelHandle, ids: Tensor | None, real: Tensor) -> Tensor:
    """Which tokens are the prompts' own, bool `[row, token]`; of embeddings, all but the first."""
    if ids is None:
        return real & ((real.cumsum(dim=1) > 1) | (real.sum(dim=1, keepdim=True) == 1))
    prompts = [row[here].tolist() for row, here in zip(ids, real, strict=True)]
    spans = torch.from_numpy(own_spans(prompts, likely_templates(handle), causal=not handle.encoder)).to(real.device)
    place = real.cumsum(dim=1) - 1
    return real & (place >= spans[:, :1]) & (place < spans[:, 1:])


def _past(given: dict[str, Any], mask: Tensor | None, tokens: int) -> int:
    """Tokens in the cache, padding included."""
    if mask is not None:
        return mask.shape[1] - tokens
    cache = next((given[name] for name in _CACHES if given.get(name) is not None), None)
    if cache is None:
        return 0
    if hasattr(cache, "get_seq_length"):
        return int(cache.get_seq_length())
    return int(cache[0][0].shape[-2])
