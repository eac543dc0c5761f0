"""A model that vLLM runs, in this process, so that hooks behind its blocks are ordinary functions.

vLLM batches as it likes: a pass holds the tokens of many requests at different places. Before each pass its model
runner says which requests they are and where they stand; a tap behind a block gets the block's output, which vLLM
hands on as two tensors (what the block adds, and the stream so far) whose sum it is. What a tap makes of it goes on as
the first, with zeros as the second.

Limits: eager mode, no prefix caching (its states are those of another request, perhaps a steered one), no asynchronous
scheduling, one process, the runner's first version. Whether a model's blocks mean in vLLM what they mean in
transformers is tried when it is loaded, on two prompts, and it is refused if not. So are models that vLLM runs by
changing transformers' own class. One model per process.
"""

import importlib
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from polyvalues.config import ModelSpec
from polyvalues.errors import ArchitectureError, MissingExtra, ModelLoadError
from polyvalues.models.blocks import block_states, find_blocks
from polyvalues.models.runtime import ONE_TOKEN, Decoding, Places, Tap, prompt_states

_SETTINGS: Final = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_USE_V2_MODEL_RUNNER": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}
"""Of the environment, where it does not say otherwise; the first two are needed and always set."""

_PROBES: Final = ([3, 10, 17, 24, 31, 38, 45], [3, 10, 17, 24])
"""Token ids that every vocabulary has."""

_TOLERANCE: Final = {torch.float32: 1e-3}
_ROUGH: Final = 0.1


class VllmRuntime:
    """See the module.

    Args:
        spec: which model.
        source: its folder or Hub id.
        local: the same model in transformers, to compare with and to know the dtype of.
        limit: most tokens by the model's positions; None: they have no end.

    Attributes:
        limit: most tokens of a prompt and its answer together.

    Raises:
        MissingExtra: vLLM is not installed.
        ModelLoadError: vLLM cannot load the model.
        ArchitectureError: its blocks are not found, or do not give what those of transformers give.
    """

    name = "vllm"

    def __init__(self, spec: ModelSpec, source: str, local: PreTrainedModel, limit: int | None) -> None:
        vllm = _vllm()
        called = type(local).__call__
        ours = _probe_states(local)
        self._sampling: Any = vllm.SamplingParams
        try:
            self._llm: Any = vllm.LLM(
                model=source,
                revision=spec.revision,
                trust_remote_code=spec.trust_remote_code,
                dtype=str(local.dtype).removeprefix("torch."),
                max_model_len=None if limit is None else -1,  # its own; as long as memory allows
                load_format="safetensors",  # never a pickle
                skip_tokenizer_init=True,
                generation_config="vllm",
                enforce_eager=True,
                enable_prefix_caching=False,
                async_scheduling=False,
                disable_log_stats=True,
                use_tqdm_on_load=False,
            )
        except (RuntimeError, ValueError, TypeError, AttributeError, OSError, AssertionError, ImportError) as error:
            said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise ModelLoadError(f"{spec.id}: vLLM {vllm.__version__} cannot load it: {said}") from error
        self._runner: Any = self._llm.collective_rpc(_runner_of)[0]
        self._blocks = find_blocks(self._runner.get_model()).modules
        self.limit = int(self._llm.llm_engine.model_config.max_model_len)
        self._places: Places | None = None
        if type(local).__call__ is not called:
            raise ArchitectureError(
                f"{spec.id}: vLLM {vllm.__version__} has no {type(local).__name__} of its own and changes that of "
                "transformers instead, which could not be used beside it; use engine 'local'"
            )
        self._compare(spec.id, local.dtype, ours)

    def run(
        self, prompts: Sequence[Sequence[int]], taps: Mapping[int, Tap], decoding: Decoding = ONE_TOKEN, /
    ) -> list[list[int]]:
        """Go on with prompts; see `polyvalues.models.runtime.Runtime`. Above temperature 0 the draws are vLLM's."""
        asked = [self._asked(row, decoding) for row in range(len(prompts))]
        with ExitStack() as stack:
            stack.callback(self._blocks[0].register_forward_pre_hook(self._before).remove)
            for layer, tap in taps.items():
                stack.callback(self._blocks[layer].register_forward_hook(self._behind(tap)).remove)
            given = [{"prompt_token_ids": list(prompt)} for prompt in prompts]
            done = self._llm.generate(given, asked, use_tqdm=False)
        return [list(answer.outputs[0].token_ids) for answer in done]

    def _asked(self, row: int, decoding: Decoding) -> Any:
        warm = {"seed": decoding.seeds[row] % 2**63 if decoding.seeds else 0} if decoding.temperature else {}
        return self._sampling(
            max_tokens=decoding.new_tokens,
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            stop_token_ids=list(decoding.ends),
            detokenize=False,
            extra_args={"row": row},
            **warm,
        )

    def _before(self, _module: nn.Module, _inputs: Any) -> None:
        """Before a pass: whose tokens these are, and where they stand."""
        batch, runner = self._runner.input_batch, self._runner
        starts = runner.query_start_loc.cpu[: batch.num_reqs + 1].long()
        names = batch.req_ids[: batch.num_reqs]
        rows = torch.tensor([runner.requests[name].sampling_params.extra_args["row"] for name in names])
        positions = runner.positions[: int(starts[-1])].long()
        self._places = Places(rows.repeat_interleave(starts.diff()).to(positions.device), positions)

    def _behind(self, tap: Tap) -> Any:
        def hook(module: nn.Module, _inputs: Any, output: Any) -> Any:
            places = self._places
            assert places is not None
            hidden, stream = _parts(module, output)
            whole = hidden if stream is None else hidden + stream
            count = len(places.request)  # what follows is padding
            changed = tap(whole[:count], places)
            if changed is None:
                return None
            whole = changed if count == len(whole) else torch.cat([changed, whole[count:]])
            return whole if stream is None else (whole, torch.zeros_like(stream))

        return hook

    def _compare(self, name: str, dtype: torch.dtype, ours: Tensor) -> None:
        """Read the prompts that transformers has read."""
        theirs = torch.from_numpy(prompt_states(self, _PROBES, range(len(ours)), "last", ours.shape[-1]))
        apart = ((ours - theirs).norm(dim=-1) / ours.norm(dim=-1)).amax(dim=1)
        worst = int(apart.argmax())
        if not float(apart[worst]) <= _TOLERANCE.get(dtype, _ROUGH):
            raise ArchitectureError(
                f"{name}: hidden states of layer {worst} in vLLM are not those of transformers (they differ by "
                f"{float(apart[worst]):.2g} of their length), so it cannot be read or steered there; use engine 'local'"
            )


