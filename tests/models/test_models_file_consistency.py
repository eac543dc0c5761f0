"""What is loaded is what the folder holds: weights, dtype, tokenizer and the beginning of texts."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.errors import ModelLoadError
from polyvalues.models.extraction import record
from polyvalues.models.loading import model_source
from polyvalues.models.model_handle import load_model
from tiny_models import ENCODERS, edit_config, tiny_tokenizer, write_tiny_model

LAYERS = {"llama": "num_hidden_layers", "gpt2": "n_layer", "mixtral": "num_hidden_layers", "bert": "num_hidden_layers"}


def spec(folder: Path, **settings: Any) -> ModelSpec:
    return ModelSpec.model_validate({"id": str(folder), "device": "cpu"} | settings)


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    path = folder / "model.safetensors"
    save_file({name: part.contiguous() for name, part in change(load_file(path)).items()}, path, {"format": "pt"})


def adding(*names: str) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    return lambda weights: {**weights, **{name: torch.ones(4) for name in names}}


@pytest.mark.parametrize("name", LAYERS)
def test_a_config_with_fewer_blocks_than_the_checkpoint_is_refused(tmp_path: Path, name: str):
    edit_config(write_tiny_model(tmp_path, name), **{LAYERS[name]: 2})
    with pytest.raises(ModelLoadError, match=r"weights of the checkpoint have no place in the model \(.*\.2\."):
        load_model(spec(tmp_path))
    handle = load_model(spec(tmp_path, mismatch="report"))
    assert handle.n_layers == 2
    assert "have no place in the model" in handle.description["does not belong together"]


def test_the_same_in_a_checkpoint_without_a_head(tmp_path: Path):
    edit_config(write_tiny_model(tmp_path), num_hidden_layers=2)
    edit_weights(tmp_path, lambda ws: {k.removeprefix("model."): w for k, w in ws.items() if "lm_head" not in k})
    with pytest.raises(ModelLoadError, match="have no place in the model"):
        load_model(spec(tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.1.mlp.up_proj.lora_A.weight",
        "model.embed_tokens.bias",
        "layers.0.extra.weight",
    ],
)
def test_a_weight_without_a_place_is_refused(tmp_path: Path, name: str):
    write_tiny_model(tmp_path)
    edit_weights(tmp_path, adding(name))
    with pytest.raises(ModelLoadError, match="1 weights of the checkpoint have no place in the model"):
        load_model(spec(tmp_path))


@pytest.mark.parametrize(
    ("architecture", "names"),
    [
        ("llama", ["model.layers.0.self_attn.rotary_emb.inv_freq", "v_head.weight", "score.weight"]),
        ("llama", ["model.vision_tower.layers.7.weight", "model.multi_modal_projector.weight", "audio_tower.weight"]),
        ("gpt2", ["transformer.h.0.attn.bias", "transformer.h.1.attn.masked_bias"]),
        ("bert", ["bert.embeddings.position_ids", "cls.seq_relationship.weight", "qa_outputs.weight"]),
        ("roberta", ["classifier.dense.weight"]),
    ],
)
def test_heads_towers_and_computed_buffers_are_not_missed(tmp_path: Path, architecture: str, names: list[str]):
    write_tiny_model(tmp_path, architecture)
    before = load_model(spec(tmp_path)).fingerprint
    edit_weights(tmp_path, adding(*names))
    handle = load_model(spec(tmp_path))
    assert handle.fingerprint == before
    assert "does not belong together" not in handle.description


def test_blocks_for_further_tokens_are_not_missed_where_the_config_counts_them(tmp_path: Path):
    write_tiny_model(tmp_path)
    edit_weights(tmp_path, adding("model.layers.3.eh_proj.weight"))
    with pytest.raises(ModelLoadError, match="have no place"):
        load_model(spec(tmp_path))
    edit_config(tmp_path, num_nextn_predict_layers=1)
    assert load_model(spec(tmp_path)).n_layers == 3


def test_a_head_that_the_checkpoint_lacks_is_no_head_to_write_with(tmp_path: Path):
    write_tiny_model(tmp_path)
    edit_weights(tmp_path, lambda weights: {name: part for name, part in weights.items() if "lm_head" not in name})
    assert load_model(spec(tmp_path)).n_layers == 3
    with pytest.raises(ModelLoadError, match=r"not in the checkpoint and would be random \(lm_head.weight\)"):
        load_model(spec(tmp_path), head=True)


@pytest.mark.parametrize(
    ("stored", "announced", "asked", "loaded"),
    [
        ("float32", "bfloat16", "auto", None),
        ("float32", "float16", "auto", None),
        ("bfloat16", "float16", "auto", None),
        ("float32", "bfloat16", "float32", "float32"),
        ("float32", "bfloat16", "bfloat16", "bfloat16"),
        ("bfloat16", "float32", "auto", "float32"),
        ("bfloat16", "bfloat16", "auto", "bfloat16"),
    ],
)
def test_weights_are_not_rounded_unless_that_is_asked(
    tmp_path: Path, stored: str, announced: str, asked: str, loaded: str | None
):
    write_tiny_model(tmp_path)
    edit_weights(tmp_path, lambda weights: {name: part.to(getattr(torch, stored)) for name, part in weights.items()})
    edit_config(tmp_path, dtype=announced)
    if loaded is None:
        with pytest.raises(ModelLoadError, match=f"announces {announced}, its weights are stored in {stored}"):
            load_model(spec(tmp_path, dtype=asked))
        return
    handle = load_model(spec(tmp_path, dtype=asked))
    assert handle.description["dtype"] == loaded
    assert handle.description.get("weights stored as", loaded) == stored


def test_a_tokenizer_with_more_tokens_than_the_model_has_embeddings(tmp_path: Path):
    write_tiny_model(tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"]["vocab"]["zebra"] = 400
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ModelLoadError, match="tokenizer has ids up to 400, the model 320 embeddings"):
        load_model(spec(tmp_path))


@pytest.mark.parametrize(
    ("change", "what"), [({"eos_token_id": 40}, "eos_token_id = 40"), ({"pad_token_id": 65}, "65")]
)
def test_special_ids_that_are_ordinary_tokens(tmp_path: Path, change: dict[str, int], what: str):
    edit_config(write_tiny_model(tmp_path), **change)
    with pytest.raises(ModelLoadError, match=f"{what}.*ordinary token"):
        load_model(spec(tmp_path))


def test_special_ids_may_differ_among_special_tokens(tmp_path: Path):
    edit_config(write_tiny_model(tmp_path), eos_token_id=[2, 1], bos_token_id=1, pad_token_id=-1)
    assert load_model(spec(tmp_path)).n_layers == 3


def test_a_tokenizer_of_another_model(tmp_path: Path):
    """The package's own tokenizer has 4,096 tokens, the model 320."""
    write_tiny_model(tmp_path)
    for path in Path(model_source(ModelSpec(id="babel"))).glob("*token*"):
        shutil.copy(path, tmp_path)
    with pytest.raises(ModelLoadError, match="tokenizer has ids up to 4095, the model 320 embeddings"):
        load_model(spec(tmp_path))


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoders_tokenizer_that_adds_no_special_tokens(tmp_path: Path, name: str):
    tokenizer = tiny_tokenizer("plain")
    tokenizer.add_special_tokens({"cls_token": "<s>", "sep_token": "</s>"})
    write_tiny_model(tmp_path, name, tokenizer=tokenizer)
    with pytest.raises(ModelLoadError, match="'<s>', with which texts of encoders begin"):
        load_model(spec(tmp_path))


