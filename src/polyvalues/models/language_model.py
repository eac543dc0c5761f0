"""A loaded model and all that reading it needs: load once, use everywhere.

`load_model(spec)` gives a frozen `ModelHandle`. Layer i is `blocks[i]`; its output is what is read and steered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from polyvalues.config import EMBEDDED_MODEL, ModelSpec
from polyvalues.errors import ModelLoadError, SpecError
from polyvalues.models.batching import token_limit
from polyvalues.models.batching_trial import Trials
from polyvalues.models.blocks import Blocks, find_blocks, text_config
from polyvalues.models.compilation import compile_blocks
from polyvalues.models.fingerprint import fingerprint
from polyvalues.models.loading import Parts, load_parts, model_source
from polyvalues.models.presets import PRESETS, Preset, find_preset
from polyvalues.models.prompt_fingerprint import prompt_name
from polyvalues.models.prompt_templates import Template, make_template
from polyvalues.models.provenance import unseen
from polyvalues.models.runtime import Runtime
from polyvalues.models.vllm_runtime import VllmRuntime

_PROBE: Final = "Good morning, 早上好, habari ya asubuhi: 1234567890."


@dataclass(frozen=True, eq=False)
class ModelHandle:
    """A model ready for reading.

    Attributes:
        model: the base model, without LM head, in eval mode, without gradients.
        tokenizer: its tokenizer.
        blocks: the decoder blocks (of an encoder: its blocks); layer i is `blocks[i]`.
        final_norm: what the model applies after the last block, None when it could not be found.
        n_layers: number of blocks.
        hidden: size of the residual stream.
        encoder: attention looks both ways (BERT-like).
        token_limit: most tokens a text may have by the model's positions, None when they have no end (ALiBi).
        fingerprint: 16 hex digits, see `polyvalues.models.fingerprint`.
        template: how a text is wrapped before it is tokenised.
        shares: percent of the training data per language, from the preset; empty when unknown.
        dominant: the languages it was mostly trained on, from the preset.
        description: what the model is, in words and in order, for reports.
        causal: `model` with its LM head, to generate text; None unless it was asked for.
        divided: the model is divided over processes (`polyvalues.models.tensor_parallel`).
        runtime: another library that runs the model; None: transformers, here. `blocks` are then empty shells, unless
            the head was asked for.
        compiled: its blocks are compiled.
        front: the id of a BOS that templates put in front since the tokenizer does not; None: there is none.
        code: what else the computation comes from: modelling code of the model's own, weights that cannot be seen.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    blocks: tuple[nn.Module, ...]
    final_norm: nn.Module | None
    n_layers: int
    hidden: int
    encoder: bool
    token_limit: int | None
    fingerprint: str
    template: Template
    shares: Mapping[str, float]
    dominant: tuple[str, ...]
    description: Mapping[str, str]
    causal: PreTrainedModel | None = None
    divided: bool = False
    runtime: Runtime | None = None
    compiled: bool = False
    front: int | None = None
    code: str = ""

    @property
    def identity(self) -> str:
        """What artefacts of the model are kept under: its fingerprint, and whatever else last digits depend on."""
        marks = [self.runtime.name if self.runtime else "", "compiled" if self.compiled else ""]
        return " ".join(filter(None, [self.fingerprint, *marks, self.code]))

    @cached_property
    def prompt(self) -> str:
        """What texts are wrapped in and how they become token ids, as a name
        (`polyvalues.models.prompt_fingerprint`).
        """
        return prompt_name(self.template)

    @cached_property
    def trials(self) -> Trials:
        """How texts can be read together; tried when it is asked."""
        own: Any = self.tokenizer
        added = [int(number) for number in own.added_tokens_decoder]
        ids = np.setdiff1d(np.arange(self.vocabulary), added)
        few = ids if len(ids) > 1 else np.arange(self.vocabulary)
        return Trials(self.model, self.blocks, self.encoder, few, self.pad, self.token_limit, self.divided)

    @property
    def record(self) -> Mapping[str, str]:
        """The description, and what happened while texts were read."""
        remark = self.trials.remark
        return MappingProxyType({**self.description, **({"ways not tried": remark} if remark else {})})

    @property
    def device(self) -> torch.device:
        """Where token ids go: the device of the first parameter that is in memory."""
        return next((p.device for p in self.model.parameters() if p.device.type != "meta"), torch.device("cpu"))

    @property
    def vocabulary(self) -> int:
        """Rows of the embedding table: token ids must stay below."""
        embeddings: Any = self.model.get_input_embeddings()
        return int(embeddings.weight.shape[0])

    @property
    def pad(self) -> int:
        """What stands at padded places: the tokenizer's own id, or 0 when it has none or one the model does not know.

        Any id would do: padding is on the right and masked, and what stands there is never read.
        """
        own: Any = self.tokenizer.pad_token_id
        return own if isinstance(own, int) and 0 <= own < self.vocabulary else 0


