"""Every knob is turned: what depends on it gets another key and is made again, what does not keeps its own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import safetensors.torch
import torch

from line_examples import GLOSS, NOUNS, WORDS
from polyvalues.config import ControlSpec, GenerationSpec, StudySpec, build
from polyvalues.data.perturbations import degrade
from polyvalues.data.text_table import text_table
from polyvalues.errors import SpecError
from polyvalues.experiments.divergence import find_divergence
from polyvalues.experiments.steering.directions import Directions
from polyvalues.experiments.steering.generation_rows import Maker
from polyvalues.experiments.steering.run import answers_provenance
from polyvalues.models.model_handle import load_model
from polyvalues.storage.store import Store
from polyvalues.study.cache_dependencies import pairs_provenance
from polyvalues.study.followup_results import DIVERGENCE, is_current
from polyvalues.study.pipeline import Line
from polyvalues.study.run import prepare_pairs, run_study
from polyvalues.study.vectors_to_steer import check_prompt
from tiny_models import edit_config, tiny_tokenizer, write_tiny_model

CHAT = "{{ '<s>' + messages[0].content }}{% if add_generation_prompt %} A ({{ strftime_now('%F') }}):{% endif %}"
LINE = {
    "moments",
    "activations",
    "vectors",
    "replicates",
    "scores",
    "findings",
    "norms",
    "rounding",
    "damaged",
    "control",
}
STATES = LINE - {"norms"}
"""What follows from the states of the study's own texts."""
FITTED = {"vectors", "replicates", "scores", "findings", "damaged", "rounding"}


def write_pairs(path: Path) -> None:
    """24 items in two languages, two to a group."""
    names = [(a, b) for a in NOUNS for b in NOUNS if a != b][:24]
    rows = []
    for language in ("en", "fi"):
        for at, pair in enumerate(names):
            a, b = (GLOSS[language][noun] for noun in pair)
            texts = {
                side: text.format(a, b) for side, text in zip(("positive", "negative"), WORDS[language], strict=True)
            }
            rows.append({"concept": "care", "language": language, "item": str(at), "group": f"g{at // 2}"} | texts)
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("knobs")
    write_tiny_model(home / "model", tokenizer=tiny_tokenizer("bos", chat_template=CHAT))
    write_pairs(home / "pairs.jsonl")
    return home


def spec_of(home: Path, **changes: Any) -> StudySpec:
    base: dict[str, Any] = {
        "model": {"id": str(home / "model"), "template": "chat", "device": "cpu"},
        "pairs": [{"reader": "table", "path": str(home / "pairs.jsonl")}],
        "out": str(home / "study"),
        "split": {"mode": "split", "folds": 3, "fit": 0.5, "select": 0.2},
        "vectors": {"control_draws": 2, "half_splits": 2},
        "statistics": {"draws": 20},
    }
    merged = dict(base)
    for name, value in changes.items():
        merged[name] = {**base[name], **value} if isinstance(base.get(name), dict) else value
    return build(StudySpec, merged)


def keys(spec: StudySpec, answers: GenerationSpec | None = None) -> dict[str, str]:
    """The keys of one artefact of every kind; nothing is read by the model."""
    pairs = prepare_pairs(spec)
    handle = load_model(spec.model, head=True)
    line = Line(spec, Store(Path(spec.out)), handle, pairs)
    damaged = text_table(degrade(pairs, "drop", 0.5, 0), "care", "fi", ("test",))
    control = ControlSpec(concept="care", generation=answers or GenerationSpec())
    seed = int(line.depends.vectors("care").key[:8], 16)  # other vectors, other numbers
    whole = np.random.default_rng(seed).normal(size=(1, 1, handle.hidden)).astype(np.float32)
    directions = Directions("care", ("en",), (0,), whole, whole[:, None][:, :0], flipped=False)
    made = {
        "pairs": pairs_provenance(spec, pairs),
        "moments": line.depends.fitting("care", "fi"),
        "activations": line.depends.activations("care", "fi", "fit"),
        "vectors": line.depends.vectors("care"),
        "replicates": line.depends.replicates("care"),
        "scores": line.depends.scores("care", "en"),
        "findings": line.depends.findings(),
        "norms": line.depends.norms(["It rains."]),
        "rounding": line.depends.rounding(["It rains."]),
        "damaged": line.depends.damaged(damaged),
        "control": answers_provenance(Maker(handle, directions, {}, control)),
    }
    return {name: provenance.key for name, provenance in made.items()}


@pytest.fixture(scope="module")
def plain(home: Path) -> dict[str, str]:
    return keys(spec_of(home))


