"""Loading weights and tokenizer from a folder or the Hub, with foreseen failures explained.

Causal models are loaded by the class with the LM head, because only that class maps the names of every checkpoint,
and then only their base model is kept, unless text is to be generated: reading never runs the head. Encoders (a
masked-LM architecture whose config does not say `is_decoder`) are loaded without a head. Weights are read from
safetensors only, never from a pickle. A weight of the base model that the checkpoint lacks is an error, not a random
number.
"""

import importlib.util
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.models.auto.tokenization_auto import get_tokenizer_config
from transformers.utils import logging as transformers_logging

from polyvalues.config import EMBEDDED_MODEL, ModelSpec
from polyvalues.errors import ArchitectureError, MissingExtra, ModelLoadError
from polyvalues.models.beginning_token import missing_bos
from polyvalues.models.blocks import text_config
from polyvalues.models.evaluation_mode import evaluating
from polyvalues.models.file_consistency import foreign_tokenizer, rounding, stored_dtype, unused_weights
from polyvalues.models.provenance import commit_of, refuse_unread_adapter
from polyvalues.models.tensor_parallel import parallel_plan

_FORESEEN: Final = (
    OSError,
    ValueError,
    RuntimeError,
    KeyError,
    TypeError,
    AttributeError,
    ImportError,
    SafetensorError,
    StrictDataclassError,
)
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_NO_CONVERSION: Final = "DISABLE_SAFETENSORS_CONVERSION"


@dataclass(frozen=True, eq=False)
class Parts:
    """What was loaded: eval mode, no gradients, on its device.

    Attributes:
        base: the model without LM head.
        causal: the same model with its LM head; None where it was not asked for.
        tokenizer: its tokenizer.
        encoder: whether it is an encoder.
        front: the id of a BOS that belongs in front of texts and is not added by the tokenizer; None: there is none.
        remarks: what the record says about the beginning of texts, stored weights and what does not belong together.
        commit: of the Hub's repository; empty for a folder.
        adapters: settings of adapters that are laid over the weights, by name.
    """

    base: PreTrainedModel
    causal: PreTrainedModel | None
    tokenizer: PreTrainedTokenizerBase
    encoder: bool
    front: int | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    adapters: Mapping[str, Any] = field(default_factory=dict)


def load_parts(spec: ModelSpec, *, head: bool | None = False) -> Parts:
    """Load a model and its tokenizer.

    Args:
        spec: which, and how.
        head: keep the LM head, to generate text; None: keep it where the checkpoint has one.

    Raises:
        ModelLoadError: anything that can go wrong, with what to do.
        ArchitectureError: the model has no part without LM head.
        MissingExtra: `device_map` or quantisation without the library they need.
    """
    source = model_source(spec)
    device = torch_device(spec)
    with failures_explained(spec.id):
        commit = commit_of(source, spec.revision)
        refuse_unread_adapter(source, commit)
        common: dict[str, Any] = {
            "revision": commit or spec.revision or "main",
            "trust_remote_code": spec.trust_remote_code,
        }
        placement = _placement(spec, device)
        config = AutoConfig.from_pretrained(source, **common)
        encoder = _is_encoder(config)
        tokenizer = AutoTokenizer.from_pretrained(source, **common)
        loader: Any = AutoModel if encoder else AutoModelForCausalLM
        full, info = loader.from_pretrained(
            source,
            config=config,
            dtype=spec.dtype,
            use_safetensors=True,
            output_loading_info=True,
            **placement,
            **common,
        )
        base = full if encoder else _without_head(full)
        if head and encoder:
            raise ModelLoadError(f"{spec.id}: is an encoder, which cannot generate text; it can only be read")
        if head is None:
            head = not encoder and not absent_weights(full, full, info["missing_keys"])
        check_complete(spec, full, full if head else base, info["missing_keys"])
        unused = unused_weights(full, base, info["unexpected_keys"], head=head)
        said: Any = PretrainedConfig.get_config_dict(source, **common)[0]
        usual = type(text_config(config))().to_dict()
        signs = foreign_tokenizer(tokenizer, said, _rows(base), usual=usual, encoder=encoder)
        remarks = _mismatches(spec, (source, commit or spec.revision), full, unused, signs)
        full.eval()
        if not placement:
            nn.Module.to(full if head else base, device)
        adds = get_tokenizer_config(source, **common).get("add_bos_token")
        place = None if placement else device
        front, remark = missing_bos(tokenizer, full, spec.bos, adds, encoder=encoder, device=place)
    full.requires_grad_(requires_grad=False)
    remarks = {"beginning of texts": remark, **remarks}
    adapters = getattr(full, "peft_config", None) or {}
    return Parts(base, full if head else None, tokenizer, encoder, front, remarks, commit, adapters)