def load_model(spec: ModelSpec, *, head: bool = False) -> ModelHandle:
    """Load a model from a folder or the Hub.

    Args:
        spec: which, and how.
        head: keep the LM head, to generate text; reading does not need it.

    Raises:
        SpecError: the preset is unknown, or the template cannot be used with this tokenizer.
        ModelLoadError: the model cannot be loaded; the message says why and what to do.
        ArchitectureError: its blocks cannot be found.
        MissingExtra: `device_map` or quantisation without the library they need.
    """
    preset = _preset(spec)
    if preset is not None and preset.remote_code and not spec.trust_remote_code:
        raise ModelLoadError(
            f"{spec.id}: preset {preset.name} runs modelling code from its repository; if you trust that code, set "
            "trust_remote_code = true for the model (in study.toml under [model])"
        )
    parts = load_parts(spec, head=head)
    model, tokenizer = parts.base, parts.tokenizer
    wanted = spec.template or (preset.template if preset else None)
    template = make_template(wanted, tokenizer, front=parts.front, day=spec.today)
    blocks = find_blocks(model)
    probe: Any = tokenizer(_PROBE, verbose=False)["input_ids"]
    name = fingerprint(model, probe if parts.front is None else [parts.front, *probe], parts.adapters)
    limit = token_limit(model)
    runtime = None
    if spec.runtime == "vllm":
        runtime = VllmRuntime(spec, model_source(spec), model, limit)
        limit = min(limit or runtime.limit, runtime.limit) - 1  # it always writes one token
        if not head:
            for block in blocks.modules:
                nn.Module.to(block, "meta")
    compiled = spec.compile and not head
    if compiled:
        compile_blocks(spec.id, model, blocks.modules)
    handle = ModelHandle(
        model=model,
        tokenizer=tokenizer,
        blocks=blocks.modules,
        final_norm=blocks.final_norm,
        n_layers=len(blocks.modules),
        hidden=int(text_config(model.config).hidden_size),
        encoder=parts.encoder,
        token_limit=limit,
        fingerprint=name,
        template=template,
        shares=preset.shares if preset else MappingProxyType({}),
        dominant=preset.dominant if preset else (),
        description=_describe(spec, preset, parts, (blocks, template, name)),
        causal=parts.causal,
        divided=spec.tensor_parallel,
        runtime=runtime,
        compiled=compiled,
        front=parts.front,
        code=unseen(spec, model, parts.commit),
    )
    _ = handle.trials  # remembers the model as it was loaded
    return handle


def _preset(spec: ModelSpec) -> Preset | None:
    if spec.preset is None:
        return None if spec.id.endswith(".toml") else find_preset(spec.id)
    preset = find_preset(spec.preset)
    if preset is None:
        raise SpecError(
            f"model.preset = {spec.preset!r} is unknown; known: {', '.join(PRESETS)}; or the path of a .toml of yours"
        )
    return preset


def _describe(
    spec: ModelSpec, preset: Preset | None, parts: Parts, found: tuple[Blocks, Template, str]
) -> Mapping[str, str]:
    blocks, template, name = found
    model = parts.base
    quantised = spec.quantisation != "none"
    folder = Path(spec.id)
    lines = {
        "name": folder.resolve().name if folder.is_dir() and spec.id != EMBEDDED_MODEL else spec.id,
        "id": spec.id,
        "revision": spec.revision or "",
        "commit": parts.commit,
        "preset": preset.name if preset else "",
        "architecture": type(model).__name__,
        "model type": str(text_config(model.config).model_type),
        "layers": str(len(blocks.modules)),
        "blocks": blocks.path,
        "hidden size": str(text_config(model.config).hidden_size),
        # Packed weights cannot be counted by their shapes.
        "parameters": "" if quantised else f"{sum(parameter.numel() for parameter in model.parameters()):,}",
        "dtype": str(model.dtype).removeprefix("torch."),
        "quantisation": spec.quantisation if quantised else "",
        "run by": "" if spec.runtime == "transformers" else spec.runtime,
        "template": template.name,
        "day in the template": str(template.day) if template.prints_day else "",
        "fingerprint": name,
        "prompt": prompt_name(template),
        "training shares": preset.shares_source if preset else "",
        **parts.remarks,
    }
    return MappingProxyType({key: value for key, value in lines.items() if value})
