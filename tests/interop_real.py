# pyright: reportMissingImports=false
"""Checks exported vectors against the libraries that read them; `make test-interop` makes the environment.

    repeng        reads our GGUF, writes one we read
    lm-eval       its `steered` model, on a tiny model: logits equal to ours
    saklas        loads our profile
    llama.cpp     by llama-cpp-python, where it is installed: logits with the control vector equal to ours

Prints a line per library and fails if one that is installed disagrees.
"""

import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from transformers import AutoTokenizer

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "steer")]
from test_steering_steering_vectors import make_vectors  # noqa: E402

import polyvalues as pv  # noqa: E402
from polyvalues.steering.formats.layer_vectors import bake  # noqa: E402
from tiny_models import tiny_tokenizer, write_tiny_model  # noqa: E402

STRENGTH = 0.8
TEXT = "She told her neighbour the truth about the broken window."


def steered_logits(handle: Any, vectors: Any) -> torch.Tensor:
    """Ours, on one text."""
    ids = handle.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    with torch.inference_mode(), vectors.steer(handle, STRENGTH):
        return handle.causal(input_ids=ids).logits[0]


def check_repeng(handle: Any, vectors: Any, folder: Path) -> str:
    """Both ways, exactly. repeng 0.4 names a type that numpy 2 has dropped; it is given back here."""
    if not hasattr(np, "float_"):
        np.float_ = np.float64  # noqa: NPY201  # pyright: ignore[reportAttributeAccessIssue]
    from repeng import ControlVector

    pv.export_vectors(vectors, folder / "v.gguf", "gguf", STRENGTH)
    theirs = ControlVector.import_gguf(folder / "v.gguf")
    ours = bake(vectors.artefact, STRENGTH)
    assert theirs.model_type == "llama"
    assert set(theirs.directions) == set(ours.directions)
    for layer, vector in ours.directions.items():
        np.testing.assert_array_equal(theirs.directions[layer], vector)
    theirs.export_gguf(folder / "back.gguf")
    back = pv.import_vectors(folder / "back.gguf", "gguf")
    with torch.inference_mode(), back.steer(handle, 1.0, force=True):
        again = handle.causal(**handle.tokenizer(TEXT, return_tensors="pt")).logits[0]
    torch.testing.assert_close(again, steered_logits(handle, vectors), atol=1e-4, rtol=1e-4)
    return "vectors equal bit for bit, and back"


def check_lm_eval(handle: Any, vectors: Any, folder: Path) -> str:
    """Its own class, its own hooks."""
    from lm_eval.models.hf_steered import SteeredModel

    pv.export_vectors(vectors, folder / "v.pt", "lm-eval", STRENGTH)
    model = SteeredModel(
        pretrained=str(folder / "model"), steer_path=str(folder / "v.pt"), device="cpu", dtype="float32"
    )
    ids = handle.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    theirs = model._model_call(ids)[0]
    ours = steered_logits(handle, vectors)
    torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=1e-4)
    return f"logits within {float((theirs - ours).abs().max()):.1e}"


def check_saklas(handle: Any, vectors: Any, folder: Path) -> str:
    """Its loader, with its integrity check."""
    from saklas.core.profile import load_profile

    pv.export_vectors(vectors, folder / "v.safetensors", "saklas", STRENGTH)
    profile, metadata = load_profile(folder / "v.safetensors")
    for layer, vector in bake(vectors.artefact, STRENGTH).directions.items():
        np.testing.assert_array_equal(profile[layer].numpy(), vector)
    assert metadata["fingerprint"] == handle.fingerprint
    return "profile equal bit for bit"


