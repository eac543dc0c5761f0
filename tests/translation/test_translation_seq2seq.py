"""Translation models: each family told its languages as it wants; batches and kills change nothing."""

import json
import shutil
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import ExponentialDecayLengthPenalty

from polyvalues.config.translation import Seq2SeqSpec
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.data.pairs import make_pairs
from polyvalues.errors import ModelError, ModelLoadError
from polyvalues.languages.flores import flores_code
from polyvalues.storage.journal import Journal
from polyvalues.storage.store import Store
from polyvalues.translation.backends.base import Backend
from polyvalues.translation.backends.seq2seq import Seq2SeqBackend, load_seq2seq
from polyvalues.translation.pair_translation import Wanted, translate
from tiny_translators import ENDING, LANGUAGES, write_translator

TEXTS = ("It was kind of her.", "No.", "She told her neighbour the truth about the window.", "公平地分享。", "A b c")


def load(folder: Path, scheme: str, **settings: Any) -> Seq2SeqBackend:
    if not folder.exists():
        write_translator(folder, scheme)
    return load_seq2seq(
        Seq2SeqSpec(**{"model": str(folder), "device": "cpu", "max_new_tokens": 24, "beams": 1, **settings}),
        flores_code,
    )


def requests(texts: tuple[str, ...] = TEXTS) -> list[tuple[str, ...]]:
    return [(text,) for text in texts]


@pytest.mark.parametrize("scheme", LANGUAGES)
def test_each_family_is_told_its_languages(tmp_path: Path, scheme: str) -> None:
    backend = load(tmp_path / "model", scheme)
    assert isinstance(backend, Backend)
    assert backend.scheme == scheme
    tokens = backend.tokenizer.convert_ids_to_tokens(backend._ids("A", "en", "sw"))
    first = {"tag": "<2sw>", "opus": ">>swh<<", "none": "A"}.get(
        scheme, LANGUAGES[scheme][0] if LANGUAGES[scheme] else ""
    )
    assert tokens[0] == first
    assert tokens[-1] == "</s>"
    found = {target: backend.translate(requests(), "en", target) for target in ("fr", "sw")}
    assert (found["fr"] == found["sw"]) == (scheme == "none")
    assert not any(code in str(found) for code in LANGUAGES[scheme])


@pytest.mark.parametrize("scheme", LANGUAGES)
def test_greedy_is_the_likeliest_next_token_one_after_the_other(tmp_path: Path, scheme: str) -> None:
    backend = load(tmp_path / "model", scheme)
    model, tokenizer = backend.model, backend.tokenizer
    forced = None if scheme in ("tag", "opus", "none") else tokenizer.convert_tokens_to_ids(backend.code("fr"))
    ending = ExponentialDecayLengthPenalty(ENDING, tokenizer.eos_token_id, 1)
    expected = []
    with torch.inference_mode():
        for text in TEXTS:
            ids = torch.tensor([backend._ids(text, "en", "fr")])
            made = [model.config.decoder_start_token_id]
            for step in range(24):
                logits = model(input_ids=ids, decoder_input_ids=torch.tensor([made]), use_cache=False).logits[:, -1]
                likeliest = int(ending(torch.tensor([made]), logits).argmax())
                made.append(forced if step == 0 and forced is not None else likeliest)
                if made[-1] == tokenizer.eos_token_id:
                    break
            said = tokenizer.decode([token for token in made if token != forced], skip_special_tokens=True).strip()
            expected.append((said,) if said else None)
    assert backend.translate(requests(), "en", "fr") == expected
    assert len(set(expected)) >= 3
    assert backend.notes == []