def parts_in_memory(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, bos: str = "auto") -> Parts:
    """Parts of a model and tokenizer that somebody else loaded; neither is changed.

    Args:
        model: a transformers model with or without LM head, on its device.
        tokenizer: its tokenizer.
        bos: `auto`, `add` or `leave`: a BOS that the tokenizer does not add.

    Raises:
        ModelLoadError: an encoder-decoder, or a tokenizer that is another model's.
        ArchitectureError: the model has no part without LM head.
    """
    name = model.name_or_path or type(model).__name__
    encoder = _is_encoder(model.config)
    base = model if encoder else _without_head(model)
    with evaluating(model):
        usual = type(text_config(model.config))().to_dict()
        signs = foreign_tokenizer(tokenizer, model.config.to_dict(), _rows(base), usual=usual, encoder=encoder)
        if signs:
            raise ModelLoadError(f"{name}: the tokenizer does not belong to the model: {'; '.join(signs)}")
        adds = getattr(tokenizer, "add_bos_token", None)
        headed = base is not model and not encoder
        front, remark = (None, "") if not headed else missing_bos(tokenizer, model, bos, adds, encoder=encoder)
    adapters = getattr(model, "peft_config", None) or {}
    return Parts(
        base, model if headed else None, tokenizer, encoder, front, {"beginning of texts": remark}, "", adapters
    )


def _rows(base: PreTrainedModel) -> int:
    embeddings: Any = base.get_input_embeddings()
    return int(embeddings.weight.shape[0])


def _mismatches(
    spec: ModelSpec, source: tuple[str, str | None], full: PreTrainedModel, unused: list[str], signs: list[str]
) -> dict[str, str]:
    """Remarks on stored weights, and on what does not belong together if that is not refused.

    Raises:
        ModelLoadError: something does not belong together, and `model.mismatch` is not "report".
    """
    found = list(signs)
    if unused:
        found.insert(
            0,
            f"{len(unused)} weights of the checkpoint have no place in the model ({', '.join(unused[:3])}"
            f"{' ...' if len(unused) > 3 else ''}): its config does not belong to it",
        )
    packed = spec.quantisation != "none" or getattr(full.config, "quantization_config", None) is not None
    stored = None if packed else stored_dtype(*source)
    found += rounding(stored, full, spec.dtype)
    if found and spec.mismatch == "refuse":
        raise ModelLoadError(
            f"{spec.id}: what is loaded would not be what the folder holds: {'; '.join(found)}. Mend the folder, or "
            "set model.mismatch = 'report' to read it as it is and have this in the record"
        )
    name = str(stored).removeprefix("torch.")
    return {
        "weights stored as": "" if stored in (None, full.dtype) else name,
        "does not belong together": "; ".join(found),
    }


@contextmanager
def failures_explained(name: str, kind: str = "") -> Iterator[None]:
    """Load a model inside, quietly; what is foreseen to go wrong is one message.

    Args:
        name: the model's folder or Hub id.
        kind: a sentence on what models can be loaded, for the end of the message.

    Raises:
        ModelLoadError: anything that is foreseen, with what to do.
    """
    try:
        with quiet_transformers():
            yield
    except _FORESEEN as error:
        advice = f"{_advice(error)}. {kind}" if kind else _advice(error)
        raise ModelLoadError(f"{name}: cannot be loaded: {_first_line(error)}. {advice}") from error


def model_source(spec: ModelSpec) -> str:
    """What transformers is given: a checked folder, or the Hub id."""
    if spec.id == EMBEDDED_MODEL:
        return str(resources.files("polyvalues.models").joinpath(EMBEDDED_MODEL))
    folder = Path(spec.id).expanduser()
    if not folder.exists():
        if spec.id.startswith((".", "/", "~")) or spec.id.count("/") > 1:
            raise ModelLoadError(f"{spec.id}: no such folder; give a folder with config.json, or a Hub id")
        return spec.id
    if not folder.is_dir():
        raise ModelLoadError(f"{spec.id}: is a file; give the folder that holds config.json and the weights")
    if not (folder / "config.json").is_file():
        raise ModelLoadError(f"{spec.id}: has no config.json, so it is not a Hugging Face model folder")
    if not any(folder.glob("*.safetensors")):
        if any(path for pattern in _PICKLES for path in folder.glob(pattern)):
            raise ModelLoadError(
                f"{spec.id}: its weights are pickles, which can run code when they are opened and are never read here; "
                "convert them once to safetensors (save_pretrained writes them) and load that folder"
            )
        raise ModelLoadError(f"{spec.id}: has no *.safetensors file, so no weights; was the download cut short?")
    return str(folder)


def torch_device(spec: ModelSpec) -> torch.device:
    """The device that is asked for, else the accelerator if there is one.

    Raises:
        ModelLoadError: it cannot be used here.
    """
    try:
        if spec.device is None and spec.runtime != "transformers":
            return torch.device("cpu")  # the accelerator is the other library's
        if spec.device is None:
            found = {"cuda": torch.cuda, "xpu": torch.xpu, "mps": torch.backends.mps}
            return torch.device(next((name for name, backend in found.items() if backend.is_available()), "cpu"))
        device = torch.device(spec.device)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelLoadError(
            f"model.device = {spec.device!r} cannot be used here: {_first_line(error)}. Leave it out to take the "
            "accelerator if there is one, or say 'cpu'"
        ) from None
    return device


