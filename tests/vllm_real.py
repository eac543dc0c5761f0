"""Reads and steers tiny models in vLLM and here; `make test-vllm` makes the environment, as vLLM pins its own torch.

    python tests/vllm_real.py            every architecture in a process of its own
    python tests/vllm_real.py llama      one

For each: states at the last token and their mean within 1e-4 of the local engine's, greedy answers the same, unsteered
and steered, with one vector for all and with one per prompt in the same batch, with a condition. For the first also a
whole study. Prints a line per architecture, fails if one disagrees or a refusal is not the expected one.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "steer")]

import polyvalues as pv  # noqa: E402
import tiny_models  # noqa: E402
from line_examples import settings, write_pairs  # noqa: E402
from polyvalues.config.toml import dump_toml  # noqa: E402
from polyvalues.errors import PolyvaluesError  # noqa: E402
from polyvalues.models.extraction import record  # noqa: E402
from polyvalues.models.residual_norms import residual_lengths  # noqa: E402
from polyvalues.steering.plan import Condition, Intervention, Plan  # noqa: E402
from tiny_models import write_tiny_model  # noqa: E402

TEXTS = [
    "She told her neighbour the truth about the broken window.",
    "Bread for all.",
    "Ni haki kugawana mkate na kila mtu mezani, hata wakati wa njaa.",
    "公平地分享面包",
]
WIDE: dict[str, Any] = {"hidden_size": 64, "num_attention_heads": 2, "head_dim": 32, "num_kv_heads": 2}
"""vLLM wants heads of 32 or more."""

NAMES = ("llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3", "phi3", "gpt2", "gpt_neox", "opt", "bloom", "falcon")
TOLERANCE = 1e-4
REFUSED = ("falcon", "gpt_neox")
"""vLLM 0.32 cannot load the one, and runs the other by changing the class of transformers."""

ROUGH = {"gemma2": 2e-3, "bloom": 2e-3}
"""Capped scores and ALiBi, which vLLM's CPU attention computes less exactly."""


def build(name: str, folder: Path) -> Path:
    """The tiny model of that name, with heads of 32."""
    config = tiny_models.ARCHITECTURES[name]()
    for key, value in (
        WIDE | {"head_dim": 32, "n_embd": 64, "n_head": 2, "word_embed_proj_dim": 64, "num_kv_heads": 2}
    ).items():
        if key in config.to_dict():
            setattr(config, key, value)
    if getattr(config, "num_key_value_heads", None):
        config.num_key_value_heads = 1 if config.num_key_value_heads == 2 else 2
    values = {**config.to_dict(), "query_pre_attn_scalar": 32} if "gemma" in name else config.to_dict()
    for key in ("max_position_embeddings", "n_positions"):
        if key in values:
            values[key] = 256  # the neutral texts of a study are longer than 96 tokens of this tokenizer
    kind = type(config)
    tiny_models.ARCHITECTURES[name] = lambda: kind(**{k: v for k, v in values.items() if k != "model_type"})
    return write_tiny_model(folder, name)


def states(handle: Any, spec: pv.ReadingSpec) -> np.ndarray:
    """`[layer, text, hidden]`."""
    found = {}
    for reading in record(handle, [("", text) for text in TEXTS], spec):
        found |= {int(row): reading.states[:, at] for at, row in enumerate(reading.index)}
    return np.stack([found[row] for row in range(len(TEXTS))], axis=1)


def plans(handle: Any) -> dict[str, Plan | None]:
    """What is steered."""
    generator = torch.Generator().manual_seed(5)
    own = torch.nn.functional.normalize(torch.randn((len(TEXTS), handle.hidden), generator=generator), dim=-1)
    size = residual_lengths(handle, TEXTS).norm
    one = Intervention(1, own[:1], torch.tensor([3 * float(size[1])]))
    main = torch.from_numpy(states(handle, pv.ReadingSpec(layers=(0,)))[0, :1])  # so that much is taken away
    strengths = torch.tensor([1.0, 0.0, -1.0, 2.0]) * float(size[2])
    along = states(handle, pv.ReadingSpec(layers=(1,)))[0] @ own[0].numpy()
    middle = torch.tensor([float(np.median(along))])
    return {
        "unsteered": None,
        "one vector": Plan((one,)),
        "the prompt alone": Plan((one,), positions="prompt"),
        "what is written": Plan((one,), positions="generated"),
        "a vector per prompt": Plan((Intervention(2, own, strengths), one)),
        "ablated": Plan((Intervention(0, main / main.norm(), torch.ones(1), "ablate"),)),
        "under a condition": Plan((one,), condition=Condition(1, own[:1], middle)),
    }