@pytest.mark.parametrize("scheme", [name for name in LANGUAGES if name != "tag"])  # whose random model may say nothing
def test_a_translation_that_is_cut_short_is_none(tmp_path: Path, scheme: str) -> None:
    """Some families force an end on the last token, so that a cut translation looks like a whole one."""
    whole = load(tmp_path / "model", scheme).translate(requests(), "en", "fr")
    for tokens in (5, 8, 11):
        backend = load(tmp_path / "model", scheme, max_new_tokens=tokens)
        found = backend.translate(requests(), "en", "fr")
        cut = sum(one is None for one in found)
        assert all(one in (None, text) for one, text in zip(found, whole, strict=True))
        noted = [f"fr: {cut} texts are not at their end after {tokens} tokens"] if cut else []
        assert backend.notes == noted
        assert cut > 0 or tokens == 11
    assert None not in whole


@pytest.mark.parametrize("scheme", ["flores", "mbart", "none"])
def test_positions_of_the_model_bound_what_it_reads_and_writes(tmp_path: Path, scheme: str) -> None:
    """The tiny models have 128 positions, fewer than the settings ask for."""
    write_translator(tmp_path / "model", scheme)
    path = tmp_path / "model/generation_config.json"
    endless = json.loads(path.read_text(encoding="utf-8")) | {"exponential_decay_length_penalty": None}
    path.write_text(json.dumps(endless | {"suppress_tokens": [1]}), encoding="utf-8")
    backend = load(tmp_path / "model", scheme, max_source_tokens=512, max_new_tokens=512)
    assert backend.translate(requests(("A b c", "A b c " * 60)), "en", "fr") == [None, None]
    assert backend.notes == [
        "fr: 1 texts are not at their end after 128 tokens", "fr: 1 texts have more than 128 tokens"
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["flores", "tag"])
def test_batches_and_beams_do_not_depend_on_each_other(tmp_path: Path, scheme: str) -> None:
    backend = load(tmp_path / "model", scheme, beams=3)
    together = backend.translate(requests(), "en", "fr")
    assert together == [backend.translate([one], "en", "fr")[0] for one in requests()]
    assert together != load(tmp_path / "model", scheme, beams=1).translate(requests(), "en", "fr")


def test_batches_keep_the_budget_and_hold_every_text_once(tmp_path: Path) -> None:
    backend = load(tmp_path / "model", "flores", batch_tokens=80, beams=2)
    batches = backend.plan(requests(), "en", "fr")
    assert sorted(row for batch in batches for row in batch) == list(range(len(TEXTS)))
    lengths = [len(backend._ids(text, "en", "fr")) for text in TEXTS]
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) * 2 <= 80
    assert backend.plan(requests()[::-1], "en", "fr") != batches
    longest = [max(lengths[row] for row in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)


def test_texts_that_are_too_long_are_not_translated(tmp_path: Path) -> None:
    backend = load(tmp_path / "model", "flores", max_source_tokens=20)
    found = backend.translate(requests(), "en", "fr")
    assert [one is None for one in found] == [len(backend._ids(text, "en", "fr")) > 20 for text in TEXTS]
    assert 0 < sum(one is None for one in found) < len(found)
    assert backend.translate(requests(("It was kind of her. " * 9,)), "en", "fr") == [None]


def test_memory_that_does_not_suffice_halves_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load(tmp_path / "model", "flores")
    expected = backend.translate(requests(), "en", "fr")
    generate, sizes = backend.model.generate, []
    held: list[weakref.ref[torch.Tensor]] = []

    def small(**given: Any) -> Any:
        assert all(states() is None for states in held), "a pass that failed still holds its memory"
        sizes.append(len(given["input_ids"]))
        if len(given["input_ids"]) > limit:
            states = torch.zeros(1)
            held.append(weakref.ref(states))
            raise torch.OutOfMemoryError("full")
        return generate(**given)

    monkeypatch.setattr(backend.model, "generate", small)
    limit = 2
    assert backend.translate(requests(), "en", "fr") == expected
    assert max(sizes) == 5
    limit = 0
    with pytest.raises(ModelError, match="one text of"):
        backend.translate(requests(), "en", "fr")


def test_a_language_the_model_does_not_have_is_an_error(tmp_path: Path) -> None:
    for scheme in ("flores", "m2m", "mbart", "tag", "opus"):
        with pytest.raises(ModelError, match="no token for language 'fi'"):
            load(tmp_path / scheme, scheme).plan(requests(), "fi", "fi")


@pytest.mark.parametrize("scheme", ["m2m", "mbart", "opus"])
def test_another_script_is_another_language(tmp_path: Path, scheme: str) -> None:
    backend = load(tmp_path / "model", scheme)
    assert backend.code("zh") == backend.code("zh-Hans") == LANGUAGES[scheme][3]
    with pytest.raises(ModelError, match="no token for language 'zh-Hant'"):
        backend.code("zh-Hant")


def test_settings_are_what_a_translation_depends_on(tmp_path: Path) -> None:
    plain = load(tmp_path / "model", "flores").settings
    assert plain["scheme"] == "flores"
    assert load(tmp_path / "model", "flores", batch_tokens=7).settings == plain
    assert load(tmp_path / "model", "flores", beams=2).settings != plain
    shutil.copytree(tmp_path / "model", tmp_path / "moved")
    assert load(tmp_path / "moved", "flores").settings == plain
    assert load_seq2seq(load(tmp_path / "moved", "flores").spec, flores_code).settings == plain
    write_translator(tmp_path / "other", "flores", seed=1)
    assert load(tmp_path / "other", "flores").settings != plain
    habits = json.loads((tmp_path / "moved/generation_config.json").read_text(encoding="utf-8"))
    (tmp_path / "moved/generation_config.json").write_text(
        json.dumps(habits | {"length_penalty": 2.0}), encoding="utf-8"
    )
    assert load(tmp_path / "moved", "flores").settings != plain


def test_what_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="no such folder"):
        load_seq2seq(Seq2SeqSpec(model=str(tmp_path / "none"), device="cpu"), flores_code)
    folder = write_translator(tmp_path / "causal", "flores")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "llama"}), encoding="utf-8")
    with pytest.raises(ModelLoadError, match="sequence-to-sequence"):
        load(folder, "flores")
    deeper = write_translator(tmp_path / "deeper", "flores")
    (deeper / "config.json").write_text(json.dumps(config | {"decoder_layers": 3}), encoding="utf-8")
    with pytest.raises(ModelLoadError, match="not in the checkpoint"):
        load(deeper, "flores")