SETTINGS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"out": "elsewhere"}, set()),
    ({"model": {"template": "raw"}}, LINE),
    ({"model": {"template": "Q: {input}"}}, LINE),
    ({"model": {"today": "2031-03-05"}}, LINE),
    ({"model": {"dtype": "bfloat16"}}, LINE),
    ({"reading": {"position": "mean"}}, STATES),
    ({"reading": {"batch_tokens": 64}}, STATES),
    ({"reading": {"packing": "off"}}, STATES),
    ({"reading": {"layers": [0, 2]}}, STATES),
    ({"reading": {"store_dtype": "float16"}}, {"activations"}),
    ({"reading": {"keep_activations": True}}, FITTED | {"moments", "control"}),
    ({"split": {"folds": 4}}, {"pairs"} | STATES - {"activations"}),  # the same texts, dealt into other folds
    ({"split": {"salt": "x"}}, {"pairs"} | STATES),
    ({"vectors": {"seed": 1}}, STATES - {"activations"}),
    ({"vectors": {"control_draws": 3}}, STATES - {"activations"}),
    ({"vectors": {"estimator": "lda"}}, STATES - {"activations"}),
    ({"vectors": {"half_splits": 3}}, {"replicates", "findings"}),
    ({"statistics": {"draws": 30}}, {"findings"}),
    ({"statistics": {"seed": 1}}, {"findings"}),
    ({"check": {"max_characters": 7000}}, {"pairs"}),
]


@pytest.mark.parametrize(
    ("change", "redone"), SETTINGS, ids=lambda value: json.dumps(value) if isinstance(value, dict) else ""
)
def test_a_setting_reaches_what_depends_on_it(
    home: Path, plain: dict[str, str], change: dict[str, Any], redone: set[str]
) -> None:
    found = keys(spec_of(home, **change))
    assert {name for name in found if found[name] != plain[name]} == redone


def one_value(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    name = sorted(name for name in tensors if "layers.1" in name and "up_proj" in name)[0]
    tensors[name][7, 3] += 1e-3
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})


def chat(folder: Path) -> None:
    tokenizer = tiny_tokenizer("bos", chat_template=CHAT.replace(" A (", " B ("))
    tokenizer.save_pretrained(folder)


def tokenizer_file(folder: Path) -> None:
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["normalizer"] = {"type": "Lowercase"}
    path.write_text(json.dumps(content), encoding="utf-8")


def special(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"eos_token": "<pad>"}), encoding="utf-8")


def layout(folder: Path) -> None:
    """The same tokenizer, written in another way."""
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=3), encoding="utf-8")
    edit_config(folder, transformers_version="4.0.0")


def ends(folder: Path) -> None:
    path = folder / "generation_config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"eos_token_id": [1, 2]}), encoding="utf-8")


def habits(folder: Path) -> None:
    path = folder / "generation_config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"do_sample": True, "temperature": 0.3}), encoding="utf-8")


MODELS: list[tuple[Callable[[Path], None], set[str]]] = [
    (one_value, LINE),
    (lambda folder: edit_config(folder, rms_norm_eps=1e-4), LINE),
    (chat, LINE),
    (tokenizer_file, LINE),
    (special, LINE),
    (ends, {"control"}),
    (habits, set()),
    (layout, set()),
]


@pytest.mark.parametrize(("edit", "redone"), MODELS)
def test_a_change_of_the_model_reaches_what_depends_on_it(
    home: Path, tmp_path: Path, plain: dict[str, str], edit: Callable[[Path], None], redone: set[str]
) -> None:
    edit(shutil.copytree(home / "model", tmp_path / "model"))
    found = keys(spec_of(home, model={"id": str(tmp_path / "model")}))
    assert {name for name in found if found[name] != plain[name]} == redone