def _vllm() -> Any:
    for key, value in _SETTINGS.items():
        os.environ.setdefault(key, value)
    for key in ("VLLM_ENABLE_V1_MULTIPROCESSING", "VLLM_USE_V2_MODEL_RUNNER"):
        os.environ[key] = _SETTINGS[key]
    try:
        return importlib.import_module("vllm")
    except ImportError as error:
        raise MissingExtra(
            f"engine vllm needs vLLM, which cannot be imported ({error}): install it in an environment of its own, as "
            "it pins torch and transformers (docs/engines.md)"
        ) from None


def _runner_of(worker: Any) -> Any:
    return worker.model_runner


def _parts(module: nn.Module, output: Any) -> tuple[Tensor, Tensor | None]:
    """What a block of vLLM hands on: the stream, or what it adds and the stream before."""
    if isinstance(output, Tensor):
        return output, None
    if isinstance(output, tuple) and len(output) == 2 and all(isinstance(part, Tensor) for part in output):
        return output
    raise ArchitectureError(f"{type(module).__name__} of vLLM returned {type(output).__name__}, not one or two tensors")


@torch.inference_mode()
def _probe_states(local: PreTrainedModel) -> Tensor:
    """States of the probes' last tokens at every block in transformers, float32 `[layer, probe, hidden]`."""
    found: list[list[Tensor]] = []

    def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
        found[-1].append(block_states(output)[0, -1].float().cpu())

    with ExitStack() as stack:
        for block in find_blocks(local).modules:
            stack.callback(block.register_forward_hook(keep).remove)
        for probe in _PROBES:
            found.append([])
            local(input_ids=torch.tensor([probe], device=local.device))
    return torch.stack([torch.stack(states) for states in found], dim=1)