def check(name: str) -> str:
    """One architecture."""
    with tempfile.TemporaryDirectory() as folder:
        model = str(build(name, Path(folder) / "model"))
        here = pv.load_model(pv.ModelSpec(id=model, device="cpu"), head=True)
        there = pv.load_model(pv.EngineSpec(name="vllm").model(pv.ModelSpec(id=model, dtype="float32")), head=True)
        assert there.fingerprint == here.fingerprint
        worst = 0.0
        for position in ("last", "mean"):
            spec = pv.ReadingSpec(position=position)
            ours, theirs = states(here, spec), states(there, spec)
            worst = max(worst, float(np.abs(ours - theirs).max()))
        assert worst < ROUGH.get(name, TOLERANCE), f"states differ by {worst}"
        np.testing.assert_allclose(residual_lengths(there, TEXTS).norm, residual_lengths(here, TEXTS).norm, rtol=1e-4)
        answer = pv.GenerationSpec(max_new_tokens=12)
        unsteered = pv.generate(here, TEXTS, answer)
        for what, plan in plans(here).items():
            ours = pv.generate(here, TEXTS, answer, plan=plan)
            theirs = pv.generate(there, TEXTS, answer, plan=plan)
            assert ours == theirs, f"{what}: {ours} and {theirs}"
            assert plan is None or ours != unsteered, f"{what}: steering changed nothing, so nothing was tested"
        warm = pv.GenerationSpec(max_new_tokens=12, temperature=1.0)
        drawn = [pv.generate(there, TEXTS, warm, seeds=[seed] * len(TEXTS)) for seed in (1, 1, 2)]
        assert drawn[0] == drawn[1] != drawn[2]
        said = study(model, Path(folder)) if name == NAMES[0] else ""
    return f"{name}: states within {worst:.1e}, answers the same in {len(plans(here))} ways{said}"


def study(model: str, folder: Path) -> str:
    """A study by both engines: scores within the tolerance, kept apart, and a second run in vLLM reads nothing."""
    pairs = write_pairs(folder / "pairs.jsonl")
    found: dict[str, pv.Study] = {}
    for engine in ("local", "vllm"):
        out = folder / engine
        (folder / "study.toml").write_text(dump_toml(settings(Path(model), pairs, out)), encoding="utf-8")
        command = [sys.executable, "-m", "polyvalues", "run", str(folder / "study.toml"), "--engine", engine]
        for _ in range(2):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads((out / "run.json").read_text())["texts"]["read"] == 0
        found[engine] = pv.load_study(out)
    assert found["vllm"].spec.model.runtime == "vllm"
    worst = 0.0
    for language in ("en", "fi", "ta"):
        ours, theirs = (found[engine].scores("morality", language).data for engine in ("local", "vllm"))
        for name in ours.data_vars:
            if ours[name].dtype.kind == "f":
                apart = np.abs(ours[name].values - theirs[name].values)
                worst = max(worst, float(np.nanmax(apart)))
    assert worst < 10 * TOLERANCE, f"scores differ by {worst}"
    return f"; a study's scores within {worst:.1e}"


def main() -> None:
    """All, or the one that is named."""
    if sys.argv[1:]:
        transformers.logging.set_verbosity_error()
        try:
            print(check(sys.argv[1]), flush=True)
        except PolyvaluesError as error:
            print(f"{sys.argv[1]}: REFUSED: {error}", flush=True)
        return
    wrong = []
    for name in NAMES:
        done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=False)
        print(done.stdout.strip() or f"{name}: FAILED {done.stderr[-2000:]}", flush=True)
        if not done.stdout.startswith(f"{name}: {'REFUSED' if name in REFUSED else 'states'}"):
            wrong.append(name)
    if wrong:
        sys.exit(f"not as expected: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