def tokenizer_says(folder: Path, **settings: Any) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **settings}), encoding="utf-8")


@pytest.fixture(scope="module")
def without_bos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's own model, which was trained with BOS, and a tokenizer that has forgotten to add it."""
    folder = tmp_path_factory.mktemp("babel")
    for path in Path(model_source(ModelSpec(id="babel"))).iterdir():
        shutil.copy(path, folder)
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    content["post_processor"] = None
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**config, "tokenizer_class": "PreTrainedTokenizerFast"}), encoding="utf-8"
    )
    return folder


def test_a_bos_that_the_model_was_trained_with_is_put_in_front(without_bos: Path):
    whole, asked, left = (
        load_model(ModelSpec(id="babel", template="raw", device="cpu")),
        load_model(spec(without_bos, template="raw")),
        load_model(spec(without_bos, template="raw", bos="leave")),
    )
    text = [("Is it fair? ", "It is.")]
    assert asked.front == 0
    assert asked.template.encode(text) == whole.template.encode(text)
    assert left.template.encode(text)[0] == whole.template.encode(text)[0][1:]
    assert asked.fingerprint == whole.fingerprint != left.fingerprint
    states = [next(record(handle, text, ReadingSpec())).states for handle in (whole, asked, left)]
    assert (states[0] == states[1]).all()
    assert abs(states[0] - states[2]).max() > 0.1
    assert "tried" in asked.description["beginning of texts"]


def test_a_bos_that_means_nothing_to_the_model_is_left_out(tmp_path: Path):
    handle = load_model(spec(write_tiny_model(tmp_path, tokenizer=tiny_tokenizer("plain"))))
    assert handle.front is None
    assert handle.description["beginning of texts"].startswith("<s> is not added: tried")
    assert load_model(spec(tmp_path, bos="add")).template.encode([("", "a")])[0][0] == 0


@pytest.mark.parametrize(("said", "front"), [(True, 0), (False, None)])
def test_what_the_tokenizers_settings_say_counts(tmp_path: Path, said: bool, front: int | None):
    write_tiny_model(tmp_path, tokenizer=tiny_tokenizer("plain"))
    tokenizer_says(tmp_path, add_bos_token=said)
    handle = load_model(spec(tmp_path))
    ids = handle.template.encode([("", "a")])[0]
    assert (ids[0] == 0) == (front == 0)
    assert ids.count(0) == (1 if said else 0)


def test_a_template_that_begins_with_bos_is_not_given_a_second(tmp_path: Path):
    write_tiny_model(tmp_path, tokenizer=tiny_tokenizer("plain", chat_template="<s>{{ messages[0]['content'] }}"))
    for template in ("<s>Q: {input}", "chat", "Q: {input}", "raw"):
        handle = load_model(spec(tmp_path, bos="add", template=template))
        ids = handle.template.encode([("", "a")])[0]
        assert (ids[0], ids.count(0)) == (0, 1)