def _placement(spec: ModelSpec, device: torch.device) -> dict[str, Any]:
    """`device_map` and `quantization_config`; empty when the model is simply moved to its device."""
    placement: dict[str, Any] = {}
    if spec.device_map is not None:
        _need("accelerate", f"model.device_map = {spec.device_map!r}", "pip install 'polyvalues[big]'")
        placement["device_map"] = spec.device_map
    if spec.quantisation != "none":
        for library in ("bitsandbytes", "accelerate"):
            _need(library, f"model.quantisation = {spec.quantisation!r}", "pip install bitsandbytes accelerate")
        eight = spec.quantisation == "int8"
        placement["quantization_config"] = BitsAndBytesConfig(load_in_8bit=eight, load_in_4bit=not eight)
        placement.setdefault("device_map", {"": str(device)})
    if spec.tensor_parallel:
        placement |= parallel_plan(spec.id)
    return placement


def _need(library: str, setting: str, command: str) -> None:
    if importlib.util.find_spec(library) is None:
        raise MissingExtra(f"{setting} needs {library}, which is not installed: {command}")


def _is_encoder(config: Any) -> bool:
    if getattr(config, "is_encoder_decoder", False):
        raise ModelLoadError(
            f"{config.model_type} is an encoder-decoder model; causal language models and encoders can be read"
        )
    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)


def _without_head(full: PreTrainedModel) -> PreTrainedModel:
    """The model below the LM head: by its prefix or, where a class has no part of that name, the only child model."""
    base = full.base_model
    if base is not full and isinstance(base, PreTrainedModel):
        return base
    inner = [child for child in full.children() if isinstance(child, PreTrainedModel)]
    if len(inner) != 1:
        raise ArchitectureError(
            f"{type(full).__name__}: the model without its LM head cannot be told apart; base_model_prefix is "
            f"{full.base_model_prefix!r}, children: {', '.join(name for name, _ in full.named_children())}"
        )
    return inner[0]


def absent_weights(full: PreTrainedModel, base: PreTrainedModel, missing: Any) -> list[str]:
    """Names of weights of `base`, a part of `full`, that the checkpoint lacks; poolers do not count."""
    used = {id(parameter) for name, parameter in base.named_parameters() if "pooler" not in name}
    named = dict(full.named_parameters(remove_duplicate=False))
    return sorted(key for key in missing if key in named and id(named[key]) in used)


def check_complete(spec: ModelSpec, full: PreTrainedModel, base: PreTrainedModel, missing: Any) -> None:
    """No parameter that is used may be absent from the checkpoint; poolers never are, heads only to generate.

    Args:
        spec: which model.
        full: as it was loaded.
        base: the part of it that is used.
        missing: names of the weights of `full` that the checkpoint lacks.

    Raises:
        ModelLoadError: weights of `base` are absent.
    """
    absent = absent_weights(full, base, missing)
    if absent:
        raise ModelLoadError(
            f"{spec.id}: {len(absent)} weights are not in the checkpoint and would be random ({', '.join(absent[:5])}"
            f"{' ...' if len(absent) > 5 else ''}); the folder is incomplete or its config does not belong to it"
        )


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars, warnings or network side jobs of transformers inside; everything as before afterwards."""
    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    conversion = os.environ.get(_NO_CONVERSION)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    os.environ[_NO_CONVERSION] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()
        if conversion is None:
            del os.environ[_NO_CONVERSION]
        else:
            os.environ[_NO_CONVERSION] = conversion


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else type(error).__name__
    return (line if len(line) <= 300 else line[:300] + "...").rstrip(".")


def _advice(error: BaseException) -> str:
    text = str(error)
    if "trust_remote_code" in text:
        return "It runs code from its repository: if you trust that code, set trust_remote_code = true for the model"
    if isinstance(error, SafetensorError):
        return "A weight file is damaged or cut short: download the model again"
    if isinstance(error, ImportError):
        return "Install the library it names"
    if "Unrecognized configuration class" in text:
        return "It is another kind of model than the one that is needed here"
    if "does not recognize this architecture" in text or "model type" in text.lower() or "model_type" in text:
        return "Its model_type is unknown to this release of transformers: upgrade transformers or check config.json"
    if "safetensors" in text:
        return "Weights are read from safetensors only, never from pickles: use a repository or revision that has them"
    if isinstance(error, OSError):
        return (
            "Check the id, the revision and the network; a gated model needs a login on the Hub; "
            "without a network give a local folder"
        )
    if "memory" in text.lower():
        return "Use a smaller dtype, model.quantisation, or model.device_map"
    return "Check config.json, the tokenizer files and the weights of this model"