def test_an_edited_text_reaches_what_depends_on_it(home: Path, tmp_path: Path, plain: dict[str, str]) -> None:
    """A text to fit on in one language, one to test on, and one that is dropped."""
    table = prepare_pairs(spec_of(home)).table.to_pylist()
    rows = [json.loads(line) for line in (home / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    found = {}
    for split in ("fit", "test"):
        item = next(row["item"] for row in table if row["split"] == split)
        edited = [dict(row) for row in rows]
        next(row for row in edited if (row["item"], row["language"]) == (item, "en"))["positive"] += " Yes."
        found[split] = edited
    found["dropped"] = [*rows, rows[0] | {"item": "none", "group": "none", "negative": ""}]
    # the coins of a group's translations come from its first text, so their sums are made again as well
    expected = {
        "fit": {"pairs", "moments", "control", *FITTED},
        "test": {"pairs", "scores", "findings"},
        "dropped": {"pairs"},
    }
    path = tmp_path / "pairs.jsonl"
    for split, edited in found.items():
        path.write_text("\n".join(json.dumps(row) for row in edited), encoding="utf-8")
        # the file's own name is a setting of the pairs
        now = keys(spec_of(home, pairs=[{"reader": "table", "path": str(path)}]))
        assert {name for name in now if now[name] != plain[name]} == expected[split], split


@pytest.mark.parametrize(
    "change", [{"max_new_tokens": 4}, {"temperature": 0.5}, {"seed": 1}, {"template": "raw"}], ids=json.dumps
)
def test_how_answers_are_made_reaches_answers_alone(home: Path, plain: dict[str, str], change: dict[str, Any]) -> None:
    found = keys(spec_of(home), build(GenerationSpec, change))
    assert {name for name in found if found[name] != plain[name]} == {"control"}


def test_a_version_reaches_its_kind_and_what_is_made_from_it(
    home: Path, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from polyvalues.storage import store

    for kind, redone in (
        ("moments", FITTED | {"moments", "control"}),
        ("vectors", FITTED | {"control"}),
        ("replicates", {"replicates", "findings"}),
        ("scores", {"scores", "findings"}),
        ("findings", {"findings"}),
        ("norms", {"norms", "rounding"}),
        ("rounding", {"rounding"}),
    ):
        monkeypatch.setattr(store, "VERSIONS", {**store.VERSIONS, kind: 99})
        found = keys(spec_of(home))
        assert {name for name in found if found[name] != plain[name]} == redone, kind
        monkeypatch.undo()


def test_files_follow_their_keys(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real runs in one folder: what is written anew is what the keys say, and equals what a fresh folder gets."""
    monkeypatch.setattr("polyvalues.study.run.publish", lambda *_: ())
    model = shutil.copytree(home / "model", tmp_path / "model")

    def run(out: str, **changes: Any) -> dict[str, bytes]:
        run_study(spec_of(home, model={"id": str(model)}, out=str(tmp_path / out), **changes))
        files = (
            path for path in (tmp_path / out).rglob("*") if path.is_file() and path.suffix in (".nc", ".safetensors")
        )
        return {str(path.relative_to(tmp_path / out)): path.read_bytes() for path in files}

    def folders(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
        return {name.split("/")[0] for name in after if before.get(name) != after[name]}

    first = run("study")
    assert run("study") == first
    assert folders(first, run("study", statistics={"draws": 25})) == {"findings"}
    run("study")
    chat(model)
    second = run("study")
    assert folders(first, second) == {"moments", "vectors", "scores", "findings"}
    assert {name for name in second if second[name] == first.get(name)} == set()
    assert run("fresh") == second


def test_the_day_is_in_the_record(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polyvalues.study.run.publish", lambda *_: ())
    run_study(spec_of(home, out=str(tmp_path), reading={"layers": [1]}, model={"today": "2031-03-05"}))
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert record["model"]["day in the template"] == "2031-03-05"
    assert record["spec"]["model"]["today"] == "2031-03-05"
    assert len(record["model"]["prompt"]) == 16
    assert 'today = "2031-03-05"' in (tmp_path / "study.toml").read_text(encoding="utf-8")


def test_weights_are_all_looked_at() -> None:
    from polyvalues.models.fingerprint import fingerprint
    from tiny_models import tiny_model

    model = tiny_model("llama").model
    before = fingerprint(model, [1])
    for _, parameter in model.named_parameters():
        place = parameter.numel() // 3
        kept = float(parameter.detach().reshape(-1)[place])
        with torch.no_grad():
            parameter.view(-1)[place] += 1e-3
            assert fingerprint(model, [1]) != before
            parameter.view(-1)[place] = kept
    assert fingerprint(model, [1]) == before


def test_what_was_asked_of_an_earlier_state_is_left_out(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("polyvalues.study.run.publish", lambda *_: ())
    monkeypatch.setattr("polyvalues.experiments.translation_quality.republish", lambda *_: ())
    study = run_study(spec_of(home, out=str(tmp_path), reading={"layers": [1]}))
    find_divergence(study)
    assert is_current(study.store, DIVERGENCE, pa.Table)
    run_study(spec_of(home, out=str(tmp_path), reading={"layers": [2]}))
    assert not is_current(study.store, DIVERGENCE, pa.Table)
    assert DIVERGENCE in caplog.text
    changed = load_model(spec_of(home, model={"template": "raw"}).model)
    check_prompt(study, load_model(study.spec.model))
    with pytest.raises(SpecError):
        check_prompt(study, changed)