def test_a_killed_run_of_a_model_ends_with_the_same_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    common = {"concept": "morality", "language": "en"}
    rows = [
        common | {"item": f"i{at}", "positive": f"{text} ({at})", "negative": f"Not {text}"}
        for at, text in enumerate(TEXTS)
    ]
    pairs, wanted = make_pairs(rows), Wanted("en", ("fr", "sw"))
    backend = load(tmp_path / "model", "flores", batch_tokens=120)
    whole = translate(pairs, wanted, backend, Journal(Store(tmp_path / "whole"), "memory.jsonl"))
    generate, calls = backend.model.generate, [0]

    def killed(**given: Any) -> Any:
        calls[0] += 1
        if calls[0] == 4:
            raise KeyboardInterrupt
        return generate(**given)

    with monkeypatch.context() as patch:
        patch.setattr(backend.model, "generate", killed)
        with pytest.raises(KeyboardInterrupt):
            translate(pairs, wanted, backend, Journal(Store(tmp_path / "killed"), "memory.jsonl"))
    memory = Journal(Store(tmp_path / "killed"), "memory.jsonl")
    assert 0 < len(memory) < whole.asked
    done = translate(pairs, wanted, backend, memory)
    assert done.pairs.table.equals(whole.pairs.table)
    assert done.known + done.asked == whole.asked
    assert done.known > 0
    names = [{path.name: path.read_bytes() for path in (tmp_path / run).iterdir()} for run in ("whole", "killed")]
    assert names[0] == names[1]


def test_every_language_of_mosaic_has_a_code() -> None:
    codes = {tag: flores_code(tag) for tag in MOSAIC_LANGUAGES}
    assert None not in codes.values()
    assert (codes["zh"], codes["ko"], codes["sw"], codes["ny"]) == ("zho_Hans", "kor_Hang", "swh_Latn", "nya_Latn")
