"""Steering a model that another library runs: a plan as taps behind its blocks.

A pass there holds tokens of many prompts, so that every token is looked up: which row of the plan it belongs to, and
whether its position is among those that are steered.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from polyvalues.models.attention_sinks import own_spans
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.runtime import Decoding, Places, Runtime, Tap, prompt_states
from polyvalues.steering.hooks import check_plan, likely_templates
from polyvalues.steering.interventions import intervene
from polyvalues.steering.plan import Condition, Intervention, Plan

_NEVER: Final = torch.iinfo(torch.int64).max


def steered_tokens(
    handle: ModelHandle, prompts: Sequence[Sequence[int]], decoding: Decoding, plan: Plan | None
) -> list[list[int]]:
    """Tokens written after prompts.

    Args:
        handle: a model with a runtime.
        prompts: token ids.
        decoding: how they are gone on with.
        plan: for one row or one per prompt; None: unsteered.

    Raises:
        SteeringError: the plan does not fit the model.
    """
    runtime = handle.runtime
    assert runtime is not None
    if plan is None:
        return runtime.run(prompts, {}, decoding)
    check_plan(handle, plan)
    count = len(prompts)
    start, end = _spans(plan, torch.tensor([len(prompt) for prompt in prompts]))
    if plan.condition is not None:
        start = torch.where(_passed(handle, runtime, plan.condition, prompts), start, _NEVER)
    taps = {
        layer: _tap([part for part in plan.interventions if part.layer == layer], start, end, count, not handle.encoder)
        for layer in dict.fromkeys(part.layer for part in plan.interventions)
    }
    return runtime.run(prompts, taps, decoding)


def _spans(plan: Plan, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """First steered position of every prompt, and the one after the last, int64 `[row]`."""
    spans = plan.spans()
    spans = spans * (len(lengths) if len(spans) == 1 else 1)
    first = torch.tensor([first for first, _, _ in spans])
    backwards = torch.tensor([backwards for _, backwards, _ in spans])
    closed = torch.tensor([end == 0 for _, _, end in spans])
    return torch.where(backwards, lengths + first, first), torch.where(closed, lengths, _NEVER)


def _passed(handle: ModelHandle, runtime: Runtime, condition: Condition, prompts: Sequence[Sequence[int]]) -> Tensor:
    """Bool `[row]`: prompts that meet the condition, read unsteered."""
    spans = own_spans(prompts, likely_templates(handle), causal=not handle.encoder)
    states = prompt_states(runtime, prompts, (condition.layer,), condition.position, handle.hidden, spans)[0]
    return condition.passes(torch.from_numpy(states))


def _tap(parts: Sequence[Intervention], start: Tensor, end: Tensor, count: int, causal: bool) -> Tap:
    ready = []
    for part in parts:
        strengths = torch.nan_to_num(part.strengths)
        ready.append((part, *(_each(values, count) for values in (part.directions, strengths, part.steered))))

    def tap(states: Tensor, places: Places) -> Tensor | None:
        request, position = places.request.cpu(), places.position.cpu()
        active = (position >= start[request]) & (position < end[request])
        if not bool(active.any()):
            return None
        changed = states.float()
        for part, directions, strengths, steered in ready:
            own = directions[request].to(states.device)[:, None], strengths[request].to(states.device)[:, None, None]
            new = intervene(changed[:, None], *own, part.kind, norm=part.keep_norm)[:, 0]
            touched = steered[request] & ((position > 0) | (not (causal and part.spares_first)))
            changed = torch.where(touched.to(states.device)[:, None], new, changed)
        return torch.where(active.to(states.device)[:, None], changed.to(states.dtype), states)

    return tap


def _each(values: Tensor, count: int) -> Tensor:
    """One entry per row."""
    return values.expand(count, *values.shape[1:]) if len(values) == 1 else values
