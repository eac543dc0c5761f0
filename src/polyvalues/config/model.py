"""Settings of a model and of where it runs."""

from typing import Final, Literal

from pydantic import Field, model_validator

from polyvalues.config.base import Spec, build
from polyvalues.config.dates import TEMPLATE_DAY, Day
from polyvalues.errors import SpecError

EMBEDDED_MODEL: Final = "babel"
"""Id of the small multilingual model in the package; a folder of that name is written `./babel`."""


class ModelSpec(Spec):
    """Which model, and how it is loaded and prompted."""

    id: str = Field(min_length=1, description="Local folder or Hub id, or 'babel', the model in the package.")
    preset: str | None = Field(default=None, description="Name of a preset; None looks one up by id.")
    revision: str | None = Field(default=None, description="Hub revision (branch, tag or commit).")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    device: str | None = Field(
        default=None, description="'cpu', 'cuda', 'cuda:1' ...; None takes the accelerator if any."
    )
    device_map: str | None = Field(default=None, description="Passed to transformers (needs accelerate), e.g. 'auto'.")
    tensor_parallel: bool = Field(default=False, description="Divide each matrix over the processes of torchrun.")
    quantisation: Literal["none", "int8", "int4"] = Field(default="none", description="bitsandbytes, passed through.")
    template: str | None = Field(
        default=None,
        description="'raw', 'chat' (the tokenizer's), or a text with '{input}'; None: the preset's, else raw.",
    )
    bos: Literal["auto", "add", "leave"] = Field(default="auto", description="A BOS that the tokenizer does not add.")
    mismatch: Literal["refuse", "report"] = Field(default="refuse", description="Config, weights, tokenizer disagree.")
    today: Day = Field(default=TEMPLATE_DAY, description="The day that chat templates print; YYYY-MM-DD.")
    trust_remote_code: bool = Field(default=False, description="Run modelling code that comes with the model.")
    runtime: Literal["transformers", "vllm"] = Field(default="transformers", description="What runs the model.")
    compile: bool = Field(default=False, description="torch.compile the blocks for reading: pays on a GPU.")

    @model_validator(mode="after")
    def _consistent(self) -> "ModelSpec":
        if self.device is not None and self.device_map is not None:
            raise ValueError("give 'device' or 'device_map', not both")
        if self.tensor_parallel and (self.device_map is not None or self.quantisation != "none"):
            raise ValueError("'tensor_parallel' places the model itself; leave out 'device_map' and 'quantisation'")
        placed = self.tensor_parallel or self.device_map is not None or self.quantisation != "none"
        if self.runtime == "vllm" and placed:
            raise ValueError("vLLM places the model; leave out 'device_map', 'tensor_parallel' and 'quantisation'")
        if self.compile and (placed or self.runtime != "transformers"):
            raise ValueError(
                "'compile' is for a model on one device; leave it out where it is divided, quantised or in vLLM"
            )
        if self.template not in (None, "raw", "chat") and "{input}" not in str(self.template):
            raise ValueError(f"template {self.template!r} is neither 'raw' nor 'chat' and has no '{{input}}'")
        return self


class EngineSpec(Spec):
    """Where a study's texts are read.

    Results do not depend on `local` or `ray`, so those are not part of a study's settings. `vllm` runs the model, and
    is written into the model's (`runtime`).
    """

    name: Literal["local", "ray", "vllm"] = Field(default="local", description="Where texts are read.")
    address: str | None = Field(default=None, description="Ray cluster, e.g. 'auto'; None starts one on this machine.")
    workers: int | None = Field(default=None, ge=1, description="Models loaded at once; None: as many as fit.")
    threads: int = Field(default=1, ge=1, description="CPU threads of each worker.")
    gpus: float = Field(default=0, ge=0, description="GPUs of each worker.")

    @model_validator(mode="after")
    def _used(self) -> "EngineSpec":
        if self.name != "ray" and self.model_fields_set - {"name"}:
            given = ", ".join(sorted(self.model_fields_set - {"name"}))
            raise ValueError(f"{given}: only engine 'ray' has it")
        return self

    def model(self, spec: ModelSpec) -> ModelSpec:
        """The model as this engine runs it.

        Raises:
            SpecError: vLLM with settings it does not take, or on Ray's workers.
        """
        if self.name == "ray" and spec.runtime == "vllm":
            raise SpecError("model.runtime = 'vllm' on engine 'ray', whose workers read with transformers: choose one")
        return build(ModelSpec, {**spec.model_dump(), "runtime": "vllm"}) if self.name == "vllm" else spec