def check_llama_cpp(handle: Any, vectors: Any, folder: Path) -> str:
    """A tiny Llama as GGUF, with and without the control vector."""
    import ctypes

    import llama_cpp

    write_llama_gguf(handle, folder / "model.gguf")
    chosen = vectors.sel(layer=[layer for layer in vectors.layers if layer > 0])
    pv.export_vectors(chosen, folder / "c.gguf", "gguf", STRENGTH)
    ids = handle.tokenizer(TEXT)["input_ids"]
    runner = llama_cpp.Llama(str(folder / "model.gguf"), n_ctx=64, logits_all=True, verbose=False, n_threads=1)
    flat = np.zeros((handle.n_layers - 1) * handle.hidden, dtype=np.float32)
    for tensor in gguf.GGUFReader(folder / "c.gguf").tensors:
        at = (int(tensor.name.removeprefix("direction.")) - 1) * handle.hidden
        flat[at : at + handle.hidden] = tensor.data
    with torch.inference_mode():
        plain = handle.causal(input_ids=torch.tensor([ids])).logits[0].numpy()
    gaps = []
    for expected, steered in ((plain, False), (steered_logits(handle, chosen).numpy(), True)):
        if steered:
            apply = getattr(llama_cpp, "llama_apply_adapter_cvec", None) or llama_cpp.llama_set_adapter_cvec
            pointer = flat.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            assert apply(runner._ctx.ctx, pointer, flat.size, handle.hidden, 1, handle.n_layers - 1) == 0
        runner.reset()
        runner.eval(ids)
        gaps.append(float(np.abs(runner.scores[: len(ids)] - expected).max()))
    spread = float(np.abs(steered_logits(handle, chosen).numpy() - plain).max())
    assert gaps[0] < 0.02, f"unsteered logits differ by {gaps[0]}"
    assert gaps[1] < 0.02 < spread, f"steered logits differ by {gaps[1]} (steering moves them by {spread})"
    return f"logits within {gaps[1]:.1e} (steering moves them by {spread:.1f}; unsteered within {gaps[0]:.1e})"


def write_llama_gguf(handle: Any, path: Path) -> None:
    """The tiny Llama and its byte-level tokenizer in GGUF; query and key rows in llama.cpp's order."""
    config, state = handle.causal.config, handle.causal.state_dict()
    heads, keys, hidden = config.num_attention_heads, config.num_key_value_heads, config.hidden_size
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(hidden)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(keys)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(hidden // heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_file_type(0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    vocabulary = sorted(handle.tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    tokens = [token for token, _ in vocabulary] + [f"<unused{at}>" for at in range(len(vocabulary), config.vocab_size)]
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token.startswith("<") and token.endswith(">") else 1 for token in tokens])
    merges = json.loads(handle.tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    names = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    writer.add_tensor("token_embd.weight", state["model.embed_tokens.weight"].numpy())
    writer.add_tensor("output_norm.weight", state["model.norm.weight"].numpy())
    writer.add_tensor("output.weight", state["lm_head.weight"].numpy())
    for layer in range(config.num_hidden_layers):
        for ours, theirs in names.items():
            weight = state[f"model.layers.{layer}.{ours}.weight"].numpy()
            if theirs in ("attn_q", "attn_k"):
                count = heads if theirs == "attn_q" else keys
                weight = weight.reshape(count, 2, -1, hidden).swapaxes(1, 2).reshape(weight.shape)
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", np.ascontiguousarray(weight))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


CHECKS: dict[str, tuple[str, Callable[[Any, Any, Path], str]]] = {
    "repeng": ("repeng", check_repeng),
    "lm-eval": ("lm_eval", check_lm_eval),
    "saklas": ("saklas", check_saklas),
    "llama-cpp-python": ("llama_cpp", check_llama_cpp),
}


def report(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")


def main() -> None:
    """Every check whose library is installed."""
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer = tiny_tokenizer("plain")
        write_tiny_model(folder / "model", tokenizer=tokenizer)
        assert AutoTokenizer.from_pretrained(folder / "model") is not None
        handle = pv.load_model(pv.ModelSpec(id=str(folder / "model"), device="cpu"), head=True)
        vectors = make_vectors(handle).sel(concept="care", language="en", layer=[1, 2])
        for library, (module, check) in CHECKS.items():
            if importlib.util.find_spec(module) is None:
                report(f"{library}: not installed, not checked")
                continue
            try:
                report(f"{library} {version(library)}: {check(handle, vectors, folder)}")
            except Exception as error:  # noqa: BLE001
                failed = True
                report(f"{library} {version(library)}: FAILED: {type(error).__name__}: {error}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
